/**
 * The order of mappings and the chain: a run that has written to a system makes every mapping that reads it as a
 * source due at once, until nothing is due any more. A chain that does not settle is reported and stops.
 */
import { keyOf } from '../controller/definition-side.ts';
import { Runs } from '../store/runs.ts';
import type { State } from '../store/state.ts';
import type { ProjectMapping, ProjectSide } from './project.ts';
import type { RunSummary } from './run-document.ts';

/** How often a mapping runs in one chain before the chain counts as not settling. */
const MAX_RUNS = 3;

export interface ChainResult {
  readonly runs: readonly RunSummary[];
  /** The mappings that were due once more, with the attributes that their last run wrote. */
  readonly notSettling: readonly { readonly mapping: string; readonly attributes: readonly string[] }[];
}

/** Who writes a system comes before who reads it; else by name. */
function inChainOrder(mappings: readonly ProjectMapping[]): ProjectMapping[] {
  const sorted = mappings.toSorted((one, other) => (one.key < other.key ? -1 : 1));
  const ordered: ProjectMapping[] = [];
  const visiting = new Set<ProjectMapping>();
  const visit = (one: ProjectMapping): void => {
    if (visiting.has(one)) return;
    visiting.add(one);
    for (const other of sorted)
      if (other !== one && systemOf(other.target) === systemOf(one.source)) visit(other);
    ordered.push(one);
  };
  for (const one of sorted) visit(one);
  return ordered;
}

export async function runChain(
  mappings: readonly ProjectMapping[],
  runOne: (one: ProjectMapping, trigger: string) => Promise<RunSummary>,
  state: State,
  signal: AbortSignal,
): Promise<ChainResult> {
  const ordered = inChainOrder(mappings);
  const due = new Set(ordered);
  const counts = new Map<ProjectMapping, number>();
  const runs: RunSummary[] = [];
  const stuck = new Map<ProjectMapping, RunSummary>();
  while (!signal.aborted) {
    const next = ordered.find((one) => due.has(one));
    if (!next) break;
    due.delete(next);
    const count = counts.get(next) ?? 0;
    const last = runs.findLast((one) => one.mapping === next.key);
    if (count >= MAX_RUNS && last) {
      stuck.set(next, last);
      continue;
    }
    counts.set(next, count + 1);
    const summary = await runOne(next, count === 0 ? 'Manual' : 'Chain');
    runs.push(summary);
    for (const one of wokenBy(next, summary, ordered)) due.add(one);
    for (const one of releasedBy(next, runs, ordered)) due.add(one);
  }
  const notSettling = [...stuck].map(([one, summary]) => ({
    mapping: one.key,
    attributes: attributesWritten(summary, state),
  }));
  return { runs, notSettling };
}

function wokenBy(
  one: ProjectMapping,
  { result }: RunSummary,
  all: readonly ProjectMapping[],
): ProjectMapping[] {
  const written = new Set<string>();
  if (result?.wrote.Target) written.add(systemOf(one.target));
  if (result?.wrote.Source) written.add(systemOf(one.source));
  return all.filter((other) => written.has(systemOf(other.source)));
}

/** Mappings whose withdrawals waited for this one to look: all others of their target object have looked since. */
function releasedBy(
  one: ProjectMapping,
  runs: readonly RunSummary[],
  all: readonly ProjectMapping[],
): ProjectMapping[] {
  return all.filter((other) => {
    if (!other.siblings.includes(one.key)) return false;
    const last = runs.findLast((run) => run.mapping === other.key);
    if (!last?.result?.waits) return false;
    const since = (key: string): number => runs.findLast((run) => run.mapping === key)?.sequence ?? -1;
    return other.siblings.every(
      (sibling) => since(sibling) > last.sequence || !all.some((known) => known.key === sibling),
    );
  });
}

function systemOf({ system }: ProjectSide): string {
  return keyOf(system.object);
}

function attributesWritten({ sequence }: RunSummary, { database }: State): string[] {
  const names = new Set<string>();
  for (const record of new Runs(database).entries(sequence)) {
    if (record.outcome === 'Applied') for (const { attribute } of record.differences) names.add(attribute);
  }
  return [...names].toSorted();
}
