/**
 * Our disable mark on target entries: kept while the entry is there and disabled, dropped when it is seen
 * otherwise. A linked entry that carries it is present even where `where` or the listing leave it out.
 */
import type { AccountState, SideDefinition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { sameValue } from './matching.ts';
import type { Item } from './item.ts';

export interface Marks {
  readonly keys: ReadonlySet<string>;
  readonly load: (item: Item) => Entry | undefined;
  readonly drop: (key: string) => void;
}

export function settleMarks(items: Iterable<Item>, side: SideDefinition, marks: Marks): void {
  const { state } = side;
  if (!state || marks.keys.size === 0) return;
  for (const item of items) {
    if (!marks.keys.has(item.key)) continue;
    if (isDisabled(marks.load(item), state, side)) mark(item);
    else if (item.state !== 'Failed') marks.drop(item.key);
  }
}

function isDisabled(entry: Entry | undefined, state: AccountState, { schema }: SideDefinition): boolean {
  const { attribute, disabled } = state;
  const values = entry ? valuesOf(entry, attribute.name, schema) : [];
  return values.some((value) => sameValue(value, disabled, attribute.match));
}

function mark(item: Item): void {
  item.marked = true;
  if (item.link !== -1 && item.state === 'OutOfScope') item.state = 'InScope';
}
