/**
 * Entries that no link holds and about which nothing was done: ignored or reported the last time. They are recognised
 * by their octets, like linked ones. Where nothing at all has changed, what was found of them stands; else they come
 * back to the work list as what they were, judged anew but not decoded. A derived thing, which holds only beside the
 * links that it was written with.
 */
import type { LoggedKey } from './key-log.ts';
import type { Masks } from './masks.ts';
import { LASTING, UnlinkedColumns, type Newcomer, type StandingState } from './unlinked-columns.ts';
import type { UnlinkedPage, UnlinkedPages } from './unlinked-pages.ts';

const PAGE_ROWS = 4096;
/** Layout of the pages; another number is another layout. */
const FORM = 1;
const HASH_BYTES = 16;
const MASK_BYTES = 2;

type Side = 'Source' | 'Target';
type BySide<T> = Readonly<Record<Side, T>>;
const SIDES = ['Source', 'Target'] as const;

/** A run that found nothing to do, and in whose world the entries were judged as they would be again. */
export interface Calm {
  readonly run: number;
  readonly recordsAll: boolean;
  readonly situations: readonly { readonly name: string; readonly count: number }[];
}

interface Header {
  readonly form: string;
  readonly rows: BySide<number>;
  readonly live: BySide<number>;
  readonly masks: BySide<readonly string[]>;
  readonly calm: Calm | null;
}

export interface UnlinkedBookOptions {
  readonly epoch: string | undefined;
  readonly attributes: BySide<readonly string[]>;
  readonly masks: BySide<Masks>;
  /** The links are those that the book was written with. */
  readonly holds: boolean;
}

/** An entry as it was when it was last decoded. */
export interface Recalled {
  readonly row: number;
  readonly id: string;
  readonly name: string | undefined;
  readonly state: StandingState;
  readonly isInScope: boolean;
  readonly print: string;
  readonly keys: readonly Omit<LoggedKey, 'owner'>[];
}

/** What is kept of an entry beside its columns. */
export type Described = Pick<Recalled, 'id' | 'name' | 'print' | 'keys'>;

/** Somebody to be recognised the next time. */
export interface DescribedNewcomer extends Newcomer {
  readonly describe: () => Described;
}

export class UnlinkedBook {
  readonly #pages: UnlinkedPages;
  readonly #options: UnlinkedBookOptions;
  readonly #form: string;
  readonly #live: BySide<number>;
  readonly #columns: BySide<UnlinkedColumns>;
  /** Its rows are those that are kept. */
  readonly #kept: Header | undefined;
  readonly #dirty: BySide<Set<number>> = { Source: new Set(), Target: new Set() };
  /** As the last run has left it, whether it holds or not. */
  readonly #left: Header | undefined;

  constructor(pages: UnlinkedPages, options: UnlinkedBookOptions) {
    const { epoch, attributes } = options;
    this.#pages = pages;
    this.#options = options;
    this.#form = JSON.stringify([FORM, epoch, attributes.Source, attributes.Target]);
    const left = pages.header();
    this.#left = left === undefined ? undefined : (JSON.parse(left) as Header);
    this.#kept = this.#left && this.#holds(this.#left) ? this.#left : undefined;
    this.#live = this.#kept?.live ?? { Source: 0, Target: 0 };
    const rows = this.#kept?.rows ?? { Source: 0, Target: 0 };
    this.#columns = { Source: new UnlinkedColumns(rows.Source), Target: new UnlinkedColumns(rows.Target) };
    for (const side of SIDES) this.#load(side);
  }

  /** Undefined: something was done in the last run, or it was not told. */
  get calm(): Calm | undefined {
    return this.#kept?.calm ?? undefined;
  }

