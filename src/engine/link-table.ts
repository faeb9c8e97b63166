/** The links of a mapping as flat arrays, with what the listing has seen of each. */
import { hashKey } from './fingerprint.ts';
import { HashIndex, PrintColumn } from './hash-index.ts';
import type { Digest, LinkHead } from './ports.ts';

const SETTLED = 1;
const SEEN = { Source: 2, Target: 4 } as const;
const SAME = { Source: 8, Target: 16 } as const;
const QUIET = SETTLED | SEEN.Source | SEEN.Target | SAME.Source | SAME.Target;

type Side = 'Source' | 'Target';

export class LinkTable {
  readonly #digest: Digest;
  readonly #index: Record<Side, HashIndex>;
  readonly #prints: Record<Side, PrintColumn>;
  #flags: Uint8Array;
  #count = 0;

  constructor(expected: number, digest: Digest) {
    this.#digest = digest;
    this.#index = { Source: new HashIndex(expected), Target: new HashIndex(expected) };
    this.#prints = { Source: new PrintColumn(expected), Target: new PrintColumn(expected) };
    this.#flags = new Uint8Array(Math.max(16, expected));
  }

  /** `epoch` undefined: no link counts as settled, every pair is looked at in full. */
  static load(
    heads: Iterable<LinkHead>,
    expected: number,
    epoch: string | undefined,
    digest: Digest,
  ): LinkTable {
    const table = new LinkTable(expected, digest);
    for (const head of heads) table.#add(head, epoch);
    return table;
  }

  get count(): number {
    return this.#count;
  }

  #add(head: LinkHead, epoch: string | undefined): void {
    const row = this.#count++;
    this.#index.Source.add(hashKey('Source', head.sourceKey, this.#digest), row);
    this.#index.Target.add(hashKey('Target', head.targetKey, this.#digest), row);
    const { sourcePrint, targetPrint } = head;
    if (epoch === undefined || head.settledIn !== epoch || !sourcePrint || !targetPrint) return;
    this.#prints.Source.set(row, sourcePrint);
    this.#prints.Target.set(row, targetPrint);
    this.#flags[row] = SETTLED;
  }

  /** The row of the link of this entry, by the keyed hash of its key, or -1. */
  find(side: Side, keyHash: string): number {
    return this.#index[side].find(keyHash);
  }

  /** Marks the entry's link as seen in the listing; true when the entry is what it was when the pair settled. */
  see(side: Side, row: number, print: string): boolean {
    const flags = this.#flags[row] ?? 0;
    const same = (flags & SETTLED) !== 0 && this.#prints[side].equals(row, print);
    this.#flags[row] = flags | SEEN[side] | (same ? SAME[side] : 0);
    return same;
  }

  /** Settled, seen and unchanged on both sides: nothing has to be evaluated. */
  isQuiet(row: number): boolean {
    return ((this.#flags[row] ?? 0) & QUIET) === QUIET;
  }

  /** Has the pair looked at in full whatever its fingerprints say. */
  disturb(row: number): void {
    this.#flags[row] = (this.#flags[row] ?? 0) & ~SETTLED;
  }

  countQuiet(): number {
    let quiet = 0;
    for (let row = 0; row < this.#count; row++) if (this.isQuiet(row)) quiet++;
    return quiet;
  }
}
