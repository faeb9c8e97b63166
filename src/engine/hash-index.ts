/**
 * Keyed hashes in flat arrays, without objects: columns of them by row, and open-addressing indexes from a hash to
 * its rows. Equal hashes only nominate; who acts compares the real keys.
 */
const EMPTY = 0xffffffff;
const GROW_AT = 0.65;
const DIGITS_A_WORD = 8;
/** Every octet in two digits. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** 64 bits, some 18 bytes an entry. Several rows may stand under one hash. */
export class HashIndex {
  // Invariant: #rows[i] === EMPTY exactly where slot i is free; #used / capacity stays under GROW_AT.
  #high: Uint32Array;
  #low: Uint32Array;
  #rows: Uint32Array;
  #used = 0;

  constructor(expected: number = 1024) {
    const capacity = capacityFor(expected);
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#rows = new Uint32Array(capacity).fill(EMPTY);
  }

  add(hash: string, row: number): void {
    this.addWords(word(hash, 0), word(hash, 1), row);
  }

  addWords(high: number, low: number, row: number): void {
    if (this.#used + 1 > this.#rows.length * GROW_AT) this.#grow();
    this.#insert(high, low, row);
  }

  /** The first row under this hash, or -1. */
  find(hash: string): number {
    const high = word(hash, 0);
    const low = word(hash, 1);
    const mask = this.#rows.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = this.#rows[slot] ?? EMPTY;
      if (row === EMPTY) return -1;
      if (this.#low[slot] === low && this.#high[slot] === high) return row;
    }
  }

  findAll(high: number, low: number): number[] {
    const rows: number[] = [];
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

/** A hash for every row, so many 32-bit words of it. Rows that were not set hold zeros. */
export class HashColumn {
  readonly width: number;
  #words: Uint32Array;

  constructor(width: number, rows: number) {
    this.width = width;
    this.#words = new Uint32Array(Math.max(16, rows) * width);
  }

  set(row: number, hash: string): void {
    this.#reach(row);
    for (let at = 0; at < this.width; at++) this.#words[row * this.width + at] = word(hash, at);
  }

  /** Of a column that is two words wide. */
  setWords(row: number, high: number, low: number): void {
    this.#reach(row);
    this.#words[row * this.width] = high;
    this.#words[row * this.width + 1] = low;
  }

  clear(row: number): void {
    for (let at = 0; at < this.width; at++) this.#words[row * this.width + at] = 0;
  }

  isClear(row: number): boolean {
    for (let at = 0; at < this.width; at++) if (this.at(row, at) !== 0) return false;
    return true;
  }

  copy(row: number, from: HashColumn, other: number): void {
    this.#reach(row);
    for (let at = 0; at < this.width; at++) this.#words[row * this.width + at] = from.at(other, at);
  }

  at(row: number, at: number): number {
    return this.#words[row * this.width + at] ?? 0;
  }

  equals(row: number, hash: string): boolean {
    for (let at = 0; at < this.width; at++) {
      if (this.#words[row * this.width + at] !== word(hash, at)) return false;
    }
    return true;
  }

  sameAs(row: number, from: HashColumn, other: number): boolean {
    for (let at = 0; at < this.width; at++) if (this.at(row, at) !== from.at(other, at)) return false;
    return true;
  }

  text(row: number): string {
    let text = '';
    for (let at = 0; at < this.width; at++) {
      const value = this.at(row, at);
      for (let shift = 24; shift >= 0; shift -= 8) text += OCTETS[(value >>> shift) & 0xff] ?? '';
    }
    return text;
  }

  /** The bytes of some rows, shared. */
  bytes(start: number, end: number): Uint8Array {
    this.#reach(end - 1);
    const { buffer, byteOffset } = this.#words;
    return new Uint8Array(buffer, byteOffset + start * this.width * 4, (end - start) * this.width * 4);
  }

  #reach(row: number): void {
    this.#words = reaching(this.#words, (row + 1) * this.width, (length) => new Uint32Array(length));
  }
}

/** From a whole hash to the one row of a column that has it, 4 to 8 bytes a row. A row whose hash has changed is not found by the old one. */
export class ColumnIndex {
  readonly #column: HashColumn;
  // Invariant: as in HashIndex; a row may stand in several slots, of which its present hash leads to one.
  #rows: Uint32Array;
  #used = 0;

  constructor(column: HashColumn, expected: number) {
    this.#column = column;
    this.#rows = new Uint32Array(capacityFor(expected)).fill(EMPTY);
  }

  add(row: number): void {
    if (this.#used + 1 > this.#rows.length * GROW_AT) this.#grow();
    this.#insert(row);
  }

  /** -1: there is none. */
  find(hash: string): number {
    const mask = this.#rows.length - 1;
    for (let slot = word(hash, 1) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#rows[slot] ?? EMPTY;
      if (row === EMPTY) return -1;
      if (this.#column.equals(row, hash)) return row;
    }
  }

  /** By a row of another column that holds such hashes. */
  findAs(from: HashColumn, other: number): number {
    const mask = this.#rows.length - 1;
    for (let slot = from.at(other, 1) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#rows[slot] ?? EMPTY;
      if (row === EMPTY) return -1;
      if (this.#column.sameAs(row, from, other)) return row;
    }
  }

  #insert(row: number): void {
    const mask = this.#rows.length - 1;
    let slot = this.#column.at(row, 1) & mask;
    while (this.#rows[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#rows[slot] = row;
    this.#used++;
  }

  #grow(): void {
    const rows = this.#rows;
    this.#rows = new Uint32Array(rows.length * 2).fill(EMPTY);
    this.#used = 0;
    for (const row of rows) if (row !== EMPTY && !this.#column.isClear(row)) this.#insert(row);
  }
}

function capacityFor(expected: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, expected / GROW_AT)));
}

/** The array itself where it is long enough, else a copy of at least twice the length. */
export function reaching<T extends { readonly length: number; set(from: T): void }>(
  array: T,
  length: number,
  make: (length: number) => T,
): T {
  if (length <= array.length) return array;
  const longer = make(Math.max(array.length * 2, length));
  longer.set(array);
  return longer;
}

/** 32 bits from eight hexadecimal digits in lower case: the first word, the second … */
export function word(hash: string, at: number): number {
  const start = at * DIGITS_A_WORD;
  let value = 0;
  for (let digit = start; digit < start + DIGITS_A_WORD; digit++) {
    const code = hash.charCodeAt(digit);
    // '0' is 48, 'a' is 97.
    value = (value << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return value >>> 0;
}
