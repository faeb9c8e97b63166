/**
 * Reading BER (X.690) as far as LDAP uses it (RFC 4511 section 5.1). The octets come from a peer that nobody
 * vouches for: every length is checked against what encloses it, and nothing is ever read beyond that.
 */
import { isUtf8 } from 'node:buffer';

import { ConnectorError } from '../../engine/errors.ts';

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const ENUMERATED = 0x0a;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** Four say all that a message may hold; Active Directory always uses them, with leading zeros. */
const LENGTH_OCTETS = 4;
const REPLACEMENT = '\uFFFD';

/** How many octets a length takes, by the first of them. Throws InvalidData. */
export function lengthWidth(first: number): number {
  if (first < 0x80) return 1;
  const more = first & 0x7f;
  if (more === 0 || more > LENGTH_OCTETS) throw malformed('a length in a form that LDAP does not use');
  return 1 + more;
}

/** The length that begins there and is known to be whole. */
export function lengthAt(bytes: Buffer, at: number, width: number): number {
  return width === 1 ? bytes.readUInt8(at) : bytes.readUIntBE(at + 1, width - 1);
}

export function malformed(what: string): ConnectorError {
  return new ConnectorError('InvalidData', what);
}

/** Moves over the elements of one message, from first to last. */
export class BerCursor {
  readonly #bytes: Buffer;
  #at: number;
  /** Never beyond the end of the element that is being read. */
  #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get isDone(): boolean {
    return this.#at >= this.#end;
  }

  /** The tag of the next element; undefined where there is none. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  /** Goes into a constructed element. Returns what `leave` needs. */
  enter(tag: number): number {
    const outer = this.#end;
    const length = this.#header(tag);
    this.#end = this.#at + length;
    return outer;
  }

  /** Goes on behind the element, over whatever was not read of it: RFC 4511 section 4 lets it be extended. */
  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** Steps over one element, whatever it is. */
  skip(): void {
    const length = this.#header(this.peek() ?? 0);
    this.#at += length;
  }

  /** A view, good as long as the message is. */
  octets(tag: number = OCTET_STRING): Buffer {
    const length = this.#header(tag);
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  text(tag: number = OCTET_STRING): string {
    const length = this.#header(tag);
    const from = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', from, this.#at);
  }

  /** Text, or a copy of the octets where they are none. */
  textOrOctets(): string | Uint8Array {
    const start = this.#at;
    const text = this.text();
    if (!text.includes(REPLACEMENT)) return text;
    this.#at = start;
    const octets = this.octets();
    return isUtf8(octets) ? text : Uint8Array.from(octets);
  }

  /** Whether the next element holds these octets; if so, it is stepped over. */
  consume(tag: number, expected: Uint8Array): boolean {
    const start = this.#at;
    const length = this.#header(tag);
    const from = this.#at;
    let same = length === expected.length;
    for (let index = 0; same && index < length; index += 1) {
      same = this.#bytes[from + index] === expected[index];
    }
    this.#at = same ? from + length : start;
    return same;
  }

  /** Of at most four octets, which is all that LDAP allows (RFC 4511 section 4.1.1). */
  integer(tag: number = INTEGER): number {
    const length = this.#header(tag);
    if (length < 1 || length > 4) throw malformed('a number of a size that LDAP does not use');
    const from = this.#at;
    this.#at += length;
    return this.#bytes.readIntBE(from, length);
  }

  /** Checks the tag, and that the element ends within what encloses it. Stands at the content afterwards. */
  #header(tag: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 2 > this.#end) throw malformed('an element that breaks off');
    if (bytes[at] !== tag) throw malformed('an element of another kind than was expected');
    const first = bytes[at + 1] ?? 0;
    const width = lengthWidth(first);
    if (at + 1 + width > this.#end) throw malformed('an element that breaks off');
    const length = width === 1 ? first : lengthAt(bytes, at + 1, width);
    if (length > this.#end - at - 1 - width) throw malformed('an element longer than what encloses it');
    this.#at = at + 1 + width;
    return length;
  }
}
