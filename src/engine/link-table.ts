/**
 * The links of a mapping as flat arrays, with what the listing has seen of each. What is needed to recognise an
 * entry by its octets is there at once; ids and fingerprints of contents are loaded when the first entry comes that
 * is not recognised.
 */
import { hashKey } from './fingerprint.ts';
import { reaching, type HashColumn } from './hash-index.ts';
import type { LoggedKey, RowKeys } from './key-log.ts';
import { IdColumns, RawColumns } from './link-columns.ts';
import { pageOf, LinkBook, type PageColumns } from './link-book.ts';
import { Masks, NO_MASK } from './masks.ts';
import type { Digest, LinkHead, Links } from './ports.ts';

const SETTLED = 1;
const SEEN = { Source: 2, Target: 4 } as const;
const SAME = { Source: 8, Target: 16 } as const;
/** Known by its octets, and not decoded. */
const RECOGNISED = { Source: 32, Target: 64 } as const;
const REMOVED = 128;
const QUIET = SETTLED | SEEN.Source | SEEN.Target | SAME.Source | SAME.Target;
/** What holds beyond the run. */
const KEPT = SETTLED | REMOVED;

type Side = 'Source' | 'Target';
type BySide<T> = Readonly<Record<Side, T>>;

export interface LinkTableOptions {
  /** Undefined: no link counts as settled, every pair is looked at in full. */
  readonly epoch: string | undefined;
  /** What is read on each side. */
  readonly attributes: BySide<readonly string[]>;
  readonly digest: Digest;
}

/** An entry that was met, at this place of the columns. */
interface Learnt {
  readonly prints: HashColumn;
  readonly rawPrints: HashColumn;
  readonly at: number;
  readonly mask: number;
}

export class LinkTable {
  readonly masks: BySide<Masks>;
  /** The links are those of the last run that was stored, which no one else has changed since. */
  readonly isAsKept: boolean;
  /** How many links there were when it was loaded. */
  readonly before: number;
  readonly #options: LinkTableOptions;
  readonly #book: LinkBook;
  readonly #rowsBefore: number;
  #rows = 0;
  #flags: Uint8Array = new Uint8Array(16);
  readonly #raw: BySide<RawColumns>;
  #ids: BySide<IdColumns> | undefined;
  /** Rows that count as not settled in this run alone. */
  readonly #disturbed: Set<number> = new Set();
  /** Pages that are not as they are kept. */
  readonly #dirty: Set<number> = new Set();

  constructor(links: Links, options: LinkTableOptions) {
    this.#options = options;
    this.#book = new LinkBook(links, options);
    const kept = this.#book.open();
    this.isAsKept = kept !== undefined;
    const rows = kept?.rows ?? links.count();
    this.#raw = { Source: new RawColumns(rows), Target: new RawColumns(rows) };
    const { Source, Target } = options.attributes;
    this.masks = {
      Source: new Masks(Source, kept?.masks.Source),
      Target: new Masks(Target, kept?.masks.Target),
    };
    if (kept) this.#loadRaw(rows);
    else this.#loadHeads(links.heads(), rows);
    this.#rowsBefore = this.#rows;
    this.before = kept?.links ?? this.#rows;
  }

  // --- while the sides are read -----------------------------------------------------------------------------

  /** Whether entries may be recognised by their octets at all. */
  get recognises(): boolean {
    return this.#options.epoch !== undefined;
  }

