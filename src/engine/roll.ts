/**
 * The index phase: one side is streamed once. An entry that is recognised by its octets is never decoded; one of a
 * settled link whose content has not changed is marked and forgotten; everything else becomes an item of the work
 * list, its content in the spool. Keeps some tens of bytes for every entry, and objects only for the items.
 */
import { decodeAll } from './decode-all.ts';
import type { CorrelationRule, SideDefinition } from './definition.ts';
import type { Entry } from './entry.ts';
import { NO_EVIDENCE } from './evidence.ts';
import { hashKey, printOf } from './fingerprint.ts';
import type { Item } from './item.ts';
import type { LoggedKey } from './key-log.ts';
import type { LinkTable } from './link-table.ts';
import { ValueCounts } from './masks.ts';
import { keyOfId } from './matching.ts';
import { Met, QUIET } from './met.ts';
import { Ordinals } from './ordinals.ts';
import type { Digest, EntryReader, Evidence, Fetched, Spool } from './ports.ts';
import type { Foreseen, Recogniser, Unknown } from './recogniser.ts';
import { Tally } from './tally.ts';
import { TargetKeys } from './target-keys.ts';
import type { Recalled, UnlinkedBook } from './unlinked-book.ts';
import type { UnlinkedColumns } from './unlinked-columns.ts';
import { unread, WorkList } from './work-list.ts';

export interface RollContext {
  readonly digest: Digest;
  readonly links: LinkTable;
  readonly unlinked: UnlinkedBook;
  readonly spool: Spool<Entry>;
  readonly now: number;
  readonly correlate: readonly CorrelationRule[];
  readonly progress: (side: 'Source' | 'Target', entries: number) => void;
}

/** An entry whose id was met before. */
interface Again {
  readonly id: string;
  readonly list: (met: number, link: number) => Item;
  readonly addKeys: (item: Item) => void;
}

export class Roll {
  readonly definition: SideDefinition;
  evidence: Evidence = NO_EVIDENCE;
  readonly #tally: Tally = new Tally();
  readonly #context: RollContext;
  readonly met: Met = new Met();
  readonly #unlinked: UnlinkedColumns;
  readonly #values: ValueCounts;
  readonly #work: WorkList;
  readonly #keys: TargetKeys;
  readonly #ordinals: Ordinals;
  #printOfOctets: ReturnType<Digest['octets']> | undefined;

