/** The pages of one mapping's unlinked entries. They are good only beside the links that they were written with. */
import type { UnlinkedPage, UnlinkedPages } from '../engine/unlinked-pages.ts';
import { numberOf, textOf, type Database } from './database.ts';

type Place = Pick<UnlinkedPage, 'side' | 'part'>;

export class SqliteUnlinkedPages implements UnlinkedPages {
  readonly #database: Database;
  readonly #mapping: number;

  constructor(database: Database, mapping: number) {
    this.#database = database;
    this.#mapping = mapping;
  }

  header(): string | undefined {
    const row = this.#database.get('SELECT header FROM unlinked_books WHERE mapping = ?', this.#mapping);
    return row && textOf(row, 'header');
  }

  *read({ side, part }: Place): Generator<Pick<UnlinkedPage, 'page' | 'body'>> {
    const sql =
      'SELECT page, body FROM unlinked_pages WHERE mapping = ? AND side = ? AND part = ? ORDER BY page';
    for (const row of this.#database.iterate(sql, this.#mapping, side, part)) {
      if (row['body'] instanceof Uint8Array) yield { page: numberOf(row, 'page'), body: row['body'] };
    }
  }

  readOne({ side, part }: Place, page: number): Uint8Array | undefined {
    const sql = 'SELECT body FROM unlinked_pages WHERE mapping = ? AND side = ? AND part = ? AND page = ?';
    const body = this.#database.get(sql, this.#mapping, side, part, page)?.['body'];
    return body instanceof Uint8Array ? body : undefined;
  }

  write(
    header: string,
    keep: Readonly<Record<'Source' | 'Target', number>>,
    pages: Iterable<UnlinkedPage>,
  ): void {
    this.#database.atomically(() => {
      for (const { side, part, page, body } of pages) {
        const sql =
          'INSERT OR REPLACE INTO unlinked_pages (mapping, side, part, page, body) VALUES (?, ?, ?, ?, ?)';
        this.#database.run(sql, this.#mapping, side, part, page, body);
      }
      for (const side of ['Source', 'Target'] as const) {
        const sql = 'DELETE FROM unlinked_pages WHERE mapping = ? AND side = ? AND page >= ?';
        this.#database.run(sql, this.#mapping, side, keep[side]);
      }
      const sql = 'INSERT OR REPLACE INTO unlinked_books (mapping, header) VALUES (?, ?)';
      this.#database.run(sql, this.#mapping, header);
    });
  }
}
