/**
 * CSV files as a system of identities. A session promises: what it delivers stands in the file exactly so; what
 * it could not understand is evidence `No` with the line; and a file is replaced as a whole or not at all. It
 * knows no mapping and judges no duplicates: two rows with one key are delivered as two entries.
 */
import type { AttributeSchema, Entry, ObjectSchema, Value } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { Evidence, Fetched, ReadRequest } from '../../engine/ports.ts';
import type { Recogniser, RecogniserOf, Unknown } from '../../engine/recogniser.ts';
import type { OpenOptions, OpenSession, Probe, Session } from '../connector.ts';
import { mergeSchema, plainAttribute, type MergedSchema } from '../schema.ts';
import type { CsvDialect, CsvObject } from './config.ts';
import { parseExpectation } from './expectation.ts';
import { endsLine, sameCells } from './cells.ts';
import { confine, type Place } from './place.ts';
import type { Skimming } from './row-skimmer.ts';
import { scan, type CsvFile, type Line, type ScanEnd } from './scan.ts';
import { Baseline, CsvWriter } from './writer.ts';

/** Opens sessions on one file. Throws NotFound, PermissionDenied, InvalidConfiguration, InvalidData. */
export function openCsv(object: CsvObject, dialect: CsvDialect, options: OpenOptions): OpenSession {
  return async (signal) => {
    checkDialect(object, dialect);
    const place = await placeOf(object);
    const file: CsvFile = {
      place,
      dialect,
      expectation: parseExpectation(object.expect ?? {}, 'root' in object ? object.root : undefined),
      key: object.id,
    };
    checkWritable(object, options);
    const header = await readHeader(file, signal);
    const discovered = new Map(header.map((name) => [name, plainAttribute(name)]));
    return new CsvSession(file, header, mergeSchema(discovered, object.attributes), options.writable);
  };
}

async function placeOf(object: CsvObject): Promise<Place> {
  if ('content' in object) {
    return { kind: 'Memory', bytes: Buffer.from(object.content), label: object.label };
  }
  return { kind: 'File', path: await confine(object.root, object.path), label: object.path };
}

