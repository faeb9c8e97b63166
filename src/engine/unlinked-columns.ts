/** The unlinked entries of one side that were ignored or reported the last time, as flat columns: some 25 bytes each. */
import { reaching, type HashColumn } from './hash-index.ts';
import type { ItemState } from './item.ts';
import { RawColumns } from './link-columns.ts';
import { NO_MASK } from './masks.ts';

/** What an entry that is there, and could be judged, says of itself. */
export type StandingState = Extract<ItemState, 'InScope' | 'OutOfScope' | 'DeletedMark'>;

const STATES: readonly StandingState[] = ['InScope', 'OutOfScope', 'DeletedMark'];
const STATE = 3;
const COUNTS_AS_IN_SCOPE = 4;
/** Of this run. */
const SEEN = 16;
const KEPT = 32;
/** What holds beyond the run. */
export const LASTING: number = STATE | COUNTS_AS_IN_SCOPE;

/** One more, as its roll has it. */
export interface Newcomer {
  readonly rawPrints: HashColumn;
  readonly at: number;
  readonly mask: number;
  readonly state: StandingState;
  readonly isInScope: boolean;
}

/** One that was decoded in this run, without its texts: they are in the spool. */
export interface Noted {
  readonly met: number;
  readonly handle: number;
  readonly state: StandingState;
}

export class UnlinkedColumns {
  readonly raw: RawColumns;
  rows: number;
  #flags: Uint8Array;
  #seen = 0;

  constructor(rows: number) {
    this.rows = rows;
    this.raw = new RawColumns(rows);
    this.#flags = new Uint8Array(Math.max(16, rows));
  }

  get flags(): Uint8Array {
    return this.#flags;
  }

  /** How many were seen in this run. */
  get seen(): number {
    return this.#seen;
  }

  /** The row of what came in these octets, taken note of; -1: nobody did, or it was taken already. */
  recognise(print: string): number {
    const row = this.raw.find(print);
    if (row === -1 || this.raw.mask(row) === NO_MASK || this.isSeen(row)) return -1;
    this.#flags[row] = this.#flag(row) | SEEN;
    this.#seen++;
    return row;
  }

  isLive(row: number): boolean {
    return this.raw.mask(row) !== NO_MASK;
  }

  isSeen(row: number): boolean {
    return (this.#flag(row) & SEEN) !== 0;
  }

  isKept(row: number): boolean {
    return (this.#flag(row) & KEPT) !== 0;
  }

  state(row: number): StandingState {
    return STATES[this.#flag(row) & STATE] ?? 'InScope';
  }

  /** In scope, with or without a deleted mark. */
  isInScope(row: number): boolean {
    return (this.#flag(row) & COUNTS_AS_IN_SCOPE) !== 0;
  }

  keep(row: number): void {
    this.#flags[row] = this.#flag(row) | KEPT;
  }

  /** Returns its row. */
  append({ rawPrints, at, mask, state, isInScope }: Newcomer): number {
    const row = this.rows++;
    this.#flags = reaching(this.#flags, row + 1, (length) => new Uint8Array(length));
    this.#flags[row] = STATES.indexOf(state) | (isInScope ? COUNTS_AS_IN_SCOPE : 0) | KEPT;
    this.raw.forget(row);
    this.raw.learn(row, rawPrints, at, mask);
    return row;
  }

  #flag(row: number): number {
    return this.#flags[row] ?? 0;
  }
}