  /** The row that a record of these octets belongs to, taken note of; -1: it has to be decoded. */
  recognise(side: Side, rawPrint: string): number {
    const row = this.#raw[side].find(rawPrint);
    if (row === -1) return -1;
    const flags = this.#flags[row] ?? 0;
    // Each link may be claimed by one record only.
    const isOpen = (flags & (SETTLED | SEEN[side] | REMOVED)) === SETTLED;
    if (!isOpen || this.#raw[side].mask(row) === NO_MASK || this.isPartnerChanged(side, row)) return -1;
    this.#flags[row] = flags | SEEN[side] | SAME[side] | RECOGNISED[side];
    return row;
  }

  rawMask(side: Side, row: number): number {
    return this.#raw[side].mask(row);
  }

  isRecognised(side: Side, row: number): boolean {
    return ((this.#flags[row] ?? 0) & RECOGNISED[side]) !== 0;
  }

  /** The row of the link of this entry, by the keyed hash of its key, or -1. */
  find(side: Side, keyHash: string): number {
    return this.#idColumns()[side].index.find(keyHash);
  }

  /** The same of links that were there before this run, whatever it has made since. */
  findOld(side: Side, keyHash: string): number {
    const row = this.find(side, keyHash);
    return row < this.#rowsBefore ? row : -1;
  }

  findAs(side: Side, from: HashColumn, at: number): number {
    return this.#idColumns()[side].index.findAs(from, at);
  }

  /** Marks the entry's link as seen in the listing; true when the entry is what it was when the pair settled. */
  see(side: Side, row: number, print: string): boolean {
    const flags = this.#flags[row] ?? 0;
    const same = (flags & SETTLED) !== 0 && this.#idColumns()[side].prints.equals(row, print);
    this.#flags[row] = flags | SEEN[side] | (same ? SAME[side] : 0);
    return same;
  }

  /** Whether the other entry of the pair was met already, and is not what it was: then this one is looked at too. */
  isPartnerChanged(side: Side, row: number): boolean {
    const other = side === 'Source' ? 'Target' : 'Source';
    return ((this.#flags[row] ?? 0) & (SEEN[other] | SAME[other])) === SEEN[other];
  }

  /** Has the pair looked at in full whatever its fingerprints say. */
  disturb(row: number): void {
    const flags = this.#flags[row] ?? 0;
    if ((flags & SETTLED) !== 0) this.#disturbed.add(row);
    this.#flags[row] = flags & ~SETTLED;
  }

  /** Settled, seen and unchanged on both sides: nothing has to be evaluated. */
  isQuiet(row: number): boolean {
    return ((this.#flags[row] ?? 0) & QUIET) === QUIET;
  }

  countQuiet(): number {
    let quiet = 0;
    for (let row = 0; row < this.#rows; row++) if (this.isQuiet(row)) quiet++;
    return quiet;
  }

  count(): number {
    let live = 0;
    for (let row = 0; row < this.#rows; row++) if (((this.#flags[row] ?? 0) & REMOVED) === 0) live++;
    return live;
  }

  /** Correlation keys of the target entries that were recognised: nobody has decoded them in this run. */
  *keysOfRecognised(): Generator<LoggedKey> {
    for (const key of this.#book.keys()) if (this.isRecognised('Target', key.owner)) yield key;
  }

  // --- what becomes of links --------------------------------------------------------------------------------

  put(link: LinkHead): void {
    const ids = this.#idColumns();
    const hashes = this.#hashesOf(link);
    const known = ids.Source.index.find(hashes.Source);
    const other = ids.Target.index.find(hashes.Target);
    if (other !== -1 && other !== known) this.#remove(other);
    const isSame = known !== -1 && known === other;
    if (known !== -1 && !isSame) this.#remove(known);
    const row = isSame ? known : this.#rows++;
    if (!isSame) this.#append(row, hashes);
    this.#settle(row, link);
    this.#dirty.add(pageOf(row));
  }

  remove(sourceKey: string): void {
    const row = this.find('Source', hashKey('Source', sourceKey, this.#options.digest));
    if (row !== -1) this.#remove(row);
  }

  #remove(row: number): void {
    this.#flags[row] = REMOVED;
    this.#disturbed.delete(row);
    const ids = this.#idColumns();
    ids.Source.keys.clear(row);
    ids.Target.keys.clear(row);
    // Else its octets would lead here, where the entry may be in another link by then.
    this.#raw.Source.forget(row);
    this.#raw.Target.forget(row);
    this.#dirty.add(pageOf(row));
  }

  #hashesOf({ sourceKey, targetKey }: LinkHead): BySide<string> {
    const { digest } = this.#options;
    return { Source: hashKey('Source', sourceKey, digest), Target: hashKey('Target', targetKey, digest) };
  }

  #append(row: number, hashes: BySide<string>): void {
    const ids = this.#idColumns();
    this.#flags = reaching(this.#flags, row + 1, (length) => new Uint8Array(length));
    this.#flags[row] = 0;
    for (const side of ['Source', 'Target'] as const) {
      ids[side].keys.set(row, hashes[side]);
      ids[side].index.add(row);
      this.#raw[side].forget(row);
    }
  }

  #settle(row: number, { sourcePrint, targetPrint, settledIn }: LinkHead): void {
    const { epoch } = this.#options;
    this.#disturbed.delete(row);
    const flags = (this.#flags[row] ?? 0) & ~SETTLED;
    const settled = epoch !== undefined && settledIn === epoch && !!sourcePrint && !!targetPrint;
    this.#flags[row] = flags | (settled ? SETTLED : 0);
    if (!settled) return;
    const ids = this.#idColumns();
    const prints = { Source: sourcePrint, Target: targetPrint };
    for (const side of ['Source', 'Target'] as const) {
      // Octets that had another content are not what the entry comes in now.
      if (!ids[side].prints.equals(row, prints[side])) this.#raw[side].forget(row);
      ids[side].prints.set(row, prints[side]);
    }
  }

  /**
   * An entry that was met has these octets and this content: where its link is settled with the content (else:
   * false), it is recognised the next time.
   */
  learn(side: Side, row: number, { prints, rawPrints, at, mask }: Learnt): boolean {
    const isSettled = ((this.#flags[row] ?? 0) & SETTLED) !== 0 && !this.#disturbed.has(row);
    if (!isSettled || !this.#idColumns()[side].prints.sameAs(row, prints, at)) return false;
    if (this.#raw[side].learn(row, rawPrints, at, mask)) this.#dirty.add(pageOf(row));
    return true;
  }

  // --- from run to run --------------------------------------------------------------------------------------

  /** `keys`: of the target entries that were learnt in this run. */
  store(keys: Iterable<RowKeys>): void {
    const isKept = this.isAsKept && this.#dirty.size === 0;
    if (isKept || !this.recognises) return;
    for (const row of this.#disturbed) this.#flags[row] = (this.#flags[row] ?? 0) | SETTLED;
    const masks = { Source: this.masks.Source.known, Target: this.masks.Target.known };
    const header = { rows: this.#rows, links: this.count(), masks };
    this.#book.write(header, this.#dirty, this.#columns(), keys);
    this.#dirty.clear();
  }

  #columns(): PageColumns {
    const ids = this.#idColumns();
    const side = (one: Side): PageColumns['Source'] => ({
      raw: this.#raw[one].prints,
      masks: this.#raw[one].masks,
      keys: ids[one].keys,
      prints: ids[one].prints,
    });
    return { Source: side('Source'), Target: side('Target'), flags: this.#flags, kept: KEPT };
  }

  #loadRaw(rows: number): void {
    this.#rows = rows;
    this.#flags = new Uint8Array(Math.max(16, rows));
    const side = (one: Side): { raw: HashColumn; masks: Uint16Array } => ({
      raw: this.#raw[one].prints,
      masks: this.#raw[one].masks,
    });
    this.#book.readRaw(rows, { Source: side('Source'), Target: side('Target'), flags: this.#flags });
    this.#raw.Source.indexAll(rows);
    this.#raw.Target.indexAll(rows);
  }

  #loadHeads(heads: Iterable<LinkHead>, expected: number): void {
    this.#ids = { Source: new IdColumns(expected), Target: new IdColumns(expected) };
    for (const head of heads) {
      const row = this.#rows++;
      this.#append(row, this.#hashesOf(head));
      this.#settle(row, head);
      this.#dirty.add(pageOf(row));
    }
  }

  #idColumns(): BySide<IdColumns> {
    this.#ids ??= this.#loadIds();
    return this.#ids;
  }

  #loadIds(): BySide<IdColumns> {
    const ids = { Source: new IdColumns(this.#rows), Target: new IdColumns(this.#rows) };
    this.#book.readIds(this.#rows, ids);
    ids.Source.indexAll(this.#rows);
    ids.Target.indexAll(this.#rows);
    return ids;
  }
}
