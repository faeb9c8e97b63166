import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import type { SpoolForm } from '../../src/engine/ports.ts';
import { FileSpool } from '../../src/store/spool.ts';

const JSON_FORM = <T>(): SpoolForm<T> => ({
  write: (value) => JSON.stringify(value),
  read: (text) => JSON.parse(text) as T,
});

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
  using spool = new FileSpool(JSON_FORM<{ readonly at: number }>());
  for (let at = 0; at < MANY; at++) expect(spool.put({ at })).toBe(at);
  for (const at of [0, 255, 256, 257, MANY - 1, 5_000, 0, MANY - 1]) expect(spool.get(at)).toEqual({ at });
});

it('gives back what is taken in several orders at once', () => {
  using spool = new FileSpool(JSON_FORM<string>(), 0);
  const text = (at: number): string => `${String(at)} ${'x'.repeat(at % 700)}`;
  for (let at = 0; at < MANY; at++) spool.put(text(at));
  const orders = [0, 2_000, 4_000, 6_000, 8_000].map((from) => (at: number) => from + at);
  for (let at = 0; at < 2_000; at++) {
    for (const order of orders) expect(spool.get(order(at))).toBe(text(order(at)));
    const anywhere = (at * 7_919) % MANY;
    expect(spool.get(anywhere)).toBe(text(anywhere));
  }
});

it('gives back what was just put while putting goes on', () => {
  using spool = new FileSpool(JSON_FORM<string>());
  for (let at = 0; at < MANY; at++) {
    const handle = spool.put(`value ${at}`);
    if (at % 97 === 0) expect(spool.get(handle)).toBe(`value ${at}`);
  }
});

it.each([
  { what: 'an empty text', value: '' },
  { what: 'a text with everything', value: '\0 "東京" 🦊' },
  { what: 'a value larger than the buffer', value: 'ä'.repeat(3_000_000) },
])('keeps $what, in memory and in the file', ({ value }) => {
  using spool = new FileSpool(JSON_FORM<unknown>());
  const first = spool.put(value);
  for (let at = 0; at < 5_000; at++) spool.put(at);
  const last = spool.put(value);
  spool.put('after it');
  expect(spool.get(first)).toBe(value);
  expect(spool.get(last)).toBe(value);
  expect(spool.get(last + 1)).toBe('after it');
});

it('keeps as many in memory as it is told, also none', () => {
  using spool = new FileSpool(JSON_FORM<number>(), 0);
  expect([spool.put(7), spool.put(8)]).toEqual([0, 1]);
  expect([spool.get(1), spool.get(0)]).toEqual([8, 7]);
});

it('refuses a handle that was never given, and everything of the file after its end', () => {
  const spool = new FileSpool(JSON_FORM<number>());
  for (let at = 0; at < 5_000; at++) spool.put(at);
  expect(() => spool.get(5_000)).toThrow('nothing is spooled as 5000');
  expect(() => spool.get(-1)).toThrow('nothing is spooled as -1');
  spool.get(4_999);
  spool[Symbol.dispose]();
  spool[Symbol.dispose]();
  expect(() => spool.get(4_999)).toThrow('disposed of');
});

it('leaves nothing in the temporary folder while it is open, nor when the process is killed', () => {
  using spool = new FileSpool(JSON_FORM<string>());
  for (let at = 0; at < MANY; at++) spool.put('x'.repeat(500));
  expect(readdirSync(folder)).toEqual([]);
  const program = `
    import { FileSpool } from './src/store/spool.ts';
    const spool = new FileSpool({ write: (text) => text, read: (text) => text });
    for (let at = 0; at < ${MANY}; at++) spool.put('x'.repeat(500));
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
  expect(child.signal).toBe('SIGKILL');
  expect(readdirSync(folder)).toEqual([]);
});
