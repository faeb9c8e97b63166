/** The last entry of a listing that ends too early. */
import type { Item } from './item.ts';
import type { Evidence } from './ports.ts';
import type { Roll } from './roll.ts';

/**
 * Where something contradicts the read, what its data end with may be half an entry: it is judged no more than
 * what was not read at all. One that is as it was has not been cut.
 */
export function failCutOff(roll: Roll, { complete, openEnd }: Evidence): void {
  if (complete !== 'No' || openEnd === undefined) return;
  const item: Item | undefined = roll.itemAt(roll.ordinalOf(roll.keyOf(openEnd)));
  if (!item || item.state === 'Failed') return;
  item.state = 'Failed';
  const message = `entry '${item.id}' is the last of a listing that is not complete, and nothing marks its end: it may be cut off; have the file written anew, or end its last line`;
  item.error = { code: 'CutOff', attribute: null, rule: null, message };
}
