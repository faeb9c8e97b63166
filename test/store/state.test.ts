import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Journal } from '../../src/store/journal.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { StateError } from '../../src/store/state-error.ts';
import { openOverlay, openState, openStateForReading } from '../../src/store/state.ts';
import { SqliteLinks } from '../../src/store/links.ts';
import { startChild } from '../support/child.ts';
import { link } from '../support/store-values.ts';

let parent = '';
let folder = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'rollcall-state-'));
  chmodSync(parent, 0o755);
  folder = join(parent, 'state');
});
afterEach(() => rmSync(parent, { recursive: true }));

function make(): void {
  using state = openState(folder, process.pid);
  new SqliteLinks(state.database, 1).put(link('s', 't'));
}

function errorOf(work: () => unknown): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof StateError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

const modeOf = (...names: readonly string[]): string =>
  (statSync(join(folder, ...names)).mode & 0o777).toString(8);

describe('a new state folder', () => {
  it('is closed to others, keeps itself out of Git, and has a key of its own', () => {
    make();
    expect([modeOf(), modeOf('key')]).toEqual(['700', '600']);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
    expect(readFileSync(join(folder, 'key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('is closed again when it was opened to others', () => {
    make();
    chmodSync(folder, 0o755);
    make();
    expect(modeOf()).toBe('700');
  });

  it('takes a key that is there already', () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'key'), 'ab'.repeat(32));
    make();
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('ab'.repeat(32));
  });

  it('is not made of a folder that holds something else', () => {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'people.csv'), 'uid\n');
    const { code, message } = errorOf(() => openState(folder, 1));
    expect([code, readdirSync(folder), modeOf()]).toEqual(['NotState', ['people.csv'], '755']);
    expect(message).toContain("it holds 'people.csv'; give an empty or a new folder with --state");
  });

  it('has the same digest after every opening, and another one elsewhere', () => {
    const digestAt = (path: string): string => {
      using state = openState(path, 1);
      return Buffer.from(state.digest.hash('x')).toString('hex');
    };
    expect(digestAt(folder)).toBe(digestAt(folder));
    expect(digestAt(join(parent, 'other'))).not.toBe(digestAt(folder));
  });
});

describe('state and its key', () => {
  const opens: readonly (readonly [string, () => unknown])[] = [
    ['for writing', () => openState(folder, 1)],
    ['for reading', () => openStateForReading(folder)],
  ];

  it.each(opens)('a missing key is KeyMissing %s, and never a new key', (_, open) => {
    make();
    rmSync(join(folder, 'key'));
    const { code, message } = errorOf(open);
    expect(code).toBe('KeyMissing');
    expect(message).toContain('restore the file from a backup');
    expect(existsSync(join(folder, 'key'))).toBe(false);
  });

  it.each(opens)('another key is KeyMissing %s', (_, open) => {
    make();
    writeFileSync(join(folder, 'key'), 'cd'.repeat(32));
    expect(errorOf(open).code).toBe('KeyMissing');
  });

  it.each(opens)('a file that holds no key is KeyMissing %s', (_, open) => {
    make();
    writeFileSync(join(folder, 'key'), 'cut off');
    expect(errorOf(open).code).toBe('KeyMissing');
  });

  it('opens again once the key is back', () => {
    make();
    renameSync(join(folder, 'key'), join(parent, 'key'));
    expect(errorOf(() => openState(folder, 1)).code).toBe('KeyMissing');
    renameSync(join(parent, 'key'), join(folder, 'key'));
    using state = openState(folder, 1);
    expect(new SqliteLinks(state.database, 1).count()).toBe(1);
  });
});

