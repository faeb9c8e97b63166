/** Who has which unique value, while writes are buffered: what is committed, and over it what the buffer changes. */
import type { ObjectChange, RepositoryObjects, UniqueValue } from './repository-objects.ts';

export interface Conflict {
  readonly attribute: string;
  /** Key of the object that has the value. */
  readonly holder: string;
}

/** Attribute and value → key of its holder; undefined: it was let go. */
type Holders = Map<string, string | undefined>;

const NO_CONFLICT: ReadonlyMap<ObjectChange, Conflict> = new Map();

export class UniqueValues {
  readonly #objects: RepositoryObjects;
  readonly #holders: Holders = new Map();

  constructor(objects: RepositoryObjects) {
    this.#objects = objects;
    objects.takeUp();
  }

  /** Changes that cannot be taken, even all together: each with who is in its way. */
  conflict(changes: readonly ObjectChange[]): ReadonlyMap<ObjectChange, Conflict> {
    if (!this.#objects.hasUnique) return NO_CONFLICT;
    const conflicts = new Map<ObjectChange, Conflict>();
    let left = changes;
    for (;;) {
      const trial: Holders = new Map();
      for (const change of left) this.#letGo(change, trial);
      const fitting = left.filter((change) => {
        const conflict = this.#inTheWay(change, trial);
        if (conflict) conflicts.set(change, conflict);
        else this.#claim(change, trial);
        return !conflict;
      });
      // Who is refused keeps its old values, and they may be in the way of others.
      if (fitting.length === left.length) return conflicts;
      left = fitting;
    }
  }

  take(changes: readonly ObjectChange[]): void {
    if (!this.#objects.hasUnique) return;
    for (const change of changes) this.#letGo(change, this.#holders);
    for (const change of changes) this.#claim(change, this.#holders);
  }

  #letGo({ key, before }: ObjectChange, holders: Holders): void {
    for (const unique of this.#objects.uniqueValuesOf(before))
      if (this.#holder(unique, holders) === key) holders.set(name(unique), undefined);
  }

  #claim({ key, after }: ObjectChange, holders: Holders): void {
    for (const unique of this.#objects.uniqueValuesOf(after))
      if (this.#holder(unique, holders) === undefined) holders.set(name(unique), key);
  }

  /** What an object has already it may keep, even where another was found with the same value. */
  #inTheWay({ key, before, after }: ObjectChange, holders: Holders): Conflict | undefined {
    const own = new Set(this.#objects.uniqueValuesOf(before).map(name));
    for (const unique of this.#objects.uniqueValuesOf(after)) {
      if (own.has(name(unique))) continue;
      const holder = this.#holder(unique, holders);
      if (holder !== undefined && holder !== key) return { attribute: unique.attribute, holder };
    }
    return undefined;
  }

  #holder(unique: UniqueValue, holders: Holders): string | undefined {
    const key = name(unique);
    if (holders.has(key)) return holders.get(key);
    return this.#holders.has(key) ? this.#holders.get(key) : this.#objects.holderOf(unique);
  }
}

function name({ attribute, value }: UniqueValue): string {
  return `${attribute}\0${value}`;
}
