/** Records in the store's form: nothing is lost on the way, and what is counted by kind is what is there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryRecord, RecordedValue } from '../../src/engine/entry-record.ts';
import { Database } from '../../src/store/database.ts';
import { mappingRow } from '../../src/store/mappings.ts';
import { RecordWriter, Records, type RecordGroup } from '../../src/store/records.ts';
import { areOfOneKind, kindTextOf } from '../../src/store/record-form.ts';
import { Runs } from '../../src/store/runs.ts';

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.constantFrom('', '0', '[]', 'ü"\\'));
const orNull = (from: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(from, { nil: null });
const few = orNull(fc.constantFrom('a', 'b'));
const value: fc.Arbitrary<RecordedValue> = fc.oneof(text, fc.record({ base64: fc.base64String() }));
const values = fc.array(value, { maxLength: 3 });

const record: fc.Arbitrary<EntryRecord> = fc.record({
  situation: few,
  row: few,
  changes: fc.array(text, { maxLength: 2 }),
  response: few,
  rule: few,
  source: orNull(text),
  sourceName: orNull(text),
  target: orNull(text),
  targetName: orNull(text),
  outcome: fc.constantFrom('Applied', 'Ignored', 'Reported', 'Held'),
  held: fc.option(fc.record({ by: fc.constantFrom('Budget', 'Protect'), reason: text }), { nil: null }),
  differences: fc.array(fc.record({ attribute: text, author: orNull(text), from: values, to: values }), {
    maxLength: 3,
  }),
  error: fc.option(fc.record({ code: text, attribute: orNull(text), rule: orNull(text), message: text }), {
    nil: null,
  }),
  passedOver: fc.array(text, { maxLength: 2 }),
});

class Book implements Disposable {
  readonly database: Database = new Database(':memory:');
  readonly #runs: Runs;
  readonly #mapping: number;
  #ids = 0;

  constructor() {
    this.database.migrate();
    this.#runs = new Runs(this.database);
    const ends = {
      sourceSystem: 'hr',
      sourceObject: 'person',
      targetSystem: 'directory',
      targetObject: 'account',
    };
    this.#mapping = mappingRow(this.database, { name: 'people', ends, linksFrom: undefined }, 0);
  }

  write(records: readonly EntryRecord[]): number {
    const run = { id: `run-${++this.#ids}`, mapping: this.#mapping, mode: 'Enforce', startedAt: 0 };
    const sequence = this.#runs.begin(run);
    const writer = new RecordWriter(this.database, sequence);
    for (const one of records) writer.add(one);
    this.database.flush();
    return sequence;
  }

  /** As programs wrote records before there were kinds. */
  writeWhole(records: readonly EntryRecord[], sequence: number): void {
    const sql = 'INSERT INTO entries (run, source, target, number, record) VALUES (?, ?, ?, ?, ?)';
    for (const [at, one] of records.entries())
      this.database.run(sql, sequence, one.source ?? '', one.target ?? '', 1_000 + at, JSON.stringify(one));
    this.database.flush();
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

const keyOf = ({ situation, outcome, error }: EntryRecord): string =>
  `${situation ?? '-'} ${outcome} ${error?.code ?? '-'}`;

/** By hand, over everything. */
function grouped(records: readonly EntryRecord[], examples: number): RecordGroup[] {
  const keys = [...new Set(records.map(keyOf))];
  return keys.map((key) => {
    const own = records.filter((one) => keyOf(one) === key);
    return { key, count: own.length, examples: own.slice(0, examples) };
  });
}

const byIds = (records: readonly EntryRecord[]): EntryRecord[] =>
  records.toSorted(
    (one, other) =>
      Buffer.compare(Buffer.from(one.source ?? ''), Buffer.from(other.source ?? '')) ||
      Buffer.compare(Buffer.from(one.target ?? ''), Buffer.from(other.target ?? '')),
  );

describe('records', () => {
  it('come back as they were, in order, and are grouped as by hand', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.array(record, { maxLength: 3 }), (now, before) => {
        using book = new Book();
        const sequence = book.write(now);
        book.writeWhole(before, sequence);
        const records = new Records(book.database, sequence);
        const all = [...records.all()];
        expect(all).toEqual(byIds([...now, ...before]));
        const counted = [...records.kinds()].reduce((sum, { count }) => sum + count, 0);
        expect(counted).toBe(all.length);
        const groups = records.groups(keyOf, 2);
        const expected = grouped(all, 2);
        expect(groups.map(({ key, count }) => ({ key, count }))).toEqual(
          expect.arrayContaining(expected.map(({ key, count }) => ({ key, count }))),
        );
        expect(groups).toHaveLength(expected.length);
        if (before.length === 0) expect(sameExamples(groups)).toEqual(sameExamples(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('of very many kinds are all there', () => {
    using book = new Book();
    const one = fc.sample(record, { numRuns: 1, seed: 1 })[0];
    if (!one) throw new Error('no record');
    const many = Array.from({ length: 5_000 }, (_, at) => ({
      ...one,
      source: String(10_000 + at),
      rule: String(at % 4_500),
    }));
    const records = new Records(book.database, book.write(many));
    expect([...records.all()]).toEqual(many);
    expect([...records.kinds()].reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });

  it('of a run that goes on are there as soon as they are durable', () => {
    using book = new Book();
    const [first, second] = fc.sample(record, { numRuns: 2, seed: 2 });
    if (!first || !second) throw new Error('no records');
    const sequence = book.write([first]);
    const records = new Records(book.database, sequence);
    expect([...records.all()]).toEqual([first]);
    const writer = new RecordWriter(book.database, sequence + 1);
    writer.add(second);
    book.database.run('UPDATE entries SET run = ?, number = 9 WHERE run = ?', sequence, sequence + 1);
    book.database.run('UPDATE record_kinds SET run = ?, number = 9 WHERE run = ?', sequence, sequence + 1);
    book.database.run('UPDATE entries SET kind = 9 WHERE number = 9');
    expect([...records.all()]).toEqual(byIds([first, second]));
  });

  it('that have much in common take up little room', () => {
    using book = new Book();
    const attributes = Array.from({ length: 12 }, (_, at) => `attributeNumber${at}`);
    const alike = Array.from({ length: 100 }, (_, at) => ({
      situation: 'Absent',
      row: 'A3',
      changes: ['source'],
      response: 'CreateTarget',
      rule: 'createAbsent',
      source: `id-${at}`,
      sourceName: null,
      target: `uid=${at}`,
      targetName: null,
      outcome: 'Applied' as const,
      held: null,
      differences: attributes.map((attribute) => ({
        attribute,
        author: 'people',
        from: [],
        to: [`value ${at}`],
      })),
      error: null,
      passedOver: [],
    }));
    book.write(alike);
    const stored = book.database.get('SELECT max(length(record)) AS longest FROM entries')?.['longest'];
    const whole = JSON.stringify(alike[99]).length;
    expect(Number(stored)).toBeLessThan(whole / 5);
  });
});

/** Which of several with equal ids come first is not told. */
function sameExamples(groups: readonly RecordGroup[]): unknown {
  const idsOf = ({ source, target }: EntryRecord): string => `${source ?? ''} ${target ?? ''}`;
  return groups
    .map(({ key, examples }) => ({ key, ids: examples.map(idsOf) }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

const MEMBERS: readonly (keyof EntryRecord)[] = [
  'situation',
  'row',
  'changes',
  'response',
  'rule',
  'source',
  'target',
  'sourceName',
  'targetName',
  'outcome',
  'held',
  'differences',
  'error',
  'passedOver',
];

/** Two of which most members are the same, and plain. */
const neighbours = fc
  .tuple(record, record, fc.constantFrom(...MEMBERS), fc.boolean())
  .map(([one, other, member, isPlain]): [EntryRecord, EntryRecord] => {
    const base = isPlain ? { ...one, changes: [], passedOver: [], held: null, error: null } : one;
    return [base, { ...base, [member]: other[member] }];
  });

it('takes two records for one kind only where they are, and always where they are plain', () => {
  let same = 0;
  fc.assert(
    fc.property(neighbours, ([one, other]) => {
      const areOne = kindTextOf(one) === kindTextOf(other);
      const arePlain = [one, other].every(
        ({ changes, passedOver, held, error }) =>
          changes.length + passedOver.length === 0 && held === null && error === null,
      );
      if (areOne) same++;
      expect(areOfOneKind(one, other)).toBe(areOne && arePlain);
    }),
    { numRuns: 5_000 },
  );
  expect(same).toBeGreaterThan(1_000);
});
