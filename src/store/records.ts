/** What was found and done in one run, entry by entry. */
import type { EntryRecord } from '../engine/entry-record.ts';
import { numberOf, textOf, type Database, type Row } from './database.ts';
import { areOfOneKind, kindTextOf, unpackKind, unpackRecord, valuesTextOf } from './record-form.ts';

/** More kinds than that are not looked for again: each further record has one of its own. */
const KINDS_KNOWN = 4_096;

export class RecordWriter {
  readonly #database: Database;
  readonly #run: number;
  /** Text of a kind → its number in the run. */
  readonly #kinds: Map<string, number> = new Map();
  #records = 0;
  #lastKind: number | undefined;
  /** What was written last, and its kind: the next one is mostly of the same. */
  #last: { readonly record: EntryRecord; readonly kind: number } | undefined;

  constructor(database: Database, run: number) {
    this.#database = database;
    this.#run = run;
  }

  /** Durable by the next flush, together with the kind. */
  add(record: EntryRecord): void {
    const kind = this.#kindOf(record);
    this.#database.gather(
      'INSERT INTO entries (run, source, target, number, record, kind)',
      this.#run,
      record.source ?? '',
      record.target ?? '',
      this.#records++,
      valuesTextOf(record),
      kind,
    );
  }

  #kindOf(record: EntryRecord): number {
    if (this.#last && areOfOneKind(this.#last.record, record)) return this.#last.kind;
    const kind = this.#findKind(record);
    this.#last = { record, kind };
    return kind;
  }

  #findKind(record: EntryRecord): number {
    const text = kindTextOf(record);
    const known = this.#kinds.get(text);
    if (known !== undefined) return known;
    const number = this.#newKind();
    if (this.#kinds.size < KINDS_KNOWN) this.#kinds.set(text, number);
    this.#database.gather('INSERT INTO record_kinds (run, number, body)', this.#run, number, text);
    return number;
  }

  #newKind(): number {
    const sql = 'SELECT coalesce(max(number), -1) AS number FROM record_kinds WHERE run = ?';
    const number = (this.#lastKind ?? numberOf(this.#database.get(sql, this.#run) ?? {}, 'number')) + 1;
    this.#lastKind = number;
    return number;
  }
}

/** Records that are alike but for whom they are about, and the values. */
export interface RecordKind {
  /** About nobody: ids are empty where there are any; no names, values, reasons and messages. */
  readonly kind: EntryRecord;
  readonly count: number;
}

/** In order, without doubles. */
export function attributesWritten(kinds: Iterable<RecordKind>): string[] {
  const names = new Set<string>();
  for (const { kind } of kinds)
    if (kind.outcome === 'Applied') for (const { attribute } of kind.differences) names.add(attribute);
  return [...names].toSorted();
}

export interface RecordGroup {
  readonly key: string;
  readonly count: number;
  /** The first ones, in the order of `all`. */
  readonly examples: readonly EntryRecord[];
}

interface Gathering {
  count: number;
  /** Of the kinds. */
  readonly numbers: number[];
  readonly examples: EntryRecord[];
}

function gatheringOf(key: string, groups: Map<string, Gathering>): Gathering {
  const known = groups.get(key) ?? { count: 0, numbers: [], examples: [] };
  groups.set(key, known);
  return known;
}

/** The records of a run that has ended or goes on; with those of an earlier run that it repeats. */
export class Records {
  readonly #database: Database;
  /** The run that the records were written by. */
  readonly #writtenBy: number;
  readonly #areRepeated: boolean;
  #kinds: ReadonlyMap<number, EntryRecord> = new Map();

  constructor(database: Database, run: number) {
    const repeats = database.get('SELECT repeats FROM runs WHERE sequence = ?', run)?.['repeats'];
    this.#database = database;
    this.#areRepeated = typeof repeats === 'number';
    this.#writtenBy = typeof repeats === 'number' ? repeats : run;
  }

