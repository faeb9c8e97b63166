/** What is kept of unlinked entries from run to run, over more pages than one. */
import { describe, expect, it } from 'vitest';
import { HashColumn } from '../../src/engine/hash-index.ts';
import { Masks } from '../../src/engine/masks.ts';
import {
  UnlinkedBook,
  type Calm,
  type DescribedNewcomer,
  type Recalled,
  type UnlinkedBookOptions,
} from '../../src/engine/unlinked-book.ts';
import type { StandingState } from '../../src/engine/unlinked-columns.ts';
import { Database } from '../../src/store/database.ts';
import { SqliteUnlinkedPages } from '../../src/store/unlinked-pages.ts';

const MANY = 10_000;
const STATES: readonly StandingState[] = ['InScope', 'OutOfScope', 'DeletedMark'];
const CALM: Calm = { run: 7, recordsAll: false, situations: [{ name: 'Unassigned', count: MANY }] };
const NOBODY = { Source: [], Target: [] };

function printAt(at: number): string {
  return at.toString(16).padStart(8, '0').repeat(4);
}

function pages(): SqliteUnlinkedPages {
  const database = new Database(':memory:');
  database.migrate();
  return new SqliteUnlinkedPages(database, 1);
}

function open(
  kept: SqliteUnlinkedPages,
  { masks = [], ...more }: Partial<Omit<UnlinkedBookOptions, 'masks'>> & { masks?: readonly string[] } = {},
): { book: UnlinkedBook; masks: Masks } {
  const target = new Masks(['a', 'b'], masks);
  const options = { epoch: 'e', attributes: { Source: [], Target: ['a', 'b'] }, holds: true, ...more };
  const book = new UnlinkedBook(kept, { ...options, masks: { Source: new Masks([]), Target: target } });
  return { book, masks: target };
}

/** Everybody of a state, a mask and keys by their number. */
function newcomers(numbers: readonly number[], masks: Masks): DescribedNewcomer[] {
  const rawPrints = new HashColumn(4, numbers.length);
  return numbers.map((number, at) => {
    rawPrints.set(at, printAt(number));
    return {
      rawPrints,
      at,
      mask: masks.numberOf(number % 2 === 0 ? '11' : '10'),
      state: STATES[number % 3] ?? 'InScope',
      isInScope: number % 3 === 0,
      describe: () => ({
        id: `t${number}`,
        name: number % 5 === 0 ? `cn=${number}` : undefined,
        print: printAt(number + MANY),
        keys: Array.from({ length: number % 4 }, (_, rule) => ({ rule, high: number, low: rule })),
      }),
    };
  });
}

const ALL = Array.from({ length: MANY }, (_, at) => at);

function stored(): SqliteUnlinkedPages {
  const kept = pages();
  const { book, masks } = open(kept);
  book.store(CALM, { Source: [], Target: newcomers(ALL, masks) });
  return kept;
}

function seen(book: UnlinkedBook, numbers: readonly number[]): number[] {
  return numbers.filter((number) => book.side('Target').recognise(printAt(number)) !== -1);
}

it('everybody is recognised once and recalled as what they were', () => {
  const { book } = open(stored());
  expect([book.calm, book.areAllSeen]).toEqual([CALM, false]);
  expect(seen(book, [...ALL, ...ALL, MANY])).toEqual(ALL);
  expect([book.areAllSeen, [...book.recalled('Source')]]).toEqual([true, []]);
  const told = (one: Recalled): unknown => ({ ...one, row: undefined, describe: undefined });
  const expected = newcomers(ALL, new Masks(['a', 'b'])).map(({ state, isInScope, describe }) => ({
    ...describe(),
    state,
    isInScope,
    row: undefined,
    describe: undefined,
  }));
  expect([...book.recalled('Target')].map(told)).toEqual(expected);
});

it('who is not kept is forgotten, on their page alone, and who is new comes to the end', () => {
  const kept = stored();
  const before = kept.readOne({ side: 'Target', part: 'text' }, 0);
  const { book, masks } = open(kept);
  const left = ALL.filter((number) => number !== 5_000);
  const columns = book.side('Target');
  for (const number of left) columns.keep(columns.recognise(printAt(number)));
  book.store(undefined, { Source: [], Target: newcomers([MANY + 1], masks) });
  expect(kept.readOne({ side: 'Target', part: 'text' }, 0)).toEqual(before);
  const { book: again } = open(kept);
  expect(again.calm).toBeUndefined();
  expect(seen(again, [...ALL, MANY + 1])).toEqual([...left, MANY + 1]);
  expect([again.areAllSeen, [...again.recalled('Target')].length]).toEqual([true, MANY]);
});

it('masks are what they were also where they have other numbers by now', () => {
  const kept = stored();
  const { book, masks } = open(kept, { masks: ['00', '10'] });
  const columns = book.side('Target');
  for (const number of [0, 1, 9_999]) {
    const row = columns.recognise(printAt(number));
    expect([0, 1].map((attribute) => masks.has(columns.raw.mask(row), attribute))).toEqual([
      true,
      number % 2 === 0,
    ]);
  }
  for (let row = 0; row < MANY; row++) columns.keep(row);
  book.store(CALM, NOBODY);
  const again = open(kept, { masks: ['00', '10', '11'] });
  const row = again.book.side('Target').recognise(printAt(0));
  expect(again.book.side('Target').raw.mask(row)).toBe(2);
});

it.each<{ what: string; more: Partial<UnlinkedBookOptions> }>([
  { what: 'the links are not those that it was written with', more: { holds: false } },
  { what: 'the epoch is another', more: { epoch: 'f' } },
  { what: 'nothing is recognised at all', more: { epoch: undefined } },
  { what: 'other attributes are read', more: { attributes: { Source: [], Target: ['a'] } } },
])('it is not opened where $what', ({ more }) => {
  const { book } = open(stored(), { attributes: { Source: [], Target: ['a', 'b'] }, ...more, masks: [] });
  expect([seen(book, ALL), book.calm, book.areAllSeen]).toEqual([[], undefined, true]);
});

it('it is made anew where most of it is gaps', () => {
  const kept = stored();
  const { book } = open(kept);
  const columns = book.side('Target');
  columns.keep(columns.recognise(printAt(1)));
  book.store(undefined, NOBODY);
  expect(seen(open(kept).book, ALL)).toEqual([]);
});

it('is not written where nothing has changed', () => {
  const kept = stored();
  const { book } = open(kept);
  const columns = book.side('Target');
  for (const number of ALL) columns.keep(columns.recognise(printAt(number)));
  const header = kept.header();
  kept.write('another', { Source: 0, Target: 3 }, []);
  book.store(CALM, NOBODY);
  expect(kept.header()).toBe('another');
  kept.write(header ?? '', { Source: 0, Target: 3 }, []);
  open(kept).book.disturb();
  expect(open(kept).book.calm).toBeUndefined();
});

describe('a book that cannot be used', () => {
  it.each([
    [
      'looks at everybody in full',
      (kept: SqliteUnlinkedPages) => open(kept, { epoch: undefined }).book.store(CALM, NOBODY),
    ],
    ['is asked for one entry', (kept: SqliteUnlinkedPages) => open(kept, { holds: false }).book.disturb()],
    [
      'finds nobody unlinked',
      (kept: SqliteUnlinkedPages) => open(kept, { holds: false }).book.store(undefined, NOBODY),
    ],
  ])('leaves nothing that stands when a run %s', (_, run) => {
    const kept = stored();
    expect(open(kept).book.calm).toEqual(CALM);
    run(kept);
    expect(open(kept).book.calm).toBeUndefined();
  });
});
