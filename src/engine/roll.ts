/**
 * The index phase: one side is streamed once. An entry that is recognised by its octets is never decoded; one of a
 * settled link whose content has not changed is marked and forgotten; everything else becomes an item of the work
 * list, its content in the spool. Keeps some tens of bytes for every entry, and objects only for the items.
 */
import type { CorrelationRule, SideDefinition } from './definition.ts';
import type { Entry } from './entry.ts';
import { hashKey, printOf } from './fingerprint.ts';
import type { Item } from './item.ts';
import { KeyIndex, type LoggedKey, type RowKeys } from './key-log.ts';
import type { LinkTable } from './link-table.ts';
import { NO_MASK, ValueCounts } from './masks.ts';
import { keyOfId } from './matching.ts';
import { Met, QUIET } from './met.ts';
import type { Digest, EntryReader, Evidence, Fetched, Recogniser, Spool, Unknown } from './ports.ts';
import { unread, WorkList } from './work-list.ts';

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

/** Ordinals from here on are those of entries that were recognised: the row of their link is the rest. */
const RECOGNISED = 2 ** 30;

export class Roll {
  readonly definition: SideDefinition;
  evidence: Evidence = NO_EVIDENCE;
  entries = 0;
  /** In scope, with or without a deleted mark; an entry that failed counts as one. */
  inScope = 0;
  /** In scope and not marked deleted. */
  present = 0;
  readonly #context: RollContext;
  readonly #met: Met = new Met();
  readonly #values: ValueCounts;
  readonly #work: WorkList;
  #keyIndex: KeyIndex | undefined;
  /** Rows of links that were recognised first and then met again → the ordinal they have since. */
  readonly #metAgain: Map<number, number> = new Map();

  constructor(definition: SideDefinition, context: RollContext) {
    this.definition = definition;
    this.#context = context;
    this.#values = new ValueCounts(definition.request.attributes, context.links.masks[definition.side]);
    this.#work = new WorkList(definition, context, this.#met);
  }

  get items(): readonly Item[] {
    return this.#work.items;
  }

  /** Everything is judged, and nobody looks at the work list any more. */
  forgetItems(): void {
    this.#work.items.length = 0;
  }

  /** Attribute → entries with a value. */
  get valueCounts(): ReadonlyMap<string, number> {
    return this.#values.counts();
  }

