/** Whether a held plan is to be released now: named by the annotation or in the spec, and not tried before. Pure. */
import { approvePlanAnnotation } from '../api/names.ts';
import type { ReconMapping } from '../api/recon-mapping.ts';
import type { MappingState } from './mapping-state.ts';

export function approvalOf(
  { metadata, spec }: ReconMapping,
  { status, ranGeneration }: Pick<MappingState, 'status' | 'ranGeneration'>,
): string | undefined {
  const held = status.plan?.digest;
  if (held === undefined) return undefined;
  const annotated =
    metadata.annotations?.[approvePlanAnnotation] === held && held !== status.lastHandledApproval;
  // A run of this generation had it: what is held still is held for another reason.
  const specified = spec.approvedPlan === held && ranGeneration !== metadata.generation;
  return annotated || specified ? held : undefined;
}
