/** What people did by hand: who linked, unlinked or released what, and when. Never edited, kept as long as the state. */
import { randomUUID } from 'node:crypto';
import { numberOf, textOf, type Database, type Row } from './database.ts';

export type HandActKind = 'Link' | 'Unlink' | 'Release';

export interface HandAct {
  readonly id: string;
  /** `namespace/name`. */
  readonly mapping: string;
  readonly at: number;
  readonly who: string;
  readonly kind: HandActKind;
  /** What it was done to: ids of both sides, or the digest of a plan. */
  readonly what: Readonly<Record<string, string>>;
}

export class HandActs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Durable with the next flush, together with what was done. `mapping` is the row of the mapping. */
  add(act: Omit<HandAct, 'id' | 'mapping'> & { readonly mapping: number }): void {
    const sql = 'INSERT INTO hand_acts (id, mapping, at, who, kind, body) VALUES (?, ?, ?, ?, ?, ?)';
    const { mapping, at, who, kind, what } = act;
    this.#database.run(sql, randomUUID(), mapping, at, who, kind, JSON.stringify(what));
  }

  /** Whether somebody has released that plan already, by that way. */
  hasReleased(mapping: number, who: string, plan: string): boolean {
    const sql = `SELECT 1 AS one FROM hand_acts WHERE mapping = ? AND who = ? AND kind = 'Release' AND body = ?`;
    return this.#database.get(sql, mapping, who, JSON.stringify({ plan })) !== undefined;
  }

  /** Newest first. */
  *list(mapping: string | undefined, limit: number): Generator<HandAct> {
    const sql = `SELECT a.*, m.name AS name FROM hand_acts a JOIN mappings m ON m.id = a.mapping
      WHERE ? IS NULL OR m.name = ? ORDER BY a.at DESC LIMIT ?`;
    for (const row of this.#database.iterate(sql, mapping ?? null, mapping ?? null, limit)) yield actOf(row);
  }
}

function actOf(row: Row): HandAct {
  const kind = textOf(row, 'kind');
  return {
    id: textOf(row, 'id'),
    mapping: textOf(row, 'name'),
    at: numberOf(row, 'at'),
    who: textOf(row, 'who'),
    kind: kind === 'Link' || kind === 'Unlink' ? kind : 'Release',
    what: JSON.parse(textOf(row, 'body')) as Record<string, string>,
  };
}
