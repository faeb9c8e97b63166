/** A company of a hundred people, its file, its directory, and a policy that withdraws whatever it is allowed to. */
import { randomBytes } from 'node:crypto';
import { carriedOut } from './slapd-log.ts';
import { Folder, header, type Done, type DocumentOf, type RunOfDocument } from './rollcall.ts';
import type { Slapd } from './slapd.ts';

/** Nobody would write it so; it shows that an accident is survived even then. */
const RUTHLESS = `
    - { name: gone, situations: [SourceMissing, SourceDeleted, Unqualified], response: DeleteTarget }
    - { name: lost, situations: [Missing], response: CreateTarget }
    - { name: stray, situations: [Unassigned], response: DeleteTarget }`;

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly mail: string;
  readonly kind: string;
}

const FIRST = ['Änne', 'Björn', 'Chloé', 'Dörte', "D'Arcy", 'Ewa', 'Ferdinand', 'Güneş', 'Håkon', 'Ioana'];
const LAST = ['Müller', 'van der Berg', 'O’Neill', 'Łukasz, jr.', 'Ößner', 'Smith "Smitty"', 'Ng', 'Ñandú'];

export function person(at: number): Person {
  const id = String(1_000 + at);
  const name = `${FIRST[at % FIRST.length]} ${LAST[at % LAST.length]} ${at}`;
  return { id, name, mail: `p${id}@example.org`, kind: at % 4 === 3 ? 'contractor' : 'staff' };
}

export function people(count: number): Person[] {
  return Array.from({ length: count }, (_, at) => person(at));
}

export function csv(rows: readonly Person[]): string {
  const quote = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return ['id,name,mail,kind', ...rows.map((row) => [row.id, row.name, row.mail, row.kind].map(quote).join())]
    .map((line) => `${line}\n`)
    .join('');
}

export interface CompanyOptions {
  readonly rules?: string;
  /** Of the object of the file. */
  readonly expect?: string;
  readonly file?: string;
  /** Another way to the directory. */
  readonly url?: string;
  readonly correlate?: string;
  /** Whole mappings in place of the usual one, from `mappingOf`. */
  readonly mappings?: (company: { readonly base: string }) => string;
}

export interface MappingParts {
  readonly name: string;
  readonly where?: string;
  readonly correlate?: string;
  readonly more?: string;
}

export class Company implements Disposable {
  readonly slapd: Slapd;
  readonly folder: Folder;
  readonly base: string;

  private constructor(slapd: Slapd, base: string, options: CompanyOptions) {
    this.slapd = slapd;
    this.base = base;
    const { rules = RUTHLESS, mappings = () => mappingOf({ name: 'accounts', ...options }, base) } = options;
    const policy = `${header('SituationPolicy', 'leavers')}\nspec:\n  rules:${rules}\n`;
    this.folder = new Folder({
      'people.csv': options.file ?? csv(people(100)),
      'manifests.yaml': [systems(slapd, base, options), policy, mappings({ base })].join('---\n'),
    });
  }

  static async open(slapd: Slapd, options: CompanyOptions = {}): Promise<Company> {
    const unit = `c${randomBytes(6).toString('hex')}`;
    const base = `ou=${unit},${slapd.suffix}`;
    const entries = [base, `ou=people,${base}`, `ou=elsewhere,${base}`].map((dn) => {
      const [, name = ''] = /^ou=([^,]+)/.exec(dn) ?? [];
      return `dn: ${dn}\nobjectClass: organizationalUnit\nou: ${name}\n`;
    });
    await slapd.run('ldapadd', [], entries.join('\n'));
    return new Company(slapd, base, options);
  }

  /** The first roll call: everybody has an account. */
  async settle(): Promise<void> {
    for (const outcomes of [await this.outcomes('run'), await this.outcomes('run')])
      if (outcomes.some((one) => one !== 'Succeeded')) throw new Error(`not settled: ${outcomes.join()}`);
  }

  async outcomes(command: 'run' | 'plan'): Promise<string[]> {
    return (await this.folder.document(command)).runs.map(({ outcome }) => outcome);
  }

  document(command: 'run' | 'plan' = 'run', ...words: string[]): Promise<DocumentOf> {
    return this.folder.document(command, ...words);
  }

  /** As a person sees it. */
  look(command = 'run'): Promise<Done> {
    return this.folder.run(command, 'DIR');
  }

  /** Sorted names of the accounts, wherever they are below the base. */
  async accounts(): Promise<string[]> {
    const words = ['-LLL', '-o', 'ldif-wrap=no', '-b', this.base, '(objectClass=inetOrgPerson)', 'dn'];
    const text = await this.slapd.run('ldapsearch', words);
    return [...text.matchAll(/^dn:.*uid=(\d+)/gm)].map(([, id = '']) => id).toSorted();
  }

  /** How many of each kind of write the directory has carried out below the base since the start. */
  writes(): Readonly<Record<'ADD' | 'MOD' | 'MODRDN' | 'DEL', number>> {
    const count = (op: 'ADD' | 'MOD' | 'MODRDN' | 'DEL'): number =>
      carriedOut(this.slapd.folder, op).filter((dn) => dn.startsWith('uid=') && dn.endsWith(this.base))
        .length;
    return { ADD: count('ADD'), MOD: count('MOD'), MODRDN: count('MODRDN'), DEL: count('DEL') };
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

export function lastRunOf(document: DocumentOf, name = 'accounts'): RunOfDocument {
  const found = document.runs.findLast(({ mapping }) => mapping === `default/${name}`);
  if (!found) throw new Error(`no run of ${name}: ${JSON.stringify(document.problems)}`);
  return found;
}

export function mappingOf({ name, where, correlate, more = '' }: MappingParts, base: string): string {
  const scope = where === undefined ? '' : `, where: "${where}"`;
  return `${header('ReconMapping', name)}
spec:
  source: { systemRef: { name: hr }, object: employee${scope} }
  target: { systemRef: { name: directory }, object: account }
  policyRef: { name: leavers }
  mode: Enforce
  correlate: ${correlate ?? '[ { source: id, target: uid }, { source: mail, target: mail } ]'}
  ${more}
  attributes:
    - { target: dn, rdn: { attribute: uid, expression: source.id }, parent: "'ou=people,${base}'" }
    - { target: cn, from: name }
    - { target: sn, from: name }
    - { target: mail, from: mail }
    - { target: employeeType, from: kind }
`;
}

function systems(slapd: Slapd, base: string, { expect = '', url = slapd.url }: CompanyOptions): string {
  const classes = '[top, person, organizationalPerson, inetOrgPerson]';
  return [
    `apiVersion: v1\nkind: Secret\nmetadata: { name: bind }\nstringData: { dn: '${slapd.adminDn}', password: '${slapd.adminPassword}' }\n`,
    `${header('ManagedSystem', 'hr')}\nspec:\n  type: CSV\n  csv: {}\n  objects: [ { name: employee, type: User, id: id, csv: { path: people.csv ${expect} } } ]\n`,
    `${header('ManagedSystem', 'directory')}
spec:
  type: LDAP
  ldap: { url: '${url}', tls: { mode: Disabled }, bind: { secretRef: { name: bind } } }
  access: ReadWrite
  objects:
    - name: account
      type: User
      id: entryUUID
      ldap: { base: 'ou=people,${base}', filter: '(&(objectClass=inetOrgPerson)(!(description=hidden)))', objectClasses: ${classes} }
`,
  ].join('---\n');
}
