/** Operations for whoever applies them, in their order: all of them at once, or as they are planned. */
import type { Operation } from './operation.ts';

export interface Supply {
  /** Nothing is left to be taken. */
  readonly isEmpty: boolean;
  /** So many, or all that is left, can be taken without a wait. */
  hasReady(count: number): boolean;
  /** At most so many; none only where it is empty. */
  take(count: number): readonly Operation[];
  /** Called while a system works, for a part of the work ahead. */
  prepare(): void;
}

/** Everything is planned already. */
export class PlannedSupply implements Supply {
  readonly #operations: readonly Operation[];
  #next = 0;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
  }

  get isEmpty(): boolean {
    return this.#next === this.#operations.length;
  }

  hasReady(): boolean {
    return true;
  }

  take(count: number): readonly Operation[] {
    const taken = this.#operations.slice(this.#next, this.#next + count);
    this.#next += taken.length;
    return taken;
  }

  prepare(): void {
    // There is nothing ahead.
  }
}