  async take(reader: EntryReader, signal: AbortSignal): Promise<void> {
    const batches = this.#batches(reader, signal);
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        this.evidence = next.value;
        return;
      }
      for (const unknown of next.value) this.#meet(unknown);
      this.#context.progress(this.definition.side, this.entries);
    }
  }

  #batches(reader: EntryReader, signal: AbortSignal): AsyncGenerator<readonly Unknown[], Evidence> {
    const { request } = this.definition;
    if (!reader.skim || !this.#context.links.recognises) return decodeAll(reader.read(request, signal));
    return reader.skim(request, (form) => this.#recogniser(form), signal);
  }

  #recogniser(form: string): Recogniser {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    const printOfOctets = digest.octets(`${side} record ${form}`);
    return {
      recognise: (raw) => {
        const print = printOfOctets(raw);
        const row = links.recognise(side, print);
        if (row === -1) return print;
        this.entries++;
        this.inScope++;
        this.present++;
        this.#values.add(links.rawMask(side, row));
        return undefined;
      },
    };
  }

  /** The ordinal of an entry of the listing, or -1. */
  ordinalOf(key: string): number {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    const hash = hashKey(side, key, digest);
    return this.#find(hash, links.find(side, hash));
  }

  /** `link`: the row under the same hash. */
  #find(hash: string, link: number): number {
    const met = this.#met.find(hash);
    if (met !== -1) return met;
    const { links } = this.#context;
    return link !== -1 && links.isRecognised(this.definition.side, link) ? RECOGNISED + link : -1;
  }

  itemAt(ordinal: number): Item | undefined {
    if (ordinal >= RECOGNISED || ordinal < 0) return undefined;
    const at = this.#met.item(ordinal);
    return at === QUIET ? undefined : this.items[at];
  }

  linkAt(ordinal: number): number {
    return ordinal >= RECOGNISED ? ordinal - RECOGNISED : this.#met.link(ordinal);
  }

  /** The link row of an entry of the listing, or -1. */
  linkOf(key: string): number {
    const ordinal = this.ordinalOf(key);
    return ordinal === -1 ? -1 : this.linkAt(ordinal);
  }

  /** The correlation keys of a source item. */
  keysOf(item: Item): readonly LoggedKey[] {
    return this.#work.keysOf(item);
  }

  /** Of what an entry says; undefined where it was not read. */
  printOf(item: Item | undefined): string | undefined {
    return item === undefined || item.met === -1 ? undefined : this.#met.prints.text(item.met);
  }

  /** Ordinals of the target entries that carry one of these keys. */
  hits(keys: readonly LoggedKey[]): number[] {
    this.#keyIndex ??= this.#indexKeys();
    const found = new Set<number>();
    for (const key of keys) for (const ordinal of this.#keyIndex.findAll(key)) found.add(ordinal);
    return [...found];
  }

  #indexKeys(): KeyIndex {
    const { correlate, links } = this.#context;
    const index = new KeyIndex(correlate.length, this.#met.keys.count + links.before);
    for (const key of this.#met.keys) index.add(key);
    for (const key of links.keysOfRecognised()) {
      index.add({ ...key, owner: this.#metAgain.get(key.owner) ?? RECOGNISED + key.owner });
    }
    return index;
  }

  /** Adds what a re-read found out about an entry that is not on the work list. */
  addFetched(answer: Fetched, link: number): Item {
    const { side } = this.definition;
    if (answer.kind !== 'There') return unread(answer, { side, key: this.keyOf(answer.id), link });
    const { entry, listed } = answer;
    const hash = hashKey(side, this.keyOf(entry.id), this.#context.digest);
    const met = this.#met.add(hash, false);
    this.#print(met, entry);
    const item = this.#work.examine(entry, { link, met, listed: false });
    if (item.state === 'InScope' && !listed) item.state = 'OutOfScope';
    return item;
  }

  keyOf(id: string): string {
    return keyOfId(id, this.definition.schema);
  }

  /** What was read is recognised the next time, where it is in the links by now. */
  learn(): void {
    for (const _ of this.#learnt()) void _;
  }

  *learntKeys(): Generator<RowKeys> {
    for (const { at, row } of this.#learnt()) yield { row, keys: this.#met.keysOf(at) };
  }

  /** May be gone through again: what is learnt twice is learnt once. */
  *#learnt(): Generator<{ readonly at: number; readonly row: number }> {
    const { links } = this.#context;
    const { side } = this.definition;
    const { ids, prints, rawPrints } = this.#met;
    for (let at = 0; at < this.#met.count; at++) {
      const mask = this.#met.mask(at);
      const row = mask === NO_MASK ? -1 : links.findAs(side, ids, at);
      if (row !== -1 && links.learn(side, row, { prints, rawPrints, at, mask })) yield { at, row };
    }
  }

  #meet({ entry, rawPrint }: Unknown): void {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    this.entries++;
    const mask = links.masks[side].of(entry);
    this.#values.add(mask, entry);
    const hash = hashKey(side, this.keyOf(entry.id), digest);
    const link = links.find(side, hash);
    const known = this.#find(hash, link);
    if (known !== -1) {
      this.#meetAgain(known, hash, entry);
      return;
    }
    const met = this.#met.add(hash, true);
    if (rawPrint !== undefined) this.#met.knowRaw(met, rawPrint, mask);
    if (side === 'Target') this.#work.logKeys(met, entry);
    const print = this.#print(met, entry);
    const quiet = link !== -1 && links.see(side, link, print);
    if (quiet) {
      this.inScope++;
      this.present++;
      this.#met.place(met, QUIET, link);
      return;
    }
    this.#count(this.#work.list(entry, { link, met, listed: true }), entry);
  }

  #count(item: Item, entry: Entry): void {
    if (this.#work.isInScope(item, entry)) this.inScope++;
    if (item.state === 'InScope' || item.state === 'Failed') this.present++;
  }

  #print(met: number, entry: Entry): string {
    const { schema, request } = this.definition;
    const print = printOf(entry, request.attributes, schema, this.#context.digest);
    this.#met.prints.set(met, print);
    return print;
  }

  /** Two entries with one id: both fail, nobody knows which is meant. */
  #meetAgain(ordinal: number, hash: string, entry: Entry): void {
    const link = this.linkAt(ordinal);
    if (link !== -1) this.#context.links.disturb(link);
    let item = this.itemAt(ordinal);
    if (item) this.#countFailed(item);
    else item = this.#work.list(entry, { link, met: this.#ordinalAgain(ordinal, hash), listed: true });
    item.occurrences++;
    item.state = 'Failed';
    const message = `id '${entry.id}' occurs ${item.occurrences} times in ${this.definition.system} ${this.definition.object}; keep one entry of that id`;
    item.error = { code: 'DuplicateKey', attribute: this.definition.schema.id, rule: null, message };
    if (this.definition.side === 'Target') this.#work.logKeys(item.met, entry);
    else this.#work.addKeys(item, entry);
  }

  /** One that was recognised has had none of its own so far. */
  #ordinalAgain(ordinal: number, hash: string): number {
    if (ordinal < RECOGNISED) return ordinal;
    const met = this.#met.add(hash, true);
    this.#metAgain.set(ordinal - RECOGNISED, met);
    return met;
  }

  /**
   * Where something contradicts the read, what its data end with may be half an entry: it is judged no more than
   * what was not read at all. One that is as it was has not been cut.
   */
  failCutOff({ complete, openEnd }: Evidence): void {
    if (complete !== 'No' || openEnd === undefined) return;
    const item = this.itemAt(this.ordinalOf(this.keyOf(openEnd)));
    if (!item || item.state === 'Failed') return;
    item.state = 'Failed';
    const message = `entry '${item.id}' is the last of a listing that is not complete, and nothing marks its end: it may be cut off; have the file written anew, or end its last line`;
    item.error = { code: 'CutOff', attribute: null, rule: null, message };
  }

  /** An entry that fails after it was met counts as one in scope. */
  #countFailed(item: Item): void {
    if (item.state === 'OutOfScope' || item.state === 'DeletedMark') this.present++;
    if (!this.#work.isInScope(item)) this.inScope++;
  }
}

async function* decodeAll(
  batches: AsyncGenerator<readonly Entry[], Evidence>,
): AsyncGenerator<readonly Unknown[], Evidence> {
  for (;;) {
    const next = await batches.next();
    if (next.done) return next.value;
    yield next.value.map((entry) => ({ entry, rawPrint: undefined }));
  }
}
