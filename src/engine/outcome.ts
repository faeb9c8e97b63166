/** What a run comes to: the worst applies, Degraded before Held (DESIGN.md, "Command line"). */
import type { Trip } from './evidence.ts';
import type { Guarded } from './guard.ts';
import type { Totals } from './summary.ts';

export type Outcome = 'Succeeded' | 'Degraded' | 'Held' | 'Failed' | 'Stalled';

export interface Verdict {
  readonly outcome: Outcome;
  /** For people: why the outcome is what it is, where it is not Succeeded. */
  readonly message: string | undefined;
}

export interface Ended {
  readonly trips: readonly Trip[];
  readonly guarded: Guarded;
  /** Why applying stopped before its end. */
  readonly stopped: string | undefined;
  readonly holdsSomething: boolean;
  readonly totals: Totals;
}

export function verdictOf({ trips, guarded, stopped, holdsSomething, totals }: Ended): Verdict {
  const empty = trips.find(({ reason }) => reason === 'EmptySource' || reason === 'EmptyTarget');
  if (empty) return { outcome: 'Stalled', message: `${empty.reason}: ${empty.message}` };
  if (guarded.fails) return { outcome: 'Failed', message: budgetMessage(guarded) };
  if (stopped !== undefined) return { outcome: 'Failed', message: stopped };
  if (totals.failed > 0) return { outcome: 'Degraded', message: `${totals.failed} entries failed` };
  if (!holdsSomething) return { outcome: 'Succeeded', message: undefined };
  const [trip] = trips;
  const tripped = trip && `${trip.reason}: ${trip.message}`;
  const message = budgetMessage(guarded) ?? tripped ?? `${totals.held} operations are held`;
  return { outcome: 'Held', message };
}

function budgetMessage({ exceeded: [over] }: Guarded): string | undefined {
  return over && `${over.effect} of ${over.count} entries exceeds the limit of ${over.limit}`;
}
