/**
 * How long a situation of an entry has lasted, counted from the first run that saw it. The clocks of Confirmed,
 * SourceIgnored and TargetIgnored are kept only where a rule asks: they would be as many as there are entries.
 */
import type { PolicyRule, Situation } from './definition.ts';
import { endsOf, type Judged } from './judged.ts';
import type { Memory, Since } from './ports.ts';

const KEPT_ON_REQUEST: readonly Situation[] = ['Confirmed', 'SourceIgnored', 'TargetIgnored'];

const ENDED_BY_LINKING: readonly string[] = ['Found', 'Moved', 'Absent', 'Missing'];

export interface SinceView {
  /** Neither read was No: what was not seen is over. Else only what was seen in another situation is. */
  readonly complete: boolean;
  /** The entry was listed, and its pair is as it was when it was in sync. */
  readonly isQuiet: (side: 'Source' | 'Target', key: string) => boolean;
}

export class SinceClocks {
  readonly #known: Map<string, Since> = new Map();
  readonly #seen: Map<string, Since> = new Map();
  /** Every entry that was judged, on both sides of its pair. */
  readonly #judged: Set<string> = new Set();
  /** Entries that failed: their clocks stay as they are. */
  readonly #untouched: Set<string> = new Set();
  readonly #kept: ReadonlySet<string>;
  readonly #now: number;
  readonly #run: number;

  constructor(known: Iterable<Since>, rules: readonly PolicyRule[], now: number, run: number) {
    for (const since of known) this.#known.set(keyOf(since), since);
    this.#now = now;
    this.#run = run;
    this.#kept = new Set(rules.filter((rule) => rule.after !== undefined).flatMap((rule) => rule.situations));
  }

  /** The clock of a judged pair, started now where there was none. */
  see(judged: Judged): Since {
    const situation = judged.verdict?.situation ?? '';
    const anchor = anchorOf(judged);
    for (const item of [judged.source, judged.target, judged.pair?.source, judged.pair?.target])
      if (item) this.#judged.add(`${item.side}|${item.key}`);
    const fresh: Since = { ...anchor, situation, at: this.#now, run: this.#run };
    const key = keyOf(fresh);
    const since = this.#known.get(key) ?? fresh;
    if (!KEPT_ON_REQUEST.some((one) => one === situation) || this.#kept.has(situation))
      this.#seen.set(key, since);
    return since;
  }

  /** The write that answers it was Applied: the next run sees a linked pair. */
  end(situation: string, sourceKey: string): void {
    if (ENDED_BY_LINKING.includes(situation))
      this.#seen.delete(keyOf({ side: 'Source', key: sourceKey, situation }));
  }

  leave(judged: Judged): void {
    for (const item of [judged.source, judged.target])
      if (item) this.#untouched.add(`${item.side}|${item.key}`);
  }

  store(memory: Memory, { complete, isQuiet }: SinceView): void {
    for (const [key, since] of this.#known) {
      const entry = `${since.side}|${since.key}`;
      if (this.#seen.has(key) || this.#untouched.has(entry)) continue;
      if (complete || this.#judged.has(entry) || isQuiet(since.side, since.key)) memory.dropSince(since);
    }
    for (const [key, since] of this.#seen) if (!this.#known.has(key)) memory.putSince(since);
  }
}

/** A pair whose source is gone is known by its target; every other by its source where it has one. */
function anchorOf(judged: Judged): Pick<Since, 'side' | 'key'> {
  const { source, target } = endsOf(judged);
  const isGone = judged.verdict?.situation === 'SourceMissing';
  if (source && !isGone) return { side: 'Source', key: source.key };
  return { side: 'Target', key: target?.key ?? '' };
}

function keyOf(since: Pick<Since, 'side' | 'key' | 'situation'>): string {
  return `${since.side}|${since.situation}|${since.key}`;
}
