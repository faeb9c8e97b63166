/**
 * Reading a directory. A listing is complete only when every page succeeded and the last one had no cookie; any
 * limit, referral or unreadable id makes it evidence `No`. It is no snapshot: an entry that moves meanwhile may
 * be missed, so what it did not list is looked at again.
 */
import type { Filter, SearchEntry, SearchResponse } from 'ldapts';

import { attributeOf, type Entry, type ObjectSchema } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { EntryReader, Evidence, Fetched, ReadRequest } from '../../engine/ports.ts';
import type { LdapObject } from './config.ts';
import type { Connection } from './connection.ts';
import { decoderFor, idOctets, type Decoder } from './decode.ts';
import type { Directory } from './directory.ts';
import { isWithin } from './dn.ts';
import { allOf, anyEqual, parseFilter, present } from './filter.ts';
import {
  ADMIN_LIMIT_EXCEEDED,
  BUSY,
  NO_SUCH_OBJECT,
  REFERRAL,
  resultError,
  SIZE_LIMIT_EXCEEDED,
  SUCCESS,
  TIME_LIMIT_EXCEEDED,
  UNAVAILABLE,
} from './result.ts';
import { search, searchPage, type Page, type Search } from './search.ts';

/** ldapts keeps a page as objects until it is whole: at 200 it dies young; 1000 was measured up to twice as slow. */
const PAGE_ENTRIES = 200;
/** OR filters of 50 were measured fastest: 35 k entries/s against 3 k one by one. */
const IDS_PER_SEARCH = 50;

const CUT_SHORT: ReadonlyMap<number, readonly [reason: string, advice: string]> = new Map([
  [
    SIZE_LIMIT_EXCEEDED,
    ['SizeLimit', 'raise the size limit of the bind account (OpenLDAP: limits … size=unlimited)'],
  ],
  [
    TIME_LIMIT_EXCEEDED,
    ['TimeLimit', 'raise the time limit of the bind account, or index what the filter asks for'],
  ],
  [
    ADMIN_LIMIT_EXCEEDED,
    ['AdminLimit', 'raise the look-through limit of the bind account, or index the filter'],
  ],
  [BUSY, ['Busy', 'try again when the server has less to do']],
  [UNAVAILABLE, ['Busy', 'try again when the server is available']],
  [REFERRAL, ['Referral', 'a part of the tree is on another server; make it a system of its own']],
]);

/** Opens a connection of its own: two paged searches on one connection spoil each other's cookies. */
export type Connect = (signal: AbortSignal) => Promise<Connection>;

export interface ReaderParts {
  readonly object: LdapObject;
  readonly schema: ObjectSchema;
  readonly directory: Directory;
  readonly connect: Connect;
  /** A live connection for single searches, opened again after it was lost. */
  readonly shared: Connect;
}

export class LdapReader implements EntryReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly Entry[], Evidence> {
    const { object, schema, directory, connect } = this.#parts;
    const decoder = decoderFor(request, schema, directory.schema);
    const what = this.#listing(request, decoder);
    await using connection = await connect(signal);
    const flaws = new Flaws(object, schema);
    let cookie: Buffer | undefined;
    do {
      const page: Page = await searchPage(connection, what, { size: PAGE_ENTRIES, cookie }, signal);
      const entries = flaws.look(page, decoder);
      if (entries.length > 0) yield entries;
      cookie = page.response.status === SUCCESS ? page.cookie : undefined;
    } while (cookie);
    return flaws.evidence();
  }

  async *fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    const decoder = decoderFor(request, this.#parts.schema, this.#parts.directory.schema);
    for (let start = 0; start < ids.length; start += IDS_PER_SEARCH) {
      yield* await this.#fetchSome(ids.slice(start, start + IDS_PER_SEARCH), request, decoder, signal);
    }
  }

  async *fetchByName(
    names: readonly string[],
    request: ReadRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Fetched> {
    const decoder = decoderFor(request, this.#parts.schema, this.#parts.directory.schema);
    for (const name of names) yield await this.#fetchOne(name, request, decoder, signal);
  }

  #listing(request: ReadRequest, decoder: Decoder): Search & { readonly filter: Filter } {
    const { object } = this.#parts;
    const filters = [object.filter, ...(request.filter === undefined ? [] : [request.filter])];
    return {
      base: object.base,
      scope: object.scope,
      filter: allOf(filters.map(parseFilter)),
      attributes: decoder.attributes,
    };
  }

  /** First where the listing would find them, then anywhere on the server. */
  async #fetchSome(
    ids: readonly string[],
    request: ReadRequest,
    decoder: Decoder,
    signal: AbortSignal,
  ): Promise<Fetched[]> {
    const { object, schema, directory, shared } = this.#parts;
    const connection = await shared(signal);
    const wanted = new Wanted(ids, schema);
    const listing = this.#listing(request, decoder);
    const scoped = await search(
      connection,
      { ...listing, filter: allOf([listing.filter, wanted.filter()]) },
      signal,
    );
    wanted.take(scoped.searchEntries, decoder, true);
    let failure = failureOf(scoped, `fetch from ${object.base}`);
    const contexts = directory.namingContexts.length > 0 ? directory.namingContexts : [object.base];
    for (const context of contexts) {
      if (wanted.isEmpty) break;
      const anywhere: Search = { ...listing, base: context, scope: 'Subtree', filter: wanted.filter() };
      const found = await search(connection, anywhere, signal);
      wanted.take(found.searchEntries, decoder, false);
      // Referrals below other bases lead to other systems; only within our own base is something missing.
      failure ??= refusalOf(found, `fetch from ${context}`);
    }
    return wanted.answers(failure);
  }

  async #fetchOne(
    name: string,
    request: ReadRequest,
    decoder: Decoder,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const { object, shared } = this.#parts;
    const connection = await shared(signal);
    const listing = this.#listing(request, decoder);
    const here: Search = { ...listing, base: name, scope: 'Base' };
    const inScope = isWithin(name, object.base, object.scope);
    const filters = inScope ? [listing.filter, present('objectClass')] : [present('objectClass')];
    for (const [index, filter] of filters.entries()) {
      const answer = await search(connection, { ...here, filter }, signal);
      if (answer.status === NO_SUCH_OBJECT) return { kind: 'NotThere', id: name };
      const error = failureOf(answer, 'fetch by name');
      if (error) return { kind: 'Failed', id: name, error };
      const entry = answer.searchEntries.flatMap((item) => decoder.decode(item) ?? [])[0];
      if (entry) return { kind: 'There', id: name, entry, listed: inScope && index === 0 };
    }
    return { kind: 'NotThere', id: name };
  }
}