  /** Sorted by source id, then target id, bytewise. */
  *all(): Generator<EntryRecord> {
    const sql =
      'SELECT source, target, record, kind FROM entries WHERE run = ? ORDER BY source, target, number';
    for (const row of this.#database.iterate(sql, this.#writtenBy)) {
      const record = this.#recordOf(row);
      if (this.#counts(record)) yield record;
    }
  }

  /** Every kind once, where the whole program wrote them as kinds; else some of them more often. */
  *kinds(): Generator<RecordKind> {
    for (const { kind, count } of this.#numbered()) yield { kind, count };
    yield* this.#singles();
  }

  /** In the order of their first examples. */
  groups(keyOf: (kind: EntryRecord) => string, examples: number): RecordGroup[] {
    const groups = new Map<string, Gathering>();
    for (const { number, kind, count } of this.#numbered()) {
      const group = gatheringOf(keyOf(kind), groups);
      group.count += count;
      group.numbers.push(number);
    }
    for (const group of groups.values()) group.examples.push(...this.#first(group.numbers, examples));
    for (const { kind: record } of this.#singles()) {
      const group = gatheringOf(keyOf(record), groups);
      group.count++;
      if (group.examples.length < examples) group.examples.push(record);
    }
    const all = [...groups].map(([key, group]) => ({ key, count: group.count, examples: group.examples }));
    return all.toSorted((one, other) => compare(one.examples[0], other.examples[0]));
  }

  *#first(numbers: readonly number[], most: number): Generator<EntryRecord> {
    const sql = `SELECT source, target, record, kind FROM entries
      WHERE run = ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY source, target, number LIMIT ?`;
    const limit = Number.isFinite(most) ? most : -1;
    for (const row of this.#database.iterate(sql, this.#writtenBy, JSON.stringify(numbers), limit))
      yield this.#recordOf(row);
  }

  *#numbered(): Generator<RecordKind & { readonly number: number }> {
    const sql =
      'SELECT kind, count(*) AS count FROM entries WHERE run = ? AND kind IS NOT NULL GROUP BY kind';
    for (const row of this.#database.iterate(sql, this.#writtenBy)) {
      const number = numberOf(row, 'kind');
      const kind = this.#kind(number);
      if (this.#counts(kind)) yield { number, kind, count: numberOf(row, 'count') };
    }
  }

  /** As programs before this form wrote them, whole. */
  *#singles(): Generator<RecordKind> {
    const sql = `SELECT source, target, record, kind FROM entries WHERE run = ? AND kind IS NULL
      ORDER BY source, target, number`;
    for (const row of this.#database.iterate(sql, this.#writtenBy)) {
      const kind = this.#recordOf(row);
      if (this.#counts(kind)) yield { kind, count: 1 };
    }
  }

  /** All that a run can repeat: what it has done itself it has recorded itself. */
  #counts({ outcome }: EntryRecord): boolean {
    return !this.#areRepeated || outcome === 'Ignored' || outcome === 'Reported';
  }

  #recordOf(row: Row): EntryRecord {
    const values = textOf(row, 'record');
    if (row['kind'] === null) return JSON.parse(values) as EntryRecord;
    const [source, target] = [textOf(row, 'source'), textOf(row, 'target')];
    return unpackRecord(this.#kind(numberOf(row, 'kind')), { source, target, values });
  }

  #kind(number: number): EntryRecord {
    // A run that goes on finds new ones.
    if (!this.#kinds.has(number)) this.#kinds = this.#loadKinds();
    const kind = this.#kinds.get(number);
    if (!kind) throw new Error(`the records of run ${this.#writtenBy} know no kind ${number}`);
    return kind;
  }

  #loadKinds(): ReadonlyMap<number, EntryRecord> {
    const kinds = new Map<number, EntryRecord>();
    const sql = 'SELECT number, body FROM record_kinds WHERE run = ?';
    for (const row of this.#database.iterate(sql, this.#writtenBy))
      kinds.set(numberOf(row, 'number'), unpackKind(textOf(row, 'body')));
    return kinds;
  }
}

/** As the store sorts: by source id, then target id, bytewise. */
function compare(one: EntryRecord | undefined, other: EntryRecord | undefined): number {
  return (
    Buffer.compare(Buffer.from(one?.source ?? ''), Buffer.from(other?.source ?? '')) ||
    Buffer.compare(Buffer.from(one?.target ?? ''), Buffer.from(other?.target ?? ''))
  );
}
