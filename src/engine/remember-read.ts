/** What an accepted read leaves behind: the baselines of the guards, and what others may not take away. */
import type { Memory } from './ports.ts';
import type { Roll } from './roll.ts';

type BySide<T> = Readonly<Record<'Source' | 'Target', T>>;

export interface AcceptedRead {
  readonly memory: Memory;
  readonly rolls: BySide<Roll>;
  readonly accepted: BySide<boolean>;
  readonly wants: readonly string[];
  /** Entries that this run deleted. */
  readonly deleted: BySide<number>;
}

export function rememberRead({ memory, rolls, accepted, wants, deleted }: AcceptedRead): void {
  for (const side of ['Source', 'Target'] as const) {
    if (!accepted[side]) continue;
    const { inScope, valueCounts } = rolls[side];
    // What we have deleted ourselves is not missing the next time.
    const left = inScope - deleted[side];
    memory.putBaseline(side, { inScope: left, valueCounts: Object.fromEntries(valueCounts) });
  }
  if (accepted.Source) memory.putWants(wants);
}
