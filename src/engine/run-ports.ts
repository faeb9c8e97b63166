/** What a run is given, and what it gives back. */
import type { Trip } from './evidence.ts';
import type { Guarded } from './guard.ts';
import type { Outcome } from './outcome.ts';
import type { Clock, Digest, Evidence, HeldPlan, Memory, OpenSide, Spool, SpoolForm } from './ports.ts';
import type { EffectCount, SituationCount, Totals } from './summary.ts';

export interface RunPorts {
  readonly source: OpenSide;
  readonly target: OpenSide;
  readonly memory: Memory;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly newSpool: <T>(form: SpoolForm<T>) => Spool<T>;
  readonly newId: () => string;
  readonly progress: (progress: Progress) => void;
}

export type Progress =
  | { readonly phase: 'Reading'; readonly side: 'Source' | 'Target'; readonly entries: number }
  | { readonly phase: 'Planning'; readonly pairs: number }
  | { readonly phase: 'Applying'; readonly applied: number; readonly planned: number };

export interface RunRequest {
  /** Counts up over all runs of all mappings of one state. */
  readonly sequence: number;
  /**
   * Apply: writes. Observe: looks, plans and remembers nothing of links. Pretend: writes to overlays, so that
   * the next mapping of a chain sees them, and calls it planned.
   */
  readonly effect: 'Apply' | 'Observe' | 'Pretend';
  /** Records what is in sync, ignored and merely linked too. */
  readonly recordsAll: boolean;
  /** Looks at every pair in full, also where nothing has changed since it was settled. */
  readonly inFull: boolean;
  /** Judge only this entry; id in the normal form of its matching rule. */
  readonly only: { readonly side: 'Source' | 'Target'; readonly key: string } | undefined;
}

export interface RunResult {
  readonly outcome: Outcome;
  /** For people: why the outcome is what it is, where it is not Succeeded. */
  readonly message: string | undefined;
  readonly source: { readonly entries: number; readonly evidence: Evidence };
  readonly target: { readonly entries: number; readonly evidence: Evidence };
  readonly situations: readonly SituationCount[];
  readonly effects: readonly EffectCount[];
  readonly totals: Totals;
  readonly planDigest: string;
  readonly plan: HeldPlan | undefined;
  /** How many operations the held plan has. */
  readonly heldOperations: number;
  readonly trips: readonly Trip[];
  readonly budgets: Guarded['budgets'];
  readonly exceeded: Guarded['exceeded'];
  /** Which sides were written. */
  readonly wrote: Readonly<Record<'Source' | 'Target', boolean>>;
  /** Something is held until another mapping has looked. */
  readonly waits: boolean;
}
