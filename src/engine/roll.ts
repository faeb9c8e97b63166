/**
 * The index phase: one side is streamed once. An entry of a settled link that has not changed is marked and
 * forgotten; everything else becomes an item of the work list, its content in the spool. Keeps some tens of
 * bytes for every entry, and objects only for the items.
 */
import type { CorrelationRule, Expression, Scope, SideDefinition } from './definition.ts';
import { valuesOf, type Entry, type Value } from './entry.ts';
import { hashKey, printOf } from './fingerprint.ts';
import { HashIndex } from './hash-index.ts';
import type { LinkTable } from './link-table.ts';
import { normalise } from './matching.ts';
import type { Digest, EntryReader, Evidence, Fetched, RecordedError, Spool } from './ports.ts';

/** InScope, OutOfScope and DeletedMark are there; Gone and Failed are what a look at it can say otherwise. */
export type ItemState = 'InScope' | 'OutOfScope' | 'DeletedMark' | 'Gone' | 'Failed';

/** One entry that has to be looked at. */
export interface Item {
  readonly side: 'Source' | 'Target';
  readonly id: string;
  readonly key: string;
  readonly name: string | undefined;
  state: ItemState;
  /** It was in the listing; false: known only by a re-read. */
  listed: boolean;
  readonly handle: number | undefined;
  readonly print: Uint8Array | undefined;
  /** Row in the link table, or -1. */
  readonly link: number;
  /** Source items: key hashes, one list per correlation rule. */
  keys: readonly (readonly Uint8Array[])[];
  /** A correlation rule could not be evaluated. It matters only where no rule before it has a hit. */
  keysError: { readonly rule: number; readonly error: RecordedError } | undefined;
  error: RecordedError | undefined;
  /** Target items: it carries our disable mark and is disabled. */
  marked: boolean;
  /** How often the id was read; two or more: nobody knows which is meant. */
  occurrences: number;
}

export interface RollContext {
  readonly digest: Digest;
  readonly links: LinkTable;
  readonly spool: Spool<Entry>;
  readonly now: number;
  readonly correlate: readonly CorrelationRule[];
  readonly progress: (side: 'Source' | 'Target', entries: number) => void;
}

const NO_EVIDENCE: Evidence = {
  complete: 'No',
  proof: undefined,
  reason: undefined,
  message: undefined,
  snapshot: false,
};
const QUIET = -1;

export class Roll {
  readonly definition: SideDefinition;
  readonly items: Item[] = [];
  /** Attribute → entries with a value. */
  readonly valueCounts: Map<string, number> = new Map();
  evidence: Evidence = NO_EVIDENCE;
  entries = 0;
  /** In scope, with or without a deleted mark; an entry that failed counts as one. */
  inScope = 0;
  /** In scope and not marked deleted. */
  present = 0;
  readonly #context: RollContext;
  readonly #ids: HashIndex = new HashIndex();
  /** Ordinal → index in `items` (or QUIET) and link row (or -1). */
  readonly #ordinals: Ordinals = new Ordinals();
  readonly #keyIndexes: readonly HashIndex[];

  constructor(definition: SideDefinition, context: RollContext) {
    this.definition = definition;
    this.#context = context;
    this.#keyIndexes = definition.side === 'Target' ? context.correlate.map(() => new HashIndex()) : [];
  }

