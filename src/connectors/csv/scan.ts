/**
 * One pass over a CSV file, for reading and for rewriting alike: header, data rows, blank lines and trailer with
 * their text, and at the end what the pass is worth as evidence.
 */
import { createHash } from 'node:crypto';

import { ConnectorError } from '../../engine/errors.ts';
import type { Evidence } from '../../engine/ports.ts';
import { endsLine, splitLineEnd } from './cells.ts';
import type { CsvDialect } from './config.ts';
import { byteOrderMarkOf, Decoder } from './encoding.ts';
import { judge, type Expectation, type Verdict } from './expectation.ts';
import { bytesOf, type EndOfBytes, type FileState, type Place } from './place.ts';
import { RowSkimmer, type Skimming } from './row-skimmer.ts';
import { RowScanner, type RecognisedRows, type Row, type RowBatch, type RowFault } from './rows.ts';

export interface CsvFile {
  readonly place: Place;
  readonly dialect: CsvDialect;
  readonly expectation: Expectation;
  /** The key column. */
  readonly key: string;
}

export type LineKind = 'Header' | 'Data' | 'Blank' | 'Trailer';

export interface Line extends Row {
  readonly kind: LineKind;
}

export interface ScanEnd {
  readonly evidence: Evidence;
  readonly state: FileState | undefined;
  /** Of the file's bytes; undefined where nobody asked for it. */
  readonly sha256: string | undefined;
}

/**
 * Yields lines in the file's order, once per chunk, and returns what they are worth. Damaged rows are left out and
 * make the evidence `No`; a header that cannot be used throws InvalidData. Recognised rows are left out and count.
 */
export async function* scan(
  file: CsvFile,
  signal: AbortSignal,
  wantDigest: boolean,
  skimming?: Skimming,
): AsyncGenerator<readonly Line[], ScanEnd> {
  const hash = wantDigest || file.expectation.checksum ? createHash('sha256') : undefined;
  const decoder = new Decoder(file.dialect.encoding);
  const sorter = new LineSorter(file);
  using scanner = skimming ? new RowSkimmer(file.dialect, skimming) : new RowScanner(file.dialect);
  const bytes = bytesOf(file.place, signal);
  try {
    let next = await bytes.next();
    for (; !next.done; next = await bytes.next()) {
      hash?.update(next.value);
      const mark = sorter.begun ? 0 : byteOrderMarkOf(next.value, file.dialect.encoding).length;
      yield sorter.sort(await scanner.push(decoder.decode(next.value.subarray(mark))));
    }
    const rest = sorter.sort(await scanner.push(decoder.end()));
    const last = [...rest, ...sorter.sort(await scanner.end())];
    sorter.requireHeader();
    if (last.length > 0) yield last;
    const sha256 = hash?.digest('hex');
    const evidence = await weigh(file, sorter, next.value, sha256);
    return { evidence, state: next.value.state, sha256 };
  } finally {
    await bytes.return({ state: undefined, unchanged: false });
  }
}

/** Tells header, data, blank lines and trailer apart, and counts. */
class LineSorter {
  readonly #file: CsvFile;
  begun = false;
  rows = 0;
  trailerCount: number | undefined;
  rowsAfterTrailer = false;
  firstFault: RowFault | undefined;
  faults = 0;
  /** Key of the last data row where no line break ends it. RFC 4180 allows that, and a file that was cut off looks so. */
  openEnd: string | undefined;
  #columns = 0;
  #key = -1;
  #trailerLine: number | undefined;

  constructor(file: CsvFile) {
    this.#file = file;
  }

  sort(batch: RowBatch): Line[] {
    this.begun = true;
    for (const fault of batch.faults) this.#note(fault);
    const lines: Line[] = [];
    for (const row of batch.rows) {
      const kind = this.#kindOf(row);
      if (kind !== undefined) lines.push({ ...row, kind });
    }
    if (batch.recognised) this.#count(batch.recognised);
    return lines;
  }

