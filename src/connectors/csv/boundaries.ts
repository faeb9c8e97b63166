/**
 * Where rows end in UTF-8 text, without taking them apart. It knows strict RFC 4180 alone: a quote only around a
 * whole cell, doubled inside it, and LF or CRLF at the end of a row. What is anything else is told as doubt, and is
 * left to the parser with all that follows, so that no two of us ever decide what a damaged row is.
 */
import { isUtf8 } from 'node:buffer';

import type { CsvDialect } from './config.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ASCII_END = 0x80;

/** No octet. */
const NONE = -1;

/** A group may have very many members. A longer row is left to the parser, which can say that a quote is never closed. */
const MAX_ROW_BYTES = 15 * 1024 * 1024;

/** What begins where the last row ended: a whole row, one that goes on in the next chunk, or what needs the parser. */
export type Found = 'Row' | 'Beginning' | 'Doubt';

type Within = 'Row' | 'PlainCell' | 'Quotes';

/** Each `Row` is exactly what csv-parse takes for one row, and at its end csv-parse would be as at the beginning. */
export class RowBoundaries {
  /** Line on which the row found begins. */
  line: number;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #simple: boolean;
  /** The text from the end of the last chunk's last row on. Its memory is used again for the next chunk. */
  #text: Buffer = Buffer.alloc(0);
  #memory: Buffer = Buffer.alloc(0);
  /** Whether every whole line of the text is UTF-8. Else each row is looked at. */
  #valid = true;
  /** How many octets of the text that goes on are known to be UTF-8, whole lines. */
  #validated = 0;
  #start = 0;
  #end = 0;
  #nextLine: number;
  /** The first one at or after the row's start, so that it is not looked for again in every row. */
  #nextQuote = NONE;
  #nextReturn = NONE;
  #breaks = 0;
  /** Of a row that goes on in the next chunk: how far it was looked at, from its start, and what is open there. */
  #looked = 0;
  #within: Within = 'Row';

  /** `firstLine`: the line that the text begins on, which is the beginning of a row. */
  constructor({ delimiter, quote }: CsvDialect, firstLine = 1) {
    this.line = firstLine;
    this.#nextLine = firstLine;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#quote = quote === '' ? NONE : quote.charCodeAt(0);
    this.#simple = this.#delimiter < ASCII_END && this.#quote < ASCII_END;
  }

  /** Copies the chunk. Rows found before are overwritten. */
  append(chunk: Buffer): void {
    const rest = this.rest();
    const length = rest.length + chunk.length;
    if (this.#memory.length < length) {
      const larger = Buffer.allocUnsafe(2 * length);
      rest.copy(larger);
      this.#memory = larger;
    } else if (this.#end > 0) {
      rest.copy(this.#memory);
    }
    chunk.copy(this.#memory, rest.length);
    this.#text = this.#memory.subarray(0, length);
    this.#validate();
    this.#end = 0;
    this.#nextQuote = NONE;
    this.#nextReturn = NONE;
  }

  /** Goes on from the end of the row before. After anything but `Row`, `rest` begins with what was looked at. */
  next(): Found {
    const start = this.#end;
    this.#start = start;
    this.line = this.#nextLine;
    const found = this.#simple ? this.#look(start) : 'Doubt';
    if (found === 'Row' && this.#isFit()) {
      this.#nextLine += this.#breaks + 1;
      this.#breaks = 0;
      this.#looked = 0;
      this.#within = 'Row';
      return found;
    }
    const end = this.#end;
    this.#end = start;
    if (found === 'Beginning' && this.#text.length - end <= MAX_ROW_BYTES) return found;
    return 'Doubt';
  }

  /** The row that was found, with its line end. */
  row(): Buffer {
    return this.#text.subarray(this.#start, this.#end);
  }

  rest(): Buffer {
    return this.#text.subarray(this.#end);
  }

  /** What the rows before have left was looked at already. */
  #validate(): void {
    const from = this.#valid ? Math.max(0, this.#validated - this.#end) : 0;
    const lastFeed = this.#text.subarray(from).lastIndexOf(LINE_FEED);
    const to = lastFeed < 0 ? from : from + lastFeed + 1;
    this.#valid = isUtf8(this.#text.subarray(from, to));
    this.#validated = this.#valid ? to : 0;
  }

  #isFit(): boolean {
    return this.#end - this.#start <= MAX_ROW_BYTES && (this.#valid || isUtf8(this.row()));
  }

  #look(start: number): Found {
    const text = this.#text;
    const lineFeed = text.indexOf(LINE_FEED, start);
    const limit = lineFeed < 0 ? text.length : lineFeed;
    if (this.#nextQuote < start) this.#nextQuote = this.#find(this.#quote, start);
    if (this.#nextQuote < limit) return this.#lookCellByCell(start);
    if (this.#nextReturn < start) this.#nextReturn = this.#find(CARRIAGE_RETURN, start);
    if (this.#nextReturn < limit - 1) return 'Doubt';
    if (lineFeed < 0) return 'Beginning';
    this.#end = lineFeed + 1;
    return 'Row';
  }

  #find(octet: number, start: number): number {
    const at = octet === NONE ? NONE : this.#text.indexOf(octet, start);
    return at < 0 ? this.#text.length : at;
  }

  /** Every octet once, in however many chunks the row comes. */
  #lookCellByCell(start: number): Found {
    const text = this.#text;
    let at = start + this.#looked;
    while (at < text.length) {
      if (this.#within === 'Row') {
        this.#within = text[at] === this.#quote ? 'Quotes' : 'PlainCell';
        if (this.#within === 'Quotes') at += 1;
      }
      at = this.#within === 'Quotes' ? this.#afterQuoted(at) : this.#afterPlain(at);
      if (at >= text.length) break;
      if (text[at] !== this.#delimiter) return this.#endOfRow(at);
      this.#within = 'Row';
      at += 1;
    }
    // Where a quote or a return is the last that is there, what it is depends on what follows: that is looked at again.
    if (this.#within !== 'Quotes') this.#looked = at - start;
    return 'Beginning';
  }

  #endOfRow(at: number): Found {
    const text = this.#text;
    const isReturn = text[at] === CARRIAGE_RETURN;
    if (isReturn && at + 1 >= text.length) {
      this.#within = 'PlainCell';
      this.#looked = at - this.#start;
      return 'Beginning';
    }
    const feed = isReturn && text[at + 1] === LINE_FEED ? at + 1 : at;
    if (text[feed] !== LINE_FEED) return 'Doubt';
    this.#end = feed + 1;
    return 'Row';
  }

  /** The place after the closing quote; the end of the text where there is none. Counts line breaks. */
  #afterQuoted(from: number): number {
    const text = this.#text;
    const last = text.length - 1;
    let at = from;
    for (; at < last; at += 1) {
      const octet = text[at];
      const next = text[at + 1];
      if (octet === this.#quote) {
        if (next !== this.#quote) return at + 1;
        at += 1;
      } else if (octet === LINE_FEED || (octet === CARRIAGE_RETURN && next !== LINE_FEED)) {
        this.#breaks += 1;
      }
    }
    this.#looked = at - this.#start;
    return text.length;
  }

  /** The place of whatever a plain cell cannot contain. */
  #afterPlain(from: number): number {
    const text = this.#text;
    let at = from;
    while (at < text.length) {
      const octet = text[at];
      if (octet === this.#delimiter || octet === this.#quote) break;
      if (octet === LINE_FEED || octet === CARRIAGE_RETURN) break;
      at += 1;
    }
    return at;
  }
}
