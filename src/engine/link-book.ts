/**
 * What is kept of the link table from run to run: its columns cut into pages, of which only those are written that
 * have changed. A derived thing: links alone say what is linked, and where one of them has changed since, the book
 * is not opened and the table is made from them.
 */
import type { HashColumn } from './hash-index.ts';
import type { LoggedKey, RowKeys } from './key-log.ts';
import type { LinkPage } from './link-pages.ts';
import type { Links } from './ports.ts';

const PAGE_ROWS = 4096;
/** Layout of the pages; another number is another layout. */
const FORM = 1;
const HASH_BYTES = 16;
const ID_BYTES = 8;
const MASK_BYTES = 2;
const KEY_WORDS = 4;

type Side = 'Source' | 'Target';
type BySide<T> = Readonly<Record<Side, T>>;
const SIDES = ['Source', 'Target'] as const;

export interface BookHeader {
  /** With those that were removed. */
  readonly rows: number;
  readonly links: number;
  readonly masks: BySide<readonly string[]>;
}

interface RawPart {
  readonly raw: HashColumn;
  readonly masks: Uint16Array;
}

interface IdPart {
  readonly keys: HashColumn;
  readonly prints: HashColumn;
}

export interface PageColumns extends BySide<RawPart & IdPart> {
  readonly flags: Uint8Array;
  /** Which flags hold beyond the run. */
  readonly kept: number;
}

interface Reading {
  readonly epoch: string | undefined;
  readonly attributes: BySide<readonly string[]>;
}

export function pageOf(row: number): number {
  return Math.floor(row / PAGE_ROWS);
}

export class LinkBook {
  readonly #links: Links;
  /** What the pages are true for. */
  readonly #form: string;
  readonly #mayOpen: boolean;
  /** Its rows are those of the table. */
  #isOpen = false;

  constructor(links: Links, { epoch, attributes }: Reading) {
    this.#links = links;
    this.#mayOpen = epoch !== undefined;
    this.#form = JSON.stringify([FORM, epoch, attributes.Source, attributes.Target]);
  }

  /** Undefined: there is none that holds for what is to be read now. */
  open(): BookHeader | undefined {
    const kept = this.#mayOpen ? this.#links.pages.header() : undefined;
    if (kept === undefined) return undefined;
    const { form, ...header } = JSON.parse(kept) as BookHeader & { readonly form: string };
    const isMostlyGaps = header.rows > 2 * (header.links + PAGE_ROWS);
    this.#isOpen = form === this.#form && !isMostlyGaps;
    return this.#isOpen ? header : undefined;
  }

  readRaw(rows: number, columns: BySide<RawPart> & { readonly flags: Uint8Array }): void {
    for (const { page, body } of this.#links.pages.read('raw')) {
      const [start, end] = rowsOf(page, rows);
      const cut = new Cutter(body);
      for (const side of SIDES) columns[side].raw.bytes(start, end).set(cut.next((end - start) * HASH_BYTES));
      for (const side of SIDES)
        maskBytes(columns[side].masks, start, end).set(cut.next((end - start) * MASK_BYTES));
      columns.flags.subarray(start, end).set(cut.next(end - start));
    }
  }

  readIds(rows: number, columns: BySide<IdPart>): void {
    for (const { page, body } of this.#links.pages.read('ids')) {
      const [start, end] = rowsOf(page, rows);
      const cut = new Cutter(body);
      for (const side of SIDES) columns[side].keys.bytes(start, end).set(cut.next((end - start) * ID_BYTES));
      for (const side of SIDES)
        columns[side].prints.bytes(start, end).set(cut.next((end - start) * HASH_BYTES));
    }
  }

  *keys(): Generator<LoggedKey> {
    if (!this.#isOpen) return;
    for (const { body } of this.#links.pages.read('keys')) yield* keysIn(body);
  }

  /** Replaces these pages; from now on the book holds, until a link changes. */
  write(
    header: BookHeader,
    pages: ReadonlySet<number>,
    columns: PageColumns,
    learnt: Iterable<RowKeys>,
  ): void {
    const keys = this.#keysByPage(pages, learnt);
    const text = JSON.stringify({ ...header, form: this.#form });
    this.#links.pages.write(
      text,
      Math.ceil(header.rows / PAGE_ROWS),
      bodies(header.rows, pages, columns, keys),
    );
  }

  /** What is not learnt anew has the keys that it had. */
  #keysByPage(pages: ReadonlySet<number>, learnt: Iterable<RowKeys>): Map<number, number[]> {
    const byPage = new Map<number, number[]>([...pages].map((page) => [page, []]));
    const isLearnt = new Set<number>();
    for (const { row, keys } of learnt) {
      const words = byPage.get(pageOf(row));
      if (!words) continue;
      isLearnt.add(row);
      for (const { rule, high, low } of keys) words.push(row, rule, high, low);
    }
    // Where the table was made anew, the kept rows are not its own.
    if (!this.#isOpen) return byPage;
    for (const [page, words] of byPage) {
      const body = this.#links.pages.readOne('keys', page);
      for (const { owner, rule, high, low } of body ? keysIn(body) : [])
        if (!isLearnt.has(owner)) words.push(owner, rule, high, low);
    }
    return byPage;
  }
}

function* bodies(
  rows: number,
  pages: ReadonlySet<number>,
  columns: PageColumns,
  keys: ReadonlyMap<number, readonly number[]>,
): Generator<LinkPage> {
  for (const page of pages) {
    const [start, end] = rowsOf(page, rows);
    if (end <= start) continue;
    const flags = columns.flags.slice(start, end).map((one) => one & columns.kept);
    const raw = SIDES.map((side) => columns[side].raw.bytes(start, end));
    const masks = SIDES.map((side) => maskBytes(columns[side].masks, start, end));
    yield { part: 'raw', page, body: joined([...raw, ...masks, flags]) };
    const ids = SIDES.map((side) => columns[side].keys.bytes(start, end));
    const prints = SIDES.map((side) => columns[side].prints.bytes(start, end));
    yield { part: 'ids', page, body: joined([...ids, ...prints]) };
    yield { part: 'keys', page, body: new Uint8Array(Uint32Array.from(keys.get(page) ?? []).buffer) };
  }
}

function rowsOf(page: number, rows: number): [start: number, end: number] {
  return [page * PAGE_ROWS, Math.min((page + 1) * PAGE_ROWS, rows)];
}

function maskBytes(masks: Uint16Array, start: number, end: number): Uint8Array {
  return new Uint8Array(masks.buffer, masks.byteOffset + start * MASK_BYTES, (end - start) * MASK_BYTES);
}

function* keysIn(body: Uint8Array): Generator<LoggedKey> {
  // A copy of its own, since what a store hands out need not begin where words may.
  const words = new Uint32Array(Uint8Array.from(body).buffer);
  for (let at = 0; at + KEY_WORDS <= words.length; at += KEY_WORDS) {
    const [owner = 0, rule = 0, high = 0, low = 0] = words.subarray(at, at + KEY_WORDS);
    yield { owner, rule, high, low };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

class Cutter {
  readonly #body: Uint8Array;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  next(bytes: number): Uint8Array {
    const start = this.#at;
    this.#at += bytes;
    return this.#body.subarray(start, this.#at);
  }
}