  /** A damaged first row leaves the next one in its place: that must not become the header. */
  requireHeader(): void {
    if (this.#columns === 0) {
      const why = this.firstFault ? `line 1: ${this.firstFault.problem}` : 'it is empty, a header is needed';
      throw invalid(this.#file, why);
    }
  }

  /** They were data rows before, and are no others. */
  #count({ count, lastLine }: RecognisedRows): void {
    this.rows += count;
    if (this.#trailerLine !== undefined && lastLine > this.#trailerLine) this.rowsAfterTrailer = true;
  }

  #note(fault: RowFault): void {
    if (fault.reason === 'InvalidEncoding' && fault.line === 1) {
      throw invalid(this.#file, `line 1: ${fault.problem} (${this.#file.dialect.encoding})`);
    }
    if (fault.line === 1) throw invalid(this.#file, `line 1: ${fault.problem}`);
    this.faults += 1;
    this.rows += 1;
    if (this.firstFault === undefined || fault.line < this.firstFault.line) this.firstFault = fault;
  }

  #kindOf(row: Row): LineKind | undefined {
    if (this.#columns === 0) return this.#begin(row);
    if (this.#isBlank(row)) return 'Blank';
    if (this.trailerCount !== undefined) this.rowsAfterTrailer = true;
    const count = this.#file.expectation.trailer?.countOf(splitLineEnd(row.raw).content.toString('utf8'));
    if (count !== undefined) {
      this.trailerCount = count;
      this.#trailerLine = row.line;
      return 'Trailer';
    }
    const problem = this.#problemOf(row);
    if (problem !== undefined) {
      this.#note({ reason: 'InvalidRow', line: row.line, problem });
      return undefined;
    }
    this.rows += 1;
    this.openEnd = endsLine(row.raw) ? undefined : row.cells[this.#key];
    return 'Data';
  }

  #begin(row: Row): LineKind {
    if (row.line !== 1) throw invalid(this.#file, 'line 1: the header cannot be parsed');
    const seen = new Set<string>();
    for (const name of row.cells) {
      if (name === '') throw invalid(this.#file, 'line 1: the header has a column without a name');
      if (seen.has(name)) throw invalid(this.#file, `line 1: the header has the column '${name}' twice`);
      seen.add(name);
    }
    const { key } = this.#file;
    if (!seen.has(key)) {
      const names = row.cells.map((name) => `'${name}'`).join(', ');
      throw invalid(this.#file, `line 1: the key column '${key}' is not in the header; it has ${names}`);
    }
    this.#columns = row.cells.length;
    this.#key = row.cells.indexOf(key);
    return 'Header';
  }

  /** In a file of one column an empty line is a row with an empty key. `""` is longer than any line end. */
  #isBlank(row: Row): boolean {
    return (
      this.#columns > 1 &&
      row.cells.length === 1 &&
      row.cells[0] === '' &&
      row.raw.length <= 2 &&
      !row.raw.includes('"')
    );
  }

  #problemOf(row: Row): string | undefined {
    if (row.cells.length !== this.#columns) {
      return `${String(row.cells.length)} cells where the header has ${String(this.#columns)}`;
    }
    return row.cells[this.#key] === '' ? `the key column '${this.#file.key}' is empty` : undefined;
  }
}

function invalid(file: CsvFile, problem: string): ConnectorError {
  return new ConnectorError('InvalidData', `${file.place.label}: ${problem}`);
}

async function weigh(
  file: CsvFile,
  sorter: LineSorter,
  end: EndOfBytes,
  sha256: string | undefined,
): Promise<Evidence> {
  const { label } = file.place;
  if (!end.unchanged) return refuted('FileChanged', `${label} was changed while it was read; read it again`);
  const evidence = sorter.firstFault
    ? refutedBy(sorter.firstFault, sorter.faults, label)
    : toEvidence(await judge(file.expectation, { ...countsOf(sorter), sha256 }, label), label);
  // A checksum vouches for the last byte too; a trailer stands behind the last row.
  const isOpen = sorter.openEnd !== undefined && evidence.proof !== 'Checksum';
  return isOpen ? { ...evidence, openEnd: sorter.openEnd } : evidence;
}

function refutedBy({ reason, line, problem }: RowFault, faults: number, label: string): Evidence {
  const more = faults > 1 ? `; ${String(faults - 1)} more rows are damaged` : '';
  return refuted(reason, `${label} line ${String(line)}: ${problem}${more}`);
}

function countsOf(sorter: LineSorter): {
  rows: number;
  trailerCount: number | undefined;
  rowsAfterTrailer: boolean;
} {
  return { rows: sorter.rows, trailerCount: sorter.trailerCount, rowsAfterTrailer: sorter.rowsAfterTrailer };
}

function toEvidence(verdict: Verdict, label: string): Evidence {
  switch (verdict.kind) {
    case 'Contradicted':
      return refuted(verdict.reason, `${label}: ${verdict.message}`);
    case 'Proved':
      return { complete: 'Yes', proof: verdict.proof, reason: undefined, message: undefined, snapshot: true };
    case 'Undeclared':
      return {
        complete: 'Unproved',
        proof: undefined,
        reason: undefined,
        message: undefined,
        snapshot: true,
      };
  }
}

function refuted(reason: string, message: string): Evidence {
  return { complete: 'No', proof: undefined, reason, message, snapshot: false };
}
