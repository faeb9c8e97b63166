/** The installation's key: every stored hash is keyed with it, so that state alone tells nothing. */
import { hash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Digest } from '../engine/ports.ts';
import { StateError } from './state-error.ts';

const KEY_BYTES = 32;
/** 128 bits. */
const DIGITS = 32;
const FORM = /^[0-9a-f]{64}$/;

/** For plans made without any state: what it yields cannot be approved, and says so. */
export const PUBLIC_KEY: string = '0'.repeat(KEY_BYTES * 2);

export function keyedDigest(key: string): Digest {
  return {
    hash: (text) => start(hash('sha256', key + text, 'hex')),
    octets: (purpose) => octetsDigest(key, purpose),
  };
}

const scratch = Buffer.alloc(DIGITS);

/** A text of its own: a slice would keep the whole alive, and there are very many. */
function start(digits: string): string {
  scratch.write(digits, 0, DIGITS, 'latin1');
  return scratch.toString('latin1');
}

/** What comes before the octets stands in the buffer already. */
function octetsDigest(key: string, purpose: string): (octets: Uint8Array) => string {
  const prefix = Buffer.from(`${key}octets|${purpose.length}:${purpose}|`);
  let buffer = prefix;
  return (octets) => {
    const length = prefix.length + octets.length;
    if (buffer.length < length) {
      buffer = Buffer.alloc(2 * length);
      prefix.copy(buffer);
    }
    buffer.set(octets, prefix.length);
    // Nobody keeps it as text.
    return hash('sha256', buffer.subarray(0, length), 'hex').slice(0, DIGITS);
  };
}

/** A value that only this key gives, kept beside the state so that another key is noticed. */
export function keyCheck(key: string): string {
  return hash('sha256', `${key}rollcall key check`, 'hex');
}

export function readKey(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const key = readFileSync(path, 'utf8').trim();
  if (!FORM.test(key))
    throw new StateError('KeyMissing', `${path} does not hold a key; restore it from a backup`);
  return key;
}

export function createKey(path: string): string {
  const key = randomBytes(KEY_BYTES).toString('hex');
  writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return key;
}
