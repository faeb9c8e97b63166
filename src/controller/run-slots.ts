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
  /** The same, the longest waiting first. */
  readonly #waiting: Map<string, readonly string[]> = new Map();

  /**
   * `freed`: told of a mapping that waited when it may try again; of no more than there is room for, since every try
   * costs requests. Who is told and does not try gives its turn to whoever comes next.
   */
  constructor(limit: number, freed: (key: string) => void) {
    this.#limit = limit;
    this.#freed = freed;
  }

  /** Undefined: not now; `freed` will say when to try again. */
  take(key: string, writes: readonly string[]): Slot | undefined {
    if (!this.mayTake(key, writes)) return undefined;
    this.#taken.set(key, writes);
    return { free: () => this.#free(key) };
  }

  /** False: as `take`. */
  mayTake(key: string, writes: readonly string[]): boolean {
    const isRoom = this.#taken.size < this.#limit && !this.#taken.has(key);
    if (isRoom && !overlap(writes, this.#busy())) {
      this.#waiting.delete(key);
      return true;
    }
    this.#waiting.set(key, writes);
    return false;
  }

  #busy(): Set<string> {
    return new Set([...this.#taken.values()].flat());
  }

  #free(key: string): void {
    if (!this.#taken.delete(key)) return;
    const busy = this.#busy();
    let room = this.#limit - this.#taken.size;
    for (const [waiting, writes] of this.#waiting) {
      if (room === 0) return;
      if (overlap(writes, busy)) continue;
      room--;
      for (const one of writes) busy.add(one);
      this.#waiting.delete(waiting);
      this.#freed(waiting);
    }
  }
}

function overlap(writes: readonly string[], busy: ReadonlySet<string>): boolean {
  return writes.some((one) => busy.has(one));
}
