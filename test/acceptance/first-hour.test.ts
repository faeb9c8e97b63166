import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writesSeen } from '../support/directory.ts';
import { halfMatched, initFlags } from '../support/half-matched.ts';
import { Folder, rollcall, type Done } from '../support/rollcall.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

/** More than anybody would read. */
const MAX_STEPS = 15;

let slapd: Slapd;
let folder: Folder;
beforeAll(async () => {
  slapd = await startSlapd();
  folder = new Folder();
  await halfMatched(slapd, folder, slapd.people);
  // Somebody has two accounts by the same address, and nobody kept the number.
  const twin = (uid: string): string =>
    `dn: uid=${uid},${slapd.people}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: Nora Fox\nsn: Fox\nmail: nora@example.org\n\n`;
  await slapd.run('ldapadd', [], twin('nora') + twin('nora.old'));
  const file = join(folder.path, 'people.csv');
  writeFileSync(
    file,
    Buffer.concat([
      readFileSync(file),
      Buffer.from('30000;Nora;Fox;nora@example.org;;IT;;Bonn;2024-01-01;\r\n'),
    ]),
  );
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await slapd.stop();
});

/** Somebody who has never seen it: does what the last output says, one thing at a time, and keeps a diary. */
class Novice {
  readonly diary: string[] = [];
  #last = '';

  async type(line: string): Promise<Done> {
    this.diary.push(line);
    const words = line.split(' ').slice(1);
    const done = await rollcall(words);
    this.#last = done.stdout + done.stderr;
    expect(done.stdout + done.stderr).not.toMatch(/\n\s+at .*:\d+/);
    expect(done.stdout + done.stderr).not.toContain(slapd.adminPassword);
    return done;
  }

  /** What the output asks for next; undefined: nothing. */
  async follow(): Promise<boolean> {
    const output = this.#last;
    if (output.includes('nothing to do: what is linked is as it should be')) return false;
    const step =
      this.#begin(output) ??
      this.#mend(output) ??
      this.#settle(output) ??
      this.#release(output) ??
      this.#enforce(output) ??
      this.#next(output);
    if (step === undefined) throw new Error(`no step is named:\n${output}`);
    await this.type(step);
    return true;
  }

  /** There is nothing yet to link in. */
  #begin(output: string): string | undefined {
    return /there is no state in .*: (rollcall run \S+); nothing was changed/.exec(output)?.[1];
  }

  /** `keep one entry of each id`: the second row goes, and the last command is typed again. */
  #mend(output: string): string | undefined {
    const id = /DuplicateKey: id '(\d+)' occurs/.exec(output)?.[1];
    if (id === undefined || !output.includes('next: keep one entry of each id')) return undefined;
    const file = join(folder.path, 'people.csv');
    const rows = readFileSync(file, 'latin1').split('\r\n');
    const last = rows.findLastIndex((row) => row.startsWith(`${id};`));
    writeFileSync(file, Buffer.from(rows.filter((_, at) => at !== last).join('\r\n'), 'latin1'));
    this.diary.push(`people.csv: one row of ${id} removed`);
    return this.#lastCommand(/^rollcall (plan|run) /);
  }

  /** Looks who it may be, and links the account that is still used. */
  #settle(output: string): string | undefined {
    const candidates = /spec\.correlate finds by .*: (.*)/.exec(output)?.[1];
    if (candidates !== undefined) {
      const id = /uid=nora,\S+ \(([^)]+)\)/.exec(candidates)?.[1] ?? '';
      const link = /this settles one pair: (rollcall link .*)/.exec(output)?.[1];
      return link?.replace('--target ID', `--target ${id}`);
    }
    return /this names who it may be: (rollcall explain [^;]*);/.exec(output)?.[1];
  }

  #release(output: string): string | undefined {
    return /release it with: (rollcall approve \S+ --mapping \S+ --plan \S+)/.exec(output)?.[1];
  }

  /** `set FIELD: VALUE in KIND NAME (FILE:LINE), and …, then: COMMAND` */
  #enforce(output: string): string | undefined {
    const told = /to apply it, set (.*), then: (rollcall run \S+)/.exec(output);
    if (!told) return undefined;
    for (const [, field = '', value = '', file = '', line = ''] of (told[1] ?? '').matchAll(
      /spec\.(\w+): (\w+) in \S+ \S+ \(([^:]+):(\d+)\)/g,
    )) {
      const lines = readFileSync(file, 'utf8').split('\n');
      const at = Number(line) - 1;
      expect(lines[at]).toContain(`${field}: `);
      lines[at] = (lines[at] ?? '').replace(new RegExp(`${field}: \\w+`), `${field}: ${value}`);
      writeFileSync(file, lines.join('\n'));
      this.diary.push(`${field}: ${value}`);
    }
    return told[2];
  }

  /** Commands on lines of their own (after init), or the last run once more. */
  #next(output: string): string | undefined {
    const lines = [...output.matchAll(/^ {2}(rollcall \S+ \S+)$/gm)].map((match) => match[1] ?? '');
    return lines.find((line) => !this.diary.includes(line)) ?? this.#lastCommand(/^rollcall (plan|run) /);
  }

  #lastCommand(pattern: RegExp): string | undefined {
    return this.diary.findLast((line) => pattern.test(line));
  }
}

describe('somebody who has never seen it', () => {
  it('gets from a file and a directory to a settled state by what the commands say', async () => {
    const novice = new Novice();
    const begun = await novice.type(`rollcall init ${folder.path} ${initFlags(slapd, folder).join(' ')}`);
    expect(begun).toMatchObject({ exitCode: 0, stderr: '' });
    let steps = 0;
    while (await novice.follow()) {
      steps++;
      if (steps > MAX_STEPS)
        throw new Error(`not settled after ${MAX_STEPS} steps:\n${novice.diary.join('\n')}`);
    }
    expect(novice.diary.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'rollcall init',
      'rollcall validate',
      'rollcall plan',
      'people.csv: one',
      'rollcall plan',
      'rollcall explain',
      'rollcall link',
      'rollcall run',
      'rollcall explain',
      'rollcall link',
      'rollcall run',
      'access: ReadWrite',
      'mode: Enforce',
      'rollcall run',
      'rollcall run',
    ]);
    const settled = await folder.document('run');
    expect(settled.exitCode).toBe(0);
    expect(settled.runs[0]?.totals).toMatchObject({
      planned: 0,
      failed: 0,
      held: 0,
      pending: 0,
      inSync: 291,
    });
    await slapd.forget();
    await folder.document('run');
    expect(await writesSeen(slapd)).toEqual([]);
  }, 120_000);

  it('has changed what differs, made who was missing, and left everybody else alone', async () => {
    const found = await slapd.run('ldapsearch', [
      '-LLL',
      '-o',
      'ldif-wrap=no',
      '-b',
      slapd.people,
      '-s',
      'one',
      'uid',
      'title',
      'telephoneNumber',
      'employeeNumber',
    ]);
    const entries = found.split('\n\n').filter((entry) => entry.startsWith('dn:'));
    expect(entries).toHaveLength(542);
    expect(entries.filter((entry) => entry.includes('title: Leiter'))).toHaveLength(250);
    expect(entries.filter((entry) => /employeeNumber: 2\d{4}/.test(entry))).toHaveLength(40);
    expect(entries.find((entry) => entry.includes('employeeNumber: 10050'))).toContain('+49 30 6050');
    expect(
      entries.filter((entry) => /uid=nora[.,]/.test(entry) && entry.includes('employeeNumber: 30000')),
    ).toHaveLength(1);
  });
});
