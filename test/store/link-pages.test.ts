/** The pages of links where SQL goes behind the store's back, mappings change their names, and older programs wrote. */
import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/store/database.ts';
import { FORGET_AFTER_MS, findMapping, mappingRow } from '../../src/store/mappings.ts';
import { SqliteMemory } from '../../src/store/memory.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { openState } from '../../src/store/state.ts';
import { startChild } from '../support/child.ts';
import { link, NOW } from '../support/store-values.ts';

const KILLS = 12;
const ENDS = { sourceSystem: 'd/hr', sourceObject: 'person', targetSystem: 'd/dir', targetObject: 'account' };
const PAGE = { part: 'raw' as const, page: 0, body: Buffer.from('a') };

function memoryOf(database: Database, mapping: number): SqliteMemory {
  return new SqliteMemory(database, { mapping, ends: ENDS, run: 1, forgottenBefore: 0 });
}

/** Two mappings with a link each, whose pages hold. */
function opened(path = ':memory:'): Database {
  const database = new Database(path);
  database.migrate();
  for (const mapping of [1, 2]) {
    const { links } = memoryOf(database, mapping);
    links.put(link('s', 't'));
    links.pages.write('h', 1, [PAGE]);
  }
  return database;
}

function headers(database: Database): (string | undefined)[] {
  return [1, 2].map((mapping) => memoryOf(database, mapping).links.pages.header());
}

const COLUMNS = `(mapping, source_key, target_key, source_id, target_id, agreed, linked_at)`;

describe('whatever statement changes a link takes the validity from the pages of its mapping alone', () => {
  it.each([
    { sql: `INSERT INTO links ${COLUMNS} VALUES (1, 'x', 'y', '', '', '{}', 1)`, left: [undefined, 'h'] },
    {
      sql: `INSERT OR REPLACE INTO links ${COLUMNS} VALUES (1, 's', 't', '', '', '{}', 1)`,
      left: [undefined, 'h'],
    },
    {
      sql: `INSERT OR REPLACE INTO links ${COLUMNS} VALUES (1, 'x', 't', '', '', '{}', 1)`,
      left: [undefined, 'h'],
    },
    { sql: `REPLACE INTO links ${COLUMNS} VALUES (2, 's', 'y', '', '', '{}', 1)`, left: ['h', undefined] },
    { sql: `UPDATE links SET target_print = NULL WHERE mapping = 2`, left: ['h', undefined] },
    { sql: `UPDATE links SET mapping = 3 WHERE mapping = 1`, left: [undefined, 'h'] },
    {
      sql: `UPDATE links SET mapping = 2, source_key = 'x', target_key = 'y' WHERE mapping = 1`,
      left: [undefined, undefined],
    },
    { sql: `DELETE FROM links WHERE mapping = 1`, left: [undefined, 'h'] },
    { sql: `DELETE FROM links`, left: [undefined, undefined] },
    { sql: `DELETE FROM links WHERE mapping = 3`, left: ['h', 'h'] },
  ])('$sql', ({ sql, left }) => {
    const database = opened();
    database.run(sql);
    expect(headers(database)).toEqual(left);
    database.close();
  });
});

it('a database of the version before keeps its links, and has no pages until some are written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-pages-'));
  const path = join(folder, 'state.db');
  const before = MIGRATIONS.findIndex((one) => one.includes('link_books'));
  const old = new DatabaseSync(path);
  old.exec(`${MIGRATIONS.slice(0, before).join(';')}; PRAGMA user_version = ${before};`);
  old.exec(`INSERT INTO links ${COLUMNS} VALUES (1, 's', 't', 'S', 'T', '{"a":"b"}', 7)`);
  old.close();
  const database = new Database(path);
  expect([database.version(), database.isOlder()]).toEqual([before, true]);
  database.migrate();
  expect(database.version()).toBe(MIGRATIONS.length);
  const { links } = memoryOf(database, 1);
  expect(links.bySource('s')).toMatchObject({ sourceId: 'S', targetId: 'T', agreed: new Map([['a', 'b']]) });
  expect([links.pages.header(), [...links.pages.read('raw')]]).toEqual([undefined, []]);
  links.pages.write('h', 1, [PAGE]);
  links.put(link('s', 't'));
  expect(links.pages.header()).toBeUndefined();
  database.close();
  rmSync(folder, { recursive: true });
});

