/**
 * Desired and actual, attribute by attribute, and the author of every difference (SITUATIONS.md, "Confirmed").
 * Comparison decides: what is equal is in sync, whatever is remembered.
 */
import type { AttributeRule, Author, Definition, Scope } from './definition.ts';
import { leafOf } from './dn.ts';
import { valuesOf, type AttributeSchema, type Entry, type Value } from './entry.ts';
import { desiredOf } from './map.ts';
import { sameValues, without } from './matching.ts';
import type { RecordedError } from './entry-record.ts';
import type { ValueHashes } from './value-hashes.ts';

export interface Difference {
  /** The name that rules and records use: the target attribute, or the source's where only an inbound rule maps it. */
  readonly name: string;
  /** Under which name the link remembers what was agreed. */
  readonly agreedAs: string;
  readonly attribute: AttributeSchema;
  readonly author: Author;
  readonly actual: readonly Value[];
  readonly desired: readonly Value[];
  /** Undefined: no outbound rule writes it. */
  readonly outbound: AttributeRule | undefined;
  readonly inbound: readonly AttributeRule[];
  readonly sensitive: boolean;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Hashes of what is equal now, to be remembered. */
  readonly equal: ReadonlyMap<string, string>;
  readonly error: RecordedError | undefined;
}

export interface ComparedPair {
  readonly source: Entry;
  readonly target: Entry;
  readonly agreed: ReadonlyMap<string, string>;
  /** Attribute → hash that one of our own unfinished writes was to set on the target: ours, not drift. */
  readonly unfinished: ReadonlyMap<string, string>;
  readonly scope: Scope;
}

const NOTHING_EQUAL: ReadonlyMap<string, string> = new Map();

interface Outbound {
  readonly rule: AttributeRule;
  /** The inbound rules that read what it writes. */
  readonly inbound: readonly AttributeRule[];
  /** In lower case. */
  readonly name: string;
}

/** What is the same for all pairs of a definition. */
export class Comparer {
  readonly definition: Definition;
  readonly valueHashes: ValueHashes;
  readonly outbound: readonly Outbound[];
  /** Those that read nothing an outbound rule writes: that has been looked at already. */
  readonly inbound: readonly AttributeRule[];
  readonly #naming: readonly string[];

