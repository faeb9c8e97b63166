/** The annotation that releases a held plan: what it names, and whether that is held here. */
import { approvePlanAnnotation } from '../api/names.ts';
import type { Told } from './mapping-events.ts';
import type { MappingState } from './mapping-state.ts';
import type { ClusterObject } from './ports.ts';

/** Its digest where it names what is held, and was not used before. */
export function approvalOf({ metadata }: ClusterObject, { status }: MappingState): string | undefined {
  const digest = metadata.annotations?.[approvePlanAnnotation];
  return digest === status.plan?.digest && digest !== status.lastHandledApproval ? digest : undefined;
}

/** Told once for each value: whoever approves something that is not held is not to wait for it. */
export function unknownApproval({ metadata }: ClusterObject, state: MappingState): Told | undefined {
  const digest = metadata.annotations?.[approvePlanAnnotation];
  const { plan, lastHandledApproval } = state.status;
  if (digest === undefined || [plan?.digest, lastHandledApproval, state.toldUnknownApproval].includes(digest))
    return undefined;
  state.toldUnknownApproval = digest;
  const held = plan ? `held is ${plan.digest}` : 'nothing is held';
  const note = `${approvePlanAnnotation} names no plan that is held here: ${held}`;
  return { type: 'Warning', reason: 'ApprovalIgnored', action: 'Approve', note };
}
