/** How many entries each rule took that is to be told of by an Event; counts only, no identity. */
import type { PolicyRule } from '../api/situation-policy.ts';
import type { ToldRule } from '../controller/ports.ts';
import type { RecordKind } from '../store/records.ts';

export class ToldRules {
  readonly #types: ReadonlyMap<string, 'Normal' | 'Warning'>;
  readonly #counts: Map<string, { -readonly [K in keyof ToldRule]: ToldRule[K] }> = new Map();

  constructor(rules: readonly PolicyRule[]) {
    this.#types = new Map(
      rules.flatMap(({ name, event }) => (event === undefined ? [] : [[name, event] as const])),
    );
  }

  count({ kind: { rule, situation, response }, count }: RecordKind): void {
    const type = rule === null ? undefined : this.#types.get(rule);
    if (type === undefined || rule === null) return;
    const key = `${rule}|${situation ?? ''}|${response ?? ''}`;
    const known = this.#counts.get(key) ?? {
      rule,
      type,
      situation: situation ?? '',
      response: response ?? '',
      entries: 0,
    };
    known.entries += count;
    this.#counts.set(key, known);
  }

  all(): ToldRule[] {
    return [...this.#counts.values()];
  }
}