  async take(reader: EntryReader, signal: AbortSignal): Promise<void> {
    const batches = reader.read(this.definition.request, signal);
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        this.evidence = next.value;
        return;
      }
      for (const entry of next.value) this.#meet(entry);
      this.#context.progress(this.definition.side, this.entries);
    }
  }

  /** The ordinal of an entry of the listing, or -1. */
  ordinalOf(key: string): number {
    return this.#ids.find(hashKey(this.definition.side, key, this.#context.digest));
  }

  itemAt(ordinal: number): Item | undefined {
    const at = this.#ordinals.work(ordinal);
    return at === QUIET ? undefined : this.items[at];
  }

  linkAt(ordinal: number): number {
    return this.#ordinals.link(ordinal);
  }

  /** The link row of an entry of the listing, or -1. */
  linkOf(key: string): number {
    const ordinal = this.ordinalOf(key);
    return ordinal === -1 ? -1 : this.linkAt(ordinal);
  }

  /** Ordinals of the target entries that carry one of these key hashes under the given correlation rule. */
  hits(rule: number, hashes: readonly Uint8Array[]): number[] {
    const found = new Set<number>();
    for (const hash of hashes)
      for (const ordinal of this.#keyIndexes[rule]?.findAll(hash) ?? []) found.add(ordinal);
    return [...found];
  }

  /** Adds what a re-read found out about an entry that is not on the work list. */
  addFetched(answer: Fetched, link: number): Item {
    const { side } = this.definition;
    const base = {
      side,
      id: answer.id,
      key: this.keyOf(answer.id),
      link,
      listed: false,
      keys: [],
      keysError: undefined,
      marked: false,
      occurrences: 1,
    };
    if (answer.kind === 'There') {
      const item = this.#examine(answer.entry, link, false, undefined);
      if (item.state === 'InScope' && !answer.listed) item.state = 'OutOfScope';
      return item;
    }
    const blank = { ...base, name: undefined, handle: undefined, print: undefined };
    if (answer.kind === 'NotThere') return { ...blank, state: 'Gone', error: undefined };
    const error = {
      code: answer.error.code,
      attribute: answer.error.attribute ?? null,
      rule: null,
      message: answer.error.message,
    };
    return { ...blank, state: 'Failed', error };
  }

  keyOf(id: string): string {
    const { schema } = this.definition;
    return normalise(id, schema.attributes.get(schema.id)?.match ?? 'Exact');
  }

  #meet(entry: Entry): void {
    const { digest, links } = this.#context;
    const { side, schema, request } = this.definition;
    this.entries++;
    this.#countValues(entry);
    const keyHash = hashKey(side, this.keyOf(entry.id), digest);
    const known = this.#ids.find(keyHash);
    if (known !== -1) {
      this.#meetAgain(known, entry);
      return;
    }
    const ordinal = this.#ordinals.next();
    this.#ids.add(keyHash, ordinal);
    if (side === 'Target') this.#indexKeys(entry, ordinal);
    const print = printOf(entry, request.attributes, schema, digest);
    const link = links.find(side, keyHash);
    const quiet = link !== -1 && links.see(side, link, print);
    if (quiet) {
      this.inScope++;
      this.present++;
      this.#ordinals.set(ordinal, QUIET, link);
      return;
    }
    this.#ordinals.set(ordinal, this.items.length, link);
    const item = this.#examine(entry, link, true, print);
    if (item.state !== 'OutOfScope' && (item.state !== 'DeletedMark' || this.#passesWhere(entry)))
      this.inScope++;
    if (item.state === 'InScope' || item.state === 'Failed') this.present++;
    this.items.push(item);
  }

  /** Two entries with one id: both fail, nobody knows which is meant. */
  #meetAgain(ordinal: number, entry: Entry): void {
    const link = this.#ordinals.link(ordinal);
    if (link !== -1) this.#context.links.disturb(link);
    let item = this.itemAt(ordinal);
    if (!item) {
      item = this.#examine(entry, link, true, undefined);
      this.#ordinals.set(ordinal, this.items.length, link);
      this.items.push(item);
    }
    item.occurrences++;
    this.#countFailed(item);
    item.state = 'Failed';
    const message = `id '${entry.id}' occurs ${item.occurrences} times in ${this.definition.system} ${this.definition.object}; keep one entry of that id`;
    item.error = { code: 'DuplicateKey', attribute: this.definition.schema.id, rule: null, message };
    if (this.definition.side === 'Target') this.#indexKeys(entry, ordinal);
    else this.#addKeys(item, entry);
  }

  /** An entry that fails after it was met counts as one in scope. */
  #countFailed({ state, handle }: Item): void {
    if (state === 'OutOfScope' || state === 'DeletedMark') this.present++;
    const deletedOutside =
      state === 'DeletedMark' && handle !== undefined && !this.#passesWhere(this.#context.spool.get(handle));
    if (state === 'OutOfScope' || deletedOutside) this.inScope++;
  }

  /** What an entry that cannot be judged may have meant is every hit of every one of its occurrences. */
  #addKeys(item: Item, entry: Entry): void {
    const { keys, error } = this.#sourceKeys(entry);
    item.keys = keys.map((more, rule) => [...(item.keys[rule] ?? []), ...more]);
    item.keysError ??= error;
  }

  #examine(entry: Entry, link: number, listed: boolean, print: Uint8Array | undefined): Item {
    const { digest, spool } = this.#context;
    const { side, schema, request } = this.definition;
    const judged = this.#judge(entry);
    const correlated = side === 'Source' ? this.#sourceKeys(entry) : { keys: [], error: undefined };
    return {
      side,
      id: entry.id,
      key: this.keyOf(entry.id),
      name: entry.name,
      state: judged.state,
      listed,
      handle: spool.put(entry),
      print: print ?? printOf(entry, request.attributes, schema, digest),
      link,
      keys: correlated.keys,
      keysError: correlated.error,
      error: judged.error,
      marked: false,
      occurrences: 1,
    };
  }

  #judge(entry: Entry): { state: ItemState; error: RecordedError | undefined } {
    const { deletedWhen, where } = this.definition;
    const deleted = this.#test(deletedWhen, entry, 'deletedWhen');
    if (deleted.kind === 'Failed') return { state: 'Failed', error: deleted.error };
    if (deletedWhen && deleted.holds) return { state: 'DeletedMark', error: undefined };
    const inScope = this.#test(where, entry, 'where');
    if (inScope.kind === 'Failed') return { state: 'Failed', error: inScope.error };
    return { state: !where || inScope.holds ? 'InScope' : 'OutOfScope', error: undefined };
  }

  #passesWhere(entry: Entry): boolean {
    const tested = this.#test(this.definition.where, entry, 'where');
    return !this.definition.where || (tested.kind === 'Tested' && tested.holds);
  }

  #test(
    condition: Expression | undefined,
    entry: Entry,
    field: string,
  ): { kind: 'Tested'; holds: boolean } | { kind: 'Failed'; error: RecordedError } {
    if (!condition) return { kind: 'Tested', holds: false };
    const result = condition.evaluate(this.#scope(entry));
    if (result.kind === 'Failed') {
      return {
        kind: 'Failed',
        error: { code: 'ExpressionFailed', attribute: null, rule: field, message: result.message },
      };
    }
    return { kind: 'Tested', holds: result.values[0] === 'true' };
  }

  #scope(entry: Entry): Scope {
    const { now } = this.#context;
    return this.definition.side === 'Source' ? { source: entry, now } : { target: entry, now };
  }

  /** Of a rule that cannot be evaluated no key is known; the first such rule is the error. */
  #sourceKeys(entry: Entry): { keys: Uint8Array[][]; error: Item['keysError'] } {
    const keys: Uint8Array[][] = [];
    let error: Item['keysError'];
    for (const [at, rule] of this.#context.correlate.entries()) {
      const result = sourceValues(rule, entry, this.definition, this.#context.now);
      if (result.kind === 'Failed') error ??= { rule: at, error: correlationError(at, result.message) };
      keys.push(result.kind === 'Failed' ? [] : this.#hashKeys(at, rule, result.values));
    }
    return { keys, error };
  }

  #indexKeys(entry: Entry, ordinal: number): void {
    for (const [at, rule] of this.#context.correlate.entries()) {
      const values = valuesOf(entry, rule.target.name, this.definition.schema);
      for (const hash of this.#hashKeys(at, rule, values)) this.#keyIndexes[at]?.add(hash, ordinal);
    }
  }

  /** A null or empty key hits nothing; each value of a multi-valued attribute is a key. */
  #hashKeys(at: number, rule: CorrelationRule, values: readonly Value[]): Uint8Array[] {
    return values
      .map((value) => normalise(value, rule.target.match))
      .filter((key) => key !== '')
      .map((key) => hashKey(`key${at}`, key, this.#context.digest));
  }

  #countValues(entry: Entry): void {
    for (const attribute of this.definition.request.attributes) {
      if (entry.attributes.has(attribute))
        this.valueCounts.set(attribute, (this.valueCounts.get(attribute) ?? 0) + 1);
    }
  }
}

