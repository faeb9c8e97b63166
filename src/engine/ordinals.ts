/** Where the entries of a listing are, by the order they were met: on the work list, and in the link table. */
export const QUIET = -1;

/** Two flat columns over the entries of a listing in the order they were met. */
export class Ordinals {
  #columns: Int32Array = new Int32Array(2048);
  #count = 0;

  next(): number {
    const ordinal = this.#count++;
    if (ordinal * 2 + 2 > this.#columns.length) {
      const wider = new Int32Array(this.#columns.length * 2);
      wider.set(this.#columns);
      this.#columns = wider;
    }
    return ordinal;
  }

  set(ordinal: number, work: number, link: number): void {
    this.#columns[ordinal * 2] = work;
    this.#columns[ordinal * 2 + 1] = link;
  }

  work(ordinal: number): number {
    return this.#columns[ordinal * 2] ?? QUIET;
  }

  link(ordinal: number): number {
    return this.#columns[ordinal * 2 + 1] ?? -1;
  }
}
