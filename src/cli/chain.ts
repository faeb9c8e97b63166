/**
 * The order of mappings and the chain: a run that has written to a system makes every mapping that reads it as a
 * source due at once, until nothing is due any more. A chain that does not settle is reported and stops.
 */
import { keyOf } from '../controller/definition-side.ts';
import { attributesWritten, Records } from '../store/records.ts';
import type { State } from '../store/state.ts';
import type { LinkedMapping, LinkedSide } from '../controller/linked-mapping.ts';
import type { RunSummary } from '../controller/run-summary.ts';

/** How often a mapping runs in one chain before the chain counts as not settling. */
const MAX_RUNS = 3;

export interface ChainResult {
  readonly runs: readonly RunSummary[];
  /** The mappings that were due once more, with the attributes that their last run wrote. */
  readonly notSettling: readonly { readonly mapping: string; readonly attributes: readonly string[] }[];
}

/** Who writes a system comes before who reads it; else by name. */
function inChainOrder(mappings: readonly LinkedMapping[]): LinkedMapping[] {
  const sorted = mappings.toSorted((one, other) => (one.key < other.key ? -1 : 1));
  const ordered: LinkedMapping[] = [];
  const visiting = new Set<LinkedMapping>();
  const visit = (one: LinkedMapping): void => {
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
  mappings: readonly LinkedMapping[],
  runOne: (one: LinkedMapping, trigger: string) => Promise<RunSummary>,
  state: State,
  signal: AbortSignal,
): Promise<ChainResult> {
  const ordered = inChainOrder(mappings);
  const due = new Set(ordered);
  const counts = new Map<LinkedMapping, number>();
  const runs: RunSummary[] = [];
  const stuck = new Map<LinkedMapping, RunSummary>();
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
    attributes: attributesWritten(new Records(state.database, summary.sequence).kinds()),
  }));
  return { runs, notSettling };
}

function wokenBy(one: LinkedMapping, { result }: RunSummary, all: readonly LinkedMapping[]): LinkedMapping[] {
  const written = new Set<string>();
  if (result?.wrote.Target) written.add(systemOf(one.target));
  if (result?.wrote.Source) written.add(systemOf(one.source));
  return all.filter((other) => written.has(systemOf(other.source)));
}

/** Mappings whose withdrawals waited for this one to look: all others of their target object have looked since. */
function releasedBy(
  one: LinkedMapping,
  runs: readonly RunSummary[],
  all: readonly LinkedMapping[],
): LinkedMapping[] {
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

function systemOf({ system }: LinkedSide): string {
  return keyOf(system.object);
}
