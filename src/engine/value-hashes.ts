/**
 * Keyed hashes of the values of attributes. What very many entries share (a title, a place, a surname) is worked out
 * once; of each attribute so few values are kept that those of which every entry has another cost next to nothing.
 */
import type { AttributeRule } from './definition.ts';
import type { AttributeSchema, Value } from './entry.ts';
import { hashValues } from './fingerprint.ts';
import type { Digest } from './ports.ts';

const VALUES_KNOWN = 512;
/** Longer texts are rarely shared. */
const LONGEST_KNOWN = 64;

export class ValueHashes {
  readonly #digest: Digest;
  readonly #known: Map<AttributeSchema, Map<string, string>> = new Map();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /** Of a set of values under the attribute's matching rule. Nothing of a sensitive one is kept. */
  of(
    values: readonly Value[],
    { attribute, sensitive }: Pick<AttributeRule, 'attribute' | 'sensitive'>,
  ): string {
    const [value] = values;
    const isShared = !sensitive && values.length === 1 && typeof value === 'string';
    if (!isShared || value.length > LONGEST_KNOWN) return hashValues(values, attribute, this.#digest);
    const known = this.#knownOf(attribute);
    const found = known.get(value);
    if (found !== undefined) return found;
    const hash = hashValues(values, attribute, this.#digest);
    if (known.size < VALUES_KNOWN) known.set(value, hash);
    return hash;
  }

  #knownOf(attribute: AttributeSchema): Map<string, string> {
    const known = this.#known.get(attribute);
    if (known) return known;
    const fresh = new Map<string, string>();
    this.#known.set(attribute, fresh);
    return fresh;
  }
}
