/**
 * Reading a directory. A listing is complete only when every page succeeded and the last one had no cookie; any
 * limit, referral or unreadable id makes it evidence `No`. It is no snapshot: an entry that moves meanwhile may
 * be missed, so what it did not list is looked at again.
 */
import type { Filter } from 'ldapts';

import type { Entry, ObjectSchema } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { EntryReader, Evidence, Fetched, ReadRequest } from '../../engine/ports.ts';
import type { RecogniserOf, Unknown } from '../../engine/recogniser.ts';
import type { LdapObject } from './config.ts';
import type { Connection } from './connection.ts';
import { decoderFor, type Decoder } from './decode.ts';
import type { Directory } from './directory.ts';
import { isWithin } from './dn.ts';
import { allOf, parseFilter, present } from './filter.ts';
import { listEntries, PageSize, type RawEntry } from './listing.ts';
import { NO_SUCH_OBJECT, resultError, SUCCESS } from './result.ts';
import { search, type Answer, type Search } from './search.ts';
import { WantedIds } from './wanted-ids.ts';

/** OR filters of 50 were measured fastest: 35 k entries/s against 3 k one by one. */
const IDS_PER_SEARCH = 50;
/** So that the server has the next one while we read its answer to the last. */
const SEARCHES_IN_FLIGHT = 4;

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
  readonly #pages: PageSize;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#pages = new PageSize(parts.directory.paging);
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly Entry[], Evidence> {
    await using listing = this.readRaw(request, signal);
    let step = await listing.next();
    for (; !step.done; step = await listing.next()) {
      const entries: Entry[] = [];
      for (const raw of step.value) {
        const entry = raw.decode();
        if (entry) entries.push(entry);
      }
      if (entries.length > 0) yield entries;
    }
    return step.value;
  }

  async *skim(
    request: ReadRequest,
    recogniserOf: RecogniserOf,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Unknown[], Evidence> {
    const { schema, directory } = this.#parts;
    const recogniser = recogniserOf(decoderFor(request, schema, directory.schema).form);
    await using listing = this.readRaw(request, signal);
    let step = await listing.next();
    for (; !step.done; step = await listing.next()) {
      const unknown: Unknown[] = [];
      for (const raw of step.value) {
        const rawPrint = recogniser.recognise(raw.raw);
        const entry = rawPrint === undefined ? undefined : raw.decode();
        if (entry) unknown.push({ entry, rawPrint });
      }
      yield unknown;
    }
    return step.value;
  }

  /** The same, before anything is decoded. */
  async *readRaw(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly RawEntry[], Evidence> {
    const { object, schema, directory, connect } = this.#parts;
    const decoder = decoderFor(request, schema, directory.schema);
    const what = this.#listing(request, decoder);
    await using connection = await connect(signal);
    return yield* listEntries(connection, { what, object, decoder }, this.#pages, signal);
  }

  async *fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    const decoder = decoderFor(request, this.#parts.schema, this.#parts.directory.schema);
    const left = new AbortController();
    const either = AbortSignal.any([signal, left.signal]);
    const pending: Promise<Fetched[]>[] = [];
    try {
      for (let start = 0; start < ids.length || pending.length > 0; start += IDS_PER_SEARCH) {
        const some = ids.slice(start, start + IDS_PER_SEARCH);
        if (some.length > 0) {
          const answers = this.#fetchSome(some, request, decoder, either);
          // It may fail while the consumer is still busy with those before it.
          answers.catch(() => undefined);
          pending.push(answers);
        }
        if (some.length === 0 || pending.length === SEARCHES_IN_FLIGHT) yield* (await pending.shift()) ?? [];
      }
    } finally {
      left.abort();
      await Promise.allSettled(pending);
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
    const wanted = new WantedIds(ids, schema);
    const listing = this.#listing(request, decoder);
    const scoped = await search(
      connection,
      { ...listing, filter: allOf([listing.filter, wanted.filter()]) },
      signal,
    );
    wanted.take(scoped.entries, decoder, true);
    let failure = failureOf(scoped, `fetch from ${object.base}`);
    const contexts = directory.namingContexts.length > 0 ? directory.namingContexts : [object.base];
    for (const context of contexts) {
      if (wanted.isEmpty) break;
      const anywhere: Search = { ...listing, base: context, scope: 'Subtree', filter: wanted.filter() };
      const found = await search(connection, anywhere, signal);
      wanted.take(found.entries, decoder, false);
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
      const [found] = answer.entries;
      if (!found) continue;
      const entry = decoder.decode(found.cursor());
      if (entry) return { kind: 'There', id: name, entry, listed: inScope && index === 0 };
      const message = `fetch by name: the entry shows no '${this.#parts.schema.id}'`;
      return { kind: 'Failed', id: name, error: new ConnectorError('PermissionDenied', message) };
    }
    return { kind: 'NotThere', id: name };
  }
}

function failureOf(answer: Answer, action: string): ConnectorError | undefined {
  const refusal = refusalOf(answer, action);
  if (refusal || answer.references === 0) return refusal;
  return new ConnectorError(
    'Refused',
    `${action}: the directory refers to another server, which is not followed`,
  );
}

function refusalOf(answer: Answer, action: string): ConnectorError | undefined {
  return answer.status === SUCCESS ? undefined : resultError(answer, action);
}
