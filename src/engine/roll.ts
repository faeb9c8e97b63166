/**
 * The index phase: one side is streamed once. An entry of a settled link that has not changed is marked and
 * forgotten; everything else becomes an item of the work list, its content in the spool. Keeps some tens of
 * bytes for every entry, and objects only for the items.
 */
import type { CorrelationRule, SideDefinition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { hashKey, printOf } from './fingerprint.ts';
import type { Item } from './item.ts';
import { Ordinals, QUIET } from './ordinals.ts';
import { Examiner } from './examine.ts';
import { HashIndex } from './hash-index.ts';
import type { LinkTable } from './link-table.ts';
import { keyOfId } from './matching.ts';
import type { Digest, EntryReader, Evidence, Fetched, Spool } from './ports.ts';

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
  readonly #examiner: Examiner;

  constructor(definition: SideDefinition, context: RollContext) {
    this.definition = definition;
    this.#context = context;
    this.#examiner = new Examiner(definition, context);
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
  hits(rule: number, hashes: readonly string[]): number[] {
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
    return keyOfId(id, this.definition.schema);
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
    if (item.state !== 'OutOfScope' && (item.state !== 'DeletedMark' || this.#examiner.passesWhere(entry)))
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

  /**
   * Where something contradicts the read, what its data end with may be half an entry: it is judged no more than
   * what was not read at all. One that is as it was has not been cut.
   */
  failCutOff({ complete, openEnd }: Evidence): void {
    const item =
      complete === 'No' && openEnd !== undefined && this.itemAt(this.ordinalOf(this.keyOf(openEnd)));
    if (!item || item.state === 'Failed') return;
    item.state = 'Failed';
    const message = `entry '${item.id}' is the last of a listing that is not complete, and nothing marks its end: it may be cut off; have the file written anew, or end its last line`;
    item.error = { code: 'CutOff', attribute: null, rule: null, message };
  }

  /** An entry that fails after it was met counts as one in scope. */
  #countFailed({ state, handle }: Item): void {
    if (state === 'OutOfScope' || state === 'DeletedMark') this.present++;
    const deletedOutside =
      state === 'DeletedMark' &&
      handle !== undefined &&
      !this.#examiner.passesWhere(this.#context.spool.get(handle));
    if (state === 'OutOfScope' || deletedOutside) this.inScope++;
  }

  /** What an entry that cannot be judged may have meant is every hit of every one of its occurrences. */
  #addKeys(item: Item, entry: Entry): void {
    const { keys, error } = this.#examiner.sourceKeys(entry);
    item.keys = keys.map((more, rule) => [...(item.keys[rule] ?? []), ...more]);
    item.keysError ??= error;
  }

  #examine(entry: Entry, link: number, listed: boolean, print: string | undefined): Item {
    const { digest, spool } = this.#context;
    const { side, schema, request } = this.definition;
    const judged = this.#examiner.judge(entry);
    const correlated = side === 'Source' ? this.#examiner.sourceKeys(entry) : { keys: [], error: undefined };
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

  #indexKeys(entry: Entry, ordinal: number): void {
    for (const [at, rule] of this.#context.correlate.entries()) {
      const values = valuesOf(entry, rule.target.name, this.definition.schema);
      for (const hash of this.#examiner.hashKeys(at, rule, values)) this.#keyIndexes[at]?.add(hash, ordinal);
    }
  }

  #countValues(entry: Entry): void {
    for (const attribute of this.definition.request.attributes) {
      if (entry.attributes.has(attribute))
        this.valueCounts.set(attribute, (this.valueCounts.get(attribute) ?? 0) + 1);
    }
  }
}
