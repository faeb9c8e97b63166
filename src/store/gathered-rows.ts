/** Rows on their way into tables, to be written many at once: a statement for each row costs more than the row. */
import type { SQLInputValue } from 'node:sqlite';

/** Of one statement. */
export const ROWS_AT_ONCE = 64;

export interface RowsStatement {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
  readonly rows: number;
}

export class GatheredRows {
  /** By the statement up to VALUES: the values of its rows, one after the other. */
  readonly #rows: Map<string, { readonly columns: number; readonly values: SQLInputValue[] }> = new Map();

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** How many are waiting with it. */
  add(insert: string, row: readonly SQLInputValue[]): number {
    const known = this.#rows.get(insert);
    const { columns, values } = known ?? { columns: row.length, values: [] };
    if (!known) this.#rows.set(insert, { columns, values });
    for (const value of row) values.push(value);
    return values.length / columns;
  }

  drop(): void {
    this.#rows.clear();
  }

  /** Of one table, or everything; nothing of it is left here. Numbers of rows are powers of two: few statements to prepare. */
  take(only?: string): RowsStatement[] {
    const statements: RowsStatement[] = [];
    for (const [insert, { columns, values }] of this.#rows) {
      if (only !== undefined && insert !== only) continue;
      this.#rows.delete(insert);
      let rows = ROWS_AT_ONCE;
      for (let at = 0; at < values.length; at += rows * columns) {
        while (at + rows * columns > values.length) rows /= 2;
        const sql = `${insert} VALUES ${tuples(columns, rows)}`;
        statements.push({ sql, values: values.slice(at, at + rows * columns), rows });
      }
    }
    return statements;
  }
}

function tuples(columns: number, rows: number): string {
  const tuple = `(${Array.from({ length: columns }, () => '?').join(', ')})`;
  return Array.from({ length: rows }, () => tuple).join(', ');
}
