/**
 * Cuts what a socket delivers into messages. A message that lies within one chunk is handed out in place; one that
 * a boundary cuts is put together in a buffer of its own, whose growth follows what has arrived, never what the
 * peer claims will come. So time is linear in the octets however small the chunks are, and a lie costs nothing.
 */
import { lengthAt, lengthWidth, malformed, SEQUENCE } from './ber.ts';

/** Room for a group of a million members in one entry; OpenLDAP itself takes 16 MB at most by default. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
/** What a claimed length is believed without a second look. */
const TRUSTED_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/** One whole message, somewhere in a buffer. */
export interface Frame {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export class Framer {
  /** Its messages are handed out one after the other, up to `#at`. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The beginning of a message that goes on in the next chunk. While it is not empty, `#chunk` has been read up. */
  #partial: Buffer = NOTHING;
  #filled = 0;

  /** Whether nothing is left over from what was delivered. */
  get isEmpty(): boolean {
    return this.#filled === 0 && this.#at === this.#chunk.length;
  }

  /** To be followed by `next` until it says undefined. The chunk must not be changed afterwards. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Undefined: more has to arrive first. Throws InvalidData, and is of no use any more. */
  next(): Frame | undefined {
    if (this.#filled > 0) return this.#complete();
    const bytes = this.#chunk;
    const start = this.#at;
    const size = sizeOf(bytes, start, bytes.length);
    if (size === undefined || size > bytes.length - start) {
      this.#take(bytes.length - start, size);
      return undefined;
    }
    this.#at = start + size;
    return { bytes, start, end: this.#at };
  }

  #complete(): Frame | undefined {
    let size = sizeOf(this.#partial, 0, this.#filled);
    while (size === undefined && this.#at < this.#chunk.length) {
      this.#take(1, undefined);
      size = sizeOf(this.#partial, 0, this.#filled);
    }
    if (size === undefined) return undefined;
    this.#take(size - this.#filled, size);
    if (this.#filled < size) return undefined;
    const frame = { bytes: this.#partial, start: 0, end: size };
    this.#partial = NOTHING;
    this.#filled = 0;
    return frame;
  }

  /** Moves at most so many octets from the chunk to the partial message. */
  #take(count: number, size: number | undefined): void {
    const taken = Math.min(count, this.#chunk.length - this.#at);
    const needed = this.#filled + taken;
    if (needed > this.#partial.length) {
      const grown = Math.max(2 * this.#partial.length, needed, Math.min(size ?? 0, TRUSTED_BYTES));
      // Not from Node's pool: views of a message may outlive the rest of it.
      const larger = Buffer.allocUnsafeSlow(Math.min(grown, size ?? grown));
      this.#partial.copy(larger, 0, 0, this.#filled);
      this.#partial = larger;
    }
    this.#chunk.copy(this.#partial, this.#filled, this.#at, this.#at + taken);
    this.#at += taken;
    this.#filled = needed;
  }
}

/** Of the message that begins there; undefined while its length has not arrived. */
function sizeOf(bytes: Buffer, start: number, end: number): number | undefined {
  if (start >= end) return undefined;
  if (bytes[start] !== SEQUENCE) throw malformed('something that is no LDAP message');
  if (start + 1 >= end) return undefined;
  const width = lengthWidth(bytes[start + 1] ?? 0);
  if (start + 1 + width > end) return undefined;
  const size = 1 + width + lengthAt(bytes, start + 1, width);
  if (size <= MAX_MESSAGE_BYTES) return size;
  throw malformed(`a message of ${String(size)} bytes, where at most ${String(MAX_MESSAGE_BYTES)} are taken`);
}
