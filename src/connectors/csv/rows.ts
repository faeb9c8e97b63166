/**
 * Rows out of UTF-8 chunks. csv-parse decides what a row is; this adds where it begins and ends in the text, on
 * which line, and what is wrong with it. It never repairs: a damaged row is told, not delivered.
 */
import { isUtf8 } from 'node:buffer';

import { parse, type CsvError, type InfoRecord, type Options, type Parser } from 'csv-parse';

import type { CsvDialect } from './config.ts';

/** Far above any identity record: an unclosed quote must not swallow a large file into memory. */
const MAX_ROW_CHARACTERS = 16 * 1024 * 1024;

/** After these nobody knows where the next row begins; going on would deliver rows that were never written. */
const HOPELESS: ReadonlySet<string> = new Set(['CSV_INVALID_CLOSING_QUOTE', 'CSV_MAX_RECORD_SIZE']);

const WHAT_IS_WRONG: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: 'there is text after a closing quote; what follows it was not read',
  CSV_MAX_RECORD_SIZE: 'the row is longer than 16 Mi characters, perhaps because of an unclosed quote',
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
  INVALID_OPENING_QUOTE: 'there is a quote inside a cell that is not quoted',
};

export interface Row {
  readonly cells: readonly string[];
  /** As it stands in the text, with its line end. Overwritten when the next batch is asked for: copy it to keep it. */
  readonly raw: Buffer;
  readonly line: number;
  /** Set where a recogniser was asked already, and did not know the row. */
  readonly rawPrint?: string;
}

export interface RowFault {
  readonly reason: 'InvalidRow' | 'InvalidEncoding';
  readonly line: number;
  readonly problem: string;
}

export interface RowBatch {
  readonly rows: readonly Row[];
  readonly faults: readonly RowFault[];
  /** The rest cannot be read. */
  readonly hopeless: boolean;
  /** Rows between those above that were recognised, and so were not taken apart. */
  readonly recognised?: RecognisedRows;
}

export interface RecognisedRows {
  readonly count: number;
  readonly lastLine: number;
}

/** What makes csv-parse read the dialect, here and wherever else it parses rows. */
export function parserOptions(dialect: CsvDialect): Options {
  return {
    delimiter: dialect.delimiter,
    quote: dialect.quote === '' ? null : dialect.quote,
    escape: dialect.quote === '' ? null : dialect.quote,
    // All three, always: detection by the first line would leave a CR in the last cell of a mixed file.
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true, // the caller knows the header and tells the line
    max_record_size: MAX_ROW_CHARACTERS,
  };
}

export class RowScanner {
  readonly #parser: Parser;
  #rows: Row[] = [];
  #faults: RowFault[] = [];
  #hopeless = false;
  /** The text from the end of the last row on; `#windowStart` is its place in the whole. */
  #window: Buffer = Buffer.alloc(0);
  #memory: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #rowStart = 0;
  #valid = true;
  /** csv-parse's number of the line that the last row ended on. */
  #lastLine = 0;
  /** csv-parse counts a line break of two characters inside a cell twice: how often that has happened. */
  #miscounted = 0;
  /** The last that csv-parse said was a row, so what follows is the beginning of another. */
  #isBetweenRows = false;

  readonly #linesBefore: number;

