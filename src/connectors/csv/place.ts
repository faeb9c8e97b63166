/**
 * Where the bytes come from. A path is confined to its root, also through symbolic links; a file is watched from
 * its first to its last byte, so that a read that mixes two states of it is known as such.
 */
import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

import { ConnectorError, type ConnectorErrorCode } from '../../engine/errors.ts';

/** Small enough that the rows of a chunk die young: at 256 KiB a read was measured to need 100 MB more, and no less time. */
const CHUNK_BYTES = 64 * 1024;

export type Place =
  | { readonly kind: 'File'; readonly path: string; readonly label: string }
  | { readonly kind: 'Memory'; readonly bytes: Buffer; readonly label: string };

/** What tells one state of a file from another. */
export interface FileState {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

export function sameState(one: FileState, other: FileState): boolean {
  return (
    one.size === other.size && one.mtimeNs === other.mtimeNs && one.ino === other.ino && one.dev === other.dev
  );
}

/** Refuses a path that leaves its folder by what it says. Throws InvalidConfiguration. */
export function requireInside(path: string): void {
  if (isAbsolute(path) || path.split(/[\\/]/).includes('..') || path === '') {
    throw new ConnectorError(
      'InvalidConfiguration',
      `path '${path}' must be relative and stay in its folder`,
    );
  }
}

/** The real path of a file below the root. Throws InvalidConfiguration, NotFound, PermissionDenied. */
export async function confine(root: string, path: string): Promise<string> {
  requireInside(path);
  const realRoot = await realpath(root).catch((cause: unknown) => {
    throw fileError(cause, `the folder of '${path}'`);
  });
  const real = await realpath(resolve(realRoot, path)).catch((cause: unknown) => {
    throw fileError(cause, `'${path}'`);
  });
  const inside = relative(realRoot, real);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new ConnectorError('InvalidConfiguration', `path '${path}' leads out of its folder`);
  }
  return real;
}

export async function stateOf(path: string): Promise<FileState> {
  return stat(path, { bigint: true });
}

/** Refuses what is not a regular file: a folder, or a pipe on which opening would wait for ever. */
async function openFile(path: string, label: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new ConnectorError('InvalidConfiguration', `'${label}' is not a regular file`);
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw fileError(cause, `'${label}'`);
  }
}

export interface EndOfBytes {
  /** Undefined for what is in memory. */
  readonly state: FileState | undefined;
  /** Whether the file was the same one from first to last byte. */
  readonly unchanged: boolean;
}

/** The bytes in chunks that are full, all but the last. A chunk is overwritten when the next one is asked for. */
export async function* bytesOf(place: Place, signal: AbortSignal): AsyncGenerator<Buffer, EndOfBytes> {
  signal.throwIfAborted();
  if (place.kind === 'Memory') {
    yield place.bytes;
    return { state: undefined, unchanged: true };
  }
  await using file = await openFile(place.path, place.label);
  const before: FileState = await file.stat({ bigint: true });
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let total = 0n;
  for (;;) {
    signal.throwIfAborted();
    const chunk = await fill(file, buffer, place.label);
    if (chunk.length === 0) break;
    total += BigInt(chunk.length);
    yield chunk;
  }
  const after: FileState = await file.stat({ bigint: true });
  const named = await stateOf(place.path).catch(() => undefined);
  const same = named !== undefined && sameState(before, after) && sameState(after, named);
  return { state: before, unchanged: same && total === before.size };
}

async function fill(file: FileHandle, buffer: Buffer, label: string): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled).catch((cause: unknown) => {
      throw fileError(cause, `'${label}'`);
    });
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
}

type Wording = readonly [code: ConnectorErrorCode, told: string];

const ABSENT: Wording = ['NotFound', 'does not exist'];
const FORBIDDEN: Wording = ['PermissionDenied', 'cannot be used: no permission'];
const NO_FILE: Wording = ['InvalidConfiguration', 'is not a regular file'];
const FULL: Wording = ['LimitExceeded', 'cannot be written: no space left'];

const WORDINGS: ReadonlyMap<string, Wording> = new Map([
  ['ENOENT', ABSENT],
  ['ENOTDIR', ABSENT],
  ['EACCES', FORBIDDEN],
  ['EPERM', FORBIDDEN],
  ['EROFS', FORBIDDEN],
  ['EISDIR', NO_FILE],
  ['ELOOP', NO_FILE],
  ['ENOSPC', FULL],
  ['EDQUOT', FULL],
  ['EFBIG', FULL],
]);

/** What the operating system refused, in our words. `what` names the file as the manifest does. */
export function fileError(cause: unknown, what: string): ConnectorError {
  if (cause instanceof ConnectorError) return cause;
  const number = codeOf(cause);
  const [code, told] = WORDINGS.get(number) ?? ['Unreachable', 'cannot be read or written'];
  return new ConnectorError(code, `${what} ${told} (${number})`, { cause });
}
