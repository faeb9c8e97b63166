/** Rows that are gathered: nobody can tell that they are not written one by one, but by how few statements it takes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Database } from '../../src/store/database.ts';
import { GatheredRows } from '../../src/store/gathered-rows.ts';

const INSERT = 'INSERT OR REPLACE INTO meta (name, value)';
/** More than one transaction of a bulk load takes. */
const MANY = 21_000;

let folder = '';
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-database-'));
  database = new Database(join(folder, 'state.db'));
  database.migrate();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

/** As another process sees it. */
function committed(): number {
  const other = new Database(database.path, { readOnly: true });
  const { count } = other.get('SELECT count(*) AS count FROM meta') ?? {};
  other.close();
  return Number(count);
}

const value = (name: string): unknown =>
  database.get('SELECT value FROM meta WHERE name = ?', name)?.['value'];

it.each([0, 1, 2, 3, 63, 64, 65, 127, 1_000])('%i rows are there when they are asked for', (count) => {
  for (let at = 0; at < count; at++) database.gather(INSERT, `row ${at}`, String(at));
  expect(database.get('SELECT count(*) AS count FROM meta')).toEqual({ count });
  for (let at = 0; at < count; at++) expect(value(`row ${at}`)).toBe(String(at));
});

it('comes before whatever is asked after it', () => {
  database.gather(INSERT, 'a', 'gathered');
  database.run(`UPDATE meta SET value = 'changed' WHERE name = 'a'`);
  expect(value('a')).toBe('changed');
  database.gather(INSERT, 'a', 'gathered again');
  expect([...database.iterate('SELECT value FROM meta')]).toEqual([{ value: 'gathered again' }]);
  database.gather(INSERT, 'a', 'once more');
  expect([...database.columns('SELECT value FROM meta')]).toEqual([['once more']]);
  database.gather(INSERT, 'b', 'x');
  database.insert('INSERT INTO meta (name, value) SELECT ?, value FROM meta WHERE name = ?', 'c', 'b');
  expect(value('c')).toBe('x');
});

it('of two rows of one name the later one stays', () => {
  for (const text of ['first', 'second']) database.gather(INSERT, 'a', text);
  expect(value('a')).toBe('second');
});

it('keeps others from writing only once it is worth a transaction', () => {
  for (let at = 0; at < 1_023; at++) database.gather(INSERT, `row ${at}`, 'x');
  expect(database.isWriting).toBe(false);
  database.gather(INSERT, 'row 1023', 'x');
  expect(database.isWriting).toBe(true);
  database.flush();
  expect([database.isWriting, committed()]).toEqual([false, 1_024]);
});

it('is durable with the next flush, and gone where it is rolled back', () => {
  database.gather(INSERT, 'a', 'kept');
  database.flush();
  expect(committed()).toBe(1);
  database.gather(INSERT, 'b', 'dropped');
  database.rollback();
  database.flush();
  expect(committed()).toBe(1);
});

it('begins one transaction for several tables, also where it has to say whose it is', () => {
  const owned = new Database(database.path, { ownership: { epoch: 0, mayWrite: () => true } });
  for (let at = 0; at < 100; at++) {
    owned.gather(INSERT, `row ${at}`, 'x');
    owned.gather('INSERT OR IGNORE INTO wants (mapping, target_key)', 1, `key ${at}`);
  }
  owned.close();
  expect(committed()).toBe(100);
  expect(database.get('SELECT count(*) AS count FROM wants')).toEqual({ count: 100 });
});

it('becomes durable on its way where there is very much', () => {
  for (let at = 0; at < MANY; at++) database.gather(INSERT, `row ${at}`, 'x');
  expect(committed()).toBeGreaterThan(0);
  database.flush();
  expect(committed()).toBe(MANY);
});

it('becomes true as a whole or not at all where that is asked for, however much it is', () => {
  const work = (): void => {
    for (let at = 0; at < MANY; at++) database.gather(INSERT, `row ${at}`, 'x');
  };
  const failing = (): void => {
    work();
    throw new Error('the work fails');
  };
  expect(() => database.atomically(failing)).toThrow('the work fails');
  expect(committed()).toBe(0);
  database.atomically(() => {
    work();
    expect(committed()).toBe(0);
  });
  expect(committed()).toBe(MANY);
});

it('takes few statements, of few kinds', () => {
  const gathered = new GatheredRows();
  const kinds = new Set<string>();
  for (let count = 0; count < 200; count++) {
    for (let at = 0; at < count; at++) gathered.add(INSERT, [at, at]);
    const statements = gathered.take();
    expect(statements.flatMap(({ values }) => values)).toEqual(
      Array.from({ length: count }, (_, at) => [at, at]).flat(),
    );
    expect(statements.length).toBeLessThanOrEqual(Math.floor(count / 64) + 6);
    for (const { sql } of statements) kinds.add(sql);
  }
  expect(kinds.size).toBe(7);
});
