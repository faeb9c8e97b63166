/** What a run comes to: the worst applies, Degraded before Held (DESIGN.md, "Command line"). */
import type { Trip } from './evidence.ts';
import type { Guarded } from './guard.ts';
import type { Evidence } from './ports.ts';
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
  /** As the systems gave it. */
  readonly evidence: Readonly<Record<'Source' | 'Target', Evidence>>;
}

export function verdictOf(ended: Ended): Verdict {
  const { trips, guarded, stopped, holdsSomething, totals } = ended;
  const empty = trips.find(({ reason }) => reason === 'EmptySource' || reason === 'EmptyTarget');
  if (empty) return { outcome: 'Stalled', message: `${empty.reason}: ${empty.message}` };
  if (guarded.fails) return { outcome: 'Failed', message: budgetMessage(guarded) };
  if (stopped !== undefined) return { outcome: 'Failed', message: stopped };
  if (totals.failed > 0) return { outcome: 'Degraded', message: `${totals.failed} entries failed` };
  if (!holdsSomething) return readVerdict(ended);
  const [trip] = trips;
  const tripped = trip && `${trip.reason}: ${trip.message}`;
  const message = budgetMessage(guarded) ?? tripped ?? `${totals.held} operations are held`;
  return { outcome: 'Held', message };
}

/** Nothing failed and nothing is held; but what was not read, such as a damaged row, was not looked at either. */
function readVerdict({ evidence }: Ended): Verdict {
  for (const side of ['Source', 'Target'] as const) {
    const { complete, reason, message } = evidence[side];
    if (complete !== 'No') continue;
    const why = [reason, message].filter((part) => part !== undefined).join(': ');
    return { outcome: 'Degraded', message: `the ${side.toLowerCase()} was not read as a whole: ${why}` };
  }
  return { outcome: 'Succeeded', message: undefined };
}

function budgetMessage({ exceeded: [over] }: Guarded): string | undefined {
  return over && `${over.effect} of ${over.count} entries exceeds the limit of ${over.limit}`;
}
