/** Shared targets: Delete and Disable are reduced to Unlink while another source entry or mapping has the target. */
import type { Decision } from './decide.ts';
import type { Situation } from './definition.ts';
import type { PairView } from './plan-context.ts';
import type { Memory } from './ports.ts';

const LOST: readonly Situation[] = ['SourceMissing', 'SourceDeleted', 'Unqualified'];

export function reduce(decision: Decision, view: PairView, memory: Memory): Decision {
  const withdraws = decision.response === 'DeleteTarget' || decision.response === 'DisableTarget';
  if (!withdraws || !LOST.includes(view.situation)) return decision;
  const because = claimOn(view, memory);
  if (because === undefined) return decision;
  const note = `${decision.response} is reduced to Unlink: ${because}`;
  return { ...decision, response: 'Unlink', passedOver: [...decision.passedOver, note] };
}

function claimOn({ judged: { wanted, target } }: PairView, memory: Memory): string | undefined {
  if (wanted) return 'another source entry wants the target';
  const holder = target && memory.holder(target.key);
  return holder === undefined ? undefined : `still held by ${holder}`;
}
