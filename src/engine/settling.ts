/** Which writes leave nothing to look at, so that the pair is quiet from then on. */
import type { AttributeRule, Definition, PolicyRule, Response } from './definition.ts';

/** Whether nothing is left to look at when such a write was Applied. */
export interface Settling {
  readonly update: boolean;
  readonly create: boolean;
}

/**
 * Not where a rule is asked of every Confirmed pair, where a value or the scope depends on what is written, or
 * where an attribute is compared that the write does not touch: such a pair is looked at once more.
 */
export function settlingOf({ rules, outbound, inbound, target }: Definition): Settling {
  const ofEveryPair: readonly Response[] = ['DisableTarget', 'EnableTarget', 'Unlink'];
  const isAsked = (rule: PolicyRule): boolean =>
    rule.situations.includes('Confirmed') && rule.change === undefined && ofEveryPair.includes(rule.response);
  const movesScope = outbound.some((rule) => target.where?.reads.target.has(rule.attribute.name));
  const looksAgain = rules.some(isAsked) || outbound.some(readsTarget) || movesScope;
  const update = !looksAgain && !inbound.some((rule) => rule.onUpdate);
  const writesAll = outbound.every((rule) => rule.onCreate || !rule.onUpdate);
  return { update, create: update && writesAll && target.where === undefined };
}

function readsTarget({ when, origin }: AttributeRule): boolean {
  const expressions =
    origin.kind === 'Expression'
      ? [origin.expression]
      : origin.kind === 'Name'
        ? [origin.rdn, origin.parent]
        : [];
  return [...expressions, when].some((one) => (one?.reads.target.size ?? 0) > 0);
}
