/**
 * The journal of one mapping. A row holds several intents, so that a batch costs few statements; it shrinks as their
 * results become known, and goes with the last of them.
 */
import type { Intent, Settlement } from '../engine/ports.ts';
import { numberOf, textOf, type Database } from './database.ts';

/** A row that shrinks is written anew, so it is kept small; at every settlement two or three are half done. */
const INTENTS_PER_ROW = 32;

interface Row {
  readonly number: number;
  readonly open: Set<string>;
  isChanged: boolean;
}

export class Journal {
  readonly #database: Database;
  readonly #mapping: number;
  /** Id of an open intent → the row it stands in; undefined: nobody has looked. */
  #rows: Map<string, Row> | undefined;

  constructor(database: Database, mapping: number) {
    this.#database = database;
    this.#mapping = mapping;
  }

  unfinished(): readonly Intent[] {
    const rows = new Map<string, Row>();
    const intents: Intent[] = [];
    const sql = 'SELECT number, body FROM intents WHERE mapping = ? ORDER BY number';
    for (const row of this.#database.iterate(sql, this.#mapping)) {
      const own = intentsOf(textOf(row, 'body'));
      note(own, numberOf(row, 'number'), rows);
      intents.push(...own);
    }
    this.#rows = rows;
    return intents;
  }

  begin(intents: readonly Intent[]): void {
    const rows = this.#known();
    for (let start = 0; start < intents.length; start += INTENTS_PER_ROW) {
      const own = intents.slice(start, start + INTENTS_PER_ROW);
      const sql = 'INSERT INTO intents (mapping, body) VALUES (?, ?)';
      note(own, this.#database.insert(sql, this.#mapping, JSON.stringify(own)), rows);
    }
  }

  settle(settlements: readonly Settlement[]): void {
    const rows = this.#known();
    const changed: Row[] = [];
    for (const { intent, outcome } of settlements) {
      const row = rows.get(intent);
      if (!row || outcome === 'Unknown') continue;
      rows.delete(intent);
      row.open.delete(intent);
      if (!row.isChanged) changed.push(row);
      row.isChanged = true;
    }
    for (const row of changed) this.#shrink(row);
  }

  #shrink(row: Row): void {
    row.isChanged = false;
    if (row.open.size === 0) {
      this.#database.run('DELETE FROM intents WHERE number = ?', row.number);
      return;
    }
    const held = this.#database.get('SELECT body FROM intents WHERE number = ?', row.number) ?? {};
    const left = intentsOf(textOf(held, 'body')).filter(({ id }) => row.open.has(id));
    this.#database.run('UPDATE intents SET body = ? WHERE number = ?', JSON.stringify(left), row.number);
  }

  #known(): Map<string, Row> {
    if (!this.#rows) this.unfinished();
    return (this.#rows ??= new Map<string, Row>());
  }
}

function note(intents: readonly Intent[], number: number, rows: Map<string, Row>): void {
  const row = { number, open: new Set(intents.map(({ id }) => id)), isChanged: false };
  for (const id of row.open) rows.set(id, row);
}

function intentsOf(body: string): Intent[] {
  return JSON.parse(body) as Intent[];
}
