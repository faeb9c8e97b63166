import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writesSeen } from '../support/directory.ts';
import { FEW_PEOPLE, fewAccounts, halfMatched, initFlags } from '../support/half-matched.ts';
import { Folder, PROGRAM, type Done } from '../support/rollcall.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

let slapd: Slapd;
let people: Folder;
beforeAll(async () => {
  slapd = await startSlapd();
  people = new Folder();
  await halfMatched(slapd, people, slapd.people);
});
afterAll(async () => {
  people[Symbol.dispose]();
  await slapd.stop();
});

/** A folder with the same file and password, and nothing else. */
function folderOf(csv?: string | Uint8Array): Folder {
  const folder = new Folder({ password: `${slapd.adminPassword}\n` });
  folder.write('people.csv', csv ?? Buffer.from(people.read('people.csv'), 'utf8'));
  return folder;
}

const init = (folder: Folder, ...more: string[]): Promise<Done> =>
  folder.run('init', 'DIR', ...initFlags(slapd, folder), ...more);

interface Written {
  readonly kind: string;
  readonly spec: {
    readonly mode?: string;
    readonly correlate?: readonly Record<string, string>[];
    readonly attributes?: readonly Record<string, unknown>[];
    readonly csv?: Record<string, string>;
    readonly access?: string;
    readonly objects?: readonly Record<string, unknown>[];
  };
}

function written(folder: Folder, file: string): Written[] {
  return parseAllDocuments(folder.read(file)).map((one) => one.toJS() as Written);
}

