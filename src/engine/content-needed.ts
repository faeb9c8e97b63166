/** Whose content has to be known before planning, of those that came to the work list without it. */
import { decide } from './decide.ts';
import type { Definition, Situation } from './definition.ts';
import type { Item } from './item.ts';
import type { Judged } from './judged.ts';
import { isPassive } from './plan-context.ts';
import type { SinceClocks } from './since.ts';

export interface NeedContext {
  readonly definition: Definition;
  readonly clocks: SinceClocks;
  readonly now: number;
}

/** Both ends of the pairs about which something is to be done, where they were not decoded. */
export function withoutContent(judged: readonly Judged[], context: NeedContext): Item[] {
  const needed: Item[] = [];
  for (const one of judged) {
    const isBare = lacksContent(one.source) || lacksContent(one.target);
    if (!isBare || !isActedOn(one, context)) continue;
    for (const item of [one.source, one.target]) if (item && lacksContent(item)) needed.push(item);
  }
  return needed;
}

function lacksContent(item: Item | undefined): boolean {
  return item !== undefined && item.unlinked !== -1 && item.handle === undefined;
}

function isActedOn(judged: Judged, { definition, clocks, now }: NeedContext): boolean {
  const situation = judged.verdict?.situation;
  if (situation === undefined) return false;
  if (situation === 'Confirmed' || asksContent(definition, situation)) return true;
  const neverLinked = judged.pair === undefined;
  const decided = decide(definition, {
    situation,
    scope: { now },
    neverLinked,
    since: clocks.sinceOf(judged),
  });
  return decided.kind === 'Failed' || !isPassive(decided.decision);
}

/** A rule for the situation has a condition, which is asked of the entries. */
export function asksContent({ rules }: Definition, situation: Situation): boolean {
  return rules.some((rule) => rule.when !== undefined && rule.situations.includes(situation));
}
