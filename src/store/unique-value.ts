/** A value that one object of a type may have, and who is in the way of somebody who takes it. */

export interface UniqueValue {
  readonly attribute: string;
  /** In the normal form of the attribute's matching rule. */
  readonly value: string;
}

export interface Conflict {
  readonly attribute: string;
  /** Key of the object that has the value. */
  readonly holder: string;
}

export interface Taking {
  readonly key: string;
  /** What it has had so far. */
  readonly had: readonly UniqueValue[];
  readonly takes: readonly UniqueValue[];
}

export function nameOf({ attribute, value }: UniqueValue): string {
  return `${attribute}\0${value}`;
}

/** What an object has already it may keep, even where another was found with the same value. */
export function inTheWay(
  { key, had, takes }: Taking,
  holderOf: (unique: UniqueValue) => string | undefined,
): Conflict | undefined {
  const own = new Set(had.map(nameOf));
  for (const unique of takes) {
    if (own.has(nameOf(unique))) continue;
    const holder = holderOf(unique);
    if (holder !== undefined && holder !== key) return { attribute: unique.attribute, holder };
  }
  return undefined;
}
