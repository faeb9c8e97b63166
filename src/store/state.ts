/**
 * A state folder: the database, the installation's key and the lock of its one writer. Everything that the
 * program knows from one run to the next is in here, and nothing of it anywhere else.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Digest } from '../engine/ports.ts';
import { Database, textOf } from './database.ts';
import { createKey, keyCheck, keyedDigest, PUBLIC_KEY, readKey } from './key.ts';
import { StateError } from './state-error.ts';

const DATABASE = 'rollcall.db';
const KEY = 'key';
const LOCK = 'lock.db';
const OWNER = 'owner';

export interface State extends Disposable {
  readonly database: Database;
  readonly digest: Digest;
  /** A digest made with the public key cannot be approved. */
  readonly isPublic: boolean;
}

/** Opens the folder for writing, made when it is missing; refused while another process has it. */
export function openState(folder: string, pid: number): State {
  prepareFolder(folder);
  const lock = acquire(folder, pid);
  try {
    const database = new Database(join(folder, DATABASE));
    const key = unlockKey(folder, database);
    return {
      database,
      digest: keyedDigest(key),
      isPublic: false,
      [Symbol.dispose]() {
        database.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** The state as it is, for looking only; undefined: there is none yet. Needs no lock. */
export function openStateForReading(folder: string): State | undefined {
  const path = join(folder, DATABASE);
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { readOnly: true });
  checkVersion(database);
  const key = knownKey(folder, database);
  return { database, digest: keyedDigest(key), isPublic: false, [Symbol.dispose]: () => database.close() };
}

/** A copy in a temporary folder that may be written and ends with the call: what `plan` plays on. */
export async function openOverlay(folder: string): Promise<State> {
  const temporary = mkdtempSync(join(tmpdir(), 'rollcall-plan-'));
  const path = join(temporary, DATABASE);
  const remove = (): void => rmSync(temporary, { recursive: true, force: true });
  try {
    using original = openStateForReading(folder);
    if (original) await backup(original.database.handle(), path);
    const database = new Database(path);
    database.migrate();
    return {
      database,
      digest: original?.digest ?? keyedDigest(PUBLIC_KEY),
      isPublic: original === undefined,
      [Symbol.dispose]() {
        database.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function prepareFolder(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const ignore = join(folder, '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  } catch (error) {
    throw notWritable(folder, error);
  }
}

function notWritable(folder: string, cause: unknown): StateError {
  const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new StateError(
    'NotWritable',
    `the state folder ${folder} cannot be written${reason}; give another with --state`,
    cause,
  );
}

/** SQLite's own lock: the system drops it with the process, however that ends. */
function acquire(folder: string, pid: number): DatabaseSync {
  const lock = openLock(folder);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw notWritable(folder, error);
    const owner = existsSync(join(folder, OWNER))
      ? readFileSync(join(folder, OWNER), 'utf8').trim()
      : 'unknown';
    const message = `the state folder ${folder} is in use by process ${owner}; wait until it has ended, or give another with --state`;
    throw new StateError('Locked', message, error);
  }
  writeFileSync(join(folder, OWNER), `${pid}\n`);
  return lock;
}

function openLock(folder: string): DatabaseSync {
  try {
    return new DatabaseSync(join(folder, LOCK));
  } catch (error) {
    throw notWritable(folder, error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /locked|busy/i.test(error.message);
}

/** State without its key would take every remembered hash for a difference: refused, never a new key. */
function unlockKey(folder: string, database: Database): string {
  const isNew = database.version() === 0;
  if (!isNew) checkVersion(database);
  database.migrate();
  const check = database.get(`SELECT value FROM meta WHERE name = 'key-check'`);
  if (check) return knownKey(folder, database);
  const key = readKey(join(folder, KEY)) ?? createKey(join(folder, KEY));
  database.run(`INSERT INTO meta (name, value) VALUES ('key-check', ?)`, keyCheck(key));
  database.flush();
  return key;
}

function checkVersion(database: Database): void {
  // Reading a damaged file fails here first, with a message of SQLite's own.
  try {
    database.version();
  } catch (error) {
    const message = `${database.path} is not a database of this program; restore it from a backup`;
    throw new StateError('Damaged', message, error);
  }
}

function knownKey(folder: string, database: Database): string {
  const path = join(folder, KEY);
  const key = readKey(path);
  const expected = textOf(database.get(`SELECT value FROM meta WHERE name = 'key-check'`) ?? {}, 'value');
  if (key === undefined) {
    throw new StateError(
      'KeyMissing',
      `the state in ${folder} needs its key, and ${path} is missing; restore the file from a backup`,
    );
  }
  if (keyCheck(key) !== expected) {
    throw new StateError(
      'KeyMissing',
      `${path} is not the key that the state in ${folder} was made with; restore it from a backup`,
    );
  }
  return key;
}
