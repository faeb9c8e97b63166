/**
 * How the entries of one listing are numbered: who was decoded, in the order they came; who was recognised, by the row
 * of the link.
 */
import type { LinkTable } from './link-table.ts';
import { QUIET, type Met } from './met.ts';

/** Ordinals from here on are those of entries that were recognised: the row of their link is the rest. */
const RECOGNISED = 2 ** 30;

export class Ordinals {
  readonly #side: 'Source' | 'Target';
  readonly #met: Met;
  readonly #links: LinkTable;
  /** Rows of links that were recognised first and then met again → the ordinal they have since. */
  readonly #metAgain: Map<number, number> = new Map();

  constructor(side: 'Source' | 'Target', met: Met, links: LinkTable) {
    this.#side = side;
    this.#met = met;
    this.#links = links;
  }

  /** Of an entry of the listing, or -1. `link`: the row under the same hash. */
  find(hash: string, link: number): number {
    const met = this.#met.find(hash);
    if (met !== -1) return met;
    return link !== -1 && this.#links.isRecognised(this.#side, link) ? RECOGNISED + link : -1;
  }

  ofLink(row: number): number {
    return this.#metAgain.get(row) ?? RECOGNISED + row;
  }

  /** Place on the work list, or QUIET. */
  itemAt(ordinal: number): number {
    return ordinal >= RECOGNISED || ordinal < 0 ? QUIET : this.#met.item(ordinal);
  }

  linkAt(ordinal: number): number {
    return ordinal >= RECOGNISED ? ordinal - RECOGNISED : this.#met.link(ordinal);
  }

  /** Of one that is met again: who was recognised has had none of its own so far. */
  again(ordinal: number, hash: string): number {
    if (ordinal < RECOGNISED) return ordinal;
    const met = this.#met.add(hash, true);
    this.#metAgain.set(ordinal - RECOGNISED, met);
    return met;
  }
}
