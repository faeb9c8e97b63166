/**
 * The cookbook from nothing to a week of changes, on a real directory: people.csv → Repository → LDAP accounts.
 * Run by `npm run quickstart`. It needs nothing but Node and slapd, which it installs where it may; it leaves a
 * folder to go on with, and stops what it started.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSlapd, type Slapd } from '../test/support/slapd.ts';

const PROGRAM = new URL('../src/main.ts', import.meta.url).pathname;
const COOKBOOK = new URL('cookbook', import.meta.url).pathname;
const INITIAL_PASSWORD = 'FooBar123';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-quickstart-'));
const people = join(folder, 'people.csv');
const policy = join(folder, 'policy.yaml');

function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs rollcall as a user would, and stops the tour where it answers otherwise than it should. */
function rollcall(words: readonly string[], expected: number): void {
  process.stdout.write(`$ rollcall ${words.join(' ')} ${folder}\n`);
  const [command = '', ...rest] = words;
  const done = spawnSync(process.execPath, [PROGRAM, command, folder, ...rest], { encoding: 'utf8' });
  process.stdout.write(done.stdout + done.stderr);
  if (done.status !== expected)
    throw new Error(`rollcall ended with ${done.status}, expected was ${expected}`);
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

async function accounts(slapd: Slapd, ...attributes: string[]): Promise<void> {
  const args = [
    '-LLL',
    '-o',
    'ldif-wrap=no',
    '-b',
    slapd.people,
    '(objectClass=inetOrgPerson)',
    ...attributes,
  ];
  process.stdout.write(`$ ldapsearch … ${attributes.join(' ')}\n${await slapd.run('ldapsearch', args)}`);
}

async function writesSince(slapd: Slapd): Promise<number> {
  const operations = await slapd.operations();
  return operations.filter(({ op }) => ['ADD', 'MOD', 'MODRDN', 'DEL'].includes(op)).length;
}

function prepare(slapd: Slapd): void {
  cpSync(COOKBOOK, folder, { recursive: true });
  edit(join(folder, 'systems.yaml'), (text) => text.replace('ldap://localhost:389', slapd.url));
  const secret = (name: string, data: Record<string, string>): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data });
  const bind = secret('directory-bind', { dn: slapd.adminDn, password: slapd.adminPassword });
  const initial = secret('initial-password', { value: INITIAL_PASSWORD });
  writeFileSync(join(folder, 'secrets.yaml'), `${bind}\n---\n${initial}\n`, { mode: 0o600 });
  const start = `#!/bin/sh\n# Starts the directory of the quickstart again; it runs until you stop it (Ctrl-C).\nPATH="$PATH:/usr/sbin" exec slapd -f '${slapd.folder}/slapd.conf' -h '${slapd.url}' -d 0\n`;
  writeFileSync(join(folder, 'start-directory.sh'), start, { mode: 0o755 });
}

async function tour(slapd: Slapd): Promise<void> {
  say('1. Three people in a file, an empty directory: the roll call makes three accounts');
  rollcall(['run'], 0);
  await accounts(slapd, 'cn', 'sn', 'mail', 'telephoneNumber');

  say('2. Again: everybody is there, nothing is written');
  await slapd.forget();
  rollcall(['run'], 0);
  process.stdout.write(`writes that the directory saw: ${await writesSince(slapd)}\n`);
  if ((await writesSince(slapd)) > 0) throw new Error('the second run has written');

  say(
    '3. John Doe marries and becomes John Stark: the account is renamed, and stays the same entry (entryUUID)',
  );
  await accounts(slapd, 'entryUUID');
  edit(people, (text) => text.replace('456,John,Doe', '456,John,Stark'));
  rollcall(['run'], 0);
  await accounts(slapd, 'entryUUID');

  say('4. Jane leaves, her row is gone: reported, and nothing is deleted');
  const everybody = readFileSync(people, 'utf8');
  edit(people, (text) => text.replace(/^789,.*\n/m, ''));
  rollcall(['run'], 0);

  say('5. With a policy for leavers she is disabled (response: DisableTarget)');
  edit(policy, (text) => text.replace('response: Report', 'response: DisableTarget'));
  rollcall(['run'], 0);
  await accounts(slapd, 'employeeType');

  say('6. She comes back: enabled again');
  writeFileSync(people, everybody);
  rollcall(['run'], 0);
  await accounts(slapd, 'employeeType');

  say('7. Somebody edits an account by hand: TargetDrifted, and put right');
  const dn = `uid=snow123,${slapd.people}`;
  await slapd.run(
    'ldapmodify',
    [],
    `dn: ${dn}\nchangetype: modify\nreplace: telephoneNumber\ntelephoneNumber: 000\n`,
  );
  rollcall(['run'], 0);

  say('8. The file arrives empty: the run is refused, nobody loses an account');
  writeFileSync(people, `${everybody.split('\n')[0] ?? ''}\n`);
  rollcall(['run'], 1);
  await accounts(slapd, 'employeeType');
  writeFileSync(people, everybody);
}

process.stdout.write(
  'Looking for slapd (OpenLDAP); it is installed when it is missing and that is allowed.\n',
);
mkdirSync(join(folder, 'slapd'));
await using slapd = await startSlapd({ folder: join(folder, 'slapd'), mayUseDocker: true });
prepare(slapd);
process.stdout.write(`A directory runs at ${slapd.url}, the manifests are in ${folder}\n`);
await tour(slapd);
say('Done. To go on by yourself:');
process.stdout.write(`${folder}/start-directory.sh &
npm run --silent rollcall -- get mappings ${folder}
npm run --silent rollcall -- explain ${folder} --mapping default/people-to-directory --source 789
The manifests, the file, the state (.rollcall) and the directory's data are in ${folder}; delete it when you are done.
`);
