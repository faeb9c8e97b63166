/**
 * A state folder: the database, the installation's key and the lock of its one writer. Everything that the
 * program knows from one run to the next is in here, and nothing of it anywhere else.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Digest } from '../engine/ports.ts';
import { Database, readEpoch, textOf, type Ownership } from './database.ts';
import { createKey, keyCheck, keyedDigest, PUBLIC_KEY, readKey } from './key.ts';
import { StateError } from './state-error.ts';

const DATABASE = 'rollcall.db';
const KEY = 'key';
const LOCK = 'lock.db';
const OWNER = 'owner';
const IGNORE = '.gitignore';
/** What may stand in a folder that becomes a state folder: a key may be there first. */
const OWN: readonly string[] = [
  DATABASE,
  `${DATABASE}-wal`,
  `${DATABASE}-shm`,
  KEY,
  LOCK,
  `${LOCK}-journal`,
  OWNER,
  IGNORE,
  'objects',
  'events.jsonl',
  'events.jsonl.old',
  'lost+found',
];

export interface State extends Disposable {
  readonly database: Database;
  readonly digest: Digest;
  /** A digest made with the public key cannot be approved. */
  readonly isPublic: boolean;
}

/** Opens the folder for writing, made when it is missing; refused while another process has it. */
export function openState(folder: string, pid: number): State {
  prepareFolder(folder);
  using opened = new DisposableStack();
  const lock = acquire(folder, pid);
  opened.defer(() => lock.close());
  const database = opened.adopt(new Database(join(folder, DATABASE)), (one) => one.close());
  const key = unlockKey(folder, database);
  const all = opened.move();
  return { database, digest: keyedDigest(key), isPublic: false, [Symbol.dispose]: () => all.dispose() };
}

export interface OwnedState extends State {
  /** What its threads have to name. */
  readonly epoch: number;
}

/**
 * Opens the folder for a process whose threads write, and raises the epoch: whoever owned it before writes nothing
 * more. `alone` refuses other processes; otherwise they may hold it too, since a lease decides who goes on.
 */
export function openOwned(
  folder: string,
  options: { readonly pid: number; readonly alone: boolean },
): OwnedState {
  prepareFolder(folder);
  using opened = new DisposableStack();
  const lock = options.alone ? acquire(folder, options.pid) : share(folder, options.pid);
  opened.defer(() => lock.close());
  const database = opened.adopt(new Database(join(folder, DATABASE)), (one) => one.close());
  const key = unlockKey(folder, database);
  const epoch = raiseEpoch(folder, database);
  const all = opened.move();
  return {
    database,
    digest: keyedDigest(key),
    isPublic: false,
    epoch,
    [Symbol.dispose]: () => all.dispose(),
  };
}

function raiseEpoch(folder: string, database: Database): number {
  const epoch = readEpoch(database) + 1;
  try {
    database.run(`INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?)`, String(epoch));
    database.flush();
    return epoch;
  } catch (error) {
    if (!isBusy(error)) throw error;
    const message = `the state in ${folder} is in the middle of another process's transaction; that process may be stopped: end it`;
    throw new StateError('Locked', message, error);
  }
}

/**
 * What a thread of the owner opens: the owner holds the folder, this one only has to name its epoch. What was not
 * flushed when it closes came from a run that failed, and is dropped.
 */
export function joinState(folder: string, ownership: Ownership): State {
  using opened = new DisposableStack();
  const path = join(folder, DATABASE);
  const database = opened.adopt(new Database(path, { ownership }), (one) => {
    one.rollback();
    one.close();
  });
  const key = knownKey(folder, database);
  const all = opened.move();
  return { database, digest: keyedDigest(key), isPublic: false, [Symbol.dispose]: () => all.dispose() };
}

/** The state as it is, for looking only; undefined: there is none yet. Needs no lock. */
export function openStateForReading(folder: string): State | undefined {
  const state = openAsItIs(folder);
  if (!state?.database.isOlder()) return state;
  state[Symbol.dispose]();
  const message = `the state in ${folder} was made by an older version of this program; rollcall run brings it up to date`;
  throw new StateError('OlderVersion', message);
}

