/** The link table on a real store, and beside it a map of objects that says what it has to say. */
import { expect } from 'vitest';
import { hashKey } from '../../src/engine/fingerprint.ts';
import { HashColumn } from '../../src/engine/hash-index.ts';
import { loggedKey, type LoggedKey, type RowKeys } from '../../src/engine/key-log.ts';
import { LinkTable } from '../../src/engine/link-table.ts';
import type { Links } from '../../src/engine/ports.ts';
import { Database } from '../../src/store/database.ts';
import { keyedDigest } from '../../src/store/key.ts';
import { SqliteMemory } from '../../src/store/memory.ts';
import { link } from '../support/store-values.ts';

const SIDES = ['Source', 'Target'] as const;
const DIGEST = keyedDigest('k'.repeat(64));
const EPOCH = 'epoch';
const OPTIONS = { epoch: EPOCH, attributes: { Source: ['a'], Target: ['a'] }, digest: DIGEST };
const MASKS = 3;

type Side = (typeof SIDES)[number];
type BySide<T> = Record<Side, T>;

/** What an entry says, the octets that it comes in, and its correlation key, if it has one. */
interface Said {
  readonly content: number;
  readonly octets: number;
  readonly key: number | undefined;
}

interface Known {
  readonly ends: BySide<number>;
  settled: boolean;
  prints: BySide<string>;
  /** What is known of each side's octets, and what the key was then. */
  raw: BySide<{ readonly print: string; readonly key: number | undefined } | undefined>;
}

interface Met {
  readonly side: Side;
  readonly at: number;
}

function print(...parts: readonly unknown[]): string {
  return DIGEST.hash(JSON.stringify(parts)).slice(0, 32);
}

function keyOf(key: number): LoggedKey {
  return loggedKey(0, 0, DIGEST.hash(`key ${key}`));
}

function nothing(): Known['raw'] {
  return { Source: undefined, Target: undefined };
}

export class LinkModel {
  readonly #database: Database = new Database(':memory:');
  readonly #links: Links;
  readonly #known: BySide<Map<number, Known>> = { Source: new Map(), Target: new Map() };
  readonly #said: BySide<Map<number, Said>> = { Source: new Map(), Target: new Map() };
  #table: LinkTable;
  recognised = 0;

  constructor() {
    this.#database.migrate();
    const ends = { sourceSystem: 'a', sourceObject: 'b', targetSystem: 'c', targetObject: 'd' };
    this.#links = new SqliteMemory(this.#database, { mapping: 1, ends, run: 1, forgottenBefore: 0 }).links;
    this.#table = new LinkTable(this.#links, OPTIONS);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  say(side: Side, at: number, more: Partial<Said>): void {
    this.#said[side].set(at, { ...this.#saidBy(side, at), ...more });
  }

  /** As a run does it: settled with what both say now, or not settled. */
  put(source: number, target: number, settled: boolean): void {
    const ends = { Source: source, Target: target };
    const prints = { Source: this.#printOf('Source', source), Target: this.#printOf('Target', target) };
    const more = settled
      ? { sourcePrint: prints.Source, targetPrint: prints.Target, settledIn: EPOCH }
      : { sourcePrint: undefined, targetPrint: undefined, settledIn: undefined };
    const one = link(`s${source}`, `t${target}`, more);
    this.#links.put(one);
    this.#table.put(one);
    const before = this.#known.Source.get(source);
    if (before?.ends.Target === target) {
      before.settled = settled;
      if (!settled) return;
      for (const side of SIDES) if (before.prints[side] !== prints[side]) before.raw[side] = undefined;
      before.prints = prints;
      return;
    }
    this.#forget(before);
    this.#forget(this.#known.Target.get(target));
    const known = { ends, settled, prints, raw: nothing() };
    for (const side of SIDES) this.#known[side].set(ends[side], known);
  }

  remove(source: number): void {
    this.#links.remove(`s${source}`);
    this.#table.remove(`s${source}`);
    this.#forget(this.#known.Source.get(source));
  }

  /** Behind the table's back: what is kept of all is lost. */
  unlinkByHand(source: number): void {
    const known = this.#known.Source.get(source);
    if (!known) return;
    this.#links.remove(`s${source}`);
    this.#forget(known);
    this.loseAll();
  }

  loseAll(): void {
    for (const known of this.#known.Source.values()) known.raw = nothing();
  }

  /** A run: the table is loaded, all entries are met, links change, what was decoded is learnt, and it is stored. */
  run(changes: () => void): void {
    this.#table = new LinkTable(this.#links, OPTIONS);
    expect(this.#table.count()).toBe(this.#known.Source.size);
    const decoded = [...this.#meet('Source'), ...this.#meet('Target')];
    this.#checkKeys();
    for (const { side, at } of decoded) this.#table.see(side, this.#rowOf(side, at), this.#printOf(side, at));
    this.#checkRows();
    changes();
    expect(this.#table.count()).toBe(this.#known.Source.size);
    this.#store(decoded);
  }

  #forget(known: Known | undefined): void {
    if (known) for (const side of SIDES) this.#known[side].delete(known.ends[side]);
  }

  #saidBy(side: Side, at: number): Said {
    return this.#said[side].get(at) ?? { content: 0, octets: 0, key: at % 4 === 0 ? undefined : at };
  }

  #printOf(side: Side, at: number): string {
    return print(side, at, this.#saidBy(side, at).content);
  }

  #rawOf(side: Side, at: number): string {
    const { content, octets, key } = this.#saidBy(side, at);
    return print('octets', side, at, content, octets, key ?? null);
  }

  #rowOf(side: Side, at: number): number {
    return this.#table.find(side, hashKey(side, `${side === 'Source' ? 's' : 't'}${at}`, DIGEST));
  }

  /** Yields what has to be decoded. */
  *#meet(side: Side): Generator<Met> {
    for (const [at, { settled, raw }] of this.#known[side]) {
      const octets = this.#rawOf(side, at);
      const row = this.#table.recognise(side, octets);
      const isKnown = settled && raw[side]?.print === octets;
      if ((row !== -1) !== isKnown)
        throw new Error(`${side} ${at}: recognised ${row !== -1}, known ${isKnown}`);
      if (row === -1) yield { side, at };
      else this.#checkRecognised(side, at, row);
    }
  }

