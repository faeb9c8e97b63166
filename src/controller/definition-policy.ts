/** Policy rules, and what is refused when a policy is read (SITUATIONS.md, "Responses"). */
import type { PolicyRule as RuleSpec } from '../api/situation-policy.ts';
import { RESPONSES } from '../engine/defaults.ts';
import { SITUATIONS, type PolicyRule, type Response, type Situation } from '../engine/definition.ts';
import { parseDuration } from '../lib/duration.ts';
import type { ParseContext } from './definition-attributes.ts';
import type { SituationPolicy } from '../api/situation-policy.ts';

export interface PolicyContext extends ParseContext {
  readonly policy?: SituationPolicy | undefined;
}

export function parsePolicy(rules: readonly RuleSpec[], context: PolicyContext): PolicyRule[] {
  const { problems, source, target, policy } = context;
  const parsed = rules.map((rule, at): PolicyRule => {
    const sides = { source: source.schema, target: target.schema };
    const when = problems.compile(
      rule.when,
      ['spec', 'rules', at, 'when'],
      { sides, also: ['link', 'mapping', 'changed', 'now'], result: 'Condition' },
      policy,
    );
    return {
      name: rule.name,
      situations: rule.situations,
      change: rule.change,
      when,
      after: rule.after === undefined ? undefined : parseDuration(rule.after),
      response: rule.response,
      event: rule.event,
      evenIfNeverLinked: rule.evenIfNeverLinked ?? false,
    };
  });
  for (const { at, message } of policyProblems(rules)) problems.add(['spec', 'rules', at], message, policy);
  return parsed;
}

export interface PolicyProblem {
  /** Index of the rule. */
  readonly at: number;
  readonly message: string;
}

/** What a policy says against itself; needs no system and no mapping. */
export function policyProblems(rules: readonly RuleSpec[]): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const [at, rule] of rules.entries()) {
    for (const situation of rule.situations) {
      const { allowed } = RESPONSES[situation];
      if (!allowed.includes(rule.response)) {
        problems.push({
          at,
          message: `rule '${rule.name}': ${rule.response} is not allowed for ${situation}; allowed are ${allowed.join(', ')}`,
        });
      }
    }
    const covering = coveredBy(rule, rules.slice(0, at));
    if (covering !== undefined) {
      problems.push({
        at,
        message: `rule '${rule.name}' can never be reached: the earlier rule '${covering}' takes everything; remove one of them or move it up`,
      });
    }
    const turn = takesTurns(rule, rules);
    if (turn !== undefined) problems.push({ at, message: `rule '${rule.name}': ${turn}` });
  }
  return problems;
}

/** Every response that the policy can give, rules and defaults. */
export function responsesOf(
  rules: readonly Pick<
    PolicyRule,
    'situations' | 'change' | 'when' | 'after' | 'response' | 'evenIfNeverLinked'
  >[],
): Response[] {
  const responses = new Set(rules.map((rule) => rule.response));
  for (const situation of SITUATIONS) {
    const settled = rules.some(
      (rule) => rule.situations.includes(situation) && isUnconditional(rule) && takesAll(rule, situation),
    );
    if (!settled) responses.add(RESPONSES[situation].byDefault);
  }
  return [...responses];
}

type Conditions = Readonly<{
  change?: unknown;
  when?: unknown;
  after?: unknown;
  response: Response;
  evenIfNeverLinked?: boolean | undefined;
}>;

function isUnconditional(rule: Conditions): boolean {
  return rule.change === undefined && rule.when === undefined && rule.after === undefined;
}

const BY_ATTRIBUTE: readonly Response[] = ['UpdateTarget', 'UpdateSource'];

/** Leaves nothing of the situation to later rules or the default. */
function takesAll(rule: Conditions, situation: Situation): boolean {
  if (RESPONSES[situation].guarded.includes(rule.response) && !rule.evenIfNeverLinked) return false;
  return situation !== 'Confirmed' || !BY_ATTRIBUTE.includes(rule.response);
}

function coveredBy(rule: RuleSpec, earlier: readonly RuleSpec[]): string | undefined {
  const covering = rule.situations.map((situation) => earlier.find((one) => covers(one, rule, situation)));
  return covering.every((one) => one !== undefined) ? covering[0]?.name : undefined;
}

const OF_EVERY_PAIR: readonly Response[] = ['DisableTarget', 'EnableTarget', 'Unlink'];

function covers(earlier: RuleSpec, rule: RuleSpec, situation: Situation): boolean {
  if (!earlier.situations.includes(situation) || earlier.when !== undefined || earlier.after !== undefined)
    return false;
  if (earlier.change !== undefined && earlier.change !== rule.change) return false;
  return situation === 'Confirmed' ? coversPair(earlier, rule) : takesAll(earlier, situation);
}

/** Confirmed is decided attribute by attribute, so a rule takes only what is decided in the same way. */
function coversPair(earlier: RuleSpec, rule: RuleSpec): boolean {
  if (OF_EVERY_PAIR.includes(earlier.response)) return earlier.change === undefined;
  const whole = OF_EVERY_PAIR.includes(rule.response) || rule.response === 'Fail';
  return earlier.response === rule.response || (!whole && !BY_ATTRIBUTE.includes(earlier.response));
}

interface Turn {
  readonly situation: Situation;
  readonly response: Response;
  readonly next: Situation;
  readonly responses: readonly Response[];
}

/** Pairs that would take turns for ever. */
const TURNS: readonly Turn[] = [
  { situation: 'Found', response: 'DeleteTarget', next: 'Absent', responses: ['CreateTarget'] },
  {
    situation: 'Confirmed',
    response: 'Unlink',
    next: 'Found',
    responses: ['UpdateTarget', 'UpdateSource', 'Link'],
  },
];

/** Whom every pair that `rule` is done with comes to; of a link that every pair loses, also whom only some come to. */
function isAnswer(one: RuleSpec, rule: RuleSpec, { response, responses }: Turn): boolean {
  if (isUnconditional(one) || one.when === rule.when) return true;
  return response === 'Unlink' && isUnconditional(rule) && responses.includes(one.response);
}

function takesTurns(rule: RuleSpec, rules: readonly RuleSpec[]): string | undefined {
  for (const turn of TURNS) {
    if (rule.response !== turn.response || !rule.situations.includes(turn.situation)) continue;
    const answer = rules.find((one) => one.situations.includes(turn.next) && isAnswer(one, rule, turn));
    const response = answer?.response ?? RESPONSES[turn.next].byDefault;
    if (!turn.responses.includes(response)) continue;
    const who = answer ? `rule '${answer.name}'` : 'the default';
    return `${turn.situation}: ${turn.response} and ${turn.next}: ${response} (${who}) would take turns for ever; give ${turn.next} another response`;
  }
  return undefined;
}