describe('versions', () => {
  function sql(text: string): void {
    const database = new DatabaseSync(join(folder, 'rollcall.db'));
    database.exec(text);
    database.close();
  }

  /** A database as the first released schema left it, without anything that came later. */
  function versionOne(): void {
    make();
    rmSync(join(folder, 'rollcall.db'));
    sql(`${MIGRATIONS[0] ?? ''}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
      INSERT INTO mappings VALUES (1, 'default/a', 'd/hr', 'person', 'd/dir', 'account', 5);
      INSERT INTO links VALUES (1, 's', 't', 'S', 'T', NULL, NULL, NULL, '{"mail":"00"}', 7);
      INSERT INTO intents VALUES ('a', 1, 2, '{"id":"a"}'), ('b', 1, 1, '{"id":"b"}');`);
    writeFileSync(join(folder, 'key'), '00'.repeat(32));
  }

  it('a database of version 1 opens, with what it holds', () => {
    versionOne();
    using state = openState(folder, 1);
    expect(state.database.version()).toBe(MIGRATIONS.length);
    expect(new SqliteLinks(state.database, 1).bySource('s')).toMatchObject({ targetId: 'T', linkedAt: 7 });
    expect(new Journal(state.database, 1).unfinished()).toEqual([{ id: 'b' }, { id: 'a' }]);
  });

  it.each([
    { how: 'for writing', open: () => openState(folder, 1) },
    { how: 'for reading', open: () => openStateForReading(folder) },
  ])('a newer database is refused $how, with the way out, and stays as it is', ({ open }) => {
    make();
    sql('PRAGMA user_version = 99');
    const before = readFileSync(join(folder, 'rollcall.db'));
    const { code, message } = errorOf(open);
    expect(code).toBe('NewerVersion');
    expect(message).toContain('has schema version 99');
    expect(message).toContain('use the newer program, or another state folder');
    expect(readFileSync(join(folder, 'rollcall.db')).equals(before)).toBe(true);
  });

  it('a newer database is refused for an overlay too', async () => {
    make();
    sql('PRAGMA user_version = 99');
    await expect(openOverlay(folder)).rejects.toMatchObject({ code: 'NewerVersion' });
  });

  it('a database that was made and never filled counts as none', async () => {
    make();
    rmSync(join(folder, 'rollcall.db'));
    sql('PRAGMA user_version = 0');
    expect(openStateForReading(folder)).toBeUndefined();
    using overlay = await openOverlay(folder);
    expect(overlay.isPublic).toBe(true);
    using state = openState(folder, 1);
    expect(state.database.version()).toBe(MIGRATIONS.length);
  });
});

describe('a damaged file', () => {
  it.each([
    { file: 'rollcall.db', how: 'for writing', open: () => openState(folder, 1) },
    { file: 'rollcall.db', how: 'for reading', open: () => openStateForReading(folder) },
    { file: 'lock.db', how: 'for writing', open: () => openState(folder, 1) },
  ])('$file is named with the way out, $how', ({ file, open }) => {
    make();
    writeFileSync(join(folder, file), 'no database at all, but long enough to be looked at'.repeat(100));
    const { code, message } = errorOf(open);
    expect(code).toBe('Damaged');
    expect(message).toContain(file);
    expect(message).toMatch(/restore it from a backup|remove it/);
  });
});

describe('a folder that cannot be written', () => {
  it('below a file is refused with the way out', () => {
    writeFileSync(join(parent, 'file'), '');
    const { code, message } = errorOf(() => openState(join(parent, 'file', 'state'), 1));
    expect(code).toBe('NotWritable');
    expect(message).toContain('give another with --state');
  });

  it('is refused for writing and still read', async () => {
    make();
    const as = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    chmodSync(folder, 0o555);
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o444);
    await using child = startChild(
      `import { openState, openStateForReading, openOverlay } from './src/store/state.ts';
       const folder = ${JSON.stringify(folder)};
       try { openState(folder, 1); } catch (error) { console.log('writing ' + error.code); }
       using state = openStateForReading(folder);
       console.log('reading ' + state.database.get('SELECT count(*) AS n FROM links').n);
       using overlay = await openOverlay(folder);
       console.log('overlay ' + overlay.database.get('SELECT count(*) AS n FROM links').n);
       console.log('done');`,
      as,
    );
    await child.line('done');
    expect(child.lines).toEqual(['writing NotWritable', 'reading 1', 'overlay 1', 'done']);
    chmodSync(folder, 0o700);
  });
});

