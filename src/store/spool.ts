/** A bounded part in memory, the rest in a temporary file that nobody else can open and that ends with the process. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spool, SpoolForm } from '../engine/ports.ts';

/** Values kept as they are; some 5 KiB each. */
const IN_MEMORY = 256;
const BUFFER_BYTES = 262_144;
const WINDOW_BYTES = 65_536;
/** What a character of a text takes at most. */
const BYTES_A_CHARACTER = 3;

interface Window {
  from: number;
  bytes: Buffer;
  /** Which of all reads was the last one here. */
  usedAt: number;
}

const NOTHING = Buffer.alloc(0);
/** What is taken in several orders at once, such as both entries of a pair, has a window for each of them. */
const WINDOWS = 4;

export class FileSpool<T> implements Spool<T>, Disposable {
  readonly #form: SpoolForm<T>;
  readonly #inMemory: number;
  readonly #kept: T[] = [];
  /** Where each spilled value starts; the last one ends at #end. */
  #starts: Float64Array = new Float64Array(1024);
  #spilled = 0;
  #end = 0;
  #file: number | undefined;
  /** Begins with what is not in the file yet: from #flushed to #end. */
  #pending: Buffer = Buffer.alloc(0);
  #flushed = 0;
  /** What was read last; the file is only ever appended to. */
  readonly #windows: Window[] = [];
  #reads = 0;

  constructor(form: SpoolForm<T>, inMemory: number = IN_MEMORY) {
    this.#form = form;
    this.#inMemory = inMemory;
  }

  put(value: T): number {
    if (this.#kept.length < this.#inMemory) return this.#kept.push(value) - 1;
    if (this.#spilled + 2 > this.#starts.length) {
      const wider = new Float64Array(this.#starts.length * 2);
      wider.set(this.#starts);
      this.#starts = wider;
    }
    this.#starts[this.#spilled] = this.#end;
    this.#append(this.#form.write(value));
    this.#starts[this.#spilled + 1] = this.#end;
    return this.#inMemory + this.#spilled++;
  }

  get(handle: number): T {
    // Not by its value: undefined is one too.
    if (handle in this.#kept) return this.#kept[handle] as T;
    const at = handle - this.#inMemory;
    const start = this.#starts[at];
    const end = this.#starts[at + 1];
    if (start === undefined || end === undefined || at >= this.#spilled)
      throw new RangeError(`nothing is spooled as ${handle}`);
    if (end > this.#flushed) this.#flush();
    return this.#form.read(this.#textAt(start, end));
  }

  #append(text: string): void {
    const room = text.length * BYTES_A_CHARACTER;
    if (this.#end - this.#flushed + room > this.#pending.length) {
      this.#flush();
      if (room > this.#pending.length) this.#pending = Buffer.allocUnsafeSlow(Math.max(room, BUFFER_BYTES));
    }
    this.#end += this.#pending.write(text, this.#end - this.#flushed);
  }

  #textAt(start: number, end: number): string {
    const window = this.#windowOn(start, end);
    window.usedAt = this.#reads++;
    return window.bytes.toString('utf8', start - window.from, end - window.from);
  }

  /** Where values are taken in the order in which they were put, one read is good for many. */
  #windowOn(start: number, end: number): Window {
    const held = this.#windows.find(({ from, bytes }) => start >= from && end <= from + bytes.length);
    if (held) return held;
    const next = this.#windows.find(
      ({ from, bytes }) => start >= from && start <= from + bytes.length + WINDOW_BYTES,
    );
    const length = Math.min(Math.max(end - start, next ? WINDOW_BYTES : 0), this.#flushed - start);
    const window = next ?? this.#oldest();
    const bytes = window.bytes.length === length ? window.bytes : Buffer.allocUnsafeSlow(length);
    window.bytes = NOTHING;
    this.#read(bytes, start);
    window.from = start;
    window.bytes = bytes;
    return window;
  }

  #oldest(): Window {
    const [first, ...others] = this.#windows;
    if (first && this.#windows.length === WINDOWS)
      return others.reduce((oldest, one) => (one.usedAt < oldest.usedAt ? one : oldest), first);
    const fresh = { from: 0, bytes: NOTHING, usedAt: 0 };
    this.#windows.push(fresh);
    return fresh;
  }

  #read(bytes: Buffer, start: number): void {
    if (this.#file === undefined) throw new Error('the spool has been disposed of');
    let read = 0;
    while (read < bytes.length) {
      const more = readSync(this.#file, bytes, read, bytes.length - read, start + read);
      if (more === 0) throw new Error('the spool ends too early');
      read += more;
    }
  }

  #flush(): void {
    this.#file ??= anonymousFile();
    const length = this.#end - this.#flushed;
    // A disk that is nearly full may take a part only; the next call says what is wrong.
    for (let written = 0; written < length;)
      written += writeSync(this.#file, this.#pending, written, length - written, this.#flushed + written);
    this.#flushed += length;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#windows.length = 0;
    this.#pending = Buffer.alloc(0);
  }
}

/** Open, and gone from the folder at once: a kill leaves nothing behind. */
function anonymousFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-spool-'));
  try {
    return openSync(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
