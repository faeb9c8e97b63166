/**
 * One SQLite database: statements prepared once, writes gathered in one open transaction until `flush`. WAL and
 * synchronous FULL: what `flush` returned for survives a power cut. What must become true together stands in
 * `run` calls without a `gather` call between them, in `atomically`, or between `begin` and `commitWith`.
 */
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementResultingChanges,
  type StatementSync,
} from 'node:sqlite';
import { GatheredRows, ROWS_AT_ONCE } from './gathered-rows.ts';
import { MIGRATIONS } from './migrations.ts';
import { openForReading } from './open-for-reading.ts';
import { explained, StateError } from './state-error.ts';

export type Row = Record<string, SQLOutputValue>;

/** Writes after which a bulk load begins a new transaction, so that the log stays small. */
const WRITES_PER_TRANSACTION = 20_000;
/** A transaction keeps others waiting: it is begun for so many rows that were gathered, and goes on by statements. */
const ROWS_TO_BEGIN_WITH = 1_024;
const EPOCH = `SELECT value FROM meta WHERE name = 'epoch'`;
/** In pages of 4 KiB. Links are put all over their tables: the longer the log, the fewer pages are copied again and again. */
const LOG_PAGES = 8_192;
const DURABLE = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${LOG_PAGES};`;
const SCRATCH = 'PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;';
const CACHE_KIBIBYTES = 16_384;
/** How long to wait for another process's transaction. */
const WAIT_MS = 5_000;
/** How long to wait for another thread's, and how long without looking up: meanwhile nobody could end this one. */
const WAIT_FOR_THREADS_MS = 600_000;
const WAIT_AT_ONCE_MS = 200;

/** Several threads of one process write, and another process may have taken over meanwhile. */
export interface Ownership {
  /** What the owner's row has to say, in every transaction. */
  readonly epoch: number;
  /** Asked before every transaction and every commit. */
  readonly mayWrite: () => boolean;
}

export interface DatabaseOptions {
  readonly readOnly?: boolean;
  /** It is thrown away with the process, so nothing of it has to survive a power cut. */
  readonly isScratch?: boolean;
  readonly ownership?: Ownership;
}

export class Database {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #ownership: Ownership | undefined;
  readonly #statements: Map<string, StatementSync> = new Map();
  /** Invariant: a transaction is open exactly while #writes is above 0. */
  #writes = 0;
  /** Nothing of it is written yet; whatever else is asked comes after it. */
  readonly #gathered: GatheredRows = new GatheredRows();
  #isAtomic = false;

  constructor(path: string, options: DatabaseOptions = {}) {
    this.path = path;
    this.#ownership = options.ownership;
    this.#database = options.readOnly ? openForReading(path) : new DatabaseSync(path);
    try {
      // First of all how long to wait: the last process before us may be putting its log away.
      this.#database.exec(`PRAGMA busy_timeout = ${WAIT_MS}; PRAGMA cache_size = -${CACHE_KIBIBYTES};`);
      if (!options.readOnly) this.#database.exec(options.isScratch ? SCRATCH : DURABLE);
      this.version();
      if (options.ownership) this.#database.exec(`PRAGMA busy_timeout = ${WAIT_AT_ONCE_MS};`);
    } catch (error) {
      this.#database.close();
      throw explained(path, error);
    }
  }

  /** Brings the schema up to date; refuses a database that a newer program has written. */
  migrate(): void {
    this.refuseNewer();
    for (const [at, migration] of MIGRATIONS.entries()) {
      if (at < this.version()) continue;
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        this.#database.exec(`${migration}; PRAGMA user_version = ${at + 1}; COMMIT;`);
      } catch (error) {
        // A full disk ends the transaction by itself; a statement that is refused does not.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw explained(this.path, error);
      }
    }
  }

  refuseNewer(): void {
    const version = this.version();
    if (version <= MIGRATIONS.length) return;
    const message = `${this.path} has schema version ${version}, this program knows ${MIGRATIONS.length}; use the newer program, or another state folder`;
    throw new StateError('NewerVersion', message);
  }

  isOlder(): boolean {
    return this.version() < MIGRATIONS.length;
  }

  /** 0: nothing was ever made of it. */
  version(): number {
    return Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#writeGathered();
    this.#write(sql, values);
  }

  /** The number of the row that was inserted. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    this.#writeGathered();
    return Number(this.#write(sql, values).lastInsertRowid);
  }

  /**
   * As `run`, for one of very many rows that need not be kept together: what was written before may become durable. It is
   * written with others of its table, before anything else that is asked. `insert`: the statement up to VALUES.
   */
  gather(insert: string, ...row: SQLInputValue[]): void {
    if (this.#gathered.add(insert, row) < (this.isWriting ? ROWS_AT_ONCE : ROWS_TO_BEGIN_WITH)) return;
    if (this.#writes >= WRITES_PER_TRANSACTION && !this.#isAtomic) this.flush();
    else this.#writeGathered(insert);
  }

  /** What `work` writes becomes durable as a whole, or not at all where it throws; what was written before is durable first. */
  atomically(work: () => void): void {
    this.begin();
    this.commitWith(work);
  }

  /** From now on what is written becomes durable by `commitWith`, or is dropped by `rollback`. */
  begin(): void {
    this.flush();
    this.#isAtomic = true;
  }

  /** All that was written since `begin`, and what `work` writes; or nothing of it, where it throws. */
  commitWith(work: () => void): void {
    try {
      work();
      this.flush();
      this.#isAtomic = false;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    this.#writeGathered();
    return this.#prepare(sql).get(...values);
  }

  /** Rows as they are stepped through; the statement is its own, so that walks may nest. */
  *iterate(sql: string, ...values: SQLInputValue[]): Generator<Row> {
    this.#writeGathered();
    yield* this.#database.prepare(sql).iterate(...values);
  }

  /** The same without a name for every value: half the time where there are many rows. */
  *columns(sql: string, ...values: SQLInputValue[]): Generator<readonly SQLOutputValue[]> {
    this.#writeGathered();
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    for (const row of statement.iterate(...values)) yield Array.isArray(row) ? row : Object.values(row);
  }

  /** Others wait until it is flushed. Rows that are only gathered keep nobody waiting. */
  get isWriting(): boolean {
    return this.#writes > 0;
  }

  flush(): void {
    this.#writeGathered();
    if (this.#writes === 0) return;
    try {
      if (this.#ownership && !this.#ownership.mayWrite()) throw superseded(this.path);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.rollback();
      throw explained(this.path, error);
    }
    this.#writes = 0;
  }

  rollback(): void {
    this.#isAtomic = false;
    this.#gathered.drop();
    if (this.#writes === 0) return;
    this.#writes = 0;
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  /** For node:sqlite's online backup. */
  handle(): DatabaseSync {
    return this.#database;
  }

  close(): void {
    if (!this.#database.isOpen) return;
    this.flush();
    this.#database.close();
  }

  #writeGathered(only?: string): void {
    if (this.#gathered.isEmpty) return;
    for (const { sql, values, rows } of this.#gathered.take(only)) {
      this.#write(sql, values);
      this.#writes += rows - 1;
    }
  }

  #write(sql: string, values: readonly SQLInputValue[]): StatementResultingChanges {
    if (this.#writes === 0) this.#begin();
    this.#writes++;
    try {
      return this.#prepare(sql).run(...values);
    } catch (error) {
      if (!this.#database.isTransaction) this.#writes = 0;
      throw explained(this.path, error);
    }
  }

  #begin(): void {
    if (this.#ownership) this.#beginAs(this.#ownership);
    else this.#database.exec('BEGIN IMMEDIATE');
  }

  #beginAs(ownership: Ownership): void {
    const deadline = performance.now() + WAIT_FOR_THREADS_MS;
    do {
      if (!ownership.mayWrite()) throw superseded(this.path);
    } while (!this.#tryBegin(performance.now() > deadline));
    // Not by `get`: what is gathered is waiting for this very transaction.
    if (epochIn(this.#prepare(EPOCH).get()) === ownership.epoch) return;
    this.#database.exec('ROLLBACK');
    throw superseded(this.path);
  }

  /** False: somebody else is in a transaction. */
  #tryBegin(isLast: boolean): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (isLast || !(error instanceof Error) || !error.message.includes('database is locked')) throw error;
      return false;
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function superseded(path: string): StateError {
  return new StateError('Superseded', `${path} belongs to another process now; nothing more is written`);
}

/** Who owns the state: a number that every new owner raises. 0: nobody ever did. */
export function readEpoch(database: Database): number {
  return epochIn(database.get(EPOCH));
}

function epochIn(row: Row | undefined): number {
  return Number(textOf(row ?? {}, 'value'));
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : '';
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}
