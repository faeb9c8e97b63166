/** The sampled accounts of a directory, as what proposals are measured against. */
import type { DirectorySample, DirectorySurvey, SurveyedEntry } from '../../connectors/ldap/survey.ts';
import { withSuperiors } from '../../connectors/ldap/object-classes.ts';
import { leafOf, normalName, parentOf } from '../../engine/dn.ts';
import type { AttributeSchema, Match } from '../../engine/entry.ts';
import { normalise } from '../../engine/matching.ts';

/** An attribute or class that so many accounts have belongs to all of them. */
const USUAL = 0.9;

export class Accounts {
  readonly entries: readonly SurveyedEntry[];
  readonly whole: boolean;
  readonly #survey: Pick<DirectorySurvey, 'attributes' | 'classes'>;

  constructor(survey: Pick<DirectorySurvey, 'attributes' | 'classes'>, { entries, whole }: DirectorySample) {
    this.#survey = survey;
    this.entries = entries;
    this.whole = whole;
  }

  schemaOf(attribute: string): AttributeSchema | undefined {
    return this.#survey.attributes.get(attribute.toLowerCase());
  }

  matchOf(attribute: string): Match {
    return this.schemaOf(attribute)?.match ?? 'IgnoreCase';
  }

  valuesOf(at: number, attribute: string): readonly string[] {
    return this.entries[at]?.attributes.get(this.schemaOf(attribute)?.name ?? attribute) ?? [];
  }

  has(at: number, attribute: string, value: string): boolean {
    const match = this.matchOf(attribute);
    const wanted = normalise(value, match);
    return this.valuesOf(at, attribute).some((one) => normalise(one, match) === wanted);
  }

  /** Attributes that hold texts and that somebody may write, as the accounts use them. */
  attributes(): string[] {
    const names = new Set(this.entries.flatMap(({ attributes }) => [...attributes.keys()]));
    return [...names].filter((name) => {
      const known = this.schemaOf(name);
      return name !== 'objectClass' && known?.readOnly !== true && known?.type !== 'Time';
    });
  }

  /** Whether several values of it are usual. */
  isMultiple(attribute: string): boolean {
    return this.entries.some((_, at) => this.valuesOf(at, attribute).length > 1);
  }

  /** The only value that all accounts have, if there is one. */
  constant(attribute: string): string | undefined {
    const values = new Set(this.entries.flatMap((_, at) => this.valuesOf(at, attribute)));
    const everywhere = this.entries.every((_, at) => this.valuesOf(at, attribute).length > 0);
    return everywhere && values.size === 1 ? [...values][0] : undefined;
  }

  /** Object classes that nearly all accounts carry. */
  usualClasses(): string[] {
    const counts = countBy(this.entries.flatMap(({ attributes }) => attributes.get('objectClass') ?? []));
    return [...counts].filter(([, count]) => count >= this.entries.length * USUAL).map(([name]) => name);
  }

  mustOf(classes: readonly string[]): string[] {
    return this.#attributesOf(classes, 'must');
  }

  /** Undefined: the directory does not tell what its classes allow. */
  allowedBy(classes: readonly string[]): ReadonlySet<string> | undefined {
    if (this.#survey.classes.size === 0) return undefined;
    const names = [...this.#attributesOf(classes, 'must'), ...this.#attributesOf(classes, 'may')];
    return new Set(names.map((name) => (this.schemaOf(name)?.name ?? name).toLowerCase()));
  }

  #attributesOf(classes: readonly string[], which: 'must' | 'may'): string[] {
    const all = classes.flatMap((name) => withSuperiors(name, this.#survey.classes));
    const names = all.flatMap((one) => one[which]).filter((name) => name !== 'objectClass');
    return [...new Set(names.map((name) => this.schemaOf(name)?.name ?? name))];
  }

  isAuxiliary(name: string): boolean {
    return this.#survey.classes.get(name.toLowerCase())?.kind === 'Auxiliary';
  }

  /** The attribute that names most accounts, with what most of them lie below. */
  naming(): { readonly attribute: string; readonly parent: string } {
    const leaves = this.entries.map(({ name }) => leafOf(name)[0]?.attribute.toLowerCase() ?? 'cn');
    const parents = new Map(this.entries.map(({ name }) => [normalName(parentOf(name)), parentOf(name)]));
    const usual = mostFrequent(this.entries.map(({ name }) => normalName(parentOf(name)))) ?? '';
    const attribute = mostFrequent(leaves) ?? 'cn';
    return { attribute: this.schemaOf(attribute)?.name ?? attribute, parent: parents.get(usual) ?? usual };
  }

  /** The value that names an account. */
  leafValue(at: number): string {
    return leafOf(this.entries[at]?.name ?? '')[0]?.value ?? '';
  }
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function mostFrequent(values: readonly string[]): string | undefined {
  return [...countBy(values)].toSorted(([, one], [, other]) => other - one)[0]?.[0];
}
