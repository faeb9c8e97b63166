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
  readonly from: number;
  readonly bytes: Buffer;
}

const NOTHING: Window = { from: 0, bytes: Buffer.alloc(0) };

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
  #window: Window = NOTHING;

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

  /** Where values are taken in the order in which they were put, one read is good for many. */
  #textAt(start: number, end: number): string {
    const { from, bytes } = this.#window;
    const until = from + bytes.length;
    if (start >= from && end <= until) return bytes.toString('utf8', start - from, end - from);
    const goesOn = start >= from && start <= until + WINDOW_BYTES;
    const length = Math.min(Math.max(end - start, goesOn ? WINDOW_BYTES : 0), this.#flushed - start);
    const window = Buffer.allocUnsafeSlow(length);
    this.#read(window, start);
    this.#window = { from: start, bytes: window };
    return window.toString('utf8', 0, end - start);
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
    this.#window = NOTHING;
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
