import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { FileSpool } from '../../src/store/spool.ts';

/** More than what is kept in memory. */
const MANY = 10_000;

let folder = '';
let before: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-spools-'));
  before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true });
});

it('counts handles up from 0 and gives everything back, in any order, as often as asked', () => {
  using spool = new FileSpool<{ readonly at: number }>();
  for (let at = 0; at < MANY; at++) expect(spool.put({ at })).toBe(at);
  for (const at of [0, 4_095, 4_096, 4_097, MANY - 1, 5_000, 0, MANY - 1])
    expect(spool.get(at)).toEqual({ at });
});

it('gives back what was just put while putting goes on', () => {
  using spool = new FileSpool<string>();
  for (let at = 0; at < MANY; at++) {
    const handle = spool.put(`value ${at}`);
    if (at % 97 === 0) expect(spool.get(handle)).toBe(`value ${at}`);
  }
});

it.each([
  { what: 'octets', value: new Uint8Array([0, 1, 255]) },
  { what: 'a map of lists', value: new Map([['ä', ['x', new Uint8Array([0])]]]) },
  { what: 'undefined', value: undefined },
  { what: 'undefined members', value: { a: undefined, b: null } },
  { what: 'a text with everything', value: '\0 "東京" 🦊' },
  { what: 'a value larger than the buffer', value: 'x'.repeat(3_000_000) },
])('keeps $what, in memory and in the file', ({ value }) => {
  using spool = new FileSpool<unknown>();
  const first = spool.put(value);
  for (let at = 0; at < 5_000; at++) spool.put(at);
  const last = spool.put(value);
  expect(spool.get(first)).toEqual(value);
  expect(spool.get(last)).toEqual(value);
});

it('refuses a handle that was never given, and everything of the file after its end', () => {
  const spool = new FileSpool<number>();
  for (let at = 0; at < 5_000; at++) spool.put(at);
  expect(() => spool.get(5_000)).toThrow('nothing is spooled as 5000');
  expect(() => spool.get(-1)).toThrow('nothing is spooled as -1');
  spool.get(4_999);
  spool[Symbol.dispose]();
  spool[Symbol.dispose]();
  expect(() => spool.get(4_999)).toThrow('disposed of');
});

it('leaves nothing in the temporary folder while it is open, nor when the process is killed', () => {
  using spool = new FileSpool<string>();
  for (let at = 0; at < MANY; at++) spool.put('x'.repeat(500));
  expect(readdirSync(folder)).toEqual([]);
  const program = `
    import { FileSpool } from './src/store/spool.ts';
    const spool = new FileSpool();
    for (let at = 0; at < ${MANY}; at++) spool.put('x'.repeat(500));
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
  expect(child.signal).toBe('SIGKILL');
  expect(readdirSync(folder)).toEqual([]);
});
