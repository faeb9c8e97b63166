/** The last lines about a run: what is held and how it is released, and what has to be done for a plan to become true. */
import { keyOf } from '../controller/definition-side.ts';
import type { LinkedMapping, LinkedSide } from '../controller/linked-mapping.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import type { RunResult } from '../engine/run-ports.ts';
import { nextCommand } from './next-command.ts';
import { placeOf } from './places.ts';
import type { Project } from './project.ts';

export interface ClosingContext {
  readonly project: Project;
  /** Digests made without state release nothing. */
  readonly isPublic: boolean;
  readonly planning: boolean;
}

export function closingLines(summary: RunSummary, context: ClosingContext): string[] {
  const { result, mapping, mode } = summary;
  if (!result) return [];
  const one = context.project.mappings.find(({ key }) => key === mapping);
  const pending = result.totals.pending > 0;
  const isDone = result.totals.planned === 0 && result.totals.failed === 0;
  return [
    ...heldLines(summary, context),
    ...(pending && one && (mode === 'Observe' || context.planning)
      ? [applyLine(one, writesEntries(result), context)]
      : []),
    ...(isDone ? ['nothing to do: what is linked is as it should be'] : []),
  ];
}

function heldLines({ result, mapping }: RunSummary, { project, isPublic }: ClosingContext): string[] {
  if (!result?.plan) return [];
  const { digest, expiresAt } = result.plan;
  const until = new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ');
  const command = nextCommand('approve', project.directory, '--mapping', mapping, '--plan', digest);
  const way = isPublic
    ? 'made without state: its digest cannot be approved, run decides'
    : `release it with: ${command} (until ${until} UTC)`;
  return [`held plan of ${result.heldOperations} operations; ${way}`];
}

/** Links are ours: they need nobody's leave to write. */
function writesEntries({ effects }: RunResult): boolean {
  return effects.some(({ effect, planned }) => planned > 0 && effect !== 'Link' && effect !== 'Unlink');
}

/** Everything that stands between the plan and its writes, so that nobody has to find it out step by step. */
function applyLine(one: LinkedMapping, writes: boolean, { project }: ClosingContext): string {
  const { object } = one.mapping;
  const written = [one.target, ...((object.spec.inbound ?? []).length > 0 ? [one.source] : [])];
  const closed = written.filter((side) => writes && side.system.object.spec.access !== 'ReadWrite');
  const mode = `spec.mode: Enforce in ReconMapping ${one.key}${placeOf(project, object, ['spec', 'mode'])}`;
  const fields = [
    ...closed.map((side) => accessOf(side, project)),
    ...(object.spec.mode === 'Observe' ? [mode] : []),
  ];
  const command = `${nextCommand('run', project.directory)}${followers(one.key, project)}`;
  if (fields.length === 0) return `nothing was written; this applies it: ${command}`;
  return `nothing was written; to apply it, set ${fields.join(', and ')}, then: ${command}`;
}

function accessOf({ system }: LinkedSide, project: Project): string {
  const place = placeOf(project, system.object, ['spec', 'access']);
  return `spec.access: ReadWrite in ManagedSystem ${keyOf(system.object)}${place}`;
}

/** Only a Repository can be planned through: mappings behind another system would follow, and are not shown. */
function followers(mapping: string, { mappings }: Project): string {
  const written = mappings.find((one) => one.key === mapping)?.target.system.object;
  if (!written || written.spec.type === 'Repository') return '';
  const follow = mappings.filter((one) => one.source.system.object === written).map((one) => one.key);
  return follow.length === 0 ? '' : `; ${follow.join(', ')} would follow`;
}
