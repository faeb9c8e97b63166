/**
 * What a listing has met and could not recognise, entry by entry in the order it came, and after it what was read
 * again: flat columns, some 60 bytes an entry, no objects.
 */
import { HashColumn, HashIndex, reaching } from './hash-index.ts';
import { KeyLog, type LoggedKey } from './key-log.ts';
import type { RawColumns } from './link-columns.ts';
import { NO_MASK } from './masks.ts';
import type { Recalled } from './unlinked-book.ts';

/** No item of the work list: nothing is to be done about it. */
export const QUIET = -1;

const NO_LINK = -1;
const PLACES = 3;

export class Met {
  /** 64 bits of the keyed hash of the id in its normal form. */
  readonly ids: HashColumn = new HashColumn(2, 1024);
  /** Fingerprints: of what an entry says, and of the octets it came in. */
  readonly prints: HashColumn = new HashColumn(4, 1024);
  readonly rawPrints: HashColumn = new HashColumn(4, 1024);
  /** Correlation keys; those of one entry stand together. */
  readonly keys: KeyLog = new KeyLog();
  readonly #byId: HashIndex = new HashIndex();
  #masks: Uint16Array = new Uint16Array(1024);
  /** Item of the work list, row of the link, place of the first key. */
  #places: Int32Array = new Int32Array(1024 * PLACES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Its ordinal. `isListed`: it can be found by its id. */
  add(idHash: string, isListed: boolean): number {
    const ordinal = this.#count++;
    this.ids.set(ordinal, idHash);
    if (isListed) this.#byId.add(idHash, ordinal);
    this.#masks = reaching(this.#masks, ordinal + 1, (length) => new Uint16Array(length));
    this.#places = reaching(this.#places, (ordinal + 1) * PLACES, (length) => new Int32Array(length));
    this.#masks[ordinal] = NO_MASK;
    this.place(ordinal, QUIET, NO_LINK);
    this.#places[ordinal * PLACES + 2] = this.keys.count;
    return ordinal;
  }

  /** The ordinal of what was listed under this id, or -1. */
  find(idHash: string): number {
    return this.#byId.find(idHash);
  }

  place(ordinal: number, item: number, link: number): void {
    this.#places[ordinal * PLACES] = item;
    this.#places[ordinal * PLACES + 1] = link;
  }

  item(ordinal: number): number {
    return this.#places[ordinal * PLACES] ?? QUIET;
  }

  link(ordinal: number): number {
    return this.#places[ordinal * PLACES + 1] ?? NO_LINK;
  }

  /** What came in octets that may be recognised the next time. */
  knowRaw(ordinal: number, rawPrint: string, mask: number): void {
    this.rawPrints.set(ordinal, rawPrint);
    this.#masks[ordinal] = mask;
  }

  /** One that was recognised, as what it was when it was decoded. */
  recall(ordinal: number, raw: RawColumns, { row, print, keys }: Recalled): void {
    this.prints.set(ordinal, print);
    this.rawPrints.copy(ordinal, raw.prints, row);
    this.#masks[ordinal] = raw.mask(row);
    for (const key of keys) this.keys.addKey({ ...key, owner: ordinal });
  }

  /** NO_MASK: it cannot be recognised. */
  mask(ordinal: number): number {
    return this.#masks[ordinal] ?? NO_MASK;
  }

  keysOf(ordinal: number): LoggedKey[] {
    const keys: LoggedKey[] = [];
    for (let at = this.#places[ordinal * PLACES + 2] ?? 0; at < this.keys.count; at++) {
      const key = this.keys.at(at);
      if (key.owner !== ordinal) break;
      keys.push(key);
    }
    return keys;
  }
}
