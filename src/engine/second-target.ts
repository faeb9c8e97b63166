/**
 * Unlinking a Confirmed pair that correlation would not find again, under a policy that then creates, would make a
 * second target, and one more in every run. It is refused, entry by entry: whether it does depends on the data.
 */
import { sharesKey } from './correlate.ts';
import { decide } from './decide.ts';
import type { Situation } from './definition.ts';
import type { Entry } from './entry.ts';
import { sourceValues } from './examine.ts';
import type { PlanContext } from './plan-context.ts';

export interface UnlinkedPair {
  readonly situation: Situation;
  readonly source: Entry | undefined;
  readonly target: Entry | undefined;
}

export function makesSecondTarget(
  { situation, source, target }: UnlinkedPair,
  context: Pick<PlanContext, 'definition' | 'now'>,
): boolean {
  if (situation !== 'Confirmed' || !source || !target) return false;
  const { definition, now } = context;
  const isFoundOrFails = definition.correlate.some(
    (rule) =>
      sourceValues(rule, source, definition.source, now).kind === 'Failed' ||
      sharesKey(rule, source, target, context),
  );
  if (isFoundOrFails) return false;
  const absent = { situation: 'Absent', scope: { source, now }, neverLinked: true, since: now } as const;
  const decided = decide(definition, absent);
  return decided.kind === 'Decided' && decided.decision.response === 'CreateTarget';
}
