/**
 * Rows as RowScanner gives them, but what is recognised by its octets is not taken apart. A hit is right because the
 * octets are looked at from a true row boundary to the next: csv-parse made exactly one row of the same octets
 * before, and what it makes of a row depends on nothing that stands before it. Cells come from csv-parse alone.
 */
import { parse } from 'csv-parse/sync';

import type { Recogniser } from '../../engine/recogniser.ts';
import { RowBoundaries } from './boundaries.ts';
import { sameCells } from './cells.ts';
import type { CsvDialect } from './config.ts';
import { parserOptions, RowScanner, type Row, type RowBatch } from './rows.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Skimming {
  readonly recogniser: Recogniser;
  /** Under another one nobody is asked; undefined: under any. */
  readonly header: readonly string[] | undefined;
}

type UncutRow = Omit<Row, 'cells'>;

export class RowSkimmer {
  readonly #dialect: CsvDialect;
  readonly #skimming: Skimming;
  /** In doubt RowScanner reads, until it is between rows again: it says what is damaged, and on which line, as ever. */
  #reader: RowBoundaries | RowScanner;
  #begun = false;
  #asks = false;
  #unknown: UncutRow[] = [];
  #recognised = 0;
  #lastRecognised = 0;

  constructor(dialect: CsvDialect, skimming: Skimming) {
    this.#dialect = dialect;
    this.#skimming = skimming;
    this.#reader = new RowBoundaries(dialect);
  }

  async push(chunk: Buffer): Promise<RowBatch> {
    const reader = this.#reader;
    if (reader instanceof RowScanner) return this.#scan(reader, chunk);
    if (chunk.length > 0) reader.append(chunk);
    const header: Row[] = [];
    let found = reader.next();
    if (found === 'Row' && !this.#begun) {
      header.push(this.#begin(reader));
      found = reader.next();
    }
    for (; found === 'Row'; found = reader.next()) this.#take(reader);
    const batch = this.#batch(header);
    return found === 'Doubt' ? merged(batch, await this.#scan(this.#giveUp(reader), reader.rest())) : batch;
  }

  async end(): Promise<RowBatch> {
    const reader = this.#reader;
    if (reader instanceof RowScanner) return reader.end();
    const scanner = this.#giveUp(reader);
    return merged(await scanner.push(reader.rest()), await scanner.end());
  }

  [Symbol.dispose](): void {
    if (this.#reader instanceof RowScanner) this.#reader[Symbol.dispose]();
  }

  #giveUp(boundaries: RowBoundaries): RowScanner {
    const scanner = new RowScanner(this.#dialect, boundaries.line);
    this.#reader = scanner;
    return scanner;
  }

  async #scan(scanner: RowScanner, chunk: Buffer): Promise<RowBatch> {
    const batch = await scanner.push(chunk);
    const following = this.#begun ? scanner.following() : undefined;
    if (!following) return batch;
    const boundaries = new RowBoundaries(this.#dialect, following.line);
    boundaries.append(following.rest);
    scanner[Symbol.dispose]();
    this.#reader = boundaries;
    return batch;
  }

  #begin(boundaries: RowBoundaries): Row {
    const { header } = this.#skimming;
    const raw = boundaries.row();
    const [cells = []] = this.#parse(raw, 1);
    this.#begun = true;
    this.#asks = header === undefined || sameCells(cells, header);
    return { cells, raw, line: boundaries.line };
  }

  #take(boundaries: RowBoundaries): void {
    const raw = boundaries.row();
    const { line } = boundaries;
    const isBlank = raw[0] === LINE_FEED || raw[0] === CARRIAGE_RETURN;
    if (isBlank || !this.#asks) {
      this.#unknown.push({ raw, line });
      return;
    }
    const rawPrint = this.#skimming.recogniser.recognise(raw);
    if (rawPrint === undefined) {
      this.#recognised += 1;
      this.#lastRecognised = line;
    } else {
      this.#unknown.push({ raw, line, rawPrint });
    }
  }

  #batch(before: readonly Row[]): RowBatch {
    const unknown = this.#unknown;
    const recognised = { count: this.#recognised, lastLine: this.#lastRecognised };
    this.#unknown = [];
    this.#recognised = 0;
    const cells = this.#parse(together(unknown), unknown.length);
    const rows = unknown.map((row, index) => ({ ...row, cells: cells[index] ?? [] }));
    return { rows: [...before, ...rows], faults: [], hopeless: false, recognised };
  }

  /** Throws where rows are not what they were taken for: their cells would belong to others. */
  #parse(text: Buffer, count: number): readonly (readonly string[])[] {
    if (count === 0) return [];
    const records = parse(text, parserOptions(this.#dialect));
    if (records.length === count) return records;
    throw new Error(`${String(count)} rows were found where csv-parse finds ${String(records.length)}`);
  }
}

/** Neighbours in the text need no copy of their own. */
function together(rows: readonly UncutRow[]): Buffer {
  const [first] = rows;
  const last = rows.at(-1);
  if (!first || !last) return Buffer.alloc(0);
  const length = last.raw.byteOffset + last.raw.length - first.raw.byteOffset;
  const octets = rows.reduce((sum, { raw }) => sum + raw.length, 0);
  if (octets === length) return Buffer.from(first.raw.buffer, first.raw.byteOffset, length);
  return Buffer.concat(rows.map(({ raw }) => raw));
}

function merged(one: RowBatch, other: RowBatch): RowBatch {
  return {
    rows: [...one.rows, ...other.rows],
    faults: [...one.faults, ...other.faults],
    hopeless: other.hopeless,
    ...(one.recognised ? { recognised: one.recognised } : {}),
  };
}
