/**
 * Listings, entry by entry as they come. An entry is handed out before it is decoded, so that whoever knows its
 * octets already need not look into it.
 */
import type { Entry } from '../../engine/entry.ts';
import type { Evidence } from '../../engine/ports.ts';
import type { Connection } from './connection.ts';
import type { Decoder } from './decode.ts';
import type { Directory } from './directory.ts';
import { Flaws } from './flaws.ts';
import { SEARCH_DONE, SEARCH_ENTRY, SEARCH_REFERENCE, type Message } from './message.ts';
import type { LdapObject } from './config.ts';
import { ADMIN_LIMIT_EXCEEDED } from './result.ts';
import { list, type Search } from './search.ts';

/** What Active Directory gives at most, and enough: to OpenLDAP a page costs little. */
const PAGE_ENTRIES = 1000;
/** OpenLDAP refuses a page above its limit (`size.pr`) without naming the limit. */
const SHRINK = 4;

/** One entry of a listing. Good until the next batch is asked for; what `decode` returns is good for ever. */
export interface RawEntry {
  /** The message but for its number: the same octets are the same entry. Shares a buffer with others. */
  readonly raw: Uint8Array;
  /** Undefined where it has no id, which the evidence then says. Throws InvalidData. */
  decode(): Entry | undefined;
}

export interface Listing {
  readonly what: Search;
  readonly object: LdapObject;
  readonly decoder: Decoder;
}

/** How many entries to ask for at a time, learnt once for a session. */
export class PageSize {
  readonly #paging: Directory['paging'];
  #entries: number | undefined;

  constructor(paging: Directory['paging']) {
    this.#paging = paging;
    this.#entries = paging === 'No' ? undefined : PAGE_ENTRIES;
  }

  /** Undefined: all in one piece. */
  get entries(): number | undefined {
    return this.#entries;
  }

  /** A server that counts itself among those that know pages must say of each whether it is the last. */
  get mustSayLast(): boolean {
    return this.#paging === 'Yes' && this.#entries !== undefined;
  }

  /** Whether there is something else to try where the server refuses pages of this size, or pages at all. */
  shrinkFor(answer: Message): boolean {
    const { status, errorMessage } = answer.result();
    if (this.#entries === undefined || status !== ADMIN_LIMIT_EXCEEDED) return false;
    if (!/page/i.test(errorMessage)) return false;
    const smaller = Math.floor(this.#entries / SHRINK);
    this.#entries = smaller > SHRINK ? smaller : undefined;
    return true;
  }
}

/** The connection must be there for this alone: two paged searches on one spoil each other's cookies. */
export async function* listEntries(
  connection: Connection,
  listing: Listing,
  pages: PageSize,
  signal: AbortSignal,
): AsyncGenerator<readonly RawEntry[], Evidence> {
  for (;;) {
    const attempt = new Attempt(listing, pages);
    for await (const messages of list(connection, listing.what, pages.entries, signal)) {
      const entries = attempt.take(messages);
      if (entries.length > 0) yield entries;
    }
    if (!attempt.isRefused) return attempt.flaws.evidence();
  }
}

/** A listing by pages of one size, until it ends or the server refuses the size. */
class Attempt {
  readonly flaws: Flaws;
  isRefused = false;
  readonly #decoder: Decoder;
  readonly #pages: PageSize;
  #hasEntries = false;

  constructor({ object, decoder }: Listing, pages: PageSize) {
    this.flaws = new Flaws(object, pages.mustSayLast);
    this.#decoder = decoder;
    this.#pages = pages;
  }

  take(messages: readonly Message[]): RawEntry[] {
    const entries: RawEntry[] = [];
    for (const message of messages) {
      if (message.operation === SEARCH_ENTRY) entries.push(this.#raw(message));
      else if (message.operation === SEARCH_REFERENCE) this.flaws.refer();
      else if (message.operation === SEARCH_DONE) this.#end(message);
    }
    return entries;
  }

  #raw(message: Message): RawEntry {
    this.#hasEntries = true;
    return new LazyEntry(message, this.#decoder, this.flaws);
  }

  #end(result: Message): void {
    if (!this.#hasEntries && this.#pages.shrinkFor(result)) this.isRefused = true;
    else this.flaws.judge(result);
  }
}

class LazyEntry implements RawEntry {
  readonly #message: Message;
  readonly #decoder: Decoder;
  readonly #flaws: Flaws;

  constructor(message: Message, decoder: Decoder, flaws: Flaws) {
    this.#message = message;
    this.#decoder = decoder;
    this.#flaws = flaws;
  }

  get raw(): Uint8Array {
    return this.#message.raw;
  }

  decode(): Entry | undefined {
    const entry = this.#decoder.decode(this.#message.cursor());
    if (!entry) this.#flaws.missId();
    return entry;
  }
}
