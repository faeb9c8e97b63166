import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadContract } from '../../src/api/validation.ts';
import { Chance, mutate } from '../support/mutations.ts';
import {
  csvPair,
  inProcess,
  rollcall,
  type Done,
  type DocumentOf,
  type Folder,
} from '../support/rollcall.ts';

/** ROLLCALL_MUTATIONS asks for more, ROLLCALL_SEED for others. */
const CASES = Number(process.env['ROLLCALL_MUTATIONS'] ?? 1_050);
const IN_A_PROCESS = 12;
/** What a busy machine may need for one. */
const PATIENCE_MS = 2_000;
const SEED = Number(process.env['ROLLCALL_SEED'] ?? Date.now() % 1_000_000);
const PEOPLE = 40;
/** What 5 % of so few may be: Rollcall deletes no more without being asked. */
const MAX_DELETED = 3;
/** No real surname: where it shows up, a value has leaked. */
const MARKER = 'Geheimrat';

const rows = Array.from({ length: PEOPLE }, (_, at) => `${100 + at},Näme "${at}",n${at}@x.org,`);
const SOURCE = `id,name,mail,status\n${rows.map((row) => row.replace(/Näme "(\d+)"/, '"Näme ""$1"""')).join('\n')}\n`;

const contract = loadContract();

let folder: Folder;
beforeAll(async () => {
  // Thousands of commits: what a power cut would leave is not asked here.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';
  process.stdout.write(`mutations: ROLLCALL_SEED=${SEED} ROLLCALL_MUTATIONS=${CASES}\n`);
  folder = csvPair({
    sourceRows: SOURCE,
    targetRows: 'key,name,mail,state\n',
    source: `, where: "source.status != 'gone'"`,
    rules: `{ name: leavers, situations: [SourceMissing, Unqualified, SourceDeleted], response: DeleteTarget },
      { name: strangers, situations: [Unassigned], response: Report }`,
  });
  folder.edit(
    'manifests.yaml',
    (text) =>
      `${text}---\napiVersion: v1\nkind: Secret\nmetadata: { name: pin }\nstringData: { value: ${MARKER} }\n`,
  );
  const done = await inProcess(['run', folder.path]);
  if (done.exitCode !== 0) throw new Error(done.stdout + done.stderr);
  cpSync(join(folder.path, '.rollcall'), join(folder.path, '.settled'), { recursive: true });
  folder.write('settled.csv', folder.read('target.csv'));
});
afterAll(() => folder[Symbol.dispose]());

/** A test in which nothing is ever written would find nothing wrong. */
const seen = { valid: 0, written: 0, deleted: 0 };

interface Case {
  readonly source: Buffer;
  readonly manifests: Buffer;
  readonly what: string;
  readonly isCsvOnly: boolean;
}

function caseOf(number: number): Case {
  const chance = new Chance(SEED * 7_919 + number);
  const [source, manifests] = [SOURCE, folder.read('manifests-whole.txt')].map((text) => Buffer.from(text));
  if (!source || !manifests) throw new Error('no files');
  const which = number % 4;
  const csv = which < 2 ? mutate(source, 'CSV', chance) : { bytes: source, what: '' };
  const yaml = which > 0 && which !== 1 ? mutate(manifests, 'YAML', chance) : { bytes: manifests, what: '' };
  const what = `case ${number} of seed ${SEED}: CSV: ${csv.what || 'whole'}; manifests: ${yaml.what || 'whole'}`;
  return { source: csv.bytes, manifests: yaml.bytes, what, isCsvOnly: which < 2 };
}

/** The folder as it is once everybody is linked, with the damaged files in place of the good ones. */
function lay({ source, manifests }: Case): void {
  for (const name of ['.rollcall']) rmSync(join(folder.path, name), { recursive: true, force: true });
  cpSync(join(folder.path, '.settled'), join(folder.path, '.rollcall'), { recursive: true });
  folder.write('target.csv', folder.read('settled.csv'));
  folder.write('source.csv', source);
  folder.write('manifests.yaml', manifests);
}

