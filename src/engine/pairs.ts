/** The links that have to be looked at, each with what is known of its two entries: from the listing, or by a re-read. */
import type { KnownLinks } from './known-links.ts';
import type { LinkTable } from './link-table.ts';
import { hashKey } from './fingerprint.ts';
import type { Digest, EntryReader, Fetched } from './ports.ts';
import type { Item } from './item.ts';
import type { Roll } from './roll.ts';
import { ConnectorError } from './errors.ts';

export interface Pair {
  readonly row: number;
  readonly sourceId: string;
  readonly targetId: string;
  readonly sourceKey: string;
  readonly targetKey: string;
  source: Item;
  target: Item;
}

export interface Pairs {
  at(row: number): Pair | undefined;
  all(): Iterable<Pair>;
}

type Ends = Omit<Pair, 'source' | 'target'>;
type Side = 'Source' | 'Target';

export interface PairInput {
  readonly links: KnownLinks;
  readonly table: LinkTable;
  readonly digest: Digest;
  readonly rolls: Readonly<Record<Side, Roll>>;
  readonly readers: Readonly<Record<Side, EntryReader>>;
}

export async function collectPairs(input: PairInput, signal: AbortSignal): Promise<Pairs> {
  const ends = collectEnds(input);
  const source = await complete('Source', ends, input, signal);
  const target = await complete('Target', ends, input, signal);
  const pairs = new Map<number, Pair>();
  for (const end of ends.values()) {
    const pair = { ...end, source: source.get(end.row), target: target.get(end.row) };
    if (pair.source && pair.target) pairs.set(end.row, { ...end, source: pair.source, target: pair.target });
  }
  return { at: (row) => pairs.get(row), all: () => pairs.values() };
}

/** Every link that is not quiet. Links are looked up from work items; a pass over all is made only for unseen ones. */
function collectEnds({ links, table, rolls, digest }: PairInput): Map<number, Ends> {
  const ends = new Map<number, Ends>();
  const add = (row: number, link: Omit<Ends, 'row'> | undefined): void => {
    if (!link || ends.has(row)) return;
    const { sourceId, targetId, sourceKey, targetKey } = link;
    ends.set(row, { row, sourceId, targetId, sourceKey, targetKey });
  };
  for (const item of rolls.Source.items) if (item.link !== -1) add(item.link, links.bySource(item.key));
  for (const item of rolls.Target.items) if (item.link !== -1) add(item.link, links.byTarget(item.key));
  if (ends.size + table.countQuiet() >= table.count()) return ends;
  for (const { sourceKey } of links.heads()) {
    const row = table.find('Source', hashKey('Source', sourceKey, digest));
    if (!table.isQuiet(row) && !ends.has(row)) add(row, links.bySource(sourceKey));
  }
  return ends;
}

/** One side's item of each pair: the work item, or what a re-read says where the listing cannot answer. */
async function complete(
  side: Side,
  ends: ReadonlyMap<number, Ends>,
  { rolls, readers }: PairInput,
  signal: AbortSignal,
): Promise<Map<number, Item>> {
  const roll = rolls[side];
  const { items, wanted } = knownItems(side, ends, roll);
  const take = (answer: Fetched): void => {
    const end = wanted.get(answer.id);
    if (!end) return;
    wanted.delete(answer.id);
    const item = roll.addFetched(answer, end.row);
    // What was listed and is gone at the second look is gone.
    item.listed = item.state !== 'Gone' && roll.ordinalOf(keyOf(end, side)) !== -1;
    items.set(end.row, item);
  };
  if (wanted.size === 0) return items;
  const ids = [...wanted.keys()];
  for await (const answer of readers[side].fetch(ids, roll.definition.request, signal)) take(answer);
  for (const id of wanted.keys())
    take({ kind: 'Failed', id, error: new ConnectorError('NotFound', 'a re-read gave no answer') });
  return items;
}

/** What the listing answers: a work item, or that the entry is not there where a snapshot cannot have missed it. */
function knownItems(
  side: Side,
  ends: ReadonlyMap<number, Ends>,
  roll: Roll,
): { items: Map<number, Item>; wanted: Map<string, Ends> } {
  const items = new Map<number, Item>();
  const wanted = new Map<string, Ends>();
  const cannotMiss = roll.evidence.snapshot && roll.evidence.complete !== 'No';
  for (const end of ends.values()) {
    const ordinal = roll.ordinalOf(keyOf(end, side));
    const item = ordinal === -1 ? undefined : roll.itemAt(ordinal);
    const id = side === 'Source' ? end.sourceId : end.targetId;
    if (item) items.set(end.row, item);
    else if (ordinal === -1 && cannotMiss)
      items.set(end.row, roll.addFetched({ kind: 'NotThere', id }, end.row));
    else wanted.set(id, end);
  }
  return { items, wanted };
}

function keyOf(end: Ends, side: Side): string {
  return side === 'Source' ? end.sourceKey : end.targetKey;
}
