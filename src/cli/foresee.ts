/** What the next run would do about one entry, played on a copy of the state. Writes nothing. */
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import type { EntryRecord } from '../engine/entry-record.ts';
import { runMapping } from '../runner/run-mapping.ts';
import { Records } from '../store/records.ts';
import { openOverlay, type State } from '../store/state.ts';
import type { Project } from './project.ts';
import { systemClock } from './roll-call.ts';

interface Only {
  readonly side: 'Source' | 'Target';
  readonly id: string;
}

export interface Foreseen {
  readonly summary: RunSummary;
  readonly records: readonly EntryRecord[];
}

export async function foresee(
  one: LinkedMapping,
  only: Only,
  project: Project,
  signal: AbortSignal,
): Promise<Foreseen> {
  using state = await openOverlay(project.stateFolder);
  return await foreseeOn(state, one, { only, project }, signal);
}

/** On a copy of the state that is there already. */
export async function foreseeOn(
  state: State,
  one: LinkedMapping,
  { only, project }: { readonly only: Only; readonly project: Project },
  signal: AbortSignal,
): Promise<Foreseen> {
  const options = {
    expressions: project.expressions,
    references: project.manifests,
    state,
    clock: systemClock,
    planning: true,
    recordsAll: true,
    only,
    trigger: 'Manual',
    progress: () => undefined,
  };
  const summary = await runMapping(one, options, signal);
  return { summary, records: [...new Records(state.database, summary.sequence).all()] };
}
