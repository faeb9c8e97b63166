/** Outcome → Events of a ReconMapping: counts, rules and limits, and no identity. Pure. */
import type { Condition } from '../api/conditions.ts';
import type { RunResult } from '../engine/run-ports.ts';
import type { MappingOutcome, StartedRun } from './mapping-outcome.ts';
import type { ClusterObject, RecordedEvent, RunReport } from './ports.ts';
import { causeOf, exceeded } from './run-verdict.ts';

/** An Event without what it regards. */
export type Told = Omit<RecordedEvent, 'regarding'>;

export function regarding({ metadata }: ClusterObject): RecordedEvent['regarding'] {
  return { kind: 'ReconMapping', metadata };
}

/** By kind of outcome, all of them; what only lasts is not told again. */
const EVENTS: {
  readonly [K in MappingOutcome['kind']]: (
    outcome: Extract<MappingOutcome, { kind: K }>,
    ready: Condition | undefined,
  ) => Told[];
} = {
  Suspended: (_outcome, ready) =>
    ready?.reason === 'Suspended' ? [] : [normal('Suspended', 'Reconcile', 'suspended by spec.suspend')],
  Invalid: (outcome, ready) => told(ready, outcome, 'Validate'),
  Waiting: (outcome, ready) => told(ready, outcome, 'Resolve'),
  NotSettling: ({ message }) => [warning('NotSettling', 'Reconcile', message)],
  Crashed: ({ message }) => [warning('RunFailed', 'Reconcile', message)],
  Ran: ({ report }) => ranEvents(report),
  Idle: () => [],
  Queued: () => [],
  Running: () => [],
};

/** `before`: the conditions until now. */
export function mappingEvents(outcome: MappingOutcome, before: readonly Condition[]): Told[] {
  // The table has a function for every kind, and takes just that kind.
  const tell = EVENTS[outcome.kind] as (outcome: MappingOutcome, ready: Condition | undefined) => Told[];
  return tell(
    outcome,
    before.find(({ type }) => type === 'Ready'),
  );
}

/** Without the run's id, as all notes: what is the same is counted, and what differs is seen. */
export function startedEvent({ mode, trigger }: StartedRun): Told {
  return normal('RunStarted', 'Reconcile', `${mode} run started, asked for by ${trigger}`);
}

function normal(reason: string, action: string, note: string): Told {
  return { type: 'Normal', reason, action, note };
}

function warning(reason: string, action: string, note: string): Told {
  return { type: 'Warning', reason, action, note };
}

function told(
  ready: Condition | undefined,
  { reason, message }: { readonly reason: string; readonly message: string },
  action: string,
): Told[] {
  return ready?.reason === reason && ready.message === message ? [] : [warning(reason, action, message)];
}

function ranEvents({ summary, approved, told: rules }: RunReport): Told[] {
  const { result, outcome, mode } = summary;
  const events: Told[] = [];
  if (approved) events.push(normal('PlanApproved', 'Approve', 'the plan that was approved is released'));
  if (result) events.push(...guardEvents(result));
  for (const { rule, type, situation, response, entries } of rules) {
    const note = `rule '${rule}': ${entries} ${entries === 1 ? 'entry' : 'entries'} ${situation}, ${response}`;
    events.push({ type, reason: situation, action: response, note });
  }
  const bad = outcome === 'Failed' || outcome === 'Stalled' || outcome === 'Degraded';
  const why = outcome === 'Succeeded' ? '' : `: ${causeOf(summary).message}`;
  const note = `${mode} run ended ${outcome}${result ? `, ${countsOf(result)}` : ''}${why}`;
  events.push({ type: bad ? 'Warning' : 'Normal', reason: `Run${outcome}`, action: 'Reconcile', note });
  return events;
}

function guardEvents({ trips, exceeded: over, plan, totals, source, target }: RunResult): Told[] {
  const events: Told[] = [];
  for (const { reason, message } of trips) events.push(warning(reason, 'Guard', message));
  for (const one of over) events.push(warning('BudgetExceeded', 'Guard', exceeded(one)));
  for (const [side, { evidence, entries }] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (evidence.complete !== 'No' || trips.some((trip) => trip.reason === evidence.reason)) continue;
    const note = `the ${side} read is not complete (${evidence.reason ?? 'unknown'}) after ${entries} entries; nothing is concluded from what it did not show`;
    events.push(warning('EvidenceMissing', 'Read', note));
  }
  if (plan)
    events.push(warning('PlanHeld', 'Plan', `${totals.held} changes are held under digest ${plan.digest}`));
  return events;
}

function countsOf({ totals, source, target }: RunResult): string {
  const { planned, applied, held, failed, pending } = totals;
  return `${source.entries} source and ${target.entries} target entries: ${planned} planned, ${applied} applied, ${held} held, ${failed} failed, ${pending} pending`;
}