  constructor(definition: Definition, valueHashes: ValueHashes) {
    this.definition = definition;
    this.valueHashes = valueHashes;
    const inbound = definition.inbound.filter((rule) => rule.onUpdate);
    const outbound = definition.outbound.filter((rule) => rule.onUpdate);
    this.outbound = outbound.map((rule) => ({
      rule,
      inbound: inbound.filter((other) => other.reads.has(rule.attribute.name)),
      name: rule.attribute.name.toLowerCase(),
    }));
    const written = new Set(outbound.map((rule) => rule.attribute.name));
    this.inbound = inbound.filter((rule) => ![...rule.reads].some((name) => written.has(name)));
    this.#naming = definition.outbound.flatMap(({ origin }) =>
      origin.kind === 'Name' ? [origin.rdnAttribute.toLowerCase()] : [],
    );
  }

  compare(pair: ComparedPair): Comparison {
    return new Comparing(this, pair).run();
  }

  /** In lower case: the RDN's attributes are written by the rename alone (DESIGN.md, "The engine, exactly"). */
  namingAttributes({ name }: Entry): readonly string[] {
    if (this.#naming.length === 0 || name === undefined) return this.#naming;
    return [...this.#naming, ...leafOf(name).map((part) => part.attribute.toLowerCase())];
  }
}

class Comparing {
  readonly #comparer: Comparer;
  readonly #pair: ComparedPair;
  readonly #differences: Difference[] = [];
  readonly #equal: Map<string, string> = new Map();

  constructor(comparer: Comparer, pair: ComparedPair) {
    this.#comparer = comparer;
    this.#pair = pair;
  }

  run(): Comparison {
    const naming = this.#comparer.namingAttributes(this.#pair.target);
    for (const one of this.#comparer.outbound) {
      if (naming.includes(one.name)) continue;
      const error = this.#compareOutbound(one);
      if (error) return { differences: [], equal: NOTHING_EQUAL, error };
    }
    for (const rule of this.#comparer.inbound) {
      const error = this.#compareInbound(rule);
      if (error) return { differences: [], equal: NOTHING_EQUAL, error };
    }
    return { differences: this.#differences, equal: this.#equal, error: undefined };
  }

  #compareOutbound({ rule, inbound }: Outbound): RecordedError | undefined {
    const { source, target, scope } = this.#pair;
    const desired = desiredOf(rule, scope, source, this.#comparer.definition.source.schema);
    if (desired.kind === 'Failed') return desired.error;
    if (desired.kind === 'DoesNotApply') return undefined;
    if (rule.attribute.writeOnly) this.#compareWriteOnly(rule, desired.values);
    else {
      const actual = valuesOf(target, rule.attribute.name, this.#comparer.definition.target.schema);
      this.#note(rule.attribute.name, rule, {
        desired: wanted(rule, desired.values, actual),
        actual,
        outbound: rule,
        inbound,
      });
    }
    return undefined;
  }

  /** Compared with the hash of what was last written; without one it counts as equal. */
  #compareWriteOnly(rule: AttributeRule, desired: readonly Value[]): void {
    const name = rule.attribute.name;
    const hash = this.#comparer.valueHashes.of(desired, rule);
    const last = this.#pair.agreed.get(name);
    if (last === undefined || last === hash || desired.length === 0) {
      if (last !== undefined) this.#equal.set(name, last);
      return;
    }
    const base = {
      name,
      agreedAs: name,
      attribute: rule.attribute,
      actual: [],
      desired,
      inbound: [],
      sensitive: true,
    };
    this.#differences.push({ ...base, author: 'SourceChanged', outbound: rule });
  }

  #compareInbound(rule: AttributeRule): RecordedError | undefined {
    const { source, target, scope } = this.#pair;
    const desired = desiredOf(rule, scope, target, this.#comparer.definition.target.schema);
    if (desired.kind === 'Failed') return desired.error;
    if (desired.kind === 'DoesNotApply') return undefined;
    const actual = valuesOf(source, rule.attribute.name, this.#comparer.definition.source.schema);
    const values = {
      desired: wanted(rule, desired.values, actual),
      actual,
      outbound: undefined,
      inbound: [rule],
    };
    this.#note(`source:${rule.attribute.name}`, rule, values);
    return undefined;
  }

  #note(
    agreedAs: string,
    rule: AttributeRule,
    found: Pick<Difference, 'desired' | 'actual' | 'outbound' | 'inbound'>,
  ): void {
    const { attribute, sensitive } = rule;
    if (sameValues(found.desired, found.actual, attribute.match)) {
      this.#equal.set(agreedAs, this.#comparer.valueHashes.of(found.desired, rule));
      return;
    }
    const author = this.#author(agreedAs, rule, found);
    this.#differences.push({ ...found, name: attribute.name, agreedAs, attribute, sensitive, author });
  }

  /** Where an outbound rule is asked, desired comes from the source; else from the target, and the roles are turned round. */
  #author(
    agreedAs: string,
    rule: AttributeRule,
    found: Pick<Difference, 'desired' | 'actual' | 'outbound'>,
  ): Author {
    const { valueHashes } = this.#comparer;
    const outbound = rule === found.outbound;
    const agreed = this.#pair.agreed.get(agreedAs);
    const actual = valueHashes.of(found.actual, rule);
    if (outbound && actual === this.#pair.unfinished.get(rule.attribute.name)) return 'SourceChanged';
    if (agreed === undefined) return 'NeverAgreed';
    const moved = valueHashes.of(found.desired, rule) !== agreed;
    const drifted = actual !== agreed;
    if (moved && drifted) return 'Conflict';
    return moved === outbound ? 'SourceChanged' : 'TargetDrifted';
  }
}

/** What shall stand there: `Weak` leaves what is there, `Add` keeps the values of others. */
function wanted(rule: AttributeRule, desired: readonly Value[], actual: readonly Value[]): readonly Value[] {
  if (rule.strength === 'Weak' && actual.length > 0) return actual;
  if (rule.merge === 'Add') return [...actual, ...without(desired, actual, rule.attribute.match)];
  return desired;
}
