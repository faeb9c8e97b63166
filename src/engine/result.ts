/** What a run comes to, and the same of one that could not begin. */
import { countedEvidence, type Trip } from './evidence.ts';
import type { CarriedOut } from './carry-out.ts';
import { planDigest } from './operation.ts';
import { verdictOf } from './outcome.ts';
import type { Digest, HeldPlan } from './ports.ts';
import type { Roll } from './roll.ts';
import type { RunResult } from './run-ports.ts';
import type { Summary, Totals } from './summary.ts';

/** `nothing`: what was read of either side; `digest`: of a plan without operations. */
export function stalledResult(
  message: string,
  nothing: RunResult['source'],
  totals: Totals,
  digest: string,
): RunResult {
  return {
    outcome: 'Stalled',
    message,
    source: nothing,
    target: nothing,
    situations: [],
    effects: [],
    totals,
    planDigest: digest,
    plan: undefined,
    heldOperations: 0,
    trips: [],
    budgets: [],
    exceeded: [],
    wrote: { Source: false, Target: false },
    waits: false,
  };
}

export interface Finished extends CarriedOut {
  readonly rolls: Readonly<Record<'Source' | 'Target', Roll>>;
  readonly summary: Summary;
  readonly trips: readonly Trip[];
  readonly plan: HeldPlan | undefined;
  readonly digest: Digest;
  /** Systems were written, or their overlays. */
  readonly isApplied: boolean;
}

export function resultOf(finished: Finished): RunResult {
  const { operations, passed, guarded, stopped, rolls, summary, trips, plan, digest } = finished;
  const held = operations.filter((operation) => operation.held);
  const { totals } = summary;
  const read = { Source: rolls.Source.evidence, Target: rolls.Target.evidence };
  const holdsSomething = held.length > 0 || trips.length > 0;
  const side = (name: 'Source' | 'Target'): RunResult['source'] => ({
    entries: rolls[name].entries,
    evidence: countedEvidence(read[name], name, trips),
  });
  return {
    ...verdictOf({ trips, guarded, stopped, holdsSomething, totals, evidence: read }),
    source: side('Source'),
    target: side('Target'),
    situations: summary.situations(),
    effects: summary.effects(),
    totals,
    planDigest: planDigest([...passed, ...operations.map((operation) => operation.digest)], digest),
    plan,
    heldOperations: held.length,
    trips,
    budgets: guarded.budgets,
    exceeded: guarded.exceeded,
    wrote: wrote(finished),
    waits: held.some((operation) => operation.waitsFor !== undefined),
  };
}

function wrote({ operations, passed, flowed, summary: { totals }, isApplied }: Finished): RunResult['wrote'] {
  const applied = isApplied && totals.applied + totals.pending > 0;
  const side = (name: 'Source' | 'Target'): boolean =>
    applied && operations.some((one) => one.side === name && !one.held);
  const hasFlowed = applied && flowed && passed.length > 0;
  return { Source: side('Source'), Target: side('Target') || hasFlowed };
}
