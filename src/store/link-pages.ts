/** The pages of one mapping's links. Triggers on the links take their validity away; see migrations.ts. */
import type { LinkPage, LinkPages } from '../engine/link-pages.ts';
import { numberOf, textOf, type Database } from './database.ts';

export class SqliteLinkPages implements LinkPages {
  readonly #database: Database;
  readonly #mapping: number;

  constructor(database: Database, mapping: number) {
    this.#database = database;
    this.#mapping = mapping;
  }

  header(): string | undefined {
    const sql = 'SELECT header FROM link_books WHERE mapping = ? AND valid = 1';
    const row = this.#database.get(sql, this.#mapping);
    return row && textOf(row, 'header');
  }

  *read(part: LinkPage['part']): Generator<Pick<LinkPage, 'page' | 'body'>> {
    const sql = 'SELECT page, body FROM link_pages WHERE mapping = ? AND part = ? ORDER BY page';
    for (const row of this.#database.iterate(sql, this.#mapping, part)) {
      if (row['body'] instanceof Uint8Array) yield { page: numberOf(row, 'page'), body: row['body'] };
    }
  }

  readOne(part: LinkPage['part'], page: number): Uint8Array | undefined {
    const sql = 'SELECT body FROM link_pages WHERE mapping = ? AND part = ? AND page = ?';
    const body = this.#database.get(sql, this.#mapping, part, page)?.['body'];
    return body instanceof Uint8Array ? body : undefined;
  }

  write(header: string, keep: number, pages: Iterable<LinkPage>): void {
    this.#database.atomically(() => {
      for (const { part, page, body } of pages) {
        const sql = 'INSERT OR REPLACE INTO link_pages (mapping, part, page, body) VALUES (?, ?, ?, ?)';
        this.#database.run(sql, this.#mapping, part, page, body);
      }
      this.#database.run('DELETE FROM link_pages WHERE mapping = ? AND page >= ?', this.#mapping, keep);
      const sql = 'INSERT OR REPLACE INTO link_books (mapping, valid, header) VALUES (?, 1, ?)';
      this.#database.run(sql, this.#mapping, header);
    });
  }
}