describe('one writer', () => {
  const holder = (): string => `
    import { openState } from './src/store/state.ts';
    const state = openState(${JSON.stringify(folder)}, process.pid);
    console.log('open');
    setInterval(() => state.database.version(), 1000);`;

  it('a second process is refused with the first one’s id, and may enter once that was killed', async () => {
    await using first = startChild(holder());
    await first.line('open');
    const { code, message } = errorOf(() => openState(folder, process.pid));
    expect(code).toBe('Locked');
    expect(message).toContain(`in use by process ${String(first.process.pid)};`);
    await using second = startChild(holder());
    await expect(second.line('open')).rejects.toThrow(`in use by process ${String(first.process.pid)}`);
    first.process.kill('SIGKILL');
    await first.ended();
    using state = openState(folder, process.pid);
    expect(state.database.version()).toBe(MIGRATIONS.length);
  });

  it('the same process is refused as well, and a failed opening leaves no lock', () => {
    using state = openState(folder, 4_711);
    expect(errorOf(() => openState(folder, 1)).message).toContain('process 4711');
    state[Symbol.dispose]();
    renameSync(join(folder, 'key'), join(parent, 'key'));
    expect(errorOf(() => openState(folder, 1)).code).toBe('KeyMissing');
    renameSync(join(parent, 'key'), join(folder, 'key'));
    openState(folder, 1)[Symbol.dispose]();
  });

  it('is read while it writes, as of the last flush', async () => {
    make();
    await using writer = startChild(`
      import { openState } from './src/store/state.ts';
      import { SqliteLinks } from './src/store/links.ts';
      import { link } from './test/support/store-values.ts';
      const state = openState(${JSON.stringify(folder)}, process.pid);
      const links = new SqliteLinks(state.database, 1);
      links.put(link('flushed', 'flushed'));
      state.database.flush();
      links.put(link('open', 'open'));
      console.log('busy');
      setInterval(() => state.database.version(), 1000);`);
    await writer.line('busy');
    using reader = openStateForReading(folder);
    const keys = reader ? [...new SqliteLinks(reader.database, 1).heads()].map((head) => head.sourceKey) : [];
    expect(keys).toEqual(['flushed', 's']);
    expect(() => reader?.database.run('DELETE FROM links')).toThrow('readonly');
    using overlay = await openOverlay(folder);
    expect(new SqliteLinks(overlay.database, 1).count()).toBe(2);
  });

  it('the lock file is not the database: a reader closing does not let a second writer in', () => {
    using state = openState(folder, process.pid);
    openStateForReading(folder)?.[Symbol.dispose]();
    const second = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', holder()]);
    expect(second.stderr.toString()).toContain(`in use by process ${process.pid}`);
    expect(state.database.version()).toBe(MIGRATIONS.length);
  });
});

describe('an overlay', () => {
  it('may be written, leaves the original untouched and is gone afterwards', async () => {
    make();
    const overlay = await openOverlay(folder);
    const { path } = overlay.database;
    new SqliteLinks(overlay.database, 1).put(link('new', 'new'));
    overlay.database.flush();
    expect(new SqliteLinks(overlay.database, 1).count()).toBe(2);
    expect(overlay.isPublic).toBe(false);
    overlay[Symbol.dispose]();
    expect(existsSync(join(path, '..'))).toBe(false);
    using state = openState(folder, 1);
    expect(new SqliteLinks(state.database, 1).count()).toBe(1);
  });

  it('has the digest of the state, or a public one where there is no state', async () => {
    make();
    using overlay = await openOverlay(folder);
    using none = await openOverlay(join(parent, 'none'));
    expect(none.isPublic).toBe(true);
    expect(Buffer.from(none.digest.hash('x')).equals(Buffer.from(overlay.digest.hash('x')))).toBe(false);
    expect(existsSync(join(parent, 'none'))).toBe(false);
  });

  it('leaves nothing behind when it cannot be made', async () => {
    make();
    rmSync(join(folder, 'key'));
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = parent;
    await expect(openOverlay(folder)).rejects.toMatchObject({ code: 'KeyMissing' });
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    expect(readdirSync(parent)).toEqual(['state']);
  });
});
