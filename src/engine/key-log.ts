/** Correlation key hashes in the order they were met: flat columns, 16 bytes a key, no objects. */
import { HashColumn, HashIndex, reaching, word } from './hash-index.ts';

/** One key: whose it is, under which correlation rule, and 64 bits of its hash. */
export interface LoggedKey {
  readonly owner: number;
  readonly rule: number;
  readonly high: number;
  readonly low: number;
}

/** What a row of the link table is found by now, in place of what it was found by: also by nothing. */
export interface RowKeys {
  readonly row: number;
  readonly keys: readonly LoggedKey[];
}

export function loggedKey(owner: number, rule: number, hash: string): LoggedKey {
  return { owner, rule, high: word(hash, 0), low: word(hash, 1) };
}

export class KeyLog {
  readonly #hashes: HashColumn = new HashColumn(2, 1024);
  #owners: Uint32Array = new Uint32Array(1024);
  #rules: Uint8Array = new Uint8Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(owner: number, rule: number, hash: string): void {
    this.addKey(loggedKey(owner, rule, hash));
  }

  addKey({ owner, rule, high, low }: LoggedKey): void {
    const at = this.#count++;
    this.#owners = reaching(this.#owners, at + 1, (length) => new Uint32Array(length));
    this.#rules = reaching(this.#rules, at + 1, (length) => new Uint8Array(length));
    this.#owners[at] = owner;
    this.#rules[at] = rule;
    this.#hashes.setWords(at, high, low);
  }

  at(position: number): LoggedKey {
    return {
      owner: this.#owners[position] ?? 0,
      rule: this.#rules[position] ?? 0,
      high: this.#hashes.at(position, 0),
      low: this.#hashes.at(position, 1),
    };
  }

  *[Symbol.iterator](): Generator<LoggedKey> {
    for (let position = 0; position < this.#count; position++) yield this.at(position);
  }
}

/** From key hashes to their owners, an index for each rule. */
export class KeyIndex {
  readonly #rules: readonly HashIndex[];

  constructor(rules: number, expected: number) {
    this.#rules = Array.from({ length: rules }, () => new HashIndex(expected));
  }

  add({ owner, rule, high, low }: LoggedKey): void {
    this.#rules[rule]?.addWords(high, low, owner);
  }

  findAll({ rule, high, low }: Omit<LoggedKey, 'owner'>): readonly number[] {
    return this.#rules[rule]?.findAll(high, low) ?? [];
  }
}
