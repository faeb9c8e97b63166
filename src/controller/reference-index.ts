/** Who uses what: a change of a System, a Policy, a Secret or a ConfigMap wakes exactly those that refer to it. */
import type { Kind } from '../api/names.ts';
import type { ObjectKey } from './ports.ts';

export interface Owner {
  readonly kind: Kind;
  readonly key: string;
}

export class ReferenceIndex {
  readonly #usersOf: Map<string, Map<string, Owner>> = new Map();
  readonly #usedBy: Map<string, readonly ObjectKey[]> = new Map();

  /** Replaces what the owner uses; it counts whether it exists or not. */
  set(owner: Owner, used: readonly ObjectKey[]): void {
    const name = nameOf(owner);
    for (const one of this.usedBy(owner)) this.#usersOf.get(nameOf(one))?.delete(name);
    if (used.length === 0) this.#usedBy.delete(name);
    else this.#usedBy.set(name, used);
    for (const one of used.map(nameOf)) {
      const users = this.#usersOf.get(one) ?? new Map<string, Owner>();
      this.#usersOf.set(one, users.set(name, owner));
    }
  }

  usedBy(owner: Owner): readonly ObjectKey[] {
    return this.#usedBy.get(nameOf(owner)) ?? [];
  }

  usersOf(used: ObjectKey): Owner[] {
    return [...(this.#usersOf.get(nameOf(used))?.values() ?? [])];
  }
}

function nameOf({ kind, key }: ObjectKey): string {
  return `${kind} ${key}`;
}
