/** What one mapping remembers, in the store's database. */
import type {
  Baseline,
  HeldPlan,
  Intent,
  Links,
  Memory,
  Settlement,
  Since,
  Spending,
} from '../engine/ports.ts';
import type { EntryRecord } from '../engine/entry-record.ts';
import { numberOf, textOf, type Database } from './database.ts';
import { SqliteLinks } from './links.ts';
import { Approvals } from './approvals.ts';
import { SqliteUnlinkedPages } from './unlinked-pages.ts';
import { Journal } from './journal.ts';
import { RecordWriter } from './records.ts';

/** Longer than the longest window of a budget (720h). */
const KEEP_SPENT_MS = 60 * 86_400_000;

export interface MappingEnds {
  readonly sourceSystem: string;
  readonly sourceObject: string;
  readonly targetSystem: string;
  readonly targetObject: string;
}

export interface MemoryOptions {
  /** Row of the mapping. */
  readonly mapping: number;
  readonly ends: MappingEnds;
  /** Sequence number of the run that records go to. */
  readonly run: number;
  /** Mappings that were not part of any call since then hold nothing any more. */
  readonly forgottenBefore: number;
}

export class SqliteMemory implements Memory {
  readonly links: Links;
  readonly unlinked: SqliteUnlinkedPages;
  readonly #database: Database;
  readonly #options: MemoryOptions;
  readonly #approvals: Approvals;
  readonly #journal: Journal;
  readonly #records: RecordWriter;
  #sharesTarget: boolean | undefined;

  constructor(database: Database, options: MemoryOptions) {
    this.#database = database;
    this.#options = options;
    this.links = new SqliteLinks(database, options.mapping);
    this.unlinked = new SqliteUnlinkedPages(database, options.mapping);
    this.#approvals = new Approvals(database, options.mapping);
    this.#journal = new Journal(database, options.mapping);
    this.#records = new RecordWriter(database, options.run);
  }

  *since(): Generator<Since> {
    const sql = 'SELECT side, key, situation, at, run FROM since WHERE mapping = ?';
    for (const row of this.#database.iterate(sql, this.#options.mapping)) {
      yield {
        side: sideOf(textOf(row, 'side')),
        key: textOf(row, 'key'),
        situation: textOf(row, 'situation'),
        at: numberOf(row, 'at'),
        run: numberOf(row, 'run'),
      };
    }
  }

  putSince({ side, key, situation, at, run }: Since): void {
    const sql = 'INSERT OR REPLACE INTO since (mapping, side, key, situation, at, run)';
    this.#database.gather(sql, this.#options.mapping, side, key, situation, at, run);
  }

  dropSince({ side, key, situation }: Pick<Since, 'side' | 'key' | 'situation'>): void {
    const sql = 'DELETE FROM since WHERE mapping = ? AND side = ? AND key = ? AND situation = ?';
    this.#database.run(sql, this.#options.mapping, side, key, situation);
  }

