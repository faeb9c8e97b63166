/** Both sides of a mapping, read at the same time, and the links between them that have to be looked at. */
import { bothAtOnce } from './both-at-once.ts';
import type { Definition } from './definition.ts';
import type { Entry } from './entry.ts';
import { hashKey } from './fingerprint.ts';
import type { Item } from './item.ts';
import { LinkTable } from './link-table.ts';
import { settleMarks } from './marks.ts';
import { collectPairs, type Pairs } from './pairs.ts';
import type { Digest, Memory, OpenSide, Spool, StoredLink } from './ports.ts';
import { Roll } from './roll.ts';

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

export class Sides {
  readonly links: LinkTable;
  readonly rolls: Readonly<Record<'Source' | 'Target', Roll>>;
  readonly spool: Spool<Entry>;
  readonly #definition: Definition;
  readonly #context: SidesContext;

  constructor(definition: Definition, context: SidesContext) {
    const { memory, digest, only, spool, inFull } = context;
    this.#definition = definition;
    this.#context = context;
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
    const { correlate, source, target } = definition;
    const rolled = { ...context, links: this.links, correlate };
    this.rolls = { Source: new Roll(source, rolled), Target: new Roll(target, rolled) };
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

  /** Every link that is not quiet, completed by re-reads; what was disabled by us is marked. */
  async pairs(signal: AbortSignal): Promise<Pairs> {
    const { memory, source, target } = this.#context;
    const readers = { Source: source, Target: target };
    const { digest } = this.#context;
    const input = { links: memory.links, table: this.links, rolls: this.rolls, readers, digest };
    const pairs = await collectPairs(input, signal);
    this.#settleMarks(pairs);
    return pairs;
  }

  targetKeysOf(rows: ReadonlySet<number>): string[] {
    const keys: string[] = [];
    if (rows.size === 0) return keys;
    const { memory, digest } = this.#context;
    for (const { sourceKey, targetKey } of memory.links.heads())
      if (rows.has(this.links.find('Source', hashKey('Source', sourceKey, digest)))) keys.push(targetKey);
    return keys;
  }

  put(link: StoredLink): void {
    this.#context.memory.links.put(link);
    this.links.put(link);
  }

  remove(sourceKey: string): void {
    this.#context.memory.links.remove(sourceKey);
    this.links.remove(sourceKey);
  }

  /** What was read is recognised the next time. After this no link may be written. */
  store(): void {
    this.rolls.Source.learn();
    this.rolls.Target.learn();
    // Only now is it known which pages are to be written.
    this.links.store(this.rolls.Target.learntKeys());
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