/** A copy in a temporary folder that may be written and ends with the call: what `plan` plays on. */
export async function openOverlay(folder: string): Promise<State> {
  const temporary = mkdtempSync(join(tmpdir(), 'rollcall-plan-'));
  using opened = new DisposableStack();
  opened.defer(() => rmSync(temporary, { recursive: true, force: true }));
  const path = join(temporary, DATABASE);
  using original = openAsItIs(folder);
  if (original) await backup(original.database.handle(), path);
  const database = opened.adopt(new Database(path, { isScratch: true }), (one) => one.close());
  database.migrate();
  const all = opened.move();
  return {
    database,
    digest: original?.digest ?? keyedDigest(PUBLIC_KEY),
    isPublic: original === undefined,
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** Of any version that this program knows. */
function openAsItIs(folder: string): State | undefined {
  const path = join(folder, DATABASE);
  if (!existsSync(path)) return undefined;
  using opened = new DisposableStack();
  const database = opened.adopt(new Database(path, { readOnly: true }), (one) => one.close());
  database.refuseNewer();
  // Made, and ended before anything was in it.
  if (database.version() === 0) return undefined;
  const key = knownKey(folder, database);
  const all = opened.move();
  return { database, digest: keyedDigest(key), isPublic: false, [Symbol.dispose]: () => all.dispose() };
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseForeign(folder);
    makePrivate(folder);
    const ignore = join(folder, IGNORE);
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  } catch (error) {
    throw error instanceof StateError ? error : notWritable(folder, error);
  }
}

function makePrivate(folder: string): void {
  try {
    chmodSync(folder, 0o700);
  } catch (error) {
    // A mounted volume belongs to somebody else, who has decided about its mode.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
  }
}

/** A slip in --state must not close and hide a folder that holds something else. */
function refuseForeign(folder: string): void {
  const names = readdirSync(folder);
  const foreign = names.find((name) => !OWN.includes(name));
  if (foreign === undefined || names.includes(DATABASE)) return;
  const message = `${folder} is no state folder: it holds '${foreign}'; give an empty or a new folder with --state`;
  throw new StateError('NotState', message);
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
    if (!isBusy(error)) throw isDamaged(error) ? damagedLock(folder, error) : notWritable(folder, error);
    throw lockedBy(folder, error);
  }
  try {
    writeFileSync(join(folder, OWNER), `${pid}\n`);
  } catch (error) {
    lock.close();
    throw notWritable(folder, error);
  }
  return lock;
}

/** Held by every process of an operator: it keeps the command line out, and no other operator. */
function share(folder: string, pid: number): DatabaseSync {
  const lock = openLock(folder);
  try {
    lock.exec('BEGIN');
    // A transaction locks with its first look.
    lock.prepare('SELECT count(*) FROM sqlite_schema').get();
    writeFileSync(join(folder, OWNER), `${pid}\n`);
    return lock;
  } catch (error) {
    lock.close();
    throw isBusy(error) ? lockedBy(folder, error) : notWritable(folder, error);
  }
}

function lockedBy(folder: string, cause: unknown): StateError {
  const path = join(folder, OWNER);
  const owner = existsSync(path) ? readFileSync(path, 'utf8').trim() : 'unknown';
  const message = `the state folder ${folder} is in use by process ${owner}; wait until it has ended, or give another with --state`;
  return new StateError('Locked', message, cause);
}

function openLock(folder: string): DatabaseSync {
  try {
    return new DatabaseSync(join(folder, LOCK));
  } catch (error) {
    throw notWritable(folder, error);
  }
}

function isDamaged(error: unknown): boolean {
  return error instanceof Error && /not a database|malformed/.test(error.message);
}

function damagedLock(folder: string, cause: unknown): StateError {
  const path = join(folder, LOCK);
  return new StateError('Damaged', `${path} is damaged; it holds nothing, so remove it`, cause);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /locked|busy/i.test(error.message);
}

/** State without its key would take every remembered hash for a difference: refused, never a new key. */
function unlockKey(folder: string, database: Database): string {
  database.migrate();
  const check = database.get(`SELECT value FROM meta WHERE name = 'key-check'`);
  if (check) return knownKey(folder, database);
  const key = readKey(join(folder, KEY)) ?? createKey(join(folder, KEY));
  database.run(`INSERT INTO meta (name, value) VALUES ('key-check', ?)`, keyCheck(key));
  database.flush();
  return key;
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
