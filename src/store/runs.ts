/** Runs, and for how long what they found and did is kept. */
import { numberOf, textOf, type Database, type Row } from './database.ts';

/** Entry records are kept for so long, and for so many runs of a mapping. */
const KEEP_ENTRIES_MS = 90 * 86_400_000;
const KEEP_ENTRIES_RUNS = 100;

export interface StoredRun {
  readonly sequence: number;
  readonly id: string;
  readonly mapping: string;
  readonly mode: string;
  readonly startedAt: number;
  /** Undefined: it was cut off. */
  readonly finishedAt: number | undefined;
  readonly outcome: string | undefined;
  /** What the run said of itself, as the command line prints it, without entries. */
  readonly body: unknown;
}

export class Runs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the run's sequence number, which counts on whatever the clock says. */
  begin(run: { id: string; mapping: number; mode: string; startedAt: number }): number {
    const sequence =
      numberOf(this.#database.get('SELECT max(sequence) AS sequence FROM runs') ?? {}, 'sequence') + 1;
    const sql = 'INSERT INTO runs (sequence, id, mapping, mode, started_at) VALUES (?, ?, ?, ?, ?)';
    this.#database.run(sql, sequence, run.id, run.mapping, run.mode, run.startedAt);
    this.#database.flush();
    return sequence;
  }

  finish(
    sequence: number,
    run: { finishedAt: number; outcome: string; sourceComplete: string; body: unknown },
  ): void {
    const sql =
      'UPDATE runs SET finished_at = ?, outcome = ?, source_complete = ?, body = ? WHERE sequence = ?';
    this.#database.run(
      sql,
      run.finishedAt,
      run.outcome,
      run.sourceComplete,
      JSON.stringify(run.body),
      sequence,
    );
    this.#forget(sequence, run.finishedAt);
    this.#database.flush();
  }

  /** Newest first. */
  *list(mapping: string | undefined, limit: number): Generator<StoredRun> {
    const sql = `SELECT r.*, m.name AS name FROM runs r JOIN mappings m ON m.id = r.mapping
      WHERE ? IS NULL OR m.name = ? ORDER BY r.sequence DESC LIMIT ?`;
    for (const row of this.#database.iterate(sql, mapping ?? null, mapping ?? null, limit)) yield runOf(row);
  }

  find(id: string): StoredRun | undefined {
    const row = this.#database.get(
      'SELECT r.*, m.name AS name FROM runs r JOIN mappings m ON m.id = r.mapping WHERE r.id = ?',
      id,
    );
    return row && runOf(row);
  }

  #forget(sequence: number, now: number): void {
    const mapping = numberOf(
      this.#database.get('SELECT mapping FROM runs WHERE sequence = ?', sequence) ?? {},
      'mapping',
    );
    // Never the run that just ended: a clock that jumped while it went on would take its entries. Nor what is repeated.
    const forgotten = `mapping = ? AND sequence < ? AND (started_at < ? OR sequence <=
      coalesce((SELECT sequence FROM runs WHERE mapping = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?), 0))`;
    const which = [mapping, sequence, now - KEEP_ENTRIES_MS, mapping, KEEP_ENTRIES_RUNS];
    for (const table of ['entries', 'record_kinds']) {
      const sql = `DELETE FROM ${table} WHERE run IN (SELECT sequence FROM runs WHERE ${forgotten}) AND run NOT IN
        (SELECT repeats FROM runs WHERE repeats IS NOT NULL AND mapping = ? AND NOT (${forgotten}))`;
      this.#database.run(sql, ...which, mapping, ...which);
    }
  }
}

function runOf(row: Row): StoredRun {
  const finished = row['finished_at'];
  const outcome = row['outcome'];
  const body = row['body'];
  return {
    sequence: numberOf(row, 'sequence'),
    id: textOf(row, 'id'),
    mapping: textOf(row, 'name'),
    mode: textOf(row, 'mode'),
    startedAt: numberOf(row, 'started_at'),
    finishedAt: finished === null ? undefined : numberOf(row, 'finished_at'),
    outcome: typeof outcome === 'string' ? outcome : undefined,
    body: typeof body === 'string' ? (JSON.parse(body) as unknown) : undefined,
  };
}
