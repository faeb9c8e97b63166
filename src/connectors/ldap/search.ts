/** Single searches and pages of searches (RFC 2696), with everything the server answered. */
import { PagedResultsControl, SearchRequest, SearchResponse, type Filter } from 'ldapts';

import { ConnectorError } from '../../engine/errors.ts';
import type { LdapScope } from './config.ts';
import type { Connection } from './connection.ts';
import { parseFilter } from './filter.ts';

export interface Search {
  readonly base: string;
  readonly scope: LdapScope;
  readonly filter: Filter | string;
  readonly attributes: readonly string[];
}

const SCOPES = { Base: 'base', One: 'one', Subtree: 'sub' } as const;

/** The result code is the caller's to judge: an answer that was cut short still holds entries. */
export async function search(
  connection: Connection,
  what: Search,
  signal: AbortSignal,
): Promise<SearchResponse> {
  return exchange(connection, requestOf(what), signal);
}

export interface Page {
  readonly response: SearchResponse;
  /** Undefined: this was the last page. An empty page may well have a cookie. */
  readonly cookie: Buffer | undefined;
}

export async function searchPage(
  connection: Connection,
  what: Search,
  page: { readonly size: number; readonly cookie: Buffer | undefined },
  signal: AbortSignal,
): Promise<Page> {
  const control = new PagedResultsControl({
    value: { size: page.size, ...(page.cookie ? { cookie: page.cookie } : {}) },
  });
  const request = requestOf(what);
  request.controls = [control];
  const response = await exchange(connection, request, signal);
  const answered = response.controls?.find((candidate) => candidate instanceof PagedResultsControl);
  const cookie = answered?.value?.cookie;
  return { response, cookie: cookie && cookie.length > 0 ? cookie : undefined };
}

function requestOf(what: Search): SearchRequest {
  return new SearchRequest({
    messageId: 0, // given by the connection
    baseDN: what.base,
    scope: SCOPES[what.scope],
    filter: typeof what.filter === 'string' ? parseFilter(what.filter) : what.filter,
    attributes: [...what.attributes],
    derefAliases: 'never',
    // ldapts' default would end a slow search after ten seconds; the connection has a deadline of its own.
    timeLimit: 0,
    sizeLimit: 0,
  });
}

async function exchange(
  connection: Connection,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<SearchResponse> {
  const response = await connection.send(request, signal);
  if (response instanceof SearchResponse) return response;
  throw new ConnectorError('Unreachable', `${connection.host} answered a search with something else`);
}
