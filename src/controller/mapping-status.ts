/** Outcome → status of a ReconMapping. The only author of it. Pure. */
import type { Condition } from '../api/conditions.ts';
import type { LastRun, PastRun, ReadEvidence, ReconMappingStatus } from '../api/recon-mapping.ts';
import type { Evidence } from '../engine/ports.ts';
import type { Progress } from '../engine/run-ports.ts';
import { conditionsOf, findingOf, timestamp, type Finding, type Findings } from './condition-list.ts';
import type { MappingOutcome, StartedRun } from './mapping-outcome.ts';
import type { RunReport } from './ports.ts';
import { verdictOfRun } from './run-verdict.ts';

const KEPT_RUNS = 5;

export interface MappingStatusContext {
  readonly generation: number;
  /** Of the spec that the run was started for. */
  readonly ranGeneration: number;
  readonly now: number;
  readonly nextRunAt: number | undefined;
  /** The request that the run answers. */
  readonly request: string | undefined;
}

const RESOLVED: Finding = {
  status: 'True',
  reason: 'ResolvedRefs',
  message: 'everything referred to was found',
};

export function mappingStatus(
  outcome: MappingOutcome,
  previous: ReconMappingStatus,
  context: MappingStatusContext,
): ReconMappingStatus {
  const before = previous.conditions ?? [];
  const findings = findingsOf(outcome, before, context);
  const observes = settles(findings, outcome);
  const generation = outcome.kind === 'Ran' ? context.ranGeneration : context.generation;
  const { nextRunAt } = context;
  const { observedGeneration, nextRunAt: _next, ...kept } = previous;
  return {
    ...kept,
    ...runFields(outcome, previous, context),
    observedGeneration: observes ? generation : (observedGeneration ?? -1),
    conditions: conditionsOf(findings, before, { generation, now: context.now }),
    ...(nextRunAt === undefined ? {} : { nextRunAt: timestamp(nextRunAt) }),
  };
}

/** The generation has ended in something: it is ready, or it goes on only when somebody acts. */
function settles({ Ready, Stalled }: Findings, { kind }: MappingOutcome): boolean {
  return Stalled !== undefined || (Ready?.status === 'True' && kind !== 'Running' && kind !== 'Queued');
}

/** What was found before; Ready only where it was found of the present generation. */
type Kept = Pick<Findings, 'InSync' | 'Held' | 'Ready'>;

/** By kind of outcome, all of them: what it finds, given what was found before. */
const FINDINGS: {
  readonly [K in MappingOutcome['kind']]: (
    outcome: Extract<MappingOutcome, { kind: K }>,
    kept: Kept,
    context: MappingStatusContext,
  ) => Findings;
} = {
  Suspended: () => {
    const message = 'spec.suspend is true: nothing is read and nothing is written';
    return { Ready: { status: 'True', reason: 'Suspended', message } };
  },
  Invalid: ({ reason, message }) => ({
    Ready: { status: 'False', reason, message },
    Stalled: { status: 'True', reason, message },
  }),
  Waiting: ({ reason, message, resolved }) => ({
    Ready: { status: 'False', reason, message },
    Reconciling: { status: 'True', reason, message: `it waits: ${message}` },
    ...(!resolved && { ResolvedRefs: { status: 'False', reason, message } }),
  }),
  Idle: (_outcome, _kept, { nextRunAt }) => ({ Ready: idle(nextRunAt) }),
  Queued: (_outcome, { Ready }) => running('it waits for other runs', Ready),
  Running: ({ progress }, { Ready }) => running(stepText(progress), Ready),
  Ran: ({ report: { summary } }) => ({
    ...(summary.result && { Held: undefined }),
    ...verdictOfRun(summary),
  }),
  Crashed: ({ reason, message }) => ({
    Ready: { status: 'False', reason, message },
    Reconciling: { status: 'True', reason: 'ProgressingWithRetry', message: `it is tried again: ${message}` },
  }),
  NotSettling: ({ message }) => {
    const Ready = { status: 'False', reason: 'NotSettling', message } as const;
    return { Ready, InSync: Ready, Stalled: { status: 'True', reason: 'NotSettling', message } };
  },
};

