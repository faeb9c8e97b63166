/** What the index phase and the settle phase ask of the links, measured on 100,000 of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { Database } from '../../src/store/database.ts';
import { SqliteLinks } from '../../src/store/links.ts';
import { link } from '../support/store-values.ts';

const LINKS = 100_000;

it('puts 100,000 links in key order at 40,000 a second or more, and loads them within 0.6 seconds', () => {
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
  database.close();
  rmSync(folder, { recursive: true });
  expect(LINKS / putting).toBeGreaterThan(40_000);
  expect(loading).toBeLessThan(0.6);
});
