/** What one entry says of itself: is it in scope, is it marked deleted, which keys does it have. */
import type { CorrelationRule, Expression, Scope, SideDefinition } from './definition.ts';
import { valuesOf, type Entry, type Value } from './entry.ts';
import { hashKey } from './fingerprint.ts';
import type { Item, ItemState } from './item.ts';
import { normalise } from './matching.ts';
import type { Digest } from './ports.ts';
import type { RecordedError } from './entry-record.ts';

export interface ExamineContext {
  readonly digest: Digest;
  readonly now: number;
  readonly correlate: readonly CorrelationRule[];
}

export class Examiner {
  readonly #definition: SideDefinition;
  readonly #context: ExamineContext;

  constructor(definition: SideDefinition, context: ExamineContext) {
    this.#definition = definition;
    this.#context = context;
  }

  judge(entry: Entry): { state: ItemState; error: RecordedError | undefined } {
    const { deletedWhen, where } = this.#definition;
    const deleted = this.#test(deletedWhen, entry, 'deletedWhen');
    if (deleted.kind === 'Failed') return { state: 'Failed', error: deleted.error };
    if (deletedWhen && deleted.holds) return { state: 'DeletedMark', error: undefined };
    const inScope = this.#test(where, entry, 'where');
    if (inScope.kind === 'Failed') return { state: 'Failed', error: inScope.error };
    return { state: !where || inScope.holds ? 'InScope' : 'OutOfScope', error: undefined };
  }

  passesWhere(entry: Entry): boolean {
    const tested = this.#test(this.#definition.where, entry, 'where');
    return !this.#definition.where || (tested.kind === 'Tested' && tested.holds);
  }

  #test(
    condition: Expression | undefined,
    entry: Entry,
    field: string,
  ): { kind: 'Tested'; holds: boolean } | { kind: 'Failed'; error: RecordedError } {
    if (!condition) return { kind: 'Tested', holds: false };
    const result = condition.evaluate(this.#scope(entry));
    if (result.kind === 'Failed') {
      return {
        kind: 'Failed',
        error: { code: 'ExpressionFailed', attribute: null, rule: field, message: result.message },
      };
    }
    return { kind: 'Tested', holds: result.values[0] === 'true' };
  }

  #scope(entry: Entry): Scope {
    const { now } = this.#context;
    return this.#definition.side === 'Source' ? { source: entry, now } : { target: entry, now };
  }

  /** Of a rule that cannot be evaluated no key is known; the first such rule is the error. */
  sourceKeys(entry: Entry): { keys: string[][]; error: Item['keysError'] } {
    const keys: string[][] = [];
    let error: Item['keysError'];
    for (const [at, rule] of this.#context.correlate.entries()) {
      const result = sourceValues(rule, entry, this.#definition, this.#context.now);
      if (result.kind === 'Failed') error ??= { rule: at, error: correlationError(at, result.message) };
      keys.push(result.kind === 'Failed' ? [] : this.hashKeys(at, rule, result.values));
    }
    return { keys, error };
  }

  /** A null or empty key hits nothing; each value of a multi-valued attribute is a key. */
  hashKeys(at: number, rule: CorrelationRule, values: readonly Value[]): string[] {
    return values
      .map((value) => normalise(value, rule.target.match))
      .filter((key) => key !== '')
      .map((key) => hashKey(`key${at}`, key, this.#context.digest));
  }
}

function correlationError(rule: number, message: string): RecordedError {
  return { code: 'ExpressionFailed', attribute: null, rule: `correlate[${rule}]`, message };
}

/** The values that a correlation rule takes from a source entry. */
export function sourceValues(
  rule: CorrelationRule,
  entry: Entry,
  side: SideDefinition,
  now: number,
): ReturnType<Expression['evaluate']> {
  if (rule.source.kind === 'Expression') return rule.source.expression.evaluate({ source: entry, now });
  return { kind: 'Values', values: valuesOf(entry, rule.source.name, side.schema) };
}