function findingsOf(
  outcome: MappingOutcome,
  before: readonly Condition[],
  context: MappingStatusContext,
): Findings {
  const present = before.filter((one) => one.observedGeneration === context.generation);
  // Whoever waits for it after an edit is not to be told what was so before.
  const known = findingOf(outcome.kind === 'Suspended' ? before : present, 'InSync');
  const InSync = known ?? unknown('NotYetRun', 'nothing has been compared yet');
  const kept = { InSync, Held: findingOf(before, 'Held'), Ready: findingOf(present, 'Ready') };
  // The table has a function for every kind, and takes just that kind.
  const find = FINDINGS[outcome.kind] as (
    outcome: MappingOutcome,
    kept: Kept,
    context: MappingStatusContext,
  ) => Findings;
  return { InSync, Held: kept.Held, ResolvedRefs: RESOLVED, ...find(outcome, kept, context) };
}

function unknown(reason: Finding['reason'], message: string): Finding {
  return { status: 'Unknown', reason, message };
}

function idle(nextRunAt: number | undefined): Finding {
  const when =
    nextRunAt === undefined ? 'it runs on request only' : `the next run is due at ${timestamp(nextRunAt)}`;
  return { status: 'True', reason: 'NotYetRun', message: `valid, and not run yet: ${when}` };
}

/** What held before goes on to hold while it is looked at again; for a new generation nothing is known yet. */
function running(step: string, ready: Finding | undefined): Findings {
  const Reconciling = { status: 'True', reason: 'Progressing', message: step } as const;
  if (ready && ready.status !== 'Unknown') return { Ready: ready, Reconciling };
  return { Ready: unknown('Progressing', 'the first run of this generation is under way'), Reconciling };
}

function stepText(progress: Progress | undefined): string {
  switch (progress?.phase) {
    case undefined:
      return 'a run is under way';
    case 'Reading':
      return `reading: ${progress.entries} ${progress.side.toLowerCase()} entries`;
    case 'Planning':
      return `planning ${progress.pairs} pairs`;
    case 'Applying':
      return `applying: ${progress.applied} of ${progress.planned}`;
  }
}

function runFields(
  outcome: MappingOutcome,
  previous: ReconMappingStatus,
  { request }: MappingStatusContext,
): Partial<ReconMappingStatus> {
  const answered = request === undefined ? {} : { lastHandledRequest: request };
  if (outcome.kind === 'Running')
    return { lastRun: { ...startedRun(outcome.run), step: outcome.progress?.phase ?? 'Starting' } };
  if (outcome.kind === 'Crashed')
    return { ...answered, lastRun: { ...startedRun(outcome.run), outcome: 'Failed' } };
  return outcome.kind === 'Ran' ? { ...answered, ...ranFields(outcome.report, previous) } : {};
}

function startedRun({ id, mode, trigger, startedAt }: StartedRun): LastRun {
  return { id, mode, trigger, startedAt: timestamp(startedAt) };
}

function ranFields({ summary }: RunReport, previous: ReconMappingStatus): Partial<ReconMappingStatus> {
  const { result } = summary;
  const lastRun = lastRunOf(summary);
  const { planned = 0, applied = 0, held = 0, failed = 0 } = result?.totals ?? {};
  const { id, mode, trigger, startedAt, finishedAt, durationSeconds, outcome } = lastRun;
  const past = {
    id,
    mode,
    trigger,
    startedAt,
    finishedAt,
    durationSeconds,
    outcome,
    planned,
    applied,
    held,
    failed,
  };
  const history = [past as PastRun, ...(previous.history ?? []).filter((one) => one.id !== id)];
  return {
    lastRun,
    history: history.slice(0, KEPT_RUNS),
    ...(result && {
      situations: result.situations.map((one) => ({ ...one })),
      totals: { ...result.totals },
      plan: result.plan && {
        digest: result.plan.digest,
        counts: result.effects
          .filter((one) => one.held > 0)
          .map((one) => ({ effect: one.effect, count: one.held })),
        expiresAt: timestamp(result.plan.expiresAt),
      },
    }),
  } as Partial<ReconMappingStatus>;
}

type FinishedRun = LastRun & { readonly id: string };

function lastRunOf(summary: RunReport['summary']): FinishedRun {
  const { id, mode, trigger, startedAt, finishedAt, outcome, result } = summary;
  return {
    id,
    mode,
    trigger,
    startedAt: timestamp(startedAt),
    finishedAt: timestamp(finishedAt),
    durationSeconds: (finishedAt - startedAt) / 1_000,
    outcome,
    ...(result && {
      sourceEntries: result.source.entries,
      targetEntries: result.target.entries,
      evidence: { source: evidenceOf(result.source.evidence), target: evidenceOf(result.target.evidence) },
    }),
  };
}

/** The message may name an entry: it stays in the store. */
function evidenceOf({ complete, proof, reason }: Evidence): ReadEvidence {
  return { complete, ...(proof && { proof }), ...(reason && { reason }) };
}
