/** A directory of accounts that came from everywhere, and an HR file of which half of them are. Ugly on purpose. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Folder } from './rollcall.ts';
import type { Slapd } from './slapd.ts';

const GIVEN = ['Jürgen', 'Anna', 'Björn', 'Zoë', 'Max', 'Käthe', 'Ulf', 'Inga', 'Ömer', 'Paul'];
const FAMILY = ['Groß', 'Müller', 'Weiß', "O'Neil", 'Schmidt', 'Krüger', 'Lang', 'Özdemir', 'Peters', 'Voß'];
const PLAIN: Readonly<Record<string, string>> = { ü: 'ue', ö: 'oe', ä: 'ae', ß: 'ss', ë: 'e' };

const ACCOUNTS = 500;
const KNOWN = 250;
const JOINERS = 40;

const HEADER =
  'Personalnummer;Vorname;Nachname;E-Mail;Telefon;Abteilung;Stellenbezeichnung;Ort;Eintritt;Bemerkung';

interface Person {
  readonly number: number;
  readonly given: string;
  readonly family: string;
  readonly uid: string;
}

function person(at: number): Person {
  const given = GIVEN[at % 10] ?? '';
  const family = FAMILY[Math.floor(at / 10) % 10] ?? '';
  const plain = `${given}.${family}`.toLowerCase().replace(/[^a-z.]/g, (letter) => PLAIN[letter] ?? '');
  return { number: 10_000 + at, given, family, uid: at < 100 ? plain : `${plain}${at}` };
}

function ldifOf(at: number, base: string): string {
  const { number, given, family, uid } = person(at);
  const text = (name: string, value: string): string =>
    `${name}:: ${Buffer.from(value).toString('base64')}\n`;
  // A third were made before anybody kept numbers.
  const employee = at % 3 === 0 ? '' : `employeeNumber: ${number}\n`;
  return `dn: uid=${uid},${base}
objectClass: top
objectClass: person
objectClass: organizationalPerson
objectClass: inetOrgPerson
uid: ${uid}
${text('cn', `${given} ${family}`)}${text('sn', family)}${text('givenName', given)}mail: ${uid}@example.org
telephoneNumber: +49 30 ${1000 + at}
${employee}
`;
}

/** Adds the accounts to the directory and the file to the folder: semicolons, Windows-1252, quotes, empty cells, one row twice. */
export async function halfMatched(slapd: Slapd, folder: Folder, base: string): Promise<void> {
  const entries = Array.from({ length: ACCOUNTS }, (_, at) => ldifOf(at, base)).join('');
  await slapd.run('ldapadd', [], entries);
  const known = Array.from({ length: KNOWN }, (_, at) => {
    const { number, given, family, uid } = person(at);
    const phone = `+49 30 ${1000 + at + (at % 50 === 0 ? 5000 : 0)}`;
    const place = at % 7 === 0 ? '' : 'Köln';
    return `${number};${given};${family};${uid}@example.org;${phone};"Vertrieb; ""Süd""";Leiter;${place};2020-01-01;`;
  });
  const joiners = Array.from(
    { length: JOINERS },
    (_, at) => `${20_000 + at};Neu${at};Ankömmling${at};neu${at}@example.org;;IT;;Bonn;2024-01-01;€ ${at}`,
  );
  const rows = [HEADER, ...known, ...joiners, known[3] ?? ''];
  writeFileSync(join(folder.path, 'people.csv'), windows1252(`${rows.join('\r\n')}\r\n`));
  writeFileSync(join(folder.path, 'password'), `${slapd.adminPassword}\n`, { mode: 0o600 });
}

function windows1252(text: string): Buffer {
  return Buffer.from(text.replaceAll('€', '\x80'), 'latin1');
}

/** The flags that `init` needs for it. */
export function initFlags(slapd: Slapd, folder: Folder): string[] {
  const file = ['--csv', join(folder.path, 'people.csv'), '--ldap', slapd.url, '--tls', 'Disabled'];
  return [...file, '--bind-dn', slapd.adminDn, '--password-file', join(folder.path, 'password')];
}

/** So few that a given name tells them apart, as an address does. */
export const FEW_PEOPLE =
  'Nr,Vorname,E-Mail\n1,Only1,o1@example.org\n2,Only2,o2@example.org\n3,Only3,o3@example.org\n';

export function fewAccounts(unit: string): string {
  const account = (at: number): string =>
    `dn: uid=o${at},${unit}\nobjectClass: inetOrgPerson\ncn: O\nsn: O\ngivenName: Only${at}\nmail: o${at}@example.org\n`;
  return [`dn: ${unit}\nobjectClass: organizationalUnit\n`, ...[1, 2, 3].map(account)].join('\n');
}
