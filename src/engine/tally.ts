/** What is counted of one side's listing while it is read. */
import type { Item } from './item.ts';

export class Tally {
  entries = 0;
  /** In scope, with or without a deleted mark; an entry that failed counts as one. */
  inScope = 0;
  /** In scope and not marked deleted. */
  present = 0;

  /** One that is what it was. */
  recognise(isInScope: boolean, isPresent: boolean): void {
    this.entries++;
    this.#add(isInScope, isPresent, 1);
  }

  /** Not counted for itself after all: it has the id of another. */
  takeBack(isInScope: boolean, isPresent: boolean): void {
    this.#add(isInScope, isPresent, -1);
  }

  count({ state }: Item, isInScope: boolean): void {
    this.#add(isInScope, state === 'InScope' || state === 'Failed', 1);
  }

  /** An entry that fails after it was met counts as one in scope. */
  countFailed({ state }: Item, isInScope: boolean): void {
    this.#add(!isInScope, state === 'OutOfScope' || state === 'DeletedMark', 1);
  }

  #add(isInScope: boolean, isPresent: boolean, by: number): void {
    if (isInScope) this.inScope += by;
    if (isPresent) this.present += by;
  }
}
