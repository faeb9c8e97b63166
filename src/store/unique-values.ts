/** Who has which unique value, while writes are buffered: what is committed, and over it what the buffer changes. */
import type { ObjectChange, RepositoryObjects } from './repository-objects.ts';
import { inTheWay, nameOf, type Conflict, type UniqueValue } from './unique-value.ts';

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
      if (this.#holder(unique, holders) === key) holders.set(nameOf(unique), undefined);
  }

  #claim({ key, after }: ObjectChange, holders: Holders): void {
    for (const unique of this.#objects.uniqueValuesOf(after))
      if (this.#holder(unique, holders) === undefined) holders.set(nameOf(unique), key);
  }

  #inTheWay({ key, before, after }: ObjectChange, holders: Holders): Conflict | undefined {
    const [had, takes] = [this.#objects.uniqueValuesOf(before), this.#objects.uniqueValuesOf(after)];
    return inTheWay({ key, had, takes }, (unique) => this.#holder(unique, holders));
  }

  #holder(unique: UniqueValue, holders: Holders): string | undefined {
    const key = nameOf(unique);
    if (holders.has(key)) return holders.get(key);
    return this.#holders.has(key) ? this.#holders.get(key) : this.#objects.holderOf(unique);
  }
}