function checkDialect(object: CsvObject, dialect: CsvDialect): void {
  const { delimiter, quote, multiValueDelimiter } = dialect;
  const usable = (text: string): boolean => text.length === 1 && !/[\r\n]/.test(text);
  const lists = object.attributes?.some((attribute) => attribute.multiValued) ?? false;
  const rules: readonly (readonly [holds: boolean, otherwise: string])[] = [
    [usable(delimiter), 'delimiter must be one character and no line break'],
    [quote === '' || usable(quote), 'quote must be one character and no line break, or empty'],
    [quote !== delimiter, 'quote and delimiter must differ'],
    [multiValueDelimiter !== '', 'multiValueDelimiter must not be empty'],
    [!lists || multiValueDelimiter !== undefined, 'a multi-valued attribute needs csv.multiValueDelimiter'],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new ConnectorError('InvalidConfiguration', broken[1]);
}

function checkWritable(object: CsvObject, options: OpenOptions): void {
  if (!options.writable) return;
  if ('content' in object) {
    throw new ConnectorError('InvalidConfiguration', `${object.label} is a ConfigMap and cannot be written`);
  }
  if (object.expect?.rows !== undefined) {
    const advice = 'a file that is written changes its number of rows: use expect.trailer or checksumFile';
    throw new ConnectorError('InvalidConfiguration', advice);
  }
}

/** Whatever follows the header is of no interest, and is not taken apart. */
const HEADER_ALONE: Skimming = { recogniser: { recognise: () => undefined }, header: undefined };

async function readHeader(file: CsvFile, signal: AbortSignal): Promise<readonly string[]> {
  for await (const lines of scan(file, signal, false, HEADER_ALONE)) {
    const first = lines[0];
    if (first?.kind === 'Header') return first.cells;
  }
  throw new ConnectorError('InvalidData', `${file.place.label}: line 1: a header is needed`);
}

/** Which cell fills which attribute. */
interface Column {
  readonly index: number;
  readonly attribute: AttributeSchema;
}

class CsvSession implements Session {
  readonly schema: ObjectSchema;
  readonly writer: CsvWriter | undefined;
  readonly missingAttributes: readonly string[];
  readonly #file: CsvFile;
  readonly #header: readonly string[];
  readonly #key: number;

  constructor(file: CsvFile, header: readonly string[], merged: MergedSchema, writable: boolean) {
    this.#file = file;
    this.#header = header;
    this.#key = header.indexOf(file.key);
    this.missingAttributes = merged.missing;
    this.schema = {
      id: file.key,
      idChosenBy: 'Writer',
      name: undefined,
      attributes: merged.attributes,
      ignoreCaseInNames: false,
    };
    this.writer = writable ? new CsvWriter(file, header, this.schema) : undefined;
  }

  probe(): Promise<Probe> {
    const { label } = this.#file.place;
    const capabilities = ['Read', ...(this.writer ? ['Write', 'Transaction'] : [])];
    return Promise.resolve({ vendor: `CSV file ${label}`, capabilities });
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly Entry[], Evidence> {
    refuseFilter(request);
    const columns = this.#columnsOf(request);
    const baseline = this.writer ? new Baseline() : undefined;
    const end = yield* this.#scan(signal, (lines) => {
      const rows = lines.filter((line) => line.kind === 'Data');
      const entries = rows.map((line) => this.#toEntry(line, columns));
      for (const entry of entries) baseline?.add(entry.id);
      return entries;
    });
    if (baseline) this.writer?.remember(baseline, end);
    return end.evidence;
  }

  async *skim(
    request: ReadRequest,
    recogniserOf: RecogniserOf,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Unknown[], Evidence> {
    refuseFilter(request);
    const columns = this.#columnsOf(request);
    const recogniser = recogniserOf(this.#formOf(columns));
    const toUnknown = (line: Line): readonly Unknown[] => {
      const rawPrint = line.rawPrint ?? askedOf(recogniser, line);
      const isKnown = rawPrint === undefined && endsLine(line.raw);
      return isKnown ? [] : [{ entry: this.#toEntry(line, columns), rawPrint }];
    };
    const end = yield* this.#scan(
      signal,
      (lines) => lines.filter(({ kind }) => kind === 'Data').flatMap(toUnknown),
      { recogniser, header: this.#header },
    );
    this.writer?.rememberSkim(end);
    return end.evidence;
  }

  async *fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    refuseFilter(request);
    const columns = this.#columnsOf(request);
    const found = new Map<string, Entry[]>(ids.map((id) => [id, []]));
    const pass = this.#scan<never>(signal, (lines) => {
      for (const line of lines) {
        const hits = line.kind === 'Data' ? found.get(line.cells[this.#key] ?? '') : undefined;
        hits?.push(this.#toEntry(line, columns));
      }
      return [];
    });
    let step = await pass.next();
    while (!step.done) step = await pass.next();
    const { evidence } = step.value;
    for (const id of ids) yield answer(id, found.get(id) ?? [], evidence);
  }

  fetchByName(names: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    return this.fetch(names, request, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async *#scan<T>(
    signal: AbortSignal,
    take: (lines: readonly Line[]) => readonly T[],
    skimming?: Skimming,
  ): AsyncGenerator<readonly T[], ScanEnd> {
    const pass = scan(this.#file, signal, this.writer !== undefined, skimming);
    try {
      let step = await pass.next();
      for (; !step.done; step = await pass.next()) {
        this.#checkHeader(step.value[0]);
        const taken = take(step.value);
        if (taken.length > 0 || skimming) yield taken;
      }
      return step.value;
    } finally {
      await pass[Symbol.asyncDispose]();
    }
  }

  #checkHeader(first: Line | undefined): void {
    if (first?.kind !== 'Header') return;
    if (!sameCells(first.cells, this.#header))
      throw new ConnectorError('Changed', `${this.#file.place.label} has another header than before`);
  }

  #columnsOf(request: ReadRequest): readonly Column[] {
    return request.attributes.flatMap((name) => {
      const index = this.#header.indexOf(name);
      const attribute = this.schema.attributes.get(name);
      return index < 0 || index === this.#key || !attribute ? [] : [{ index, attribute }];
    });
  }

  /** Also what makes a row of the same octets an entry, or the trailer, or damaged. */
  #formOf(columns: readonly Column[]): string {
    const { dialect, expectation, key } = this.#file;
    const { delimiter, quote, encoding, multiValueDelimiter } = dialect;
    const wanted = columns.toSorted((one, other) => one.index - other.index);
    return JSON.stringify({
      header: this.#header,
      key,
      dialect: [delimiter, quote, encoding, multiValueDelimiter],
      trailer: expectation.trailer?.pattern,
      attributes: wanted.map(({ attribute }) => [attribute.name, attribute.values]),
    });
  }

  #toEntry(line: Line, columns: readonly Column[]): Entry {
    const attributes = new Map<string, readonly Value[]>();
    for (const { index, attribute } of columns) {
      const cell = line.cells[index] ?? '';
      if (cell === '') continue;
      const values = attribute.values === 'Multi' ? this.#split(cell) : [cell];
      if (values.length > 0) attributes.set(attribute.name, values);
    }
    return { id: line.cells[this.#key] ?? '', name: undefined, attributes };
  }

  #split(cell: string): readonly string[] {
    const { multiValueDelimiter } = this.#file.dialect;
    return multiValueDelimiter === undefined
      ? [cell]
      : cell.split(multiValueDelimiter).filter((value) => value !== '');
  }
}

/** What has no line end may be the beginning of a longer row, whose key evidence has to tell: it is never known. */
function askedOf(recogniser: Recogniser, { raw }: Line): string | undefined {
  return endsLine(raw) ? recogniser.recognise(raw) : undefined;
}

function refuseFilter(request: ReadRequest): void {
  if (request.filter !== undefined) {
    const advice = 'a CSV file has no filter language: use `where` instead of `filter`';
    throw new ConnectorError('InvalidConfiguration', advice);
  }
}

/** What is not found in a file that could not be read whole may still be in it. */
function answer(id: string, hits: readonly Entry[], evidence: Evidence): Fetched {
  const [entry, second] = hits;
  if (second) {
    return { kind: 'Failed', id, error: new ConnectorError('DuplicateKey', 'two rows have this key') };
  }
  if (entry) return { kind: 'There', id, entry, listed: true };
  if (evidence.complete !== 'No') return { kind: 'NotThere', id };
  const code = evidence.reason === 'FileChanged' ? 'Changed' : 'InvalidData';
  return { kind: 'Failed', id, error: new ConnectorError(code, evidence.message ?? 'the file is damaged') };
}