  /** `firstLine`: the line that the text begins on, which is the beginning of a row. */
  constructor(dialect: CsvDialect, firstLine = 1) {
    this.#linesBefore = firstLine - 1;
    this.#parser = parse({
      ...parserOptions(dialect),
      skip_records_with_error: true,
      on_record: (cells: string[], info: InfoRecord) => this.#take(cells, info),
      on_skip: (error) => this.#skip(error),
    });
    // Write and end report the same error to their callers.
    this.#parser.on('error', () => undefined);
  }

  async push(chunk: Buffer): Promise<RowBatch> {
    // What is never parsed would only fill the window.
    if (chunk.length === 0 || this.#hopeless) return this.#batch();
    this.#slide(chunk);
    // A character cut by the chunk's end makes this false too: then each row is looked at, nothing more.
    this.#valid = isUtf8(this.#window);
    // csv-parse keeps the end of its very first chunk without copying it.
    const first = this.#windowStart === 0 ? Buffer.from(chunk) : chunk;
    await this.#settled((done) => this.#parser.write(first, done));
    return this.#batch();
  }

  /** What follows the last row, and the line it begins on; undefined where somebody else could take it for something else. */
  following(): { readonly rest: Buffer; readonly line: number } | undefined {
    if (!this.#isBetweenRows || this.#hopeless) return undefined;
    const rest = this.#window.subarray(this.#rowStart - this.#windowStart);
    return { rest, line: this.#linesBefore + this.#lastLine + 1 - this.#miscounted };
  }

  async end(): Promise<RowBatch> {
    await this.#settled((done) => this.#parser.end(done));
    return this.#batch();
  }

  [Symbol.dispose](): void {
    this.#parser.destroy();
  }

  async #settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#hopeless) return;
    await new Promise<void>((resolve, reject) => {
      start((error) => {
        if (!error || this.#hopeless) resolve();
        else reject(error);
      });
    });
  }

  /** Moves the window on, in the same memory: rows of the batch before are gone now. */
  #slide(chunk: Buffer): void {
    const rest = this.#window.subarray(this.#rowStart - this.#windowStart);
    const length = rest.length + chunk.length;
    if (this.#memory.length < length) {
      const larger = Buffer.allocUnsafe(2 * length);
      rest.copy(larger);
      this.#memory = larger;
    } else {
      rest.copy(this.#memory);
    }
    chunk.copy(this.#memory, rest.length);
    this.#window = this.#memory.subarray(0, length);
    this.#windowStart = this.#rowStart;
  }

  #batch(): RowBatch {
    const batch = { rows: this.#rows, faults: this.#faults, hopeless: this.#hopeless };
    this.#rows = [];
    this.#faults = [];
    return batch;
  }

  #take(cells: string[], info: InfoRecord): null {
    const raw = this.#window.subarray(this.#rowStart - this.#windowStart, info.bytes - this.#windowStart);
    const line = this.#firstLineOf(cells, info.lines);
    this.#rowStart = info.bytes;
    this.#isBetweenRows = true;
    if (!this.#valid && !isUtf8(raw)) {
      this.#faults.push({
        reason: 'InvalidEncoding',
        line,
        problem: 'bytes that the encoding does not allow',
      });
    } else {
      this.#rows.push({ cells, raw, line });
    }
    return null;
  }

  #firstLineOf(cells: readonly string[], countedLines: number): number {
    let inside = 0;
    let doubled = 0;
    if (countedLines > this.#lastLine + 1) {
      for (const cell of cells) {
        inside += cell.match(/[\r\n]/g)?.length ?? 0;
        doubled += cell.match(/\r\n/g)?.length ?? 0;
      }
    }
    const line = this.#linesBefore + countedLines - inside - this.#miscounted;
    this.#miscounted += doubled;
    this.#lastLine = countedLines;
    return line;
  }

  #skip(error: CsvError | undefined): undefined {
    const code = error?.code ?? 'CSV_UNKNOWN_ERROR';
    this.#isBetweenRows = false;
    const counted = typeof error?.['lines'] === 'number' ? error['lines'] : this.#lastLine + 1;
    const line = (code === 'INVALID_OPENING_QUOTE' ? counted : this.#lastLine + 1) - this.#miscounted;
    this.#faults.push({
      reason: 'InvalidRow',
      line: this.#linesBefore + line,
      problem: WHAT_IS_WRONG[code] ?? 'the row cannot be parsed',
    });
    if (HOPELESS.has(code)) {
      this.#hopeless = true;
      throw error ?? new Error(code);
    }
  }
}
