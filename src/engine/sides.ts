/** Both sides of a mapping, read at the same time, and the links between them that have to be looked at. */
import { bothAtOnce } from './both-at-once.ts';
import { loadContent } from './content.ts';
import { withoutContent } from './content-needed.ts';
import type { Definition } from './definition.ts';
import type { Entry } from './entry.ts';
import { hashKey } from './fingerprint.ts';
import type { Item } from './item.ts';
import type { Judged } from './judged.ts';
import { KnownLinks } from './known-links.ts';
import { learn, learntKeys } from './learn.ts';
import { LinkTable } from './link-table.ts';
import { settleMarks } from './marks.ts';
import { collectPairs, type Pairs } from './pairs.ts';
import type { Digest, Memory, OpenSide, Spool, StoredLink } from './ports.ts';
import { Roll } from './roll.ts';
import type { SinceClocks } from './since.ts';
import { UnlinkedBook, type Calm } from './unlinked-book.ts';
import { UnlinkedRemembered } from './unlinked-remembered.ts';

export interface SidesContext {
  readonly source: OpenSide;
  readonly target: OpenSide;
  readonly memory: Memory;
  readonly digest: Digest;
  readonly spool: Spool<Entry>;
  readonly now: number;
  /** Looks at every pair in full, also where nothing has changed since it was settled. */
  readonly inFull: boolean;
  /** The one entry that is asked for. */
  readonly only: { readonly side: 'Source' | 'Target'; readonly key: string } | undefined;
  readonly progress: (side: 'Source' | 'Target', entries: number) => void;
}

/** What the run leaves of unlinked entries: they are as they were, or were not all looked at, or this. */
export type Findings = 'Stands' | 'Disturbed' | { readonly calm: Calm | undefined };

export class Sides {
  readonly links: LinkTable;
  readonly rolls: Readonly<Record<'Source' | 'Target', Roll>>;
  readonly spool: Spool<Entry>;
  readonly unlinked: UnlinkedBook;
  readonly remembered: UnlinkedRemembered;
  readonly #definition: Definition;
  readonly #context: SidesContext;
  readonly #known: KnownLinks;

  constructor(definition: Definition, context: SidesContext) {
    const { memory, digest, only, spool, inFull } = context;
    this.#definition = definition;
    this.#context = context;
    this.#known = new KnownLinks(memory.links);
    this.spool = spool;
    const attributes = {
      Source: definition.source.request.attributes,
      Target: definition.target.request.attributes,
    };
    const epoch = definition.dependsOnTime || inFull ? undefined : definition.epoch;
    this.links = new LinkTable(memory.links, { epoch, attributes, digest });
    // The one entry that is asked for is looked at in full, however quiet its pair is.
    const row = only ? this.links.find(only.side, hashKey(only.side, only.key, digest)) : -1;
    if (row !== -1) this.links.disturb(row);
    const { masks, isAsKept: holds } = this.links;
    this.unlinked = new UnlinkedBook(memory.unlinked, { epoch, attributes, masks, holds });
    const { correlate, source, target } = definition;
    const rolled = { ...context, links: this.links, unlinked: this.unlinked, correlate };
    this.rolls = { Source: new Roll(source, rolled), Target: new Roll(target, rolled) };
    this.remembered = new UnlinkedRemembered(definition, { book: this.unlinked, rolls: this.rolls, spool });
  }

  read(signal: AbortSignal): Promise<void> {
    const { source, target } = this.#context;
    return bothAtOnce(
      [
        (either) => this.rolls.Source.take(source, either),
        (either) => this.rolls.Target.take(target, either),
      ],
      signal,
    );
  }

  /** Whether every entry is linked and quiet, or was recognised as it was when nothing was done about it. */
  get isAsItWas(): boolean {
    const { Source, Target } = this.rolls;
    const isUnknown = Source.items.length + Target.items.length > 0;
    return !isUnknown && this.unlinked.areAllSeen && this.areLinksQuiet;
  }

  /** Whether both entries of every link were listed, with the content with which the pair was settled. */
  get areLinksQuiet(): boolean {
    return this.links.countQuiet() === this.links.count();
  }

