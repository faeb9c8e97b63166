/**
 * Flat open-addressing index from 64 bits of a keyed hash to row numbers: some 18 bytes an entry, no objects.
 * Several rows may stand under one hash. Equal hashes only nominate; who acts compares the real keys.
 */
const EMPTY = 0xffffffff;
const GROW_AT = 0.65;

export class HashIndex {
  // Invariant: #rows[i] === EMPTY exactly where slot i is free; #used / capacity stays under GROW_AT.
  #high: Uint32Array;
  #low: Uint32Array;
  #rows: Uint32Array;
  #used = 0;

  constructor(expected: number = 1024) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expected / GROW_AT)));
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#rows = new Uint32Array(capacity).fill(EMPTY);
  }

  add(hash: string, row: number): void {
    if (this.#used + 1 > this.#rows.length * GROW_AT) this.#grow();
    this.#insert(word(hash, 0), word(hash, 8), row);
  }

  /** The first row under this hash, or -1. */
  find(hash: string): number {
    const high = word(hash, 0);
    const low = word(hash, 8);
    const mask = this.#rows.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = this.#rows[slot] ?? EMPTY;
      if (row === EMPTY) return -1;
      if (this.#low[slot] === low && this.#high[slot] === high) return row;
    }
  }

  findAll(hash: string): number[] {
    const rows: number[] = [];
    const high = word(hash, 0);
    const low = word(hash, 8);
    const mask = this.#rows.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = this.#rows[slot] ?? EMPTY;
      if (row === EMPTY) return rows;
      if (this.#low[slot] === low && this.#high[slot] === high) rows.push(row);
    }
  }

  #insert(high: number, low: number, row: number): void {
    const mask = this.#rows.length - 1;
    let slot = low & mask;
    while (this.#rows[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#rows[slot] = row;
    this.#used++;
  }

  #grow(): void {
    const [high, low, rows] = [this.#high, this.#low, this.#rows];
    const capacity = rows.length * 2;
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#rows = new Uint32Array(capacity).fill(EMPTY);
    this.#used = 0;
    rows.forEach((row, slot) => {
      if (row !== EMPTY) this.#insert(high[slot] ?? 0, low[slot] ?? 0, row);
    });
  }
}

/** 32 bits from eight hexadecimal digits in lower case, starting at the given digit. */
function word(hash: string, start: number): number {
  let value = 0;
  for (let at = start; at < start + 8; at++) {
    const code = hash.charCodeAt(at);
    // '0' is 48, 'a' is 97.
    value = (value << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return value >>> 0;
}

/** A growing array of 128-bit fingerprints. */
export class PrintColumn {
  #words: Uint32Array;

  constructor(expected: number) {
    this.#words = new Uint32Array(Math.max(16, expected) * 4);
  }

  set(row: number, print: string): void {
    if ((row + 1) * 4 > this.#words.length) {
      const wider = new Uint32Array(Math.max(this.#words.length * 2, (row + 1) * 4));
      wider.set(this.#words);
      this.#words = wider;
    }
    for (let at = 0; at < 4; at++) this.#words[row * 4 + at] = word(print, at * 8);
  }

  equals(row: number, print: string): boolean {
    for (let at = 0; at < 4; at++) {
      if (this.#words[row * 4 + at] !== word(print, at * 8)) return false;
    }
    return true;
  }
}
