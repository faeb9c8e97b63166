/** Correlation: which target entries a source entry without a partner may belong to, and who wants whom. */
import type { Hits } from './classify.ts';
import type { CorrelationRule, Definition } from './definition.ts';
import { valuesOf, type Entry } from './entry.ts';
import { normalise } from './matching.ts';
import { sourceValues } from './examine.ts';
import type { Item } from './item.ts';
import type { Roll } from './roll.ts';

/**
 * Target entries by their ordinal in the listing. The first rule with at least one hit decides; undefined: a rule
 * could not be evaluated before one had a hit.
 */
export function hitsOf(item: Item, { source, target, rules }: Correlating): readonly number[] | undefined {
  const keys = source.keysOf(item);
  for (let rule = 0; rule < rules; rule++) {
    if (rule === item.keysError?.rule) return undefined;
    const found = target.hits(keys.filter((key) => key.rule === rule));
    if (found.length > 0) return found;
  }
  return [];
}

/** Every entry that a source that could not be judged may have meant: the hits of all rules. */
export function possibleHitsOf(item: Item, { source, target }: Correlating): readonly number[] {
  return target.hits(source.keysOf(item));
}

interface Correlating {
  readonly source: Roll;
  readonly target: Roll;
  /** How many correlation rules there are. */
  readonly rules: number;
}

/** Which source entries want a target entry: counted, because one more than oneself is all that matters. */
export class Wants {
  readonly #byTarget: Map<number, { count: number; first: Item }> = new Map();

  add(source: Item, hits: readonly number[]): void {
    for (const ordinal of hits) {
      const known = this.#byTarget.get(ordinal);
      if (known) known.count++;
      else this.#byTarget.set(ordinal, { count: 1, first: source });
    }
  }

  by(ordinal: number, source: Item | undefined): 'Nobody' | 'ThisAlone' | 'Others' {
    const known = this.#byTarget.get(ordinal);
    if (!known) return 'Nobody';
    return known.count === 1 && known.first === source ? 'ThisAlone' : 'Others';
  }

  ordinals(): Iterable<number> {
    return this.#byTarget.keys();
  }
}

export interface HitsView {
  readonly target: Roll;
  readonly wants: Wants;
  readonly ownerOf: (link: number) => 'LinkedToPresent' | 'LinkedToLost' | 'Unjudged';
  /** A write to it is not settled yet. */
  readonly isUnsettled: (target: Item) => boolean;
}

export function describeHits(
  source: Item,
  hits: readonly number[],
  { target, wants, ownerOf, isUnsettled }: HitsView,
): Hits {
  const [only] = hits;
  if (only === undefined) return { kind: 'None' };
  if (hits.length > 1) return { kind: 'Several' };
  const item = target.itemAt(only);
  const link = target.linkAt(only);
  const isUnknown = item !== undefined && (item.state === 'Failed' || isUnsettled(item));
  const owner = isUnknown ? 'Unjudged' : link === -1 ? 'Free' : ownerOf(link);
  const inScope = item === undefined || item.state === 'InScope';
  return { kind: 'One', inScope, owner, wantedBy: wants.by(only, source) };
}

/** Hash equality only nominates: do the two really share a key under this rule? */
export function sharesKey(
  rule: CorrelationRule,
  source: Entry,
  target: Entry,
  context: SharesKeyContext,
): boolean {
  const result = sourceValues(rule, source, context.definition.source, context.now);
  if (result.kind === 'Failed') return false;
  const { match } = rule.target;
  const keys = new Set(
    valuesOf(target, rule.target.name, context.definition.target.schema).map((value) =>
      normalise(value, match),
    ),
  );
  return result.values.some((value) => keys.has(normalise(value, match)));
}

interface SharesKeyContext {
  readonly definition: Definition;
  readonly now: number;
}
