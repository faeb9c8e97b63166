/** The result of a run that could not begin. */
import type { RunResult } from './run-ports.ts';
import type { Totals } from './summary.ts';

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
