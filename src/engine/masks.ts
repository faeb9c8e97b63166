/**
 * Which attributes have a value, as a small number: most entries of a system have the same ones. By it the values of
 * a whole listing are counted although hardly an entry of it is decoded.
 */
import type { Entry } from './entry.ts';

/** An entry whose attributes are like nobody else's, once there are too many of those. */
export const NO_MASK = 0xffff;

export class Masks {
  readonly #attributes: readonly string[];
  /** A character for each attribute, in their order: '1' where it has a value. */
  readonly #known: string[];
  readonly #numbers: Map<string, number>;

  constructor(attributes: readonly string[], known: readonly string[] = []) {
    this.#attributes = attributes;
    this.#known = [...known];
    this.#numbers = new Map(known.map((mask, at) => [mask, at]));
  }

  get known(): readonly string[] {
    return this.#known;
  }

  of(entry: Entry): number {
    let mask = '';
    for (const attribute of this.#attributes) mask += entry.attributes.has(attribute) ? '1' : '0';
    return this.numberOf(mask);
  }

  /** Of a mask as it is known elsewhere. */
  numberOf(mask: string): number {
    const known = this.#numbers.get(mask);
    if (known !== undefined) return known;
    if (this.#known.length === NO_MASK) return NO_MASK;
    this.#numbers.set(mask, this.#known.length);
    return this.#known.push(mask) - 1;
  }

  has(mask: number, attribute: number): boolean {
    return this.#known[mask]?.charAt(attribute) === '1';
  }
}

/** How many entries of a listing have a value, by attribute. */
export class ValueCounts {
  readonly #attributes: readonly string[];
  readonly #masks: Masks;
  readonly #byMask: number[] = [];
  /** Of entries that have no mask. */
  readonly #apart: Map<string, number> = new Map();

  constructor(attributes: readonly string[], masks: Masks) {
    this.#attributes = attributes;
    this.#masks = masks;
  }

  add(mask: number, entry?: Entry): void {
    if (mask === NO_MASK && entry) this.#addApart(entry);
    else this.#byMask[mask] = (this.#byMask[mask] ?? 0) + 1;
  }

  #addApart(entry: Entry): void {
    for (const attribute of this.#attributes)
      if (entry.attributes.has(attribute)) this.#apart.set(attribute, (this.#apart.get(attribute) ?? 0) + 1);
  }

  /** Attributes that have a value somewhere. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [at, attribute] of this.#attributes.entries()) {
      let count = this.#apart.get(attribute) ?? 0;
      for (const [mask, entries] of this.#byMask.entries())
        if (this.#masks.has(mask, at)) count += entries ?? 0;
      if (count > 0) counts.set(attribute, count);
    }
    return counts;
  }
}