describe('a mapping whose links move', () => {
  const row = (
    database: Database,
    name: string,
    more: { linksFrom?: string; target?: string } = {},
  ): number => {
    const ends = { ...ENDS, targetSystem: more.target ?? ENDS.targetSystem };
    return mappingRow(database, { name, ends, linksFrom: more.linksFrom }, NOW);
  };

  function named(): { database: Database; id: number } {
    const database = new Database(':memory:');
    database.migrate();
    const id = row(database, 'd/old');
    const { links } = memoryOf(database, id);
    links.put(link('s', 't'));
    links.pages.write('h', 1, [PAGE]);
    return { database, id };
  }

  it('to another name takes its pages along: they are of those links', () => {
    const { database, id } = named();
    expect(row(database, 'd/new', { linksFrom: 'd/old' })).toBe(id);
    expect(memoryOf(database, id).links.pages.header()).toBe('h');
    const fresh = row(database, 'd/old');
    expect(fresh).not.toBe(id);
    const { links } = memoryOf(database, fresh);
    expect([links.count(), links.pages.header(), [...links.pages.read('raw')]]).toEqual([0, undefined, []]);
    database.close();
  });

  it('aside, since its name means another system, leaves none to its successor, and finds its own again', () => {
    const { database, id } = named();
    const other = row(database, 'd/old', { target: 'd/elsewhere' });
    expect([other === id, memoryOf(database, other).links.pages.header()]).toEqual([false, undefined]);
    expect(row(database, 'd/old')).toBe(id);
    expect([memoryOf(database, id).links.count(), memoryOf(database, id).links.pages.header()]).toEqual([
      1,
      'h',
    ]);
    database.close();
  });

  it('nowhere, and is not known for longer than a month, is what it was when it comes back', () => {
    const { database, id } = named();
    const later = NOW + 2 * FORGET_AFTER_MS;
    expect(mappingRow(database, { name: 'd/old', ends: ENDS, linksFrom: undefined }, later)).toBe(id);
    expect([memoryOf(database, id).links.count(), memoryOf(database, id).links.pages.header()]).toEqual([
      1,
      'h',
    ]);
    database.close();
  });
});

/** Each round puts a link and then writes pages that all name the round: believed, they are of one round, and its links are there. */
const writer = (folder: string, from: number): string => `
  import { writeSync } from 'node:fs';
  import { openState } from './src/store/state.ts';
  import { mappingRow } from './src/store/mappings.ts';
  import { SqliteMemory } from './src/store/memory.ts';
  import { link } from './test/support/store-values.ts';
  const ends = ${JSON.stringify(ENDS)};
  using state = openState(${JSON.stringify(folder)}, process.pid);
  const mapping = mappingRow(state.database, { name: 'd/a', ends, linksFrom: undefined }, 1);
  const { links } = new SqliteMemory(state.database, { mapping, ends, run: 1, forgottenBefore: 0 });
  writeSync(1, 'ready\\n');
  for (let at = ${from}; ; at++) {
    links.put(link('s' + at, 't' + at));
    const body = Buffer.from(String(at).padStart(20_000));
    links.pages.write(String(at), 20, Array.from({ length: 20 }, (_, page) => ({ part: 'raw', page, body })));
    writeSync(1, 'done ' + at + '\\n');
  }`;

it(
  `survive ${KILLS} kills at any moment: what is believed was written as a whole, after its links`,
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-kill-'));
    let [next, believed] = [0, 0];
    for (let kill = 0; kill < KILLS; kill++) {
      await using child = startChild(writer(folder, next));
      await child.line('ready');
      await sleep(Math.random() * 80);
      child.process.kill('SIGKILL');
      await child.ended();
      const done = child.lines.filter((one) => one.startsWith('done')).length + next - 1;
      using state = openState(folder, process.pid);
      const { links } = memoryOf(state.database, findMapping(state.database, 'd/a') ?? 0);
      const header = links.pages.header();
      const rounds = new Set(
        [...links.pages.read('raw')].map(({ body }) => Number(Buffer.from(body).toString())),
      );
      expect(links.count()).toBeGreaterThanOrEqual(done + 1);
      expect(rounds.size).toBeLessThanOrEqual(1);
      if (header !== undefined) {
        believed++;
        expect([...rounds]).toEqual([Number(header)]);
        expect(links.count()).toBe(Number(header) + 1);
      }
      next = links.count();
    }
    rmSync(folder, { recursive: true });
    expect([next > KILLS, believed > 0]).toEqual([true, true]);
  },
);
