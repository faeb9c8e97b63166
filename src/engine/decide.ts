/** Situation → response: rules in order, the first that fits wins, and what was passed over says why. Pure. */
import type { Author, Definition, PolicyRule, Response, Scope, Situation } from './definition.ts';
import { RESPONSES } from './defaults.ts';
import type { Difference } from './compare.ts';
import type { RecordedError } from './entry-record.ts';

export interface DecisionInput {
  readonly situation: Situation;
  readonly scope: Scope;
  /** The pair has no link: `evenIfNeverLinked` is asked. */
  readonly neverLinked: boolean;
  /** Milliseconds since 1970 of the first run that saw this situation of this entry. */
  readonly since: number;
}

export interface Decision {
  readonly response: Response;
  readonly rule: PolicyRule | undefined;
  readonly passedOver: readonly string[];
}

export type Decided =
  | { readonly kind: 'Decided'; readonly decision: Decision }
  | { readonly kind: 'Failed'; readonly error: RecordedError };

/** For every situation but Confirmed. */
export function decide(definition: Definition, input: DecisionInput): Decided {
  const passedOver: string[] = [];
  for (const rule of definition.rules) {
    if (!rule.situations.includes(input.situation)) continue;
    const fit = fits(rule, input);
    if (fit.kind === 'Failed') return fit;
    if (fit.kind === 'Fits')
      return { kind: 'Decided', decision: { response: rule.response, rule, passedOver } };
    passedOver.push(`${rule.name}: ${fit.because}`);
  }
  const response = RESPONSES[input.situation].byDefault;
  return { kind: 'Decided', decision: { response, rule: undefined, passedOver } };
}

type Fit =
  | { readonly kind: 'Fits' }
  | { readonly kind: 'PassedOver'; readonly because: string }
  | { readonly kind: 'Failed'; readonly error: RecordedError };

const FITS: Fit = { kind: 'Fits' };

function fits(rule: PolicyRule, input: DecisionInput): Fit {
  const guarded = RESPONSES[input.situation].guarded.includes(rule.response);
  if (guarded && input.neverLinked && !rule.evenIfNeverLinked) {
    return { kind: 'PassedOver', because: 'the entry was never linked, and evenIfNeverLinked is not set' };
  }
  if (rule.after !== undefined && input.scope.now - input.since < rule.after) {
    const [lasted, asked] = [input.scope.now - input.since, rule.after].map(hours);
    return { kind: 'PassedOver', because: `the situation has lasted ${lasted}, the rule asks for ${asked}` };
  }
  if (!rule.when) return FITS;
  const result = rule.when.evaluate(input.scope);
  if (result.kind === 'Failed') {
    return {
      kind: 'Failed',
      error: {
        code: 'ExpressionFailed',
        attribute: null,
        rule: rule.name,
        message: `when: ${result.message}`,
      },
    };
  }
  return result.values[0] === 'true' ? FITS : { kind: 'PassedOver', because: 'when is false' };
}

function hours(milliseconds: number): string {
  return `${Math.floor(milliseconds / 36_000) / 100} h`;
}

/** Some differences of a Confirmed pair, and the one response that they get. */
export interface Share {
  readonly decision: Decision;
  readonly differences: readonly Difference[];
}

export type ConfirmedDecision =
  | { readonly kind: 'InSync'; readonly passedOver: readonly string[] }
  /** A response for the whole entry. */
  | { readonly kind: 'Whole'; readonly share: Share }
  | { readonly kind: 'ByAttribute'; readonly shares: readonly Share[] }
  | { readonly kind: 'Failed'; readonly error: RecordedError };

const WHOLE: readonly Response[] = ['DisableTarget', 'EnableTarget', 'Unlink', 'Fail'];

export interface ConfirmedInput extends DecisionInput {
  readonly differences: readonly Difference[];
  /** The target carries our disable mark: a difference of the account state, author SourceChanged. */
  readonly marked: boolean;
}

/** Confirmed: a rule with `change` takes that author's attributes, one without takes what is left. */
export function decideConfirmed(definition: Definition, input: ConfirmedInput): ConfirmedDecision {
  const taken: Share[] = [];
  const passedOver: string[] = [];
  const open: Open = { left: input.differences, marked: input.marked };
  for (const rule of definition.rules) {
    if (!rule.situations.includes('Confirmed')) continue;
    const asked = isAsked(rule, open, input);
    if (!asked) continue;
    const fit = fits(rule, input);
    if (fit.kind === 'Failed') return fit;
    if (fit.kind === 'PassedOver') {
      passedOver.push(`${rule.name}: ${fit.because}`);
      continue;
    }
    const decision = { response: rule.response, rule, passedOver };
    if (WHOLE.includes(rule.response))
      return { kind: 'Whole', share: { decision, differences: input.differences } };
    take(rule, decision, open, taken);
  }
  takeRest(open, passedOver, taken);
  return taken.length === 0 ? { kind: 'InSync', passedOver } : { kind: 'ByAttribute', shares: merge(taken) };
}

interface Open {
  left: readonly Difference[];
  marked: boolean;
}

/** Disable, Enable and Unlink without `change` are asked of every pair, all else only of differences. */
function isAsked(rule: PolicyRule, open: Open, input: ConfirmedInput): boolean {
  const ofEveryPair: readonly Response[] = ['DisableTarget', 'EnableTarget', 'Unlink'];
  if (rule.change === undefined && ofEveryPair.includes(rule.response)) return true;
  const candidates =
    WHOLE.includes(rule.response) && rule.change !== undefined ? input.differences : open.left;
  const state = open.marked && takesState(rule.change, rule.response);
  return (
    state || candidates.some((difference) => rule.change === undefined || difference.author === rule.change)
  );
}

function takesState(change: Author | undefined, response: Response): boolean {
  return response !== 'UpdateSource' && (change === undefined || change === 'SourceChanged');
}

function take(rule: PolicyRule, decision: Decision, open: Open, taken: Share[]): void {
  const matches = (difference: Difference): boolean =>
    (rule.change === undefined || difference.author === rule.change) && canWrite(rule.response, difference);
  const differences = open.left.filter(matches);
  const state = open.marked && takesState(rule.change, rule.response);
  if (differences.length === 0 && !state) return;
  open.left = open.left.filter((difference) => !differences.includes(difference));
  if (state) open.marked = false;
  taken.push({ decision, differences });
}

function takeRest(open: Open, passedOver: readonly string[], taken: Share[]): void {
  const writable = open.left.filter((difference) => difference.outbound !== undefined);
  const response = RESPONSES.Confirmed.byDefault;
  if (writable.length > 0 || open.marked)
    taken.push({ decision: { response, rule: undefined, passedOver }, differences: writable });
  const rest = open.left.filter((difference) => difference.outbound === undefined);
  if (rest.length > 0)
    taken.push({ decision: { response: 'Report', rule: undefined, passedOver }, differences: rest });
}

/** An update takes what it has a rule for. */
export function canWrite(response: Response, difference: Difference): boolean {
  if (response === 'UpdateTarget') return difference.outbound !== undefined;
  return response !== 'UpdateSource' || difference.inbound.length > 0;
}

/** One share for each response: what several rules give to the same response is one operation. */
function merge(shares: readonly Share[]): Share[] {
  const merged = new Map<Response, Share>();
  for (const share of shares) {
    const { response } = share.decision;
    const known = merged.get(response);
    merged.set(
      response,
      known ? { ...known, differences: [...known.differences, ...share.differences] } : share,
    );
  }
  return [...merged.values()];
}
