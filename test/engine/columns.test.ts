/** The flat columns and indexes beside sets and maps: attribute masks, value counts, key logs, hash indexes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/engine/entry.ts';
import { ColumnIndex, HashColumn, HashIndex, word } from '../../src/engine/hash-index.ts';
import { KeyIndex, KeyLog, loggedKey } from '../../src/engine/key-log.ts';
import { RawColumns } from '../../src/engine/link-columns.ts';
import { Masks, NO_MASK, ValueCounts } from '../../src/engine/masks.ts';
import { Met, QUIET } from '../../src/engine/met.ts';

const SEED = process.env['ROLLCALL_SEED'];
const SETTINGS: fc.Parameters<unknown> = SEED === undefined ? {} : { seed: Number(SEED) };

const ATTRIBUTES = Array.from({ length: 17 }, (_, at) => `a${at}`);

function entryWith(attributes: readonly string[]): Entry {
  return { id: 'x', name: undefined, attributes: new Map(attributes.map((name) => [name, ['v']])) };
}

/** The attributes whose bits are set: a set of its own for every number. */
function entryOfBits(bits: number): Entry {
  return entryWith(ATTRIBUTES.filter((_, at) => ((bits >> at) & 1) === 1));
}

/** So many words of 32 bits, the second of them one of few: neighbours in an index. */
function hashOf(high: number, low: number, more = ''): string {
  const text = (value: number): string => value.toString(16).padStart(8, '0');
  return text(high) + text(low) + more;
}

function ascending(numbers: readonly number[]): number[] {
  return numbers.toSorted((one, other) => one - other);
}

describe('masks', () => {
  it('count what has a value as sets would, also of entries that only their mask is known of', () => {
    const one = fc.record({ bits: fc.nat(2 ** 6 - 1), isDecoded: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one), (entries) => {
        const first = new Masks(ATTRIBUTES);
        const numbers = entries.map(({ bits }) => first.of(entryOfBits(bits)));
        // As the next run has them, from what is kept.
        const masks = new Masks(ATTRIBUTES, first.known);
        const counts = new ValueCounts(ATTRIBUTES, masks);
        const expected = new Map<string, number>();
        for (const [at, { bits, isDecoded }] of entries.entries()) {
          const entry = entryOfBits(bits);
          if (isDecoded) counts.add(masks.of(entry), entry);
          else counts.add(numbers[at] ?? NO_MASK);
          for (const name of entry.attributes.keys()) expected.set(name, (expected.get(name) ?? 0) + 1);
        }
        expect(counts.counts()).toEqual(expected);
        expect(new Set(masks.known).size).toBe(masks.known.length);
      }),
      SETTINGS,
    );
  });

  it('end at 65,535 of them: what comes after has none, and is counted all the same', () => {
    const masks = new Masks(ATTRIBUTES);
    const counts = new ValueCounts(ATTRIBUTES, masks);
    const all = 2 ** 17;
    const expected = new Map<string, number>();
    for (let bits = 0; bits < all; bits++) {
      const entry = entryOfBits(bits);
      const mask = masks.of(entry);
      if ((mask === NO_MASK) !== bits >= NO_MASK) throw new Error(`${bits} has mask ${mask}`);
      counts.add(mask, entry);
    }
    for (const name of ATTRIBUTES) expected.set(name, all / 2);
    expect(counts.counts()).toEqual(expected);
    expect(masks.known).toHaveLength(NO_MASK);
    // The last that there is a number for, and the first that there is none for, again.
    expect(masks.of(entryOfBits(NO_MASK - 1))).toBe(NO_MASK - 1);
    expect(masks.of(entryOfBits(NO_MASK))).toBe(NO_MASK);
    const loaded = new Masks(ATTRIBUTES, masks.known);
    expect(loaded.of(entryOfBits(NO_MASK - 1))).toBe(NO_MASK - 1);
    expect(loaded.of(entryOfBits(NO_MASK))).toBe(NO_MASK);
  });

  it('an entry without a mask is never found by its octets', () => {
    const raw = new RawColumns(2);
    const prints = new HashColumn(4, 1);
    prints.set(0, 'ab'.repeat(16));
    raw.learn(0, prints, 0, NO_MASK);
    raw.learn(1, prints, 0, 0);
    raw.indexAll(2);
    expect(raw.find('ab'.repeat(16))).toBe(1);
    raw.forget(1);
    expect(raw.mask(1)).toBe(NO_MASK);
  });
});