  #checkRecognised(side: Side, at: number, row: number): void {
    this.recognised++;
    if (this.#table.rawMask(side, row) !== at % MASKS) throw new Error(`${side} ${at} has another mask`);
    if (this.#table.recognise(side, this.#rawOf(side, at)) !== -1) throw new Error(`${side} ${at} twice`);
  }

  #checkKeys(): void {
    const expected: string[] = [];
    for (const [at, { raw }] of this.#known.Target) {
      if (raw.Target?.key === undefined || !this.#table.isRecognised('Target', this.#rowOf('Target', at)))
        continue;
      const { high, low } = keyOf(raw.Target.key);
      expected.push(`${this.#rowOf('Target', at)} ${high} ${low}`);
    }
    const kept = [...this.#table.keysOfRecognised()].map(({ owner, high, low }) => `${owner} ${high} ${low}`);
    expect(kept.toSorted().join('\n') === expected.toSorted().join('\n'), 'the keys are others').toBe(true);
  }

  #checkRows(): void {
    for (const [source, { ends, settled, prints }] of this.#known.Source) {
      const row = this.#rowOf('Source', source);
      if (row === -1 || row !== this.#rowOf('Target', ends.Target)) throw new Error(`${source} is astray`);
      const isSame = SIDES.every((side) => prints[side] === this.#printOf(side, ends[side]));
      if (this.#table.isQuiet(row) !== (settled && isSame)) throw new Error(`${source}: quiet or not`);
    }
  }

  #store(decoded: readonly Met[]): void {
    const keys: RowKeys[] = [];
    const ids = new HashColumn(2, decoded.length);
    const columns = {
      prints: new HashColumn(4, decoded.length),
      rawPrints: new HashColumn(4, decoded.length),
    };
    for (const [place, { side, at }] of decoded.entries()) {
      ids.set(place, hashKey(side, `${side === 'Source' ? 's' : 't'}${at}`, DIGEST));
      columns.prints.set(place, this.#printOf(side, at));
      columns.rawPrints.set(place, this.#rawOf(side, at));
      const row = this.#table.findAs(side, ids, place);
      const known = this.#known[side].get(at);
      if ((row === -1) !== (known === undefined)) throw new Error(`${side} ${at}: row ${row}`);
      if (!known) continue;
      const isLearnt = this.#table.learn(side, row, { ...columns, at: place, mask: at % MASKS });
      if (isLearnt !== (known.settled && known.prints[side] === this.#printOf(side, at)))
        throw new Error(`${side} ${at}: learnt ${isLearnt}`);
      if (!isLearnt) continue;
      const { key } = this.#saidBy(side, at);
      known.raw[side] = { print: this.#rawOf(side, at), key };
      if (side === 'Target') keys.push({ row, keys: key === undefined ? [] : [keyOf(key)] });
    }
    this.#table.store(keys);
  }
}
