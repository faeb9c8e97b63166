/**
 * One SQLite database: statements prepared once, writes gathered in one open transaction until `flush`. WAL and
 * synchronous FULL: what `flush` returned for survives a power cut.
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { MIGRATIONS } from './migrations.ts';
import { StateError } from './state-error.ts';

export type Row = Record<string, SQLOutputValue>;

/** Writes after which a transaction ends by itself, so that the log stays small. */
const WRITES_PER_TRANSACTION = 20_000;
const CACHE_KIBIBYTES = 16_384;

export class Database {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Map<string, StatementSync> = new Map();
  /** Invariant: a transaction is open exactly while #writes is above 0. */
  #writes = 0;

  constructor(path: string, options: { readonly readOnly?: boolean } = {}) {
    this.path = path;
    this.#database = new DatabaseSync(path, { readOnly: options.readOnly ?? false });
    this.#database.exec(`PRAGMA cache_size = -${CACHE_KIBIBYTES}; PRAGMA busy_timeout = 5000;`);
    if (!options.readOnly) this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  }

  /** Brings the schema up to date; refuses a database that a newer program has written. */
  migrate(): void {
    const version = this.version();
    if (version > MIGRATIONS.length) {
      const message = `${this.path} has schema version ${version}, this program knows ${MIGRATIONS.length}; use the newer program, or another state folder`;
      throw new StateError('NewerVersion', message);
    }
    for (const [at, migration] of MIGRATIONS.entries()) {
      if (at < version) continue;
      this.#database.exec(`BEGIN IMMEDIATE; ${migration}; PRAGMA user_version = ${at + 1}; COMMIT;`);
    }
  }

  version(): number {
    return Number(this.get('PRAGMA user_version')?.['user_version'] ?? 0);
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    if (this.#writes === 0) this.#database.exec('BEGIN IMMEDIATE');
    this.#writes++;
    this.#prepare(sql).run(...values);
    if (this.#writes >= WRITES_PER_TRANSACTION) this.flush();
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  /** Rows as they are stepped through; the statement is its own, so that walks may nest. */
  *iterate(sql: string, ...values: SQLInputValue[]): Generator<Row> {
    yield* this.#database.prepare(sql).iterate(...values);
  }

  flush(): void {
    if (this.#writes === 0) return;
    this.#database.exec('COMMIT');
    this.#writes = 0;
  }

  rollback(): void {
    if (this.#writes > 0) this.#database.exec('ROLLBACK');
    this.#writes = 0;
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

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : '';
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}

export function bytesOf(row: Row, column: string): Uint8Array | undefined {
  const value = row[column];
  return value instanceof Uint8Array ? value : undefined;
}
