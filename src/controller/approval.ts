/** Whether a held plan is to be released now: named by the annotation or in the spec, and not tried before. */
import { approvePlanAnnotation } from '../api/names.ts';
import type { ReconMapping } from '../api/recon-mapping.ts';
import type { Told } from './mapping-events.ts';
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

/** Told once for each value: whoever approves something that is not held is not to wait for it. */
export function unknownApproval({ metadata }: ReconMapping, state: MappingState): Told | undefined {
  const digest = metadata.annotations?.[approvePlanAnnotation];
  const { plan, lastHandledApproval } = state.status;
  if (digest === undefined || [plan?.digest, lastHandledApproval, state.toldUnknownApproval].includes(digest))
    return undefined;
  state.toldUnknownApproval = digest;
  const held = plan ? `held is ${plan.digest}` : 'nothing is held';
  const note = `${approvePlanAnnotation} names no plan that is held here: ${held}`;
  return { type: 'Warning', reason: 'ApprovalIgnored', action: 'Approve', note };
}
