/** Who may run now: so many at once, one for each mapping, and one at a time for each system that is written. */
export interface Slot {
  /** Safe to call twice. */
  free(): void;
}

export class RunSlots {
  readonly #limit: number;
  readonly #freed: (key: string) => void;
  /** Mapping → the systems that its run may write. */
  readonly #taken: Map<string, readonly string[]> = new Map();
  readonly #waiting: Set<string> = new Set();

  /** `freed`: told of every mapping that waited, whenever it may try again. */
  constructor(limit: number, freed: (key: string) => void) {
    this.#limit = limit;
    this.#freed = freed;
  }

  /** Undefined: not now; `freed` will say when to try again. */
  take(key: string, writes: readonly string[]): Slot | undefined {
    const busy = [...this.#taken.values()].flat();
    if (this.#taken.size >= this.#limit || this.#taken.has(key) || writes.some((one) => busy.includes(one))) {
      this.#waiting.add(key);
      return undefined;
    }
    this.#waiting.delete(key);
    this.#taken.set(key, writes);
    return { free: () => this.#free(key) };
  }

  #free(key: string): void {
    if (!this.#taken.delete(key)) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) this.#freed(one);
  }
}
