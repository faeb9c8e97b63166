/** Counts of a run as it goes on, per situation and in all; every record passes through here on its way to the store. */
import { SITUATIONS, type Situation } from './definition.ts';
import type { Memory } from './ports.ts';
import type { EntryOutcome, EntryRecord } from './entry-record.ts';
import type { Operation } from './operation.ts';
import type { Calm } from './unlinked-book.ts';

export interface SituationCount {
  readonly name: Situation;
  count: number;
  planned: number;
  applied: number;
  held: number;
  failed: number;
}

/** Operations by what they do; one that has two effects is counted under both. */
export interface EffectCount {
  readonly effect: string;
  planned: number;
  applied: number;
  held: number;
  failed: number;
}

export interface Totals {
  inSync: number;
  planned: number;
  applied: number;
  held: number;
  failed: number;
  pending: number;
}

/** What a record's outcome counts as; Applied and Linked are applied, a refusal is a failure. */
const COUNTS_AS: Readonly<
  Record<EntryOutcome, 'inSync' | 'applied' | 'held' | 'failed' | 'pending' | 'nothing'>
> = {
  InSync: 'inSync',
  Ignored: 'nothing',
  Reported: 'nothing',
  Linked: 'applied',
  Applied: 'applied',
  Planned: 'pending',
  Held: 'held',
  Refused: 'failed',
  Unknown: 'failed',
  Failed: 'failed',
};

/** Too many to keep, and nothing to act on: recorded only when everything is asked for. */
const QUIET_OUTCOMES: readonly EntryOutcome[] = ['InSync', 'Ignored', 'Linked'];

export class Summary {
  readonly totals: Totals = { inSync: 0, planned: 0, applied: 0, held: 0, failed: 0, pending: 0 };
  /** Entries that this run deleted, by side. */
  readonly deleted: Record<'Source' | 'Target', number> = { Source: 0, Target: 0 };
  readonly #counts: Map<Situation, SituationCount> = new Map();
  readonly #effects: Map<string, EffectCount> = new Map();
  readonly #memory: Memory;
  readonly #recordsAll: boolean;

  constructor(memory: Memory, recordsAll: boolean) {
    this.#memory = memory;
    this.#recordsAll = recordsAll;
  }

  /** In the order of the tables, counts above 0. */
  situations(): SituationCount[] {
    return SITUATIONS.map((name) => this.#counts.get(name)).filter((count) => count !== undefined);
  }

  /** By name; an operation without an effect that is limited counts as what it is, such as Link or Enable. */
  effects(): EffectCount[] {
    return [...this.#effects.values()].toSorted((one, other) => (one.effect < other.effect ? -1 : 1));
  }

  /** What an earlier run has counted and that stands. */
  addStanding(situations: Calm['situations']): void {
    for (const { name, count } of situations) {
      const situation = SITUATIONS.find((one) => one === name);
      if (situation) this.#of(situation).count += count;
    }
  }

  addQuiet(pairs: number): void {
    if (pairs === 0) return;
    this.#of('Confirmed').count += pairs;
    this.totals.inSync += pairs;
  }

  /** Counts a pair once, however many records it gets. */
  addPair(situation: Situation): void {
    this.#of(situation).count++;
  }

  /** `operation`: the one that the record is about, where it came to one. */
  add(record: EntryRecord, operation?: Pick<Operation, 'kind' | 'effects'>): void {
    this.#count(record);
    if (operation) this.#countEffects(operation, COUNTS_AS[record.outcome]);
    if (this.#recordsAll || !this.#isQuiet(record)) this.#memory.record(record);
  }

  /** A pure link that is still to come is as quiet as one that was made. */
  #isQuiet(record: EntryRecord): boolean {
    const pureLink = record.outcome === 'Planned' && isPureLink(record);
    return pureLink || QUIET_OUTCOMES.includes(record.outcome);
  }

  #count(record: EntryRecord): void {
    const situation = SITUATIONS.find((one) => one === record.situation);
    const kind = COUNTS_AS[record.outcome];
    if (record.outcome === 'Applied' && record.response === 'DeleteSource') this.deleted.Source++;
    if (record.outcome === 'Applied' && record.response === 'DeleteTarget') this.deleted.Target++;
    if (kind === 'nothing') return;
    this.totals[kind]++;
    if (kind === 'inSync') return;
    this.totals.planned++;
    if (!situation) return;
    const counts = this.#of(situation);
    counts.planned++;
    if (kind !== 'pending') counts[kind]++;
  }

  #countEffects({ kind, effects }: Pick<Operation, 'kind' | 'effects'>, as: string): void {
    const names = effects.length === 0 ? [kind] : effects.map(({ effect }) => effect);
    for (const effect of new Set(names)) {
      const counts = this.#effects.get(effect) ?? { effect, planned: 0, applied: 0, held: 0, failed: 0 };
      this.#effects.set(effect, counts);
      counts.planned++;
      if (as === 'applied' || as === 'held' || as === 'failed') counts[as]++;
    }
  }

  #of(name: Situation): SituationCount {
    const known = this.#counts.get(name);
    if (known) return known;
    const fresh = { name, count: 0, planned: 0, applied: 0, held: 0, failed: 0 };
    this.#counts.set(name, fresh);
    return fresh;
  }
}

/** A link made without any write to a system. */
export function isPureLink(record: EntryRecord): boolean {
  return (
    record.differences.length === 0 &&
    ['Link', 'UpdateTarget', 'UpdateSource'].includes(record.response ?? '')
  );
}
