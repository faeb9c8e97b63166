/**
 * What the tours through the examples share: a copy of the example's folder, a real directory, and rollcall as
 * a user types it. A tour needs nothing but Node and slapd, which it installs where it may; it leaves a folder to go on
 * with, and stops what it started.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSlapd, type Slapd } from '../test/support/slapd.ts';

const PROGRAM = new URL('../src/main.ts', import.meta.url).pathname;
const INITIAL_PASSWORD = 'FooBar123';
const DAY_MS = 86_400_000;

export class Tour implements AsyncDisposable {
  readonly folder: string;
  readonly slapd: Slapd;
  /** Days by which the clock of the commands is ahead. */
  #ahead = 0;

  private constructor(folder: string, slapd: Slapd) {
    this.folder = folder;
    this.slapd = slapd;
  }

  /** `name` is a folder beside this file. Its `directory.ldif`, if there is one, is in the directory from the beginning. */
  static async begin(name: string): Promise<Tour> {
    const example = new URL(`${name}/`, import.meta.url).pathname;
    const folder = mkdtempSync(join(tmpdir(), `rollcall-${name}-`));
    say('Looking for slapd (OpenLDAP); it is installed when it is missing and that is allowed.');
    mkdirSync(join(folder, 'slapd'));
    const ldif = join(example, 'directory.ldif');
    const entries = existsSync(ldif) ? { ldif: readFileSync(ldif, 'utf8') } : {};
    const slapd = await startSlapd({ folder: join(folder, 'slapd'), mayUseDocker: true, ...entries });
    const tour = new Tour(folder, slapd);
    tour.#prepare(example);
    say(`A directory runs at ${slapd.url}, the manifests are in ${folder}`);
    return tour;
  }

  step(title: string): void {
    say(`\n== ${title}`);
  }

  /** Runs rollcall as a user would, and stops the tour where it answers otherwise than it should. */
  rollcall(words: readonly string[], expected: number): string {
    say(`$ rollcall ${words.join(' ')} ${this.folder}`);
    const [command = '', ...rest] = words;
    const clock = this.#ahead === 0 ? [] : ['--import', clockAhead(this.#ahead)];
    const args = [...clock, PROGRAM, command, this.folder, ...rest];
    const done = spawnSync(process.execPath, args, { encoding: 'utf8' });
    process.stdout.write(done.stdout + done.stderr);
    if (done.status !== expected)
      throw new Error(`rollcall ended with ${done.status}, expected was ${expected}`);
    return done.stdout;
  }

  /** From now on the commands believe that so many days have gone by. */
  later(days: number): void {
    this.#ahead += days;
  }

  edit(file: string, change: (text: string) => string): void {
    const path = join(this.folder, file);
    const text = readFileSync(path, 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error(`${file}: the edit has changed nothing`);
    writeFileSync(path, changed);
  }

  show(file: string): void {
    say(`$ cat ${file}\n${readFileSync(join(this.folder, file), 'utf8').trimEnd()}`);
  }

  async accounts(...attributes: string[]): Promise<void> {
    const where = ['-LLL', '-o', 'ldif-wrap=no', '-b', this.slapd.people, '(objectClass=inetOrgPerson)'];
    const found = await this.slapd.run('ldapsearch', [...where, ...attributes]);
    say(`$ ldapsearch … ${attributes.join(' ')}\n${found.trimEnd()}`);
  }

  /** Somebody edits one attribute of an account by hand. */
  async byHand(uid: string, attribute: string, value: string): Promise<void> {
    const dn = `uid=${uid},${this.slapd.people}`;
    say(`$ ldapmodify: ${dn}, ${attribute}: ${value}`);
    const change = `dn: ${dn}\nchangetype: modify\nreplace: ${attribute}\n${attribute}: ${value}\n`;
    await this.slapd.run('ldapmodify', [], change);
  }

  /** Says how often the directory was written since the last time this was asked, and stops where that is wrong. */
  async expectWrites(expected: number): Promise<void> {
    const operations = await this.slapd.operations();
    const writes = operations.filter(({ op }) => ['ADD', 'MOD', 'MODRDN', 'DEL'].includes(op)).length;
    say(`writes that the directory saw: ${writes}`);
    if (writes !== expected) throw new Error(`expected were ${expected} writes`);
    await this.slapd.forget();
  }

  /** `DIR` in a command stands for the folder. */
  end(...commands: string[]): void {
    const lines = commands.map(
      (words) => `npm run --silent rollcall -- ${words.replace('DIR', this.folder)}`,
    );
    this.step('Done. To go on by yourself:');
    say(`${this.folder}/start-directory.sh &
${lines.join('\n')}
The manifests, the files, the state (.rollcall) and the directory's data are in ${this.folder}; delete it when you are done.`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.slapd.stop();
  }

  #prepare(example: string): void {
    const { folder, slapd } = this;
    cpSync(example, folder, { recursive: true, filter: (path) => !path.endsWith('.ts') });
    this.edit('systems.yaml', (text) => text.replace('ldap://localhost:389', slapd.url));
    const secret = (name: string, data: Record<string, string>): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data });
    const bind = secret('directory-bind', { dn: slapd.adminDn, password: slapd.adminPassword });
    const initial = secret('initial-password', { value: INITIAL_PASSWORD });
    writeFileSync(join(folder, 'secrets.yaml'), `${bind}\n---\n${initial}\n`, { mode: 0o600 });
    const start = `#!/bin/sh\n# Starts the directory of the example again; it runs until you stop it (Ctrl-C).\nPATH="$PATH:/usr/sbin" exec slapd -f '${slapd.folder}/slapd.conf' -h '${slapd.url}' -d 0\n`;
    writeFileSync(join(folder, 'start-directory.sh'), start, { mode: 0o755 });
  }
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A module for `node --import`: the clock goes on as ever, but ahead of time. */
function clockAhead(days: number): string {
  const code = `const Real = Date, ahead = ${days * DAY_MS};
globalThis.Date = class extends Real {
  constructor(...given) { super(...(given.length === 0 ? [Real.now() + ahead] : given)); }
  static now() { return Real.now() + ahead; }
};`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
