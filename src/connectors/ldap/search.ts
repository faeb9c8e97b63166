/** Single searches, and listings in pages (RFC 2696), with everything the server answered. */
import { PagedResultsControl, ProtocolOperation, SearchRequest, type Filter } from 'ldapts';

import { BerCursor, malformed, SEQUENCE } from './ber.ts';
import type { LdapScope } from './config.ts';
import type { Connection } from './connection.ts';
import { parseFilter } from './filter.ts';
import { SEARCH_DONE, SEARCH_ENTRY, SEARCH_REFERENCE, type Message, type Response } from './message.ts';
import { requestOf, type Request } from './wire-request.ts';
import { SUCCESS, type Result } from './result.ts';
import { stream } from './stream.ts';

export const PAGED_RESULTS: string = PagedResultsControl.type;

export interface Search {
  readonly base: string;
  readonly scope: LdapScope;
  readonly filter: Filter | string;
  readonly attributes: readonly string[];
}

export interface Answer extends Result {
  readonly entries: readonly Message[];
  /** How many parts of the tree are elsewhere. */
  readonly references: number;
  /** Of a page: what to ask for the next one with. Undefined: there is none. */
  readonly cookie: Buffer | undefined;
}

export interface Page {
  readonly size: number;
  readonly cookie?: Buffer | undefined;
}

const SCOPES = { Base: 'base', One: 'one', Subtree: 'sub' } as const;

/** The result code is the caller's to judge: an answer that was cut short still holds entries. */
export async function search(
  connection: Connection,
  what: Search,
  signal: AbortSignal,
  page?: Page,
): Promise<Answer> {
  const entries: Message[] = [];
  let references = 0;
  let result: Message | undefined;
  for await (const batch of stream(
    connection,
    searchRequest('search', what, page),
    () => undefined,
    signal,
  )) {
    for (const message of batch) {
      if (message.operation === SEARCH_ENTRY) entries.push(message);
      else if (message.operation === SEARCH_REFERENCE) references += 1;
      else if (message.operation === SEARCH_DONE) result = message;
    }
  }
  if (!result) throw malformed(`${connection.host} ended a search without a result`);
  const response = result.result();
  const { status, errorMessage } = response;
  return { status, errorMessage, entries, references, cookie: nextCookie(response) };
}

/** Page after page. Without a page size: in one piece. */
export function list(
  connection: Connection,
  what: Search,
  pageSize: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly Message[], void> {
  const action = `read ${what.base}`;
  const next = (result: Message): Request | undefined => {
    const cookie = nextCookie(result.result());
    return cookie && pageSize !== undefined
      ? searchRequest(action, what, { size: pageSize, cookie })
      : undefined;
  };
  const first =
    pageSize === undefined ? searchRequest(action, what) : searchRequest(action, what, { size: pageSize });
  return stream(connection, first, next, signal);
}

function nextCookie(response: Response): Buffer | undefined {
  const cookie = response.status === SUCCESS ? cookieOf(response) : undefined;
  return cookie && cookie.length > 0 ? cookie : undefined;
}

/** Empty: this was the last page. Undefined: the server does not say. An empty page may well have a cookie. */
export function cookieOf(response: Response): Buffer | undefined {
  const control = response.controls.find(({ type }) => type === PAGED_RESULTS);
  if (!control) return undefined;
  const cursor = new BerCursor(control.value, 0, control.value.length);
  cursor.enter(SEQUENCE);
  cursor.integer(); // an estimate of the size
  return cursor.octets();
}

/** `action` is for people: the base of a listing is no secret, the name of a single entry may be. */
function searchRequest(action: string, what: Search, page?: Page): Request {
  const message = new SearchRequest({
    messageId: 0, // given by the connection
    baseDN: what.base,
    scope: SCOPES[what.scope],
    filter: typeof what.filter === 'string' ? parseFilter(what.filter) : what.filter,
    attributes: [...what.attributes],
    derefAliases: 'never',
    // ldapts' default would end a slow search after ten seconds; the connection has a deadline of its own.
    timeLimit: 0,
    sizeLimit: 0,
    ...(page ? { controls: [pageControl(page)] } : {}),
  });
  return requestOf(action, ProtocolOperation.LDAP_RES_SEARCH, message);
}

function pageControl({ size, cookie }: Page): PagedResultsControl {
  return new PagedResultsControl({ value: cookie ? { size, cookie } : { size } });
}
