/**
 * Buffered writing. Every write is checked against what the file held when it was read, and answered at once;
 * `commit` makes all of them true by one replacement, or none. A commit that is refused drops what was buffered.
 */
import type { ObjectSchema, Value } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { EntryChange, EntryWriter, NewEntry, Written } from '../../engine/ports.ts';
import { formatCell } from './cells.ts';
import { encode } from './encoding.ts';
import type { FileState } from './place.ts';
import { changed, rewrite, type PendingRow } from './rewrite.ts';
import { scan, type CsvFile, type ScanEnd } from './scan.ts';

/** The keys of a file as it was read whole. */
export class Baseline {
  readonly keys: Set<string> = new Set();
  readonly duplicates: Set<string> = new Set();

  add(key: string): void {
    if (this.keys.has(key)) this.duplicates.add(key);
    else this.keys.add(key);
  }
}

interface Known {
  readonly baseline: Baseline;
  readonly state: FileState;
  readonly sha256: string;
}

export class CsvWriter implements EntryWriter {
  readonly transactional = true;
  readonly #file: CsvFile;
  readonly #header: readonly string[];
  readonly #schema: ObjectSchema;
  /** In the order of creation. Never holds an entry that would change nothing. */
  readonly #pending: Map<string, PendingRow> = new Map();
  #known: Known | ConnectorError | undefined;
  /** The file whose entries were skimmed, so that nobody knows its keys yet. Only while `#known` is undefined. */
  #skimmed: Omit<Known, 'baseline'> | undefined;
  #reading: Promise<Known> | undefined;

  constructor(file: CsvFile, header: readonly string[], schema: ObjectSchema) {
    this.#file = file;
    this.#header = header;
    this.#schema = schema;
  }

  /** A read that went through is what later writes are based on. Ignored while writes are buffered. */
  remember(baseline: Baseline, end: ScanEnd): void {
    if (this.#pending.size > 0) return;
    const found = toWritable(end);
    this.#known = found instanceof ConnectorError ? found : { baseline, ...found };
    this.#skimmed = undefined;
  }

  /** The same for a read that knows no keys: they are read when the first write asks, from the same file or not at all. */
  rememberSkim(end: ScanEnd): void {
    if (this.#pending.size > 0) return;
    const found = toWritable(end);
    this.#known = found instanceof ConnectorError ? found : undefined;
    this.#skimmed = found instanceof ConnectorError ? undefined : found;
  }

  create(entry: NewEntry, signal: AbortSignal): Promise<Written> {
    return this.#attempt(signal, ({ baseline }) => {
      const id = this.#keyOf(entry);
      const before = this.#pending.get(id);
      const exists = before ? before.kind !== 'Delete' : baseline.keys.has(id);
      if (exists)
        throw new ConnectorError('AlreadyExists', 'a row with this key exists', {
          attribute: this.#file.key,
        });
      const cells = new Map<string, string>();
      // A row that takes the place of a deleted one inherits nothing.
      if (before) for (const name of this.#header) cells.set(name, '');
      for (const [name, values] of entry.attributes) cells.set(name, this.#format(name, values));
      this.#refuseTrailer(cells);
      this.#pending.set(id, { kind: before ? 'Update' : 'Create', cells });
      return id;
    });
  }

  update(change: EntryChange, signal: AbortSignal): Promise<Written> {
    return this.#attempt(signal, ({ baseline }) => {
      const { id } = change;
      const before = this.#pending.get(id);
      const exists = before ? before.kind !== 'Delete' : baseline.keys.has(id);
      if (!exists) throw new ConnectorError('NotFound', 'no row has this key');
      refuseDuplicate(baseline, id);
      const cells = this.#changedCells(change);
      if (cells.size === 0) return id;
      const kept = before && before.kind !== 'Delete' ? before.cells : [];
      const kind = before?.kind === 'Create' ? 'Create' : 'Update';
      this.#pending.set(id, { kind, cells: new Map([...kept, ...cells]) });
      return id;
    });
  }

