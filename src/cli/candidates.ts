/** Whom correlation finds for a source entry: the accounts that carry its key, by the first rule that finds any. */
import type { CorrelationRule, Definition } from '../engine/definition.ts';
import { valuesOf, type Entry } from '../engine/entry.ts';
import { sourceValues } from '../engine/examine.ts';
import { normalise } from '../engine/matching.ts';
import type { OpenSide } from '../engine/ports.ts';

/** How many are named. */
const MANY = 5;

export interface Candidates {
  /** Undefined: no rule finds anybody. */
  readonly rule: string | undefined;
  readonly entries: readonly Entry[];
  readonly more: number;
}

interface CandidatesInput {
  readonly definition: Definition;
  readonly target: OpenSide;
  readonly now: number;
}

export async function candidatesOf(
  source: Entry,
  { definition, target, now }: CandidatesInput,
  signal: AbortSignal,
): Promise<Candidates> {
  const rules = definition.correlate.map((rule) => ({
    rule,
    keys: keysOf(rule, source, definition, now),
    entries: [] as Entry[],
    count: 0,
  }));
  const isKeyless = rules.every(({ keys }) => keys.size === 0);
  for await (const batch of isKeyless ? [] : target.read(definition.target.request, signal)) {
    for (const one of rules) {
      const hits = batch.filter((entry) => carries(entry, one.rule, one.keys, definition));
      one.count += hits.length;
      one.entries.push(...hits.slice(0, MANY - one.entries.length));
    }
  }
  const found = rules.find(({ count }) => count > 0);
  if (!found) return { rule: undefined, entries: [], more: 0 };
  return { rule: nameOf(found.rule), entries: found.entries, more: found.count - found.entries.length };
}

function keysOf(
  rule: CorrelationRule,
  source: Entry,
  { source: side }: Definition,
  now: number,
): Set<string> {
  const found = sourceValues(rule, source, side, now);
  const values = found.kind === 'Values' ? found.values : [];
  return new Set(values.map((value) => normalise(value, rule.target.match)).filter((key) => key !== ''));
}

function carries(
  entry: Entry,
  { target }: CorrelationRule,
  keys: ReadonlySet<string>,
  { target: side }: Definition,
): boolean {
  return valuesOf(entry, target.name, side.schema).some((value) => keys.has(normalise(value, target.match)));
}

function nameOf({ source, target }: CorrelationRule): string {
  return `${source.kind === 'Attribute' ? source.name : source.expression.text} = ${target.name}`;
}
