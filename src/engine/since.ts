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
  readonly #load: () => Iterable<Since>;
  /** Undefined: nobody has asked yet. */
  #loaded: Clocks<Since> | undefined;
  /** Of those that are known: whose situation lasts. */
  readonly #lasting: Set<Since> = new Set();
  /** Seen for the first time: all of them begin in this run. */
  readonly #fresh: Clocks<true> = new Clocks();
  #hasKnown = false;
  /** Every entry that was judged, on both sides of its pair; where no clock is known nobody asks. */
  readonly #judged: KeysBySide = { Source: new Set(), Target: new Set() };
  /** Entries that failed: their clocks stay as they are. */
  readonly #untouched: KeysBySide = { Source: new Set(), Target: new Set() };
  readonly #kept: ReadonlySet<string>;
  readonly #now: number;
  readonly #run: number;

  constructor(load: () => Iterable<Since>, rules: readonly PolicyRule[], now: number, run: number) {
    this.#load = load;
    this.#now = now;
    this.#run = run;
    this.#kept = new Set(rules.filter((rule) => rule.after !== undefined).flatMap((rule) => rule.situations));
  }

  get #known(): Clocks<Since> {
    if (this.#loaded) return this.#loaded;
    this.#loaded = new Clocks();
    for (const since of this.#load()) {
      this.#loaded.set(since, since);
      this.#hasKnown = true;
    }
    return this.#loaded;
  }

  /** When the situation of a judged pair began, in milliseconds since 1970. Notes nothing. */
  sinceOf(judged: Judged): number {
    return this.#known.get(clockOf(judged))?.at ?? this.#now;
  }

  /** The clock of a judged pair, started now where there was none. */
  see(judged: Judged): Since {
    const clock = clockOf(judged);
    const known = this.#known.get(clock);
    if (this.#hasKnown) this.#noteJudged(judged);
    if (known) this.#lasting.add(known);
    else if (this.#isKept(clock.situation)) this.#fresh.set(clock, true);
    return known ?? { ...clock, at: this.#now, run: this.#run };
  }

  #noteJudged(judged: Judged): void {
    for (const item of [judged.source, judged.target, judged.pair?.source, judged.pair?.target])
      if (item) this.#judged[item.side].add(item.key);
  }

  #isKept(situation: string): boolean {
    return !KEPT_ON_REQUEST.some((one) => one === situation) || this.#kept.has(situation);
  }

  /** The write that answers it was Applied: the next run sees a linked pair. */
  end(situation: string, sourceKey: string): void {
    if (!ENDED_BY_LINKING.includes(situation)) return;
    const clock = { side: 'Source', key: sourceKey, situation } as const;
    this.#fresh.delete(clock);
    const known = this.#known.get(clock);
    if (known) this.#lasting.delete(known);
  }

  leave(judged: Judged): void {
    for (const item of [judged.source, judged.target]) if (item) this.#untouched[item.side].add(item.key);
  }

  store(memory: Memory, { complete, isQuiet }: SinceView): void {
    for (const [clock, since] of this.#known) {
      const { side, key } = clock;
      const lasts = this.#lasting.has(since) && this.#isKept(since.situation);
      if (lasts || this.#untouched[side].has(key)) continue;
      if (complete || this.#judged[side].has(key) || isQuiet(side, key)) memory.dropSince(since);
    }
    for (const [clock] of this.#fresh) memory.putSince({ ...clock, at: this.#now, run: this.#run });
  }
}

type Clock = Pick<Since, 'side' | 'key' | 'situation'>;
type KeysBySide = Readonly<Record<'Source' | 'Target', Set<string>>>;

/** Something for each clock: by situation and side, so that the keys are the only texts. */
class Clocks<T> {
  readonly #situations: Map<string, Readonly<Record<'Source' | 'Target', Map<string, T>>>> = new Map();

  get({ side, key, situation }: Clock): T | undefined {
    return this.#situations.get(situation)?.[side].get(key);
  }

  set({ side, key, situation }: Clock, value: T): void {
    const known = this.#situations.get(situation);
    const sides = known ?? { Source: new Map<string, T>(), Target: new Map<string, T>() };
    if (!known) this.#situations.set(situation, sides);
    sides[side].set(key, value);
  }

  delete({ side, key, situation }: Clock): void {
    this.#situations.get(situation)?.[side].delete(key);
  }

  *[Symbol.iterator](): Generator<[Clock, T]> {
    for (const [situation, sides] of this.#situations)
      for (const side of ['Source', 'Target'] as const)
        for (const [key, value] of sides[side]) yield [{ side, key, situation }, value];
  }
}

function clockOf(judged: Judged): Clock {
  return { ...anchorOf(judged), situation: judged.verdict?.situation ?? '' };
}

/** A pair whose source is gone is known by its target; every other by its source where it has one. */
function anchorOf(judged: Judged): Pick<Since, 'side' | 'key'> {
  const { source, target } = endsOf(judged);
  const isGone = judged.verdict?.situation === 'SourceMissing';
  if (source && !isGone) return { side: 'Source', key: source.key };
  return { side: 'Target', key: target?.key ?? '' };
}