  delete(entry: { readonly id: string }, signal: AbortSignal): Promise<Written> {
    return this.#attempt(signal, ({ baseline }) => {
      refuseDuplicate(baseline, entry.id);
      if (baseline.keys.has(entry.id)) this.#pending.set(entry.id, { kind: 'Delete' });
      else this.#pending.delete(entry.id);
      return entry.id;
    });
  }

  /** Applied carries no id: it speaks for all that was buffered. Unknown only when the file may be the new one. */
  async commit(signal: AbortSignal): Promise<Written> {
    const known = this.#known;
    if (this.#pending.size === 0) return { kind: 'Applied', id: '', name: undefined };
    const pending = new Map(this.#pending);
    this.#pending.clear();
    if (known === undefined || known instanceof ConnectorError) {
      return { kind: 'Refused', error: known ?? new ConnectorError('Changed', 'the file was never read') };
    }
    const result = await rewrite({ file: this.#file, header: this.#header, pending, known }, signal);
    if (result.kind !== 'Applied') {
      this.#known = undefined;
      return result;
    }
    for (const [id, row] of pending) {
      if (row.kind === 'Delete') known.baseline.keys.delete(id);
      else known.baseline.keys.add(id);
    }
    this.#known = { baseline: known.baseline, state: result.state, sha256: result.sha256 };
    return { kind: 'Applied', id: '', name: undefined };
  }

  async #attempt(signal: AbortSignal, write: (known: Known) => string): Promise<Written> {
    try {
      return { kind: 'Applied', id: write(await this.#ready(signal)), name: undefined };
    } catch (error) {
      if (error instanceof ConnectorError) return { kind: 'Refused', error };
      throw error;
    }
  }

  /** What the file held, read now if nobody has read it yet. */
  async #ready(signal: AbortSignal): Promise<Known> {
    if (this.#known instanceof ConnectorError) throw this.#known;
    if (this.#known) return this.#known;
    this.#reading ??= this.#readKeys(signal).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readKeys(signal: AbortSignal): Promise<Known> {
    const baseline = new Baseline();
    const key = this.#header.indexOf(this.#file.key);
    const pass = scan(this.#file, signal, true);
    let step = await pass.next();
    for (; !step.done; step = await pass.next()) {
      for (const line of step.value) if (line.kind === 'Data') baseline.add(line.cells[key] ?? '');
    }
    const skimmed = this.#skimmed;
    this.remember(baseline, step.value);
    if (skimmed)
      this.#known = step.value.sha256 === skimmed.sha256 ? { baseline, ...skimmed } : changed(this.#file);
    return this.#ready(signal);
  }

  /** Read again, such a row would end the file. */
  #refuseTrailer(cells: ReadonlyMap<string, string>): void {
    const row = this.#header.map((name) => cells.get(name) ?? '').join(this.#file.dialect.delimiter);
    if (this.#file.expectation.trailer?.countOf(row) !== undefined) {
      throw new ConnectorError('SchemaViolation', 'the row would look like the trailer of the file');
    }
  }

  #changedCells(change: EntryChange): ReadonlyMap<string, string> {
    if (change.newName !== undefined) {
      throw new ConnectorError('Unsupported', 'rows of a CSV file have no name beside their key');
    }
    const cells = new Map<string, string>();
    for (const { attribute, values } of change.changes) {
      if (attribute === this.#file.key) {
        throw new ConnectorError('Unsupported', 'the key column is written only on create', { attribute });
      }
      cells.set(attribute, this.#format(attribute, values));
    }
    return cells;
  }

  #keyOf(entry: NewEntry): string {
    const attribute = this.#file.key;
    const [value] = entry.attributes.get(attribute) ?? [];
    if (typeof value === 'string' && value !== '') return value;
    throw new ConnectorError('SchemaViolation', `a new row needs a value for '${attribute}'`, { attribute });
  }

  #format(attribute: string, values: readonly Value[]): string {
    if (!this.#header.includes(attribute)) {
      throw new ConnectorError('UnknownAttribute', `the file has no column '${attribute}'`, { attribute });
    }
    const multi = this.#schema.attributes.get(attribute)?.values === 'Multi';
    const separator = this.#file.dialect.multiValueDelimiter ?? '';
    const refuse = (why: string): never => {
      throw new ConnectorError('SchemaViolation', `'${attribute}': ${why}`, { attribute });
    };
    if (values.length > 1 && !multi) refuse('the column holds one value; declare it multiValued');
    const texts = values.map((value) =>
      typeof value === 'string' ? value : refuse('octets have no place in CSV'),
    );
    if (multi && texts.some((text) => text.includes(separator)))
      refuse('a value contains the multi-value delimiter');
    const cell =
      formatCell(texts.join(separator), this.#file.dialect) ??
      refuse('it needs quotes, and the dialect has none');
    if (encode(cell, this.#file.dialect.encoding) === undefined) {
      refuse(`a character has no place in ${this.#file.dialect.encoding}`);
    }
    return cell;
  }
}

/** What tells the file from a changed one; an error for a file that nothing can be based on. */
function toWritable({ evidence, state, sha256 }: ScanEnd): Omit<Known, 'baseline'> | ConnectorError {
  if (evidence.complete !== 'No' && state !== undefined && sha256 !== undefined) return { state, sha256 };
  return new ConnectorError('InvalidData', `nothing is written: ${evidence.message ?? 'damaged file'}`);
}

function refuseDuplicate(baseline: Baseline, id: string): void {
  if (baseline.duplicates.has(id)) throw new ConnectorError('DuplicateKey', 'two rows have this key');
}
