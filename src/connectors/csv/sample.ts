/**
 * A first look at a file that nobody has described yet: how it is written, what its header says, its first rows. What
 * it finds is a guess for people to check; reading for a run is open-csv.ts alone.
 */
import { ConnectorError } from '../../engine/errors.ts';
import type { CsvDialect, CsvEncoding } from './config.ts';
import { byteOrderMarkOf, Decoder } from './encoding.ts';
import { bytesOf, confine, type Place } from './place.ts';
import { RowScanner, type RowFault } from './rows.ts';

export interface SampledRow {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvSample {
  readonly dialect: Pick<CsvDialect, 'delimiter' | 'encoding'>;
  readonly header: readonly string[];
  /** Those with as many cells as the header; not more than asked for. */
  readonly rows: readonly SampledRow[];
  /** Whether these are all. */
  readonly whole: boolean;
  /** Rows that a run could not read. */
  readonly faults: readonly RowFault[];
}

export interface SampleRequest {
  readonly root: string;
  readonly path: string;
  /** Undefined: found out. */
  readonly delimiter: string | undefined;
  readonly encoding: CsvEncoding | undefined;
  readonly rows: number;
}

/** Throws ConnectorError: NotFound, InvalidConfiguration, InvalidData. */
export async function sampleCsv(request: SampleRequest, signal: AbortSignal): Promise<CsvSample> {
  const { path } = request;
  const place: Place = { kind: 'File', path: await confine(request.root, path), label: path };
  const encoding = request.encoding ?? (await sniffEncoding(place, signal));
  const delimiter = request.delimiter ?? (await sniffDelimiter(place, encoding, signal));
  const sorter = new Sampling(path, request.rows);
  const dialect = { delimiter, encoding, quote: '"' };
  let whole = true;
  for await (const batch of rowsOf(place, dialect, signal)) {
    for (const fault of batch.faults) sorter.fault(fault);
    for (const { line, cells } of batch.rows) sorter.row({ line, cells });
    whole = !sorter.isFull;
    if (!whole) break;
  }
  if (sorter.header.length === 0)
    throw new ConnectorError('InvalidData', `${path}: it is empty, a header is needed`);
  return {
    dialect: { delimiter, encoding },
    header: sorter.header,
    rows: sorter.rows,
    whole,
    faults: sorter.faults,
  };
}

class Sampling {
  header: readonly string[] = [];
  readonly rows: SampledRow[] = [];
  readonly faults: RowFault[] = [];
  readonly #path: string;
  readonly #limit: number;

  constructor(path: string, limit: number) {
    this.#path = path;
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.rows.length >= this.#limit;
  }

  fault(fault: RowFault): void {
    if (this.header.length === 0 || fault.line === 1)
      throw new ConnectorError('InvalidData', `${this.#path} line ${fault.line}: ${fault.problem}`);
    this.faults.push(fault);
  }

  row(row: SampledRow): void {
    if (this.header.length === 0) this.#begin(row);
    else if (row.cells.length === this.header.length) this.rows.push(row);
    else if (row.cells.length > 1 || row.cells[0] !== '') {
      const problem = `${row.cells.length} cells where the header has ${this.header.length}`;
      this.faults.push({ reason: 'InvalidRow', line: row.line, problem });
    }
  }

  #begin({ cells }: SampledRow): void {
    const problem = cells.includes('')
      ? 'the header has a column without a name'
      : cells
          .filter((name, at) => cells.indexOf(name) !== at)
          .map((name) => `the header has the column '${name}' twice`)[0];
    if (problem !== undefined) throw new ConnectorError('InvalidData', `${this.#path} line 1: ${problem}`);
    this.header = cells;
  }
}

async function* rowsOf(
  place: Place,
  dialect: CsvDialect,
  signal: AbortSignal,
): AsyncGenerator<{ rows: readonly SampledRow[]; faults: readonly RowFault[] }> {
  const decoder = new Decoder(dialect.encoding);
  using scanner = new RowScanner(dialect);
  let begun = false;
  for await (const chunk of bytesOf(place, signal)) {
    const mark = begun ? 0 : byteOrderMarkOf(chunk, dialect.encoding).length;
    begun = true;
    yield await scanner.push(decoder.decode(chunk.subarray(mark)));
  }
  yield await scanner.push(decoder.end());
  yield await scanner.end();
}

/** The whole file is looked at: the first letter that is no ASCII may be anywhere. */
async function sniffEncoding(place: Place, signal: AbortSignal): Promise<CsvEncoding> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let begun = false;
  try {
    for await (const chunk of bytesOf(place, signal)) {
      const wide = begun ? undefined : wideEncoding(chunk, place.label);
      if (wide !== undefined) return wide;
      begun = true;
      decoder.decode(chunk, { stream: true });
    }
    decoder.decode();
    return 'UTF-8';
  } catch (error) {
    // Every byte means something there, and what ISO-8859-1 has it has as well.
    if (error instanceof TypeError) return 'Windows-1252';
    throw error;
  }
}

function wideEncoding(start: Buffer, label: string): CsvEncoding | undefined {
  if (byteOrderMarkOf(start, 'UTF-16LE').length > 0) return 'UTF-16LE';
  const bigEndian = start[0] === 0xfe && start[1] === 0xff;
  const zeros = [...start.subarray(0, 4096).entries()].filter(([, byte]) => byte === 0);
  const odd = zeros.filter(([at]) => at % 2 === 1).length;
  if (!bigEndian && zeros.length === 0) return undefined;
  if (!bigEndian && odd === zeros.length && odd * 3 > Math.min(start.length, 4096)) return 'UTF-16LE';
  const what = bigEndian ? 'it is UTF-16 with the high byte first' : 'it has zero bytes and is no text';
  throw new ConnectorError('InvalidData', `${label}: ${what}; save it as UTF-8`);
}

const DELIMITERS = [',', ';', '\t', '|'];
/** Rows that a delimiter is judged by. */
const JUDGED_ROWS = 50;

/** The one that cuts most rows into as many cells as the header, and the header into most. */
async function sniffDelimiter(place: Place, encoding: CsvEncoding, signal: AbortSignal): Promise<string> {
  let best = { delimiter: '', score: 0 };
  for (const delimiter of DELIMITERS) {
    const [header, ...rest] = await firstRows(place, { delimiter, encoding, quote: '"' }, signal);
    if (!header) throw new ConnectorError('InvalidData', `${place.label}: it is empty, a header is needed`);
    const fitting = rest.filter((cells) => cells.length === header.length).length;
    const share = rest.length === 0 ? 1 : fitting / rest.length;
    const score = header.length < 2 ? 0 : share * 1_000 + header.length;
    if (score > best.score) best = { delimiter, score };
  }
  if (best.score > 0) return best.delimiter;
  const known = 'none of comma, semicolon, tab and | cuts its header into columns';
  throw new ConnectorError('InvalidData', `${place.label}: ${known}; say which one does with --delimiter`);
}

async function firstRows(
  place: Place,
  dialect: CsvDialect,
  signal: AbortSignal,
): Promise<(readonly string[])[]> {
  const rows: (readonly string[])[] = [];
  for await (const batch of rowsOf(place, dialect, signal)) {
    rows.push(...batch.rows.map(({ cells }) => cells));
    if (rows.length > JUDGED_ROWS) break;
  }
  return rows.slice(0, JUDGED_ROWS);
}