describe('init proposes what both sides hold', () => {
  it('finds dialect, id, what matches, what goes where, and how accounts are named', async () => {
    await slapd.forget();
    const before = people.read('people.csv');
    const done = await init(people);
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(people.read('people.csv')).toBe(before);
    expect(await writesSeen(slapd)).toEqual([]);
    const [hr, directory] = written(people, 'systems.yaml');
    expect(hr?.spec.csv).toEqual({ delimiter: ';', encoding: 'Windows-1252' });
    expect(hr?.spec.objects).toMatchObject([{ id: 'Personalnummer', csv: { path: 'people.csv' } }]);
    expect(directory?.spec).toMatchObject({
      access: 'ReadOnly',
      objects: [
        {
          id: 'entryUUID',
          ldap: {
            base: slapd.people,
            filter: '(objectClass=inetOrgPerson)',
            objectClasses: ['top', 'person', 'organizationalPerson', 'inetOrgPerson'],
          },
        },
      ],
    });
    const [mapping] = written(people, 'mappings.yaml');
    expect(mapping?.spec.mode).toBe('Observe');
    expect(mapping?.spec.correlate).toEqual([
      { source: 'Personalnummer', target: 'employeeNumber' },
      { source: 'E-Mail', target: 'mail' },
    ]);
    const [name, ...attributes] = mapping?.spec.attributes ?? [];
    expect(name).toEqual({
      target: 'dn',
      rdn: { attribute: 'uid', expression: "source['E-Mail'].extract('^[^@]+').lower()" },
      parent: `'${slapd.people}'`,
      on: ['Create'],
    });
    expect(
      Object.fromEntries(attributes.map((one) => [one['target'], one['from'] ?? one['expression']])),
    ).toEqual({
      employeeNumber: 'Personalnummer',
      mail: 'E-Mail',
      givenName: 'Vorname',
      sn: 'Nachname',
      telephoneNumber: 'Telefon',
      departmentNumber: 'Abteilung',
      title: 'Stellenbezeichnung',
      l: 'Ort',
      cn: "source.Vorname + ' ' + source.Nachname",
    });
    expect(done.stdout).toContain("lines 5, 292 have the same 'Personalnummer'");
    expect(done.stdout).toContain('40 without an account, 250 accounts of nobody');
    expect(await people.run('validate', 'DIR')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('keeps the password in secrets.yaml alone, for its owner, and out of Git', async () => {
    expect(statSync(join(people.path, 'secrets.yaml')).mode & 0o777).toBe(0o600);
    expect(people.read('secrets.yaml')).toContain(slapd.adminPassword);
    expect(people.read('.gitignore').split('\n')).toContain('secrets.yaml');
    for (const file of ['systems.yaml', 'mappings.yaml', 'policy.yaml'])
      expect(people.read(file)).not.toContain(slapd.adminPassword);
  });

  it('overwrites nothing', async () => {
    const before = people.read('mappings.yaml');
    const done = await init(people);
    expect(done).toMatchObject({ exitCode: 3, stdout: '' });
    expect(done.stderr).toContain('has systems.yaml, mappings.yaml, policy.yaml, secrets.yaml already');
    expect(people.read('mappings.yaml')).toBe(before);
  });

  it('proposes no rule that numbers suggest by chance', async () => {
    const rows = Array.from({ length: 60 }, (_, at) => `${10_001 + at},Some${at},Body${at}`).join('\n');
    using folder = folderOf(`Nr,Vorname,Nachname\n${rows}\n`);
    const done = await init(folder);
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toContain('nobody can be matched');
    expect(written(folder, 'mappings.yaml')[0]?.spec.correlate).toEqual([]);
  });

  it('takes an address rather than a name that few people happen to share with nobody', async () => {
    const unit = `ou=few,${slapd.suffix}`;
    await slapd.run('ldapadd', [], fewAccounts(unit));
    using folder = folderOf(FEW_PEOPLE);
    expect((await init(folder, '--base', unit)).exitCode).toBe(0);
    const mail = { source: 'E-Mail', target: 'mail' };
    expect(written(folder, 'mappings.yaml')[0]?.spec.correlate).toEqual([mail]);
    await slapd.run('ldapdelete', ['-r', unit]);
  });

  it('says what new accounts must have and no column holds', async () => {
    using folder = folderOf(
      'id,mail\nx1,anna.gross@example.org\nx2,max.gross@example.org\nx3,ulf.gross@example.org\n',
    );
    const done = await init(folder);
    expect(done.stdout).toContain('new accounts need sn, cn as well');
    expect(folder.read('mappings.yaml')).toContain('# - { target: sn, value: "…" }');
    expect((await folder.run('validate', 'DIR')).exitCode).toBe(0);
  });
});

describe('init refuses what it cannot work with, and writes nothing', () => {
  const ONE = 'id,name\n1,Ann\n2,Ben\n';
  it.each([
    { what: 'an empty file', csv: '', says: 'it is empty, a header is needed' },
    { what: 'a header alone', csv: 'id;name\n', says: 'a header and no rows' },
    { what: 'no delimiter', csv: 'name\nAnn\nBen\n', says: 'say which one does with --delimiter' },
    { what: 'a column twice', csv: 'id,name,name\n1,a,b\n', says: "has the column 'name' twice" },
    { what: 'no unique column', csv: 'a,b\nx,y\nx,y\nx,y\nx,y\n', says: 'no column tells the rows apart' },
    { what: 'octets', csv: Buffer.from([0, 1, 2, 3, 44, 10, 0, 0]), says: 'is no text; save it as UTF-8' },
    {
      what: 'an unknown id',
      csv: ONE,
      more: ['--id', 'nr'],
      says: "no column 'nr' for --id; there is 'id', 'name'",
    },
    {
      what: 'a wrong password',
      csv: ONE,
      more: ['--password-file', 'DIR/people.csv'],
      says: 'invalidCredentials',
      exitCode: 1,
    },
    {
      what: 'a server that is not there',
      csv: ONE,
      more: ['--ldap', 'ldap://127.0.0.1:1'],
      says: '127.0.0.1:1',
      exitCode: 1,
    },
    {
      what: 'a base that is not there',
      csv: ONE,
      more: ['--base', 'ou=nowhere,dc=example,dc=org'],
      says: 'noSuchObject',
      exitCode: 1,
    },
    { what: 'a filter that is none', csv: ONE, more: ['--filter', '(uid='], says: 'filter', exitCode: 1 },
    {
      what: 'nobody who fits',
      csv: ONE,
      more: ['--filter', '(uid=nobody)'],
      says: 'so there is nothing to go by',
    },
    {
      what: 'TLS that the URL excludes',
      csv: ONE,
      more: ['--tls', 'LDAPS'],
      says: 'needs a URL that begins with ldaps://',
    },
    {
      what: 'an authority that is none',
      csv: ONE,
      more: ['--ca', 'DIR/people.csv', '--tls', 'StartTLS'],
      says: 'no certificate in PEM',
    },
    {
      what: 'a password file that is not there',
      csv: ONE,
      more: ['--password-file', 'nowhere'],
      says: '--password-file nowhere cannot be read (ENOENT)',
    },
    { what: 'another file', csv: ONE, more: ['--csv', 'README.md'], says: 'is not in' },
  ])('$what: $says', async ({ csv, more = [], says, exitCode = 3 }) => {
    using folder = folderOf(csv);
    const words = more.map((word) => word.replace('DIR', folder.path));
    const done = await init(folder, ...words);
    expect(done.stderr).toContain(says);
    expect(done.stderr).not.toMatch(/\n\s+at /);
    expect(done.stderr + done.stdout).not.toContain(slapd.adminPassword);
    expect(done.exitCode).toBe(exitCode);
    expect(readdirSync(folder.path).toSorted()).toEqual(['password', 'people.csv']);
  });

  it('without a terminal it lists the flags that are missing', async () => {
    using folder = folderOf(ONE);
    const done = await folder.run('init', 'DIR', '--base', 'dc=example,dc=org');
    expect(done.exitCode).toBe(3);
    for (const flag of ['--csv FILE', '--ldap URL', '--bind-dn DN (or --anonymous)', '--password-file FILE'])
      expect(done.stderr).toContain(flag);
  });
});

describe('over TLS', () => {
  it('the authority goes into a ConfigMap, and the manifests work with it', async () => {
    using folder = folderOf();
    folder.write('authority.pem', slapd.ca);
    const ca = ['--ca', join(folder.path, 'authority.pem')];
    expect((await init(folder, '--ldap', slapd.ldapsUrl, '--tls', 'LDAPS', ...ca)).stderr).toBe('');
    expect((await folder.run('plan', 'DIR')).stdout).toContain('Unassigned');
  });

  it('plain text has to be asked for', async () => {
    using folder = folderOf();
    const flags = initFlags(slapd, folder).filter((word) => word !== '--tls' && word !== 'Disabled');
    const done = await folder.run('init', 'DIR', ...flags);
    expect(done.stderr).toContain('--tls Disabled does without, in the clear');
    expect(done.exitCode).toBe(1);
  });
});

describe('on a terminal', () => {
  it('asks what no flag says, and does not show the password', async () => {
    using folder = folderOf();
    const answers = [
      ['CSV file of people: ', join(folder.path, 'people.csv')],
      ['LDAP server [ldaps://localhost]: ', slapd.url],
      ['the password with it [StartTLS]: ', 'Disabled'],
      ['DN that Rollcall binds as: ', slapd.adminDn],
      ['Its password: ', slapd.adminPassword],
      ['Base DN of the accounts [dc=example,dc=org]: ', ''],
    ] as const;
    const { shown, exitCode } = await typed(['init', folder.path], answers);
    expect(shown).toContain('Wrote systems.yaml');
    expect(shown).not.toContain(slapd.adminPassword);
    expect(exitCode).toBe(0);
    expect(folder.read('secrets.yaml')).toContain(slapd.adminPassword);
  });

  it('ends without a trace when the answers end', async () => {
    using folder = folderOf();
    const { shown, exitCode } = await typed(['init', folder.path], [['CSV file of people: ', '\u0003']]);
    expect(shown).toContain('nothing was written');
    expect(exitCode).toBe(130);
    expect(existsSync(join(folder.path, 'systems.yaml'))).toBe(false);
  });
});

/** Answers each question as it is asked, on a terminal of its own. */
async function typed(
  words: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<{ shown: string; exitCode: number }> {
  const command = [process.execPath, PROGRAM, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let from = 0;
  const open = [...answers];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    const [next] = open;
    const at = next ? shown.indexOf(next[0], from) : -1;
    if (!next || at === -1) return;
    from = at + next[0].length;
    open.shift();
    setTimeout(() => child.stdin.write(next[1] === '\u0003' ? next[1] : `${next[1]}\r`), 100);
  });
  const exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  return { shown, exitCode };
}
