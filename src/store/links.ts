/** The links of one mapping, in key order. */
import type { LinkHead, Links, StoredLink } from '../engine/ports.ts';
import type { SQLOutputValue } from 'node:sqlite';
import { numberOf, textOf, type Database, type Row } from './database.ts';
import { SqliteLinkPages } from './link-pages.ts';

const COLUMNS =
  'source_key, target_key, source_id, target_id, source_print, target_print, settled_in, agreed, linked_at';

export class SqliteLinks implements Links {
  readonly pages: SqliteLinkPages;
  readonly #database: Database;
  readonly #mapping: number;

  constructor(database: Database, mapping: number) {
    this.#database = database;
    this.#mapping = mapping;
    this.pages = new SqliteLinkPages(database, mapping);
  }

  count(): number {
    return numberOf(
      this.#database.get('SELECT count(*) AS count FROM links WHERE mapping = ?', this.#mapping) ?? {},
      'count',
    );
  }

  /** What is written while this goes on may be seen or not. */
  *heads(): Generator<LinkHead> {
    const sql =
      'SELECT source_key, target_key, source_print, target_print, settled_in FROM links WHERE mapping = ? ORDER BY source_key';
    for (const [sourceKey, targetKey, sourcePrint, targetPrint, settledIn] of this.#database.columns(
      sql,
      this.#mapping,
    )) {
      yield {
        sourceKey: String(sourceKey),
        targetKey: String(targetKey),
        sourcePrint: optional(sourcePrint),
        targetPrint: optional(targetPrint),
        settledIn: optional(settledIn),
      };
    }
  }

  bySource(sourceKey: string): StoredLink | undefined {
    const row = this.#database.get(
      `SELECT ${COLUMNS} FROM links WHERE mapping = ? AND source_key = ?`,
      this.#mapping,
      sourceKey,
    );
    return row && linkOf(row);
  }

  byTarget(targetKey: string): StoredLink | undefined {
    const row = this.#database.get(
      `SELECT ${COLUMNS} FROM links WHERE target_key = ? AND mapping = ?`,
      targetKey,
      this.#mapping,
    );
    return row && linkOf(row);
  }

  /** Both sides are unique in the table, so the replacement removes the other links of either. */
  put(link: StoredLink): void {
    this.#database.gather(
      `INSERT OR REPLACE INTO links (mapping, ${COLUMNS})`,
      this.#mapping,
      link.sourceKey,
      link.targetKey,
      link.sourceId,
      link.targetId,
      link.sourcePrint ?? null,
      link.targetPrint ?? null,
      link.settledIn ?? null,
      JSON.stringify(Object.fromEntries(link.agreed)),
      link.linkedAt,
    );
  }

  remove(sourceKey: string): void {
    this.#database.run('DELETE FROM links WHERE mapping = ? AND source_key = ?', this.#mapping, sourceKey);
  }
}

function optional(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function linkOf(row: Row): StoredLink {
  const agreed = JSON.parse(textOf(row, 'agreed')) as Record<string, string>;
  return {
    sourceKey: textOf(row, 'source_key'),
    targetKey: textOf(row, 'target_key'),
    sourcePrint: optional(row['source_print']),
    targetPrint: optional(row['target_print']),
    settledIn: optional(row['settled_in']),
    sourceId: textOf(row, 'source_id'),
    targetId: textOf(row, 'target_id'),
    agreed: new Map(Object.entries(agreed)),
    linkedAt: numberOf(row, 'linked_at'),
  };
}
