/** What a read leaves behind: the baselines of the guards, what others may not take away, how long situations last. */
import type { Memory } from './ports.ts';
import type { Sides } from './sides.ts';
import type { SinceClocks } from './since.ts';
import type { Calm } from './unlinked-book.ts';

type BySide<T> = Readonly<Record<'Source' | 'Target', T>>;

export interface FinishedRead {
  readonly memory: Memory;
  readonly sides: Sides;
  readonly clocks: SinceClocks;
  readonly accepted: BySide<boolean>;
  readonly wants: readonly string[];
  /** Entries that this run deleted. */
  readonly deleted: BySide<number>;
  /** Only one entry was asked for. */
  readonly isPartial: boolean;
  /** What an earlier run has found and that stands. */
  readonly standing: Calm | undefined;
}

export function rememberRead(read: FinishedRead): void {
  const { memory, sides, clocks, accepted, isPartial, standing } = read;
  if (!isPartial) putBaselines(read);
  if (standing) {
    if (standing.situations.length > 0) memory.repeatRecords(standing.run);
    return;
  }
  if (!isPartial && accepted.Source) memory.putWants(read.wants);
  clocks.store(memory, {
    complete: accepted.Source && accepted.Target && !isPartial,
    isQuiet: (side, key) => sides.links.isQuiet(sides.rolls[side].linkOf(key)),
  });
}

function putBaselines({ memory, sides, accepted, deleted }: FinishedRead): void {
  for (const side of ['Source', 'Target'] as const) {
    if (!accepted[side]) continue;
    const { inScope, valueCounts } = sides.rolls[side];
    // What we have deleted ourselves is not missing the next time.
    const left = inScope - deleted[side];
    memory.putBaseline(side, { inScope: left, valueCounts: Object.fromEntries(valueCounts) });
  }
}