function wellBehaved(done: Done, what: string): void {
  const told = done.stdout + done.stderr;
  expect([0, 1, 2, 3], `${what}\n${told}`).toContain(done.exitCode);
  expect(told, what).not.toMatch(/internal error|\n\s+at .*[:(]/);
  expect(told, what).not.toContain(MARKER);
  if (done.exitCode !== 0 && done.exitCode !== 2) expect(told.trim(), what).not.toBe('');
}

async function play(one: Case, command: (words: string[]) => Promise<Done>): Promise<void> {
  lay(one);
  const files = (): string[] => ['source.csv', 'manifests.yaml'].map((name) => folder.read(name));
  const [before, target] = [files(), folder.read('target.csv')];
  const validated = await command(['validate', folder.path]);
  wellBehaved(validated, one.what);
  const planned = await command(['plan', folder.path, '-o', 'json']);
  wellBehaved(planned, one.what);
  expect(folder.read('target.csv'), one.what).toBe(target);
  const ran = await command(['run', folder.path, '-o', 'json']);
  wellBehaved(ran, one.what);
  expect(files(), one.what).toEqual(before);
  judge(one, { validated, planned, ran }, target);
}

/** Nothing is written that is not asked for, and what is written is what the plan said. */
function judge(
  one: Case,
  { validated, planned, ran }: Readonly<Record<'validated' | 'planned' | 'ran', Done>>,
  before: string,
): void {
  const after = folder.read('target.csv');
  if (validated.exitCode === 3) {
    expect([planned.exitCode, ran.exitCode], one.what).toEqual([3, 3]);
    expect(after, one.what).toBe(before);
  }
  const [plan = '', run = ''] = [planned, ran].map(digestOf);
  // A run that may not begin (a read-only target) has none.
  if (run !== '') expect(run, one.what).toBe(plan);
  seen.valid += validated.exitCode === 0 ? 1 : 0;
  seen.written += after === before ? 0 : 1;
  const [old, now] = [keyed(before), keyed(after)];
  const deleted = [...old.keys()].filter((key) => !now.has(key));
  seen.deleted += deleted.length > 0 ? 1 : 0;
  expect(deleted.length, one.what).toBeLessThanOrEqual(MAX_DELETED);
  if (one.isCsvOnly) judgeRows(one, { old, now, deleted });
}

/** Of the last run; empty: there was none. */
function digestOf({ stdout }: Done): string {
  const { runs } = JSON.parse(stdout) as DocumentOf;
  return runs.at(-1)?.totals.planDigest ?? '';
}

type Rows = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** By another reader of the same file: whoever is in it stays, and gets no value that is not in their row. */
function judgeRows(
  { source, what }: Case,
  { old, now, deleted }: { readonly old: Rows; readonly now: Rows; readonly deleted: readonly string[] },
): void {
  const text = source.toString('utf8');
  const whole = text.includes('\ufffd') ? undefined : strict(text);
  if (!whole) expect(deleted, what).toEqual([]);
  const found = Map.groupBy(whole ?? relaxed(text), (row) => `a${row['id'] ?? ''}`);
  for (const key of deleted)
    expect(found.has(key), `${what}: ${key} deleted, though in the file`).toBe(false);
  for (const [key, row] of now) {
    const was = old.get(key);
    for (const name of ['name', 'mail']) {
      const allowed = [was?.[name], ...(found.get(key) ?? []).map((one) => one[name])];
      expect(allowed, `${what}: ${key} ${name}`).toContain(row[name]);
    }
  }
}

function keyed(text: string): Rows {
  const all: Record<string, string>[] = parse(text, { columns: true });
  return new Map(all.map((row) => [row['key'] ?? '', row]));
}

function strict(text: string): Record<string, string>[] | undefined {
  try {
    return parse(text, {
      columns: true,
      bom: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    });
  } catch {
    return undefined;
  }
}

/** Every value that a row may hold, however it is cut. */
function relaxed(text: string): Record<string, string>[] {
  const all: string[][] = parse(text, {
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_records_with_error: true,
    record_delimiter: ['\r\n', '\n', '\r'],
  });
  const [header = [], ...others] = all;
  return others.map((cells) => Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ''])));
}

describe('damaged manifests and files', () => {
  beforeAll(() => folder.write('manifests-whole.txt', folder.read('manifests.yaml')));

  it(
    'bring no stack trace and no wrong write',
    async () => {
      for (let number = 0; number < CASES; number++)
        await play(caseOf(number), (words) => inProcess(words, contract));
      process.stdout.write(`mutations: ${JSON.stringify(seen)}\n`);
      expect(seen.valid).toBeGreaterThan(CASES / 4);
      expect(seen.written).toBeGreaterThan(CASES / 20);
      expect(seen.deleted).toBeGreaterThan(CASES / 100);
    },
    CASES * PATIENCE_MS,
  );

  it(
    'nor in a process of its own',
    async () => {
      for (let number = CASES; number < CASES + IN_A_PROCESS; number++)
        await play(caseOf(number), (words) => rollcall(words));
    },
    IN_A_PROCESS * 30 * PATIENCE_MS,
  );
});
