/** What the index phase and the settle phase ask of the links, measured on 100,000 of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { Database } from '../../src/store/database.ts';
import { SqliteLinks } from '../../src/store/links.ts';
import { link } from '../support/store-values.ts';

const LINKS = 100_000;

/** How much longer than SQLite alone needs for as many rows of the same size with the same two keys. */
const MOST_TIMES_PLAIN = 4;
const MOST_TIMES_PLAIN_LOADING = 12;

it('puts and loads 100,000 links in not much more time than SQLite alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-speed-'));
  const database = new Database(join(folder, 'rollcall.db'));
  database.migrate();
  const links = new SqliteLinks(database, 1);
  const seconds = (work: () => void): number => {
    const started = performance.now();
    work();
    return (performance.now() - started) / 1_000;
  };
  const putting = seconds(() => {
    for (let at = 0; at < LINKS; at++) {
      const id = ((at * 2_654_435_761) % 4_294_967_296).toString(16);
      links.put(link(String(at).padStart(8, '0'), `${id.padStart(8, '0')}-0000-4000-8000-000000000000`));
    }
    database.flush();
  });
  const loading = Math.min(
    ...[1, 2, 3].map(() => seconds(() => expect([...links.heads()]).toHaveLength(LINKS))),
  );
  const plain = plainly(join(folder, 'plain.db'), seconds);
  database.close();
  rmSync(folder, { recursive: true });
  expect(putting / plain.putting).toBeLessThan(MOST_TIMES_PLAIN);
  expect(loading / plain.loading).toBeLessThan(MOST_TIMES_PLAIN_LOADING);
});

function plainly(
  path: string,
  seconds: (work: () => void) => number,
): { readonly putting: number; readonly loading: number } {
  using plain = new DatabaseSync(path);
  plain.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE links (source TEXT PRIMARY KEY, target TEXT NOT NULL, rest TEXT NOT NULL) WITHOUT ROWID;
    CREATE UNIQUE INDEX links_target ON links (target)`);
  const insert = plain.prepare('INSERT INTO links VALUES (?, ?, ?)');
  const rest = JSON.stringify(link('00000000', '00000000-0000-4000-8000-000000000000'));
  const putting = seconds(() => {
    plain.exec('BEGIN');
    for (let at = 0; at < LINKS; at++) {
      const id = ((at * 2_654_435_761) % 4_294_967_296).toString(16);
      insert.run(String(at).padStart(8, '0'), `${id.padStart(8, '0')}-0000-4000-8000-000000000000`, rest);
    }
    plain.exec('COMMIT');
  });
  const select = plain.prepare('SELECT source, target FROM links');
  const loading = Math.min(...[1, 2, 3].map(() => seconds(() => expect(select.all()).toHaveLength(LINKS))));
  return { putting, loading };
}