/** The ids of one search, each with what has been found for it. Ids are the same when the server says so. */
class Wanted {
  readonly #schema: ObjectSchema;
  readonly #open: Map<string, string[]> = new Map();
  readonly #answers: Fetched[] = [];

  constructor(ids: readonly string[], schema: ObjectSchema) {
    this.#schema = schema;
    for (const id of ids) {
      const same = this.#open.get(this.#fold(id));
      if (same) same.push(id);
      else this.#open.set(this.#fold(id), [id]);
    }
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  filter(): Filter {
    const ids = [...this.#open.values()].flat();
    return anyEqual(
      this.#schema.id,
      ids.map((id) => idOctets(id, this.#schema)),
    );
  }

  take(found: readonly SearchEntry[], decoder: Decoder, listed: boolean): void {
    const entries = found.flatMap((item) => decoder.decode(item) ?? []);
    for (const [key, group] of Map.groupBy(entries, (entry) => this.#fold(entry.id))) {
      const [entry, second] = group;
      for (const id of this.#open.get(key) ?? []) {
        if (second) this.#fail(id, new ConnectorError('DuplicateKey', 'two entries have this id'));
        else if (entry) this.#answers.push({ kind: 'There', id, entry, listed });
      }
      this.#open.delete(key);
    }
  }

  answers(failure: ConnectorError | undefined): Fetched[] {
    for (const id of [...this.#open.values()].flat()) {
      if (failure) this.#fail(id, failure);
      else this.#answers.push({ kind: 'NotThere', id });
    }
    return this.#answers;
  }

  #fail(id: string, error: ConnectorError): void {
    this.#answers.push({ kind: 'Failed', id, error });
  }

  #fold(id: string): string {
    const match = attributeOf(this.#schema, this.#schema.id)?.match;
    return match === 'IgnoreCase' || match === 'IgnoreCaseAndSpace' ? id.toLowerCase() : id;
  }
}

function failureOf(answer: SearchResponse, action: string): ConnectorError | undefined {
  const refusal = refusalOf(answer, action);
  if (refusal || answer.searchReferences.length === 0) return refusal;
  return new ConnectorError(
    'Refused',
    `${action}: the directory refers to another server, which is not followed`,
  );
}

function refusalOf(answer: SearchResponse, action: string): ConnectorError | undefined {
  return answer.status === SUCCESS ? undefined : resultError(answer, action);
}

/** Collects what speaks against completeness; the first word wins. */
class Flaws {
  readonly #object: LdapObject;
  readonly #schema: ObjectSchema;
  #reason: string | undefined;
  #message: string | undefined;

  constructor(object: LdapObject, schema: ObjectSchema) {
    this.#object = object;
    this.#schema = schema;
  }

  /** The entries of a page. Throws what no evidence can express: the base is not there, reading is forbidden. */
  look({ response }: Page, decoder: Decoder): Entry[] {
    this.#judge(response);
    if (response.searchReferences.length > 0) {
      this.#add('Referral', 'a part of the tree is on another server; referrals are not followed');
    }
    const entries: Entry[] = [];
    for (const found of response.searchEntries) {
      const entry = decoder.decode(found);
      if (entry) entries.push(entry);
      else this.#add('MissingId', `an entry shows no '${this.#schema.id}'; may the bind account read it?`);
    }
    return entries;
  }

  evidence(): Evidence {
    if (this.#reason !== undefined) {
      return {
        complete: 'No',
        proof: undefined,
        reason: this.#reason,
        message: this.#message,
        snapshot: false,
      };
    }
    return { complete: 'Yes', proof: 'LastPage', reason: undefined, message: undefined, snapshot: false };
  }

  #judge(response: Page['response']): void {
    const { status } = response;
    if (status === SUCCESS) return;
    const cut = CUT_SHORT.get(status);
    if (cut) {
      this.#add(cut[0], `the directory cut the answer short: ${cut[1]}`);
      return;
    }
    if (status === NO_SUCH_OBJECT) {
      throw new ConnectorError(
        'InvalidConfiguration',
        `the base '${this.#object.base}' does not exist, or may not be seen`,
      );
    }
    throw resultError(response, `read ${this.#object.base}`);
  }

  #add(reason: string, message: string): void {
    this.#reason ??= reason;
    this.#message ??= `${this.#object.base}: ${message}`;
  }
}