  marks(side: 'Source' | 'Target'): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const row of this.#database.iterate(
      'SELECT key FROM marks WHERE system = ? AND object = ?',
      ...this.#object(side),
    )) {
      keys.add(textOf(row, 'key'));
    }
    return keys;
  }

  putMark(side: 'Source' | 'Target', key: string): void {
    this.#database.run(
      'INSERT OR IGNORE INTO marks (system, object, key) VALUES (?, ?, ?)',
      ...this.#object(side),
      key,
    );
  }

  dropMark(side: 'Source' | 'Target', key: string): void {
    this.#database.run(
      'DELETE FROM marks WHERE system = ? AND object = ? AND key = ?',
      ...this.#object(side),
      key,
    );
  }

  baseline(side: 'Source' | 'Target'): Baseline | undefined {
    const row = this.#database.get(
      'SELECT body FROM baselines WHERE mapping = ? AND side = ?',
      this.#options.mapping,
      side,
    );
    return row && (JSON.parse(textOf(row, 'body')) as Baseline);
  }

  putBaseline(side: 'Source' | 'Target', baseline: Baseline): void {
    const sql = 'INSERT OR REPLACE INTO baselines (mapping, side, body) VALUES (?, ?, ?)';
    this.#database.run(sql, this.#options.mapping, side, JSON.stringify(baseline));
  }

  unfinished(): readonly Intent[] {
    return this.#journal.unfinished();
  }

  begin(intents: readonly Intent[]): void {
    this.#journal.begin(intents);
    this.#database.flush();
  }

  /**
   * An intent whose result is known has done its work; one that is Unknown stays to be looked after. Durable by the
   * next `flush`, together with what counts against the budgets: a kill between the two only means a second look.
   */
  settle(settlements: readonly Settlement[]): void {
    this.#journal.settle(settlements);
  }

  spent(since: number): readonly Spending[] {
    const sql = `SELECT side, effect, attribute, sum(count) AS count FROM spent WHERE mapping = ? AND at >= ? GROUP BY side, effect, attribute`;
    return [...this.#database.iterate(sql, this.#options.mapping, since)].map((row) => ({
      side: sideOf(textOf(row, 'side')),
      effect: textOf(row, 'effect'),
      attribute: textOf(row, 'attribute'),
      count: numberOf(row, 'count'),
    }));
  }

  spend(at: number, spending: readonly Spending[]): void {
    const sums = new Map<string, Spending>();
    for (const one of spending) {
      const key = `${one.side}|${one.effect}|${one.attribute}`;
      sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
    }
    const sql = 'INSERT INTO spent (mapping, at, side, effect, attribute, count) VALUES (?, ?, ?, ?, ?, ?)';
    for (const { side, effect, attribute, count } of sums.values()) {
      this.#database.run(sql, this.#options.mapping, at, side, effect, attribute, count);
    }
    if (sums.size === 0) return;
    this.#database.run(
      'DELETE FROM spent WHERE mapping = ? AND at < ?',
      this.#options.mapping,
      at - KEEP_SPENT_MS,
    );
  }

  released(now: number, approvedPlan: string | undefined): ReadonlySet<string> {
    return this.#approvals.released(now, approvedPlan);
  }

  useRelease(digest: string): void {
    this.#approvals.use(digest);
  }

  putHeldPlan(plan: HeldPlan, now: number): HeldPlan {
    return this.#approvals.keep(plan, now);
  }

  holder(targetKey: string): string | undefined {
    if (!this.sharesTarget()) return undefined;
    const where = `m.target_system = ? AND m.target_object = ? AND m.id <> ? AND m.seen_at >= ?`;
    const values = [
      this.#options.ends.targetSystem,
      this.#options.ends.targetObject,
      this.#options.mapping,
      this.#options.forgottenBefore,
    ];
    for (const table of ['links', 'wants']) {
      const sql = `SELECT m.name AS name FROM ${table} t JOIN mappings m ON m.id = t.mapping WHERE t.target_key = ? AND ${where} ORDER BY m.name LIMIT 1`;
      const row = this.#database.get(sql, targetKey, ...values);
      if (row) return textOf(row, 'name');
    }
    return undefined;
  }

  /** Most have it alone, and it does not change in a run. */
  sharesTarget(): boolean {
    this.#sharesTarget ??= this.#hasNeighbours();
    return this.#sharesTarget;
  }

  #hasNeighbours(): boolean {
    const { ends, mapping, forgottenBefore } = this.#options;
    const sql =
      'SELECT id FROM mappings WHERE target_system = ? AND target_object = ? AND id <> ? AND seen_at >= ? LIMIT 1';
    const values = [ends.targetSystem, ends.targetObject, mapping, forgottenBefore];
    return this.#database.get(sql, ...values) !== undefined;
  }

  putWants(targetKeys: Iterable<string>): void {
    this.#database.run('DELETE FROM wants WHERE mapping = ?', this.#options.mapping);
    for (const key of targetKeys)
      this.#database.gather('INSERT OR IGNORE INTO wants (mapping, target_key)', this.#options.mapping, key);
  }

  lastReadRun(mapping: string): number | undefined {
    const sql = `SELECT max(r.sequence) AS sequence FROM runs r JOIN mappings m ON m.id = r.mapping
      WHERE m.name = ? AND r.finished_at IS NOT NULL AND r.source_complete IN ('Yes', 'Unproved')`;
    const row = this.#database.get(sql, mapping);
    return typeof row?.['sequence'] === 'number' ? row['sequence'] : undefined;
  }

  firstLoad(): boolean {
    return this.#database.get('SELECT value FROM meta WHERE name = ?', this.#firstLoadName()) !== undefined;
  }

  putFirstLoad(isOpen: boolean): void {
    if (isOpen === this.firstLoad()) return;
    const sql = isOpen
      ? `INSERT INTO meta (name, value) VALUES (?, 'open')`
      : 'DELETE FROM meta WHERE name = ?';
    this.#database.run(sql, this.#firstLoadName());
  }

  #firstLoadName(): string {
    return `first-load-${this.#options.mapping}`;
  }

  enforcedRuns(): number {
    const sql = `SELECT count(*) AS count FROM runs WHERE mapping = ? AND mode = 'Enforce' AND outcome IN ('Succeeded', 'Degraded', 'Held')`;
    return numberOf(this.#database.get(sql, this.#options.mapping) ?? {}, 'count');
  }

  record(record: EntryRecord): void {
    this.#records.add(record);
  }

  repeatRecords(run: number): void {
    this.#database.run('UPDATE runs SET repeats = ? WHERE sequence = ?', run, this.#options.run);
  }

  letOthersWrite(): void {
    if (this.#database.isWriting) this.#database.flush();
  }

  flush(): void {
    this.#database.flush();
  }

  #object(side: 'Source' | 'Target'): [string, string] {
    const { ends } = this.#options;
    return side === 'Source'
      ? [ends.sourceSystem, ends.sourceObject]
      : [ends.targetSystem, ends.targetObject];
  }
}

function sideOf(text: string): 'Source' | 'Target' {
  return text === 'Source' ? 'Source' : 'Target';
}