  /** Unlinked entries that were recognised come to the work list, most of them without their content. */
  async recall(signal: AbortSignal): Promise<void> {
    const marked = this.#context.memory.marks('Target');
    for (const side of ['Source', 'Target'] as const) {
      this.rolls[side].recall();
      const isNeeded = ({ link, key }: Item): boolean =>
        link !== -1 || (side === 'Target' && marked.has(key));
      await this.load(side, this.rolls[side].items.filter(isNeeded), signal);
    }
  }

  /** Of those that came to the work list without their content. */
  load(side: 'Source' | 'Target', items: readonly Item[], signal: AbortSignal): Promise<void> {
    const { source, target, digest } = this.#context;
    const reader = side === 'Source' ? source : target;
    const bare = items.filter(({ unlinked, handle }) => unlinked !== -1 && handle === undefined);
    return loadContent(bare, { reader, roll: this.rolls[side], spool: this.spool, digest }, signal);
  }

  /** With the content of everybody about whom something is to be done. */
  async withContent(judged: Judged[], clocks: SinceClocks, signal: AbortSignal): Promise<Judged[]> {
    this.remembered.expect();
    const { now } = this.#context;
    const needed = withoutContent(judged, { definition: this.#definition, clocks, now });
    for (const side of ['Source', 'Target'] as const) {
      const own = needed.filter((item) => item.side === side);
      await this.load(side, own, signal);
    }
    const failed = new Set(needed.filter(({ state }) => state === 'Failed'));
    if (failed.size === 0) return judged;
    return judged.map((one) => {
      const error = [one.source, one.target].find((item) => item && failed.has(item))?.error;
      return error ? { ...one, verdict: undefined, error } : one;
    });
  }

  /** Every link that is not quiet, completed by re-reads; what was disabled by us is marked. */
  async pairs(signal: AbortSignal): Promise<Pairs> {
    const { source, target, digest } = this.#context;
    const readers = { Source: source, Target: target };
    const input = { links: this.#known, table: this.links, rolls: this.rolls, readers, digest };
    const pairs = await collectPairs(input, signal);
    this.#settleMarks(pairs);
    return pairs;
  }

  targetKeysOf(rows: ReadonlySet<number>): string[] {
    const keys: string[] = [];
    if (rows.size === 0) return keys;
    const { digest } = this.#context;
    for (const { sourceKey, targetKey } of this.#known.heads())
      if (rows.has(this.links.find('Source', hashKey('Source', sourceKey, digest)))) keys.push(targetKey);
    return keys;
  }

  bySource(sourceKey: string): StoredLink | undefined {
    return this.#known.bySource(sourceKey);
  }

  isAtHand(sourceKey: string): boolean {
    return this.#known.isAtHand(sourceKey);
  }

  put(link: StoredLink): void {
    this.#known.put(link);
    this.links.put(link);
  }

  remove(sourceKey: string): void {
    this.#known.remove(sourceKey);
    this.links.remove(sourceKey);
  }

  /** What was read is recognised the next time. After this no link may be written. */
  store(found: Findings): void {
    // Before the links: until those are written it holds beside the links as they were, or not at all.
    if (found === 'Disturbed') this.unlinked.disturb();
    else if (found !== 'Stands') this.remembered.store(found.calm);
    learn('Source', this.rolls.Source.met, this.links);
    learn('Target', this.rolls.Target.met, this.links);
    // Only now is it known which pages are to be written.
    this.links.store(learntKeys('Target', this.rolls.Target.met, this.links));
  }

  #settleMarks(pairs: Pairs): void {
    const { memory } = this.#context;
    const items = new Set(this.rolls.Target.items);
    for (const pair of pairs.all()) items.add(pair.target);
    const load = ({ handle }: Item): Entry | undefined =>
      handle === undefined ? undefined : this.spool.get(handle);
    const drop = (key: string): void => memory.dropMark('Target', key);
    settleMarks(items, this.#definition.target, { keys: memory.marks('Target'), load, drop });
  }
}