describe('the key log and its index', () => {
  const key = fc.record({ owner: fc.nat(50), rule: fc.nat(2), high: fc.nat(3), low: fc.nat(3) });

  it('give back what was logged, and find every owner of a key under its rule', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 3000, size: 'max' }), (keys) => {
        const log = new KeyLog();
        for (const { owner, rule, high, low } of keys) log.add(owner, rule, hashOf(high, low));
        expect([...log]).toEqual(keys);
        const index = new KeyIndex(3, 1);
        for (const one of log) index.add(one);
        const wanted = { rule: 1, high: 2, low: 3 };
        const owners = keys.filter((one) => one.rule === 1 && one.high === 2 && one.low === 3);
        expect(ascending(index.findAll(wanted))).toEqual(ascending(owners.map(({ owner }) => owner)));
        expect(index.findAll({ ...wanted, rule: 7 })).toEqual([]);
      }),
      { ...SETTINGS, numRuns: 30 },
    );
  });

  it('take the owners of recognised entries, which are beyond 2³⁰', () => {
    const index = new KeyIndex(1, 1);
    const owner = 2 ** 30 + 5;
    index.add({ ...loggedKey(owner, 0, hashOf(1, 2)) });
    expect(index.findAll({ rule: 0, high: 1, low: 2 })).toEqual([owner]);
  });
});

/** The hash of nothing is that of a row that was removed. */
function isSomething(hash: string): boolean {
  return hash !== hashOf(0, 0);
}

describe('indexes', () => {
  /** Few different low words: long chains, and several rows under one hash. */
  const hash = fc
    .tuple(fc.nat(20), fc.constantFrom(0, 1, 15, 16, 0xffffffff))
    .map(([high, low]) => hashOf(high, low));

  it('from a hash to all of its rows, however the index grows', () => {
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 400, size: 'max' }), (hashes) => {
        const index = new HashIndex(1);
        for (const [row, one] of hashes.entries()) index.add(one, row);
        for (const one of new Set(hashes)) {
          const rows = hashes.flatMap((other, row) => (other === one ? [row] : []));
          const found = index.findAll(word(one, 0), word(one, 1));
          expect(ascending(found)).toEqual(rows);
          expect(rows).toContain(index.find(one));
        }
        expect(index.find(hashOf(99, 0))).toBe(-1);
      }),
      SETTINGS,
    );
  });

  it('over a column: rows that come, and go, and have another hash than they had', () => {
    const act = fc.record({ row: fc.nat(300), hash: fc.option(hash.filter(isSomething)) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 600, size: 'max' }), (acts) => {
        const column = new HashColumn(2, 1);
        const index = new ColumnIndex(column, 1);
        const rows = new Map<number, string>();
        for (const { row, hash: next } of acts) {
          if (next === null) {
            column.clear(row);
            rows.delete(row);
          } else if (![...rows.values()].includes(next)) {
            column.set(row, next);
            index.add(row);
            rows.set(row, next);
          }
        }
        const byHash = new Map([...rows].map(([row, one]) => [one, row]));
        const other = new HashColumn(2, 1);
        for (const one of acts.flatMap((each) => each.hash ?? [])) {
          other.set(0, one);
          const row = byHash.get(one) ?? -1;
          expect([index.find(one), index.findAs(other, 0)]).toEqual([row, row]);
        }
      }),
      SETTINGS,
    );
  });

  it('columns keep their words through growth, cuts and copies', () => {
    const column = new HashColumn(4, 1);
    const text = (row: number): string => row.toString(16).padStart(8, '0').repeat(4);
    for (let row = 0; row < 1000; row++) column.set(row, text(row));
    const copy = new HashColumn(4, 1);
    copy.bytes(500, 1000).set(column.bytes(500, 1000));
    expect([copy.text(499), copy.text(999), copy.isClear(0), copy.isClear(999)]).toEqual([
      '0'.repeat(32),
      text(999),
      true,
      false,
    ]);
    copy.copy(3, column, 7);
    expect([copy.equals(3, text(7)), copy.sameAs(3, column, 7), copy.sameAs(3, column, 8)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

it('what was met is found by its id where it was listed, with the keys that are its own', () => {
  const met = new Met();
  for (let at = 0; at < 3000; at++) {
    expect(met.add(hashOf(at, at % 5), at % 2 === 0)).toBe(at);
    for (let key = 0; key < at % 3; key++) met.keys.add(at, key, hashOf(at, key));
    if (at % 7 === 0) met.knowRaw(at, 'cd'.repeat(16), at % 11);
  }
  for (let at = 0; at < 3000; at++) {
    expect(met.find(hashOf(at, at % 5))).toBe(at % 2 === 0 ? at : -1);
    expect(met.keysOf(at)).toHaveLength(at % 3);
    expect(met.mask(at)).toBe(at % 7 === 0 ? at % 11 : NO_MASK);
    expect([met.item(at), met.link(at)]).toEqual([QUIET, -1]);
  }
});
