/** What was read is recognised the next time, where it is in the links by now. */
import type { RowKeys } from './key-log.ts';
import type { LinkTable } from './link-table.ts';
import { NO_MASK } from './masks.ts';
import type { Met } from './met.ts';

type Side = 'Source' | 'Target';

export function learn(side: Side, met: Met, links: LinkTable): void {
  for (const _ of learnt(side, met, links)) void _;
}

/** What those who were learnt are found by now. */
export function* learntKeys(side: Side, met: Met, links: LinkTable): Generator<RowKeys> {
  for (const { at, row } of learnt(side, met, links)) yield { row, keys: met.keysOf(at) };
}

/** May be gone through again: what is learnt twice is learnt once. */
function* learnt(
  side: Side,
  met: Met,
  links: LinkTable,
): Generator<{ readonly at: number; readonly row: number }> {
  const { ids, prints, rawPrints } = met;
  for (let at = 0; at < met.count; at++) {
    const mask = met.mask(at);
    const row = mask === NO_MASK ? -1 : links.findAs(side, ids, at);
    if (row !== -1 && links.learn(side, row, { prints, rawPrints, at, mask })) yield { at, row };
  }
}
