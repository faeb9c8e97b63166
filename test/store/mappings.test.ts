import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Database } from '../../src/store/database.ts';
import { SqliteLinks } from '../../src/store/links.ts';
import { findMapping, mappingRow } from '../../src/store/mappings.ts';
import { Records } from '../../src/store/records.ts';
import { Runs } from '../../src/store/runs.ts';
import { SqliteMemory } from '../../src/store/memory.ts';
import { link, NOW, record } from '../support/store-values.ts';

const DAY = 86_400_000;
const ENDS = { sourceSystem: 'd/hr', sourceObject: 'person', targetSystem: 'd/dir', targetObject: 'account' };
const MOVED = { ...ENDS, targetObject: 'mailbox' };

let database: Database;
beforeEach(() => {
  database = new Database(':memory:');
  database.migrate();
});
afterEach(() => database.close());

interface Call {
  readonly name: string;
  readonly ends?: typeof ENDS;
  readonly linksFrom?: string;
  readonly day?: number;
}

function linksOf({ name, ends = ENDS, linksFrom, day = 0 }: Call): SqliteLinks {
  return new SqliteLinks(database, mappingRow(database, { name, ends, linksFrom }, NOW + day * DAY));
}

describe('the links of a mapping', () => {
  it.each([
    { when: 'it is called again', calls: [{ name: 'd/a' }], left: 1 },
    { when: 'it rested for a year', calls: [{ name: 'd/a', day: 365 }], left: 1 },
    { when: 'it leads elsewhere now', calls: [{ name: 'd/a', ends: MOVED }], left: 0 },
    {
      when: 'an edit of its ends was taken back',
      calls: [
        { name: 'd/a', ends: MOVED },
        { name: 'd/a', day: 29 },
      ],
      left: 1,
    },
    {
      when: 'an edit of its ends was taken back after more than 30 days',
      calls: [
        { name: 'd/a', ends: MOVED },
        { name: 'd/a', day: 31 },
      ],
      left: 0,
    },
    { when: 'it was renamed', calls: [{ name: 'd/b', linksFrom: 'd/a' }], left: 1 },
    { when: 'it was renamed without linksFrom', calls: [{ name: 'd/b' }], left: 0 },
    {
      when: 'linksFrom names a mapping of other ends',
      calls: [{ name: 'd/b', linksFrom: 'd/a', ends: MOVED }],
      left: 0,
    },
    { when: 'linksFrom names nobody', calls: [{ name: 'd/b', linksFrom: 'd/x' }], left: 0 },
    {
      when: 'linksFrom stays in the manifest and the old name is used anew',
      calls: [{ name: 'd/b', linksFrom: 'd/a' }, { name: 'd/a' }, { name: 'd/b', linksFrom: 'd/a' }],
      left: 1,
    },
  ] satisfies readonly { when: string; calls: readonly Call[]; left: number }[])(
    'are there or not when $when',
    ({ calls, left }) => {
      linksOf({ name: 'd/a' }).put(link('s', 't'));
      const last = calls.map((call) => linksOf(call)).at(-1);
      expect(last?.count()).toBe(left);
    },
  );

  it('are no longer found under the old name after a rename', () => {
    linksOf({ name: 'd/a' });
    linksOf({ name: 'd/b', linksFrom: 'd/a' });
    expect(findMapping(database, 'd/a')).toBeUndefined();
  });

  it('hold nothing while they are kept aside', () => {
    linksOf({ name: 'd/a' }).put(link('s', 't'));
    linksOf({ name: 'd/a', ends: MOVED });
    const row = mappingRow(database, { name: 'd/b', ends: ENDS, linksFrom: undefined }, NOW);
    const memory = new SqliteMemory(database, {
      mapping: row,
      ends: ENDS,
      run: 1,
      forgottenBefore: NOW - 30 * DAY,
    });
    expect(memory.holder('t')).toBeUndefined();
  });
});

describe('the records of a mapping', () => {
  function runAt(day: number, name = 'd/a'): number {
    const runs = new Runs(database);
    const mapping = mappingRow(database, { name, ends: ENDS, linksFrom: undefined }, NOW);
    const at = NOW + day * DAY;
    const sequence = runs.begin({
      id: `${name} ${day} ${Math.random()}`,
      mapping,
      mode: 'Enforce',
      startedAt: at,
    });
    const memory = new SqliteMemory(database, { mapping, ends: ENDS, run: sequence, forgottenBefore: 0 });
    memory.record(record('a', null));
    runs.finish(sequence, { finishedAt: at, outcome: 'Succeeded', sourceComplete: 'Yes', body: { day } });
    return sequence;
  }
  const kept = (sequence: number): number => [...new Records(database, sequence).all()].length;

  it('are kept for 90 days', () => {
    const [old, young] = [runAt(0), runAt(1)];
    runAt(91);
    expect([kept(old), kept(young)]).toEqual([0, 1]);
  });

  it('are kept for 100 runs of the mapping, whatever others do', () => {
    const other = runAt(0, 'd/b');
    const all = Array.from({ length: 102 }, () => runAt(0));
    expect(all.map(kept).filter((count) => count === 0)).toHaveLength(2);
    expect([kept(all[0] ?? 0), kept(all[1] ?? 0), kept(all[2] ?? 0), kept(other)]).toEqual([0, 0, 1, 1]);
  });

  it('are kept as long as a run that is kept repeats them', () => {
    const old = runAt(0);
    const memoryAt = (run: number): SqliteMemory =>
      new SqliteMemory(database, { mapping: 1, ends: ENDS, run, forgottenBefore: 0 });
    const reported = { ...record('r', null), outcome: 'Reported' as const };
    memoryAt(old).record(reported);
    const young = runAt(80);
    memoryAt(young).repeatRecords(old);
    runAt(91);
    expect([...new Records(database, young).all()]).toEqual([reported]);
    runAt(171);
    expect([kept(old), kept(young)]).toEqual([0, 0]);
  });

  it('leave the run itself, newest first, also one that was cut off', () => {
    const runs = new Runs(database);
    runAt(0);
    runs.begin({
      id: 'cut off',
      mapping: findMapping(database, 'd/a') ?? 0,
      mode: 'Observe',
      startedAt: NOW,
    });
    runAt(0, 'd/b');
    expect([...runs.list(undefined, 10)].map(({ mapping }) => mapping)).toEqual(['d/b', 'd/a', 'd/a']);
    expect([...runs.list('d/a', 1)]).toMatchObject([
      { id: 'cut off', finishedAt: undefined, outcome: undefined },
    ]);
    expect(runs.find('cut off')).toMatchObject({ mode: 'Observe', body: undefined });
    expect(runs.find('nobody')).toBeUndefined();
  });
});
