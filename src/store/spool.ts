/** A bounded part in memory, the rest in a temporary file that nobody else can open and that ends with the process. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Spool } from '../engine/ports.ts';

/** Values kept as they are; some 1 KiB each. */
const IN_MEMORY = 4_096;
const BUFFER_BYTES = 1_048_576;
const WINDOW_BYTES = 65_536;

interface Window {
  readonly from: number;
  readonly bytes: Buffer;
}

const NOTHING: Window = { from: 0, bytes: Buffer.alloc(0) };

export class FileSpool<T> implements Spool<T>, Disposable {
  readonly #kept: T[] = [];
  /** Where each spilled value starts; the last one ends at #end. */
  #starts: Float64Array = new Float64Array(1024);
  #spilled = 0;
  #end = 0;
  #file: number | undefined;
  /** What is not in the file yet: from #flushed to #end. */
  #pending: Buffer[] = [];
  #flushed = 0;
  /** What was read last; the file is only ever appended to. */
  #window: Window = NOTHING;

  put(value: T): number {
    if (this.#kept.length < IN_MEMORY) return this.#kept.push(value) - 1;
    if (this.#spilled + 2 > this.#starts.length) {
      const wider = new Float64Array(this.#starts.length * 2);
      wider.set(this.#starts);
      this.#starts = wider;
    }
    const bytes = serialize(value);
    this.#starts[this.#spilled] = this.#end;
    this.#pending.push(bytes);
    this.#end += bytes.length;
    this.#starts[this.#spilled + 1] = this.#end;
    if (this.#end - this.#flushed > BUFFER_BYTES) this.#flush();
    return IN_MEMORY + this.#spilled++;
  }

  get(handle: number): T {
    // Not by its value: undefined is one too.
    if (handle in this.#kept) return this.#kept[handle] as T;
    const at = handle - IN_MEMORY;
    const start = this.#starts[at];
    const end = this.#starts[at + 1];
    if (start === undefined || end === undefined || at >= this.#spilled)
      throw new RangeError(`nothing is spooled as ${handle}`);
    if (end > this.#flushed) this.#flush();
    return deserialize(this.#bytesAt(start, end)) as T;
  }

  /** Where values are taken in the order in which they were put, one read is good for many. */
  #bytesAt(start: number, end: number): Buffer {
    const { from, bytes } = this.#window;
    const until = from + bytes.length;
    if (start >= from && end <= until) return bytes.subarray(start - from, end - from);
    const goesOn = start >= from && start <= until + WINDOW_BYTES;
    const length = Math.min(Math.max(end - start, goesOn ? WINDOW_BYTES : 0), this.#flushed - start);
    const window = Buffer.allocUnsafeSlow(length);
    this.#read(window, start);
    this.#window = { from: start, bytes: window };
    return window.subarray(0, end - start);
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
    const bytes = Buffer.concat(this.#pending);
    // A disk that is nearly full may take a part only; the next call says what is wrong.
    for (let written = 0; written < bytes.length;)
      written += writeSync(this.#file, bytes, written, bytes.length - written, this.#flushed + written);
    this.#flushed += bytes.length;
    this.#pending = [];
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#window = NOTHING;
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
