/** One run of one mapping: opens both sides, runs the engine, keeps the record. */
import { randomUUID } from 'node:crypto';
import type { LinkedMapping, LinkedSide } from '../controller/linked-mapping.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import type { Session } from '../connectors/connector.ts';
import { sideOf, type Definition } from '../engine/definition.ts';
import { ConnectorError } from '../engine/errors.ts';
import { keyOfId } from '../engine/matching.ts';
import { run } from '../engine/run.ts';
import type { SpoolForm } from '../engine/ports.ts';
import type { Progress, RunRequest, RunResult } from '../engine/run-ports.ts';
import { Approvals } from '../store/approvals.ts';
import { FORGET_AFTER_MS, mappingRow } from '../store/mappings.ts';
import { SqliteMemory } from '../store/memory.ts';
import { Runs } from '../store/runs.ts';
import { FileSpool } from '../store/spool.ts';
import { endsOf, knownMapping, openMapping, type OpenMappingOptions } from './open-mapping.ts';
import { withWriter } from './open-side.ts';
import { storedBody } from './run-document.ts';

export interface RunMappingOptions extends OpenMappingOptions {
  /** Identifies the run everywhere; absent: a new one. */
  readonly id?: string;
  readonly trigger: string;
  /** Plan: nothing is written, but to the overlay of a Repository. */
  readonly planning: boolean;
  readonly recordsAll: boolean;
  readonly only: { readonly side: 'Source' | 'Target'; readonly id: string } | undefined;
  readonly progress: (mapping: string, progress: Progress) => void;
}

const STOPPED = 'the run was asked to stop; run it again, it goes on where it was';

export async function runMapping(
  one: LinkedMapping,
  options: RunMappingOptions,
  signal: AbortSignal,
): Promise<RunSummary> {
  const { state, clock } = options;
  const startedAt = clock.now();
  const mode = one.mapping.object.spec.mode;
  const row = mappingRow(state.database, knownMapping(one), startedAt);
  const runs = new Runs(state.database);
  const id = options.id ?? randomUUID();
  const sequence = runs.begin({ id, mapping: row, mode, startedAt });
  const ended = await attempt(
    () => openAndRun(one, { ...options, row, sequence, startedAt }, signal),
    signal,
  );
  state.database.flush();
  const finishedAt = clock.now();
  const interrupted =
    signal.aborted && ended.outcome !== 'Stalled'
      ? ({ outcome: 'Failed', message: STOPPED, code: 'Stopped' } as const)
      : {};
  const summary = {
    sequence,
    mapping: one.key,
    id,
    mode,
    trigger: options.trigger,
    startedAt,
    finishedAt,
    ...ended,
    ...interrupted,
  };
  const sourceComplete = summary.result?.source.evidence.complete ?? 'No';
  runs.finish(sequence, { finishedAt, outcome: summary.outcome, sourceComplete, body: storedBody(summary) });
  return summary;
}

type Ended = Pick<RunSummary, 'outcome' | 'message' | 'code' | 'result'>;

/** Faults of the systems end the run, not the program. */
async function attempt(work: () => Promise<Ended>, signal: AbortSignal): Promise<Ended> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return { outcome: 'Failed', message: STOPPED, code: 'Stopped', result: undefined };
    if (!(error instanceof ConnectorError)) throw error;
    const stalls = error.code === 'InvalidConfiguration' || error.code === 'Unsupported';
    return {
      outcome: stalls ? 'Stalled' : 'Failed',
      message: error.message,
      code: error.code,
      result: undefined,
    };
  }
}

interface OpenedRun extends RunMappingOptions {
  readonly row: number;
  readonly sequence: number;
  readonly startedAt: number;
}

async function openAndRun(one: LinkedMapping, options: OpenedRun, signal: AbortSignal): Promise<Ended> {
  await using opened = await openMapping(one, options, signal);
  const { source, target, parsed } = opened;
  if (parsed.kind === 'Invalid') {
    const message = parsed.problems.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join('; ');
    return { outcome: 'Stalled', message, code: 'InvalidSpec', result: undefined };
  }
  const { definition, asks } = parsed;
  const missing = missingAccess(definition, asks, { Source: source, Target: target }, options.planning);
  if (missing !== undefined)
    return { outcome: 'Stalled', message: missing, code: 'ReadOnly', result: undefined };
  const effect = effectOf(one, definition, options);
  const result = await runEngine(one, { definition, effect }, { ...options, source, target }, signal);
  return { outcome: result.outcome, message: result.message, code: codeOf(result), result };
}

function codeOf(result: RunResult): string | undefined {
  if (result.outcome === 'Succeeded') return undefined;
  return result.trips[0]?.reason ?? (result.exceeded.length > 0 ? 'BudgetExceeded' : result.outcome);
}

function missingAccess(
  definition: Definition,
  asks: Readonly<Record<'Source' | 'Target', boolean>>,
  sessions: Readonly<Record<'Source' | 'Target', Session>>,
  planning: boolean,
): string | undefined {
  if (definition.mode === 'Observe' || planning) return undefined;
  for (const side of ['Source', 'Target'] as const) {
    if (!asks[side] || sessions[side].writer) continue;
    const { system } = sideOf(definition, side);
    return `the policy may write ManagedSystem ${system}, which is read-only; set its access: ReadWrite, or mode: Observe in the mapping`;
  }
  return undefined;
}

function effectOf(one: LinkedMapping, definition: Definition, { planning }: OpenedRun): RunRequest['effect'] {
  if (!planning) return definition.mode === 'Enforce' ? 'Apply' : 'Observe';
  return isRepository(one.target) || isRepository(one.source) ? 'Pretend' : 'Observe';
}

function isRepository({ system }: LinkedSide): boolean {
  return system.object.spec.type === 'Repository';
}

async function runEngine(
  one: LinkedMapping,
  { definition, effect }: { readonly definition: Definition; readonly effect: RunRequest['effect'] },
  options: OpenedRun & { readonly source: Session; readonly target: Session },
  signal: AbortSignal,
): Promise<RunResult> {
  const { state, clock, sequence, only } = options;
  const forgottenBefore = options.startedAt - FORGET_AFTER_MS;
  const memory = new SqliteMemory(state.database, {
    mapping: options.row,
    ends: endsOf(one),
    run: sequence,
    forgottenBefore,
  });
  const { approvedPlan } = definition;
  if (effect === 'Apply' && approvedPlan !== undefined)
    new Approvals(state.database, options.row).noteSpecified(approvedPlan, options.startedAt);
  using spools = new DisposableStack();
  const request = {
    sequence,
    effect,
    recordsAll: options.recordsAll,
    inFull: options.recordsAll,
    only: only && { side: only.side, key: keyOfId(only.id, sideOf(definition, only.side).schema) },
  };
  return await run(
    definition,
    request,
    {
      source: overlaid(options.source, one.source, effect),
      target: overlaid(options.target, one.target, effect),
      memory,
      digest: state.digest,
      clock,
      newSpool: <T>(form: SpoolForm<T>) => spools.use(new FileSpool(form)),
      newId: randomUUID,
      progress: (progress) => options.progress(one.key, progress),
    },
    signal,
  );
}

/** While planning only a Repository, which is a copy then, may be written. */
function overlaid(session: Session, side: LinkedSide, effect: RunRequest['effect']): Session {
  return effect === 'Pretend' && !isRepository(side) ? withWriter(session, undefined) : session;
}
