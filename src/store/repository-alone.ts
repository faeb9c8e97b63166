/**
 * What a writer knows of others who fill the same object type. While it is the only one that ever has, what it has not
 * created is not there, and none of very many that are created has to be looked for.
 */
import type { PackedChange, RepositoryObjects } from './repository-objects.ts';

export class Alone {
  readonly #objects: RepositoryObjects;
  /** Keys of what this writer has created while it was alone. */
  readonly #created: Set<string> = new Set();
  /** The last change that is its own; undefined: nothing was committed. */
  #own: number | undefined;
  /** The last change of all at the first look since the last commit; undefined: nobody has looked. */
  #seen: number | undefined;
  #isAlone = false;

  constructor(objects: RepositoryObjects) {
    this.#objects = objects;
  }

  /** Certainly not there; false: it has to be looked for. */
  hasNot(key: string): boolean {
    if (this.#seen === undefined) {
      this.#seen = this.#objects.lastChange();
      this.#isAlone = this.#own === undefined ? this.#objects.isEmpty() : this.#own === this.#seen;
    }
    return this.#isAlone && !this.#created.has(key);
  }

  /** The change after which others have written; undefined: nobody has. `last`: the last one, when nobody else can write. */
  othersSince(last: number): number | undefined {
    if (this.#seen === undefined || this.#seen === last) return undefined;
    this.#isAlone = false;
    return this.#seen;
  }

  /** These were committed, as the changes up to this number. */
  note(changes: readonly PackedChange[], last: number): void {
    if (!this.#isAlone) return;
    for (const { key } of changes) this.#created.add(key);
    this.#own = last;
  }

  /** Others may write from now on. */
  forget(): void {
    this.#seen = undefined;
    this.#isAlone = false;
  }
}