  /** Whether everybody that is kept was seen in this run. */
  get areAllSeen(): boolean {
    return SIDES.every((side) => this.#columns[side].seen === this.#live[side]);
  }

  side(side: Side): UnlinkedColumns {
    return this.#columns[side];
  }

  /** Who was recognised in this run, as what they were. */
  *recalled(side: Side): Generator<Recalled> {
    if (this.#columns[side].seen === 0) return;
    const columns = this.#columns[side];
    for (const { page, body } of this.#pages.read({ side, part: 'text' })) {
      for (const [at, described] of textsIn(body).entries()) {
        const row = page * PAGE_ROWS + at;
        if (!described || !columns.isSeen(row)) continue;
        yield { ...described, row, state: columns.state(row), isInScope: columns.isInScope(row) };
      }
    }
  }

  /** What was found of them need not stand the next time, also where this run could not use it. */
  disturb(): void {
    if (!this.#left?.calm) return;
    this.#pages.write(JSON.stringify({ ...this.#left, calm: null }), pageCounts(this.#left.rows), []);
  }

  /** From now on the book holds, beside the links as they are. Who was not kept and is no newcomer is forgotten. */
  store(calm: Calm | undefined, newcomers: BySide<readonly DescribedNewcomer[]>): void {
    if (this.#options.epoch === undefined) {
      this.disturb();
      return;
    }
    for (const side of SIDES) this.#forgetOthers(side);
    const described = {
      Source: this.#append('Source', newcomers),
      Target: this.#append('Target', newcomers),
    };
    if (this.#isWritten(calm)) return;
    const header = this.#header(calm);
    this.#pages.write(JSON.stringify(header), pageCounts(header.rows), this.#bodies(described));
  }

  /** A book that could not be used is not left to the next run, however little there is to put in its place. */
  #isWritten(calm: Calm | undefined): boolean {
    const isNothing = SIDES.every((side) => this.#columns[side].rows === 0);
    if (!this.#kept) return isNothing && !this.#left;
    const isSame = JSON.stringify(this.calm) === JSON.stringify(calm);
    return isSame && SIDES.every((side) => this.#dirty[side].size === 0);
  }

  #holds({ form, rows, live }: Header): boolean {
    const { epoch, holds } = this.#options;
    const isMostlyGaps = SIDES.some((side) => rows[side] > 2 * (live[side] + PAGE_ROWS));
    return epoch !== undefined && holds && form === this.#form && !isMostlyGaps;
  }

  #load(side: Side): void {
    const { raw, flags, rows } = this.#columns[side];
    if (rows === 0) return;
    for (const { page, body } of this.#pages.read({ side, part: 'raw' })) {
      const [start, end] = rowsOf(page, rows);
      const masksAt = (end - start) * HASH_BYTES;
      const flagsAt = masksAt + (end - start) * MASK_BYTES;
      raw.prints.bytes(start, end).set(body.subarray(0, masksAt));
      maskBytes(raw.masks, start, end).set(body.subarray(masksAt, flagsAt));
      flags.subarray(start, end).set(body.subarray(flagsAt));
    }
    this.#renumber(side);
    raw.indexAll(rows);
  }

  /** Masks have the numbers that they have among the links. */
  #renumber(side: Side): void {
    const { raw, rows } = this.#columns[side];
    const numbers = (this.#kept?.masks[side] ?? []).map((mask) => this.#options.masks[side].numberOf(mask));
    if (numbers.every((number, at) => number === at)) return;
    for (let row = 0; row < rows; row++) {
      raw.renumber(row, numbers);
      this.#dirty[side].add(pageOf(row));
    }
  }

  #forgetOthers(side: Side): void {
    const columns = this.#columns[side];
    for (let row = 0; row < columns.rows; row++) {
      if (!columns.isLive(row) || columns.isKept(row)) continue;
      columns.raw.forget(row);
      this.#dirty[side].add(pageOf(row));
    }
  }

  /** By row. */
  #append(side: Side, newcomers: BySide<readonly DescribedNewcomer[]>): Map<number, DescribedNewcomer> {
    const rows = new Map<number, DescribedNewcomer>();
    for (const one of newcomers[side]) {
      const row = this.#columns[side].append(one);
      rows.set(row, one);
      this.#dirty[side].add(pageOf(row));
    }
    return rows;
  }

  #header(calm: Calm | undefined): Header {
    const { masks } = this.#options;
    const live = (side: Side): number => {
      const columns = this.#columns[side];
      let count = 0;
      for (let row = 0; row < columns.rows; row++) if (columns.isLive(row)) count++;
      return count;
    };
    return {
      form: this.#form,
      rows: { Source: this.#columns.Source.rows, Target: this.#columns.Target.rows },
      live: { Source: live('Source'), Target: live('Target') },
      masks: { Source: masks.Source.known, Target: masks.Target.known },
      calm: calm ?? null,
    };
  }

  *#bodies(described: BySide<ReadonlyMap<number, DescribedNewcomer>>): Generator<UnlinkedPage> {
    for (const side of SIDES) {
      for (const page of this.#dirty[side]) {
        yield { side, part: 'raw', page, body: this.#rawBody(side, page) };
        yield { side, part: 'text', page, body: this.#textBody(side, page, described[side]) };
      }
    }
  }

  #rawBody(side: Side, page: number): Uint8Array {
    const { raw, flags, rows } = this.#columns[side];
    const [start, end] = rowsOf(page, rows);
    const lasting = flags.slice(start, end).map((one) => one & LASTING);
    return Buffer.concat([raw.prints.bytes(start, end), maskBytes(raw.masks, start, end), lasting]);
  }

  #textBody(side: Side, page: number, newcomers: ReadonlyMap<number, DescribedNewcomer>): Uint8Array {
    const columns = this.#columns[side];
    const [start, end] = rowsOf(page, columns.rows);
    const before = this.#kept ? this.#pages.readOne({ side, part: 'text' }, page) : undefined;
    const known = before ? textsIn(before) : [];
    const texts: (Text | null)[] = [];
    for (let row = start; row < end; row++) {
      const one = newcomers.get(row)?.describe() ?? known[row - start];
      texts.push(one && columns.isLive(row) ? textOf(one) : null);
    }
    return Buffer.from(JSON.stringify(texts));
  }
}

/** Id, name, fingerprint of the content, and rule, high and low word of every correlation key. */
type Text = readonly [id: string, name: string | null, print: string, ...keys: number[]];

const WORDS_A_KEY = 3;

function textOf({ id, name, print, keys }: Described): Text {
  return [id, name ?? null, print, ...keys.flatMap(({ rule, high, low }) => [rule, high, low])];
}

function textsIn(body: Uint8Array): (Described | undefined)[] {
  const texts = JSON.parse(Buffer.from(body).toString()) as (Text | null)[];
  return texts.map((text) => (text === null ? undefined : describedOf(text)));
}

function describedOf([id, name, print, ...words]: Text): Described {
  const keys: Described['keys'][number][] = [];
  for (let at = 0; at < words.length; at += WORDS_A_KEY) {
    const [rule = 0, high = 0, low = 0] = words.slice(at, at + WORDS_A_KEY);
    keys.push({ rule, high, low });
  }
  return { id, name: name ?? undefined, print, keys };
}

function pageCounts({ Source, Target }: BySide<number>): BySide<number> {
  return { Source: Math.ceil(Source / PAGE_ROWS), Target: Math.ceil(Target / PAGE_ROWS) };
}

function pageOf(row: number): number {
  return Math.floor(row / PAGE_ROWS);
}

function rowsOf(page: number, rows: number): [start: number, end: number] {
  return [page * PAGE_ROWS, Math.min((page + 1) * PAGE_ROWS, rows)];
}

function maskBytes(masks: Uint16Array, start: number, end: number): Uint8Array {
  return new Uint8Array(masks.buffer, masks.byteOffset + start * MASK_BYTES, (end - start) * MASK_BYTES);
}