  constructor(definition: SideDefinition, context: RollContext) {
    this.definition = definition;
    this.#context = context;
    this.#unlinked = context.unlinked.side(definition.side);
    this.#values = new ValueCounts(definition.request.attributes, context.links.masks[definition.side]);
    this.#work = new WorkList(definition, context, this.met);
    this.#ordinals = new Ordinals(definition.side, this.met, context.links);
    this.#keys = new TargetKeys({
      rules: context.correlate.length,
      met: this.met,
      links: context.links,
      ordinalOf: (row) => this.#ordinals.ofLink(row),
    });
  }

  get entries(): number {
    return this.#tally.entries;
  }

  get inScope(): number {
    return this.#tally.inScope;
  }

  get present(): number {
    return this.#tally.present;
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
    const printOfOctets = (this.#printOfOctets = digest.octets(`${side} record ${form}`));
    return {
      recognise: (raw) => {
        const print = printOfOctets(raw);
        const row = links.recognise(side, print);
        if (row === -1) return this.#recogniseUnlinked(print) ? undefined : print;
        this.#tally.recognise(true, true);
        this.#values.add(links.rawMask(side, row));
        return undefined;
      },
    };
  }

  #recogniseUnlinked(print: string): boolean {
    const columns = this.#unlinked;
    const row = columns.recognise(print);
    if (row === -1) return false;
    this.#tally.recognise(columns.isInScope(row), columns.state(row) === 'InScope');
    this.#values.add(columns.raw.mask(row));
    return true;
  }

  /** Who was recognised without a link comes to the work list as what it was. */
  recall(): void {
    for (const one of this.#context.unlinked.recalled(this.definition.side)) this.#recallOne(one);
  }

  #recallOne(one: Recalled): void {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    const hash = hashKey(side, this.keyOf(one.id), digest);
    const link = links.find(side, hash);
    const known = this.#ordinals.find(hash, link);
    const list = (met: number, row: number): Item => this.#work.recall(one, { link: row, met, listed: true });
    if (known !== -1) {
      this.#tally.takeBack(one.isInScope, one.state === 'InScope');
      this.#meetAgain(known, hash, {
        id: one.id,
        list,
        addKeys: (item) => this.#work.addLogged(item, one.keys),
      });
      return;
    }
    const met = this.met.add(hash, true);
    this.met.recall(met, this.#unlinked.raw, one);
    if (link !== -1 && links.see(side, link, one.print)) this.met.place(met, QUIET, link);
    else list(met, link);
  }

  /** The ordinal of an entry of the listing, or -1. */
  ordinalOf(key: string): number {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    const hash = hashKey(side, key, digest);
    return this.#ordinals.find(hash, links.find(side, hash));
  }

  /** The same of an item; who is on the work list has it at hand. */
  ordinalOfItem(item: Item): number {
    return this.itemAt(item.met) === item ? item.met : this.ordinalOf(item.key);
  }

  itemAt(ordinal: number): Item | undefined {
    const at = this.#ordinals.itemAt(ordinal);
    return at === QUIET ? undefined : this.items[at];
  }

  linkAt(ordinal: number): number {
    return this.#ordinals.linkAt(ordinal);
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
    return item === undefined || item.met === -1 ? undefined : this.met.prints.text(item.met);
  }

  /** Ordinals of the target entries that carry one of these keys. */
  hits(keys: readonly LoggedKey[]): number[] {
    return this.#keys.hits(keys);
  }

  /** Adds what a re-read found out about an entry that is not on the work list. */
  addFetched(answer: Fetched, link: number): Item {
    const { side } = this.definition;
    if (answer.kind !== 'There') return unread(answer, { side, key: this.keyOf(answer.id), link });
    const { entry, listed } = answer;
    const met = this.#meetUnlisted(entry);
    const item = this.#work.examine(entry, { link, met, listed: false });
    if (item.state === 'InScope' && !listed) item.state = 'OutOfScope';
    return item;
  }

  /** An entry that this run has written is recognised by the next one. */
  foresee({ entry, raw }: Foreseen): void {
    if (!this.#printOfOctets) return;
    const { side } = this.definition;
    const met = this.#meetUnlisted(entry);
    this.met.knowRaw(met, this.#printOfOctets(raw), this.#context.links.masks[side].of(entry));
    if (side === 'Target') this.#work.logKeys(met, entry);
  }

  #meetUnlisted(entry: Entry): number {
    const hash = hashKey(this.definition.side, this.keyOf(entry.id), this.#context.digest);
    const met = this.met.add(hash, false);
    this.#print(met, entry);
    return met;
  }

  keyOf(id: string): string {
    return keyOfId(id, this.definition.schema);
  }

  /** In scope, with or without a deleted mark; an entry that failed counts as one. */
  isInScope(item: Pick<Item, 'state' | 'handle'>): boolean {
    return this.#work.isInScope(item);
  }

  #meet({ entry, rawPrint }: Unknown): void {
    const { digest, links } = this.#context;
    const { side } = this.definition;
    const mask = links.masks[side].of(entry);
    this.#values.add(mask, entry);
    const hash = hashKey(side, this.keyOf(entry.id), digest);
    const link = links.find(side, hash);
    const known = this.#ordinals.find(hash, link);
    if (known !== -1) {
      this.#tally.entries++;
      this.#meetAgain(known, hash, {
        id: entry.id,
        list: (met, row) => this.#work.list(entry, { link: row, met, listed: true }),
        addKeys: (item) =>
          side === 'Target' ? this.#work.logKeys(item.met, entry) : this.#work.addKeys(item, entry),
      });
      return;
    }
    const met = this.met.add(hash, true);
    if (rawPrint !== undefined) this.met.knowRaw(met, rawPrint, mask);
    if (side === 'Target') this.#work.logKeys(met, entry);
    const print = this.#print(met, entry);
    const isSame = link !== -1 && links.see(side, link, print);
    if (isSame && !links.isPartnerChanged(side, link)) {
      this.#tally.recognise(true, true);
      this.met.place(met, QUIET, link);
      return;
    }
    this.#tally.entries++;
    const item = this.#work.list(entry, { link, met, listed: true });
    this.#tally.count(item, this.#work.isInScope(item, entry));
  }

  #print(met: number, entry: Entry): string {
    const { schema, request } = this.definition;
    const print = printOf(entry, request.attributes, schema, this.#context.digest);
    this.met.prints.set(met, print);
    return print;
  }

  /** Two entries with one id: both fail, nobody knows which is meant. */
  #meetAgain(ordinal: number, hash: string, { id, list, addKeys }: Again): void {
    const link = this.linkAt(ordinal);
    if (link !== -1) this.#context.links.disturb(link);
    let item = this.itemAt(ordinal);
    if (item) this.#tally.countFailed(item, this.#work.isInScope(item));
    else item = list(this.#ordinals.again(ordinal, hash), link);
    item.occurrences++;
    item.state = 'Failed';
    const message = `id '${id}' occurs ${item.occurrences} times in ${this.definition.system} ${this.definition.object}; keep one entry of that id`;
    item.error = { code: 'DuplicateKey', attribute: this.definition.schema.id, rule: null, message };
    addKeys(item);
  }
}
