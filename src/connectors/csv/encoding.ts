/**
 * Everything behind this file sees UTF-8 without a byte order mark. Decoding is reversible for every valid file,
 * so a row that is not touched can be written back byte for byte; what is invalid becomes a byte that no UTF-8
 * text contains, so that the row it stands in, and no other, is found to be damaged.
 */
import type { CsvEncoding } from './config.ts';

/** Never part of UTF-8 (RFC 3629 section 1): stands for what the file's encoding cannot mean. */
const INVALID = Buffer.from([0xff]);

/** Windows-1252, 0x80 to 0x9F. The five unassigned bytes are the control characters of the same number, as WHATWG has it. */
const HIGH_CONTROLS =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

const BYTE_ORDER_MARKS: Readonly<Record<CsvEncoding, Buffer>> = {
  'UTF-8': Buffer.from([0xef, 0xbb, 0xbf]),
  'UTF-16LE': Buffer.from([0xff, 0xfe]),
  'ISO-8859-1': Buffer.alloc(0),
  'Windows-1252': Buffer.alloc(0),
};

/** The byte order mark that the file begins with, or nothing. `start` holds at least its first three bytes. */
export function byteOrderMarkOf(start: Buffer, encoding: CsvEncoding): Buffer {
  const mark = BYTE_ORDER_MARKS[encoding];
  return start.subarray(0, mark.length).equals(mark) ? mark : Buffer.alloc(0);
}

/** Turns the chunks of a file, without its byte order mark, into UTF-8. One decoder for one pass. */
export class Decoder {
  readonly #encoding: CsvEncoding;
  /** UTF-16 only: the beginning of a character that the next chunk ends. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(encoding: CsvEncoding) {
    this.#encoding = encoding;
  }

  decode(chunk: Buffer): Buffer {
    switch (this.#encoding) {
      case 'UTF-8':
        return chunk;
      case 'ISO-8859-1':
        return Buffer.from(chunk.toString('latin1'), 'utf8');
      case 'Windows-1252':
        return Buffer.from(fromWindows1252(chunk), 'utf8');
      case 'UTF-16LE':
        return this.#decodeUtf16(chunk);
    }
  }

  /** What is left at the end of the file: half a character is damage. */
  end(): Buffer {
    return this.#rest.length > 0 ? INVALID : Buffer.alloc(0);
  }

  #decodeUtf16(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let end = bytes.length - (bytes.length % 2);
    // A leading surrogate at the end waits for its partner.
    if (end >= 2 && ((bytes[end - 1] ?? 0) & 0xfc) === 0xd8) end -= 2;
    this.#rest = bytes.subarray(end);
    const text = bytes.subarray(0, end).toString('utf16le');
    if (text.isWellFormed()) return Buffer.from(text, 'utf8');
    const parts = text.split(/\p{Surrogate}/u).map((part) => Buffer.from(part, 'utf8'));
    return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [INVALID, part])));
  }
}

function fromWindows1252(chunk: Buffer): string {
  return chunk
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (control) => HIGH_CONTROLS.charAt(control.charCodeAt(0) - 0x80));
}

/** The text in the file's encoding, or undefined when the encoding has no place for one of its characters. */
export function encode(text: string, encoding: CsvEncoding): Buffer | undefined {
  switch (encoding) {
    case 'UTF-8':
      return text.isWellFormed() ? Buffer.from(text, 'utf8') : undefined;
    case 'UTF-16LE':
      return text.isWellFormed() ? Buffer.from(text, 'utf16le') : undefined;
    case 'ISO-8859-1':
      return toLatin1(text);
    case 'Windows-1252':
      return toWindows1252(text);
  }
}

function toLatin1(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'latin1');
  // Node keeps the low octet of what has no place.
  return bytes.toString('latin1') === text ? bytes : undefined;
}

function toWindows1252(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const high = HIGH_CONTROLS.indexOf(text.charAt(index));
    const code = high >= 0 ? 0x80 + high : text.charCodeAt(index);
    if (code > 0xff || (high < 0 && code >= 0x80 && code <= 0x9f)) return undefined;
    bytes[index] = code;
  }
  return bytes;
}
