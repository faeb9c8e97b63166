/** `rollcall run` and `rollcall plan`: the chain of mappings, its report, and the exit code. */
import type { Clock } from '../engine/ports.ts';
import { openOverlay, openState, type State } from '../store/state.ts';
import { runChain, type ChainResult } from './chain.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { runProblem, streamDocument, type ReportedProblem } from './output.ts';
import { progressReporter } from './progress.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import type { Project } from './project.ts';
import { writeReport } from './report.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import { runMapping, type RunMappingOptions } from '../runner/run-mapping.ts';

export const systemClock: Clock = { now: () => Date.now() };

export async function takeRollCall(project: Project, context: Context): Promise<number> {
  const { settings, signal, notes } = context;
  const planning = settings.command === 'plan';
  const chosen = choose(project, context);
  using state = planning
    ? await openOverlay(project.stateFolder)
    : openState(project.stateFolder, process.pid);
  const progress = progressReporter(notes, process.stderr.isTTY, () => systemClock.now());
  const options: Omit<RunMappingOptions, 'trigger'> = {
    expressions: project.expressions,
    references: project.manifests,
    state,
    clock: systemClock,
    planning,
    recordsAll: settings.all,
    only: onlyOf(settings),
    progress: (mapping, step) => progress.report(mapping, step),
  };
  const runOne = (one: LinkedMapping, trigger: string): Promise<RunSummary> =>
    runMapping(one, { ...options, trigger }, signal);
  const [single] = chosen;
  const chain: ChainResult =
    settings.mapping !== undefined && single
      ? { runs: [await runOne(single, 'Manual')], notSettling: [] }
      : await runChain(chosen, runOne, state, signal);
  progress.end();
  return await conclude(project, chain, state, context);
}

function onlyOf({ source, target }: Context['settings']): RunMappingOptions['only'] {
  if (source !== undefined) return { side: 'Source', id: source };
  return target === undefined ? undefined : { side: 'Target', id: target };
}

/** Namespace and name; the namespace may be left out. */
export function mappingKey(name: string): string {
  return name.includes('/') ? name : `default/${name}`;
}

export function findMapping(project: Project, name: string): LinkedMapping {
  const key = mappingKey(name);
  const found = project.mappings.find((one) => one.key === key);
  if (found) return found;
  const near = nearestName(
    key,
    project.mappings.map((one) => one.key),
  );
  const known = project.mappings.map((one) => one.key).join(', ') || 'none';
  throw new CommandFailure(
    EXIT.invalid,
    `there is no mapping '${key}'; ${near === undefined ? `there is ${known}` : `did you mean '${near}'?`}`,
  );
}

function choose(project: Project, { settings, notes }: Context): LinkedMapping[] {
  const chosen = settings.mapping === undefined ? project.mappings : [findMapping(project, settings.mapping)];
  if (chosen.length === 0) notes.write(`rollcall: there is no ReconMapping in ${project.directory}\n`);
  return chosen.filter((one) => {
    const { suspend } = one.mapping.object.spec;
    if (suspend) notes.write(`${one.key}: suspended (spec.suspend is true), left alone\n`);
    return !suspend;
  });
}

async function conclude(
  project: Project,
  { runs, notSettling }: ChainResult,
  state: State,
  context: Context,
): Promise<number> {
  const { settings, output } = context;
  const last = lastOfEach(runs);
  const problems: ReportedProblem[] = [
    ...last.map(runProblem).filter((one) => one !== undefined),
    ...notSettling.map(unsettled),
  ];
  const exitCode = exitCodeOf(last, notSettling.length > 0, context);
  for (const summary of last) noteEvidence(summary, context);
  if (settings.output === 'json') await streamDocument({ exitCode, problems, runs }, state, output);
  else writeReport({ project, runs, problems, state }, context);
  return exitCode;
}

function unsettled({ mapping, attributes }: ChainResult['notSettling'][number]): ReportedProblem {
  const which = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  const message = `the chain does not settle: ${mapping} was due a fourth time, its last run still wrote${which}; two mappings write against each other, decide which one owns the attribute`;
  return { file: null, line: null, path: null, rule: 'NotSettling', message, mapping };
}

/** What contradicts a read, with file and line or the server's limit: the document has only room for one word. */
function noteEvidence({ mapping, result, message: told }: RunSummary, { notes }: Context): void {
  for (const side of ['source', 'target'] as const) {
    const { reason, message } = result?.[side].evidence ?? {};
    if (message !== undefined && !told?.includes(message))
      notes.write(`${mapping}: ${side} read not complete: ${reason ?? ''}: ${message}\n`);
  }
}

/** A mapping may occur again; its last run is its state. */
function lastOfEach(runs: readonly RunSummary[]): RunSummary[] {
  return [...new Map(runs.map((one) => [one.mapping, one])).values()];
}

function exitCodeOf(
  last: readonly RunSummary[],
  notSettling: boolean,
  { stoppedBy, settings }: Context,
): number {
  const signal = stoppedBy();
  if (signal !== undefined) return signal;
  const bad = last.some(
    ({ outcome }) => outcome === 'Failed' || outcome === 'Stalled' || outcome === 'Degraded',
  );
  if (bad || notSettling) return EXIT.failed;
  const open = last.some(({ outcome, mode, result }) => {
    const observes = settings.command === 'plan' || mode === 'Observe';
    return outcome === 'Held' || (observes && (result?.totals.pending ?? 0) > 0);
  });
  return open ? EXIT.pending : EXIT.ok;
}
