/** The columns of the link table for one side, and how their rows are found. */
import { ColumnIndex, HashColumn, reaching } from './hash-index.ts';
import { NO_MASK } from './masks.ts';

/** How an entry is recognised by its octets: only where its link has a mask is there a fingerprint of them. */
export class RawColumns {
  readonly prints: HashColumn;
  readonly #index: ColumnIndex;
  #masks: Uint16Array;

  constructor(rows: number) {
    this.prints = new HashColumn(4, rows);
    this.#index = new ColumnIndex(this.prints, rows);
    this.#masks = new Uint16Array(Math.max(16, rows)).fill(NO_MASK);
  }

  get masks(): Uint16Array {
    return this.#masks;
  }

  mask(row: number): number {
    return this.#masks[row] ?? NO_MASK;
  }

  /** -1: nobody came in these octets. */
  find(print: string): number {
    return this.#index.find(print);
  }

  forget(row: number): void {
    this.#setMask(row, NO_MASK);
  }

  /** False: it is what it was. It is found only when it has been loaded again. */
  learn(row: number, from: HashColumn, at: number, mask: number): boolean {
    if (this.mask(row) === mask && this.prints.sameAs(row, from, at)) return false;
    this.prints.copy(row, from, at);
    this.#setMask(row, mask);
    return true;
  }

  /** Masks that had other numbers elsewhere. */
  renumber(row: number, numbers: readonly number[]): void {
    this.#setMask(row, numbers[this.mask(row)] ?? NO_MASK);
  }

  indexAll(rows: number): void {
    for (let row = 0; row < rows; row++) if (this.mask(row) !== NO_MASK) this.#index.add(row);
  }

  #setMask(row: number, mask: number): void {
    this.#masks = reaching(this.#masks, row + 1, (length) => new Uint16Array(length));
    this.#masks[row] = mask;
  }
}

/** The id of each link's entry, and what the entry said when the pair was settled. */
export class IdColumns {
  readonly keys: HashColumn;
  readonly prints: HashColumn;
  readonly index: ColumnIndex;

  constructor(rows: number) {
    this.keys = new HashColumn(2, rows);
    this.prints = new HashColumn(4, rows);
    this.index = new ColumnIndex(this.keys, rows);
  }

  /** All but those that were removed. */
  indexAll(rows: number): void {
    for (let row = 0; row < rows; row++) if (!this.keys.isClear(row)) this.index.add(row);
  }
}