function correlationError(rule: number, message: string): RecordedError {
  return { code: 'ExpressionFailed', attribute: null, rule: `correlate[${rule}]`, message };
}

/** The values that a correlation rule takes from a source entry. */
export function sourceValues(
  rule: CorrelationRule,
  entry: Entry,
  side: SideDefinition,
  now: number,
): ReturnType<Expression['evaluate']> {
  if (rule.source.kind === 'Expression') return rule.source.expression.evaluate({ source: entry, now });
  return { kind: 'Values', values: valuesOf(entry, rule.source.name, side.schema) };
}

/** Two flat columns over the entries of a listing in the order they were met. */
class Ordinals {
  #columns: Int32Array = new Int32Array(2048);
  #count = 0;

  next(): number {
    const ordinal = this.#count++;
    if (ordinal * 2 + 2 > this.#columns.length) {
      const wider = new Int32Array(this.#columns.length * 2);
      wider.set(this.#columns);
      this.#columns = wider;
    }
    return ordinal;
  }

  set(ordinal: number, work: number, link: number): void {
    this.#columns[ordinal * 2] = work;
    this.#columns[ordinal * 2 + 1] = link;
  }

  work(ordinal: number): number {
    return this.#columns[ordinal * 2] ?? QUIET;
  }

  link(ordinal: number): number {
    return this.#columns[ordinal * 2 + 1] ?? -1;
  }
}
