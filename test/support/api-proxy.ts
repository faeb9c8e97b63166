/**
 * Stands before an API server and misbehaves on demand, as networks, load balancers and overloaded servers do. It
 * speaks TLS with a certificate of its own, HTTP/2 and HTTP/1.1, and passes on tokens but no client certificates.
 */
import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { ServerResponse, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Authority, Identity } from './authority.ts';

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** By performance.now(). */
  readonly at: number;
}

export type Misbehaviour =
  /** Instead of the server. */
  | {
      readonly kind: 'Answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Before the server hears of it. */
  | { readonly kind: 'Delay'; readonly until: Promise<unknown> }
  /** The server does it, and the connection breaks before the answer comes through. */
  | { readonly kind: 'LoseAnswer' }
  /** The server does it, and the client never hears of it. */
  | { readonly kind: 'Withhold'; readonly answered: () => void }
  /** 200, and then nothing at all; the other requests go on. */
  | { readonly kind: 'Silence' }
  /** The server's answer, with this before it. */
  | { readonly kind: 'Prepend'; readonly text: string };

export interface ApiProxyOptions {
  readonly target: string;
  /** Of the server behind it. */
  readonly targetCa: string;
  readonly authority: Authority;
  /** Only HTTP/1.1. */
  readonly http1?: boolean;
}

interface Rule {
  readonly matches: (request: ProxiedRequest) => boolean;
  readonly how: Misbehaviour;
  times: number;
}

export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const proxy = new ApiProxy(options, await options.authority.server('api-proxy'));
  await proxy.start();
  return proxy;
}

/** Headers that belong to one connection. */
const HOP_HEADERS = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host', 'http2-settings'];

export class ApiProxy implements AsyncDisposable {
  readonly #options: ApiProxyOptions;
  readonly #upstream: Agent;
  readonly #inner: ReturnType<typeof createSecureServer>;
  readonly #front = createServer((socket) => this.#accept(socket));
  /** From the client's socket to ours. */
  readonly #pairs: Map<Socket, Socket> = new Map();
  readonly #rules: Set<Rule> = new Set();
  readonly requests: ProxiedRequest[] = [];
  /** Connections that were ever made. */
  accepted = 0;
  #isFrozen = false;
  #isRefusing = false;

  constructor(options: ApiProxyOptions, identity: Identity) {
    this.#options = options;
    this.#upstream = new Agent({ keepAlive: true, ca: options.targetCa });
    const protocols = options.http1 ? ['http/1.1'] : ['h2', 'http/1.1'];
    this.#inner = createSecureServer(
      { allowHTTP1: true, ALPNProtocols: protocols, cert: identity.certificate, key: identity.key },
      (request, response) => void this.#handle(request, response),
    );
    // A client that goes away in the middle is nothing to report.
    this.#inner.on('sessionError', () => undefined).on('tlsClientError', () => undefined);
  }

  async start(): Promise<void> {
    this.#inner.listen(0, '127.0.0.1');
    this.#front.listen(0, '127.0.0.1');
    await Promise.all([once(this.#inner, 'listening'), once(this.#front, 'listening')]);
  }

  get url(): string {
    return `https://127.0.0.1:${String(portOf(this.#front.address()))}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Nothing passes in either direction; connections are accepted and stay. */
  freeze(): void {
    this.#isFrozen = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** What was held back passes now. */
  thaw(): void {
    this.#isFrozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** The connections of now are dead and nobody says so; new ones work. */
  blackhole(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** The connections of now are reset. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** As if nobody listened; open connections stay. */
  refuse(): void {
    this.#isRefusing = true;
  }

  admit(): void {
    this.#isRefusing = false;
  }

  /** New connections are greeted with another certificate. */
  present(identity: Identity): void {
    this.#inner.setSecureContext({ cert: identity.certificate, key: identity.key });
  }

  /** From now on, so many times, until the returned function is called. The oldest rule that fits is obeyed. */
  misbehave(matches: Rule['matches'], how: Misbehaviour, times = Infinity): () => void {
    const rule: Rule = { matches, how, times };
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  async stop(): Promise<void> {
    this.cut();
    this.#front.close();
    this.#inner.close();
    this.#upstream.destroy();
    await once(this.#front, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    this.accepted++;
    const server = connect(portOf(this.#inner.address()), '127.0.0.1');
    this.#pairs.set(client, server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (data) => to.write(data));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#pairs.delete(client);
        to.destroy();
      });
      if (this.#isFrozen) from.pause();
    }
  }

  async #handle(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const seen = {
      method: request.method,
      path: request.url,
      headers: { ...request.headers },
      at: performance.now(),
    };
    this.requests.push(seen);
    response.on('error', () => undefined);
    const how = this.#ruleFor(seen);
    if (how?.kind === 'Delay') await how.until;
    if (how?.kind === 'Answer') {
      response.writeHead(how.status, how.headers ?? {});
      response.end(how.body ?? '');
    } else if (how?.kind === 'Silence') {
      response.writeHead(200, { 'content-type': 'application/json' });
      flush(response);
    } else {
      this.#pass(request, response, how);
    }
  }

  #ruleFor(seen: ProxiedRequest): Misbehaviour | undefined {
    const rule = [...this.#rules].find(({ matches, times }) => times > 0 && matches(seen));
    if (rule !== undefined) rule.times--;
    return rule?.how;
  }

  #pass(request: Http2ServerRequest, response: Http2ServerResponse, how: Misbehaviour | undefined): void {
    const upstream = httpsRequest(this.#options.target + request.url, {
      method: request.method,
      headers: endToEnd(request.headers),
      agent: this.#upstream,
    });
    upstream.on('error', () => reset(request));
    // The client gave up: the server behind has to know.
    request.on('aborted', () => upstream.destroy());
    response.on('close', () => upstream.destroy());
    upstream.once('response', (answer) => {
      if (how?.kind === 'Withhold') answer.resume().once('end', how.answered);
      else if (how?.kind === 'LoseAnswer') answer.resume().once('end', () => reset(request));
      else forward(answer, response, how?.kind === 'Prepend' ? how.text : '');
    });
    request.pipe(upstream);
  }
}

function forward(answer: IncomingMessage, response: Http2ServerResponse, before: string): void {
  response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
  flush(response);
  if (before !== '') response.write(before);
  answer.on('data', (data: Buffer) => response.write(data));
  answer.once('end', () => response.end());
  answer.once('error', () => reset(response.req));
}

/** The connection breaks, with all that is open on it. */
function reset(request: Http2ServerRequest): void {
  request.socket.destroy(); // over HTTP/2 the session
}

/** HTTP/2 has sent them already. */
function flush(response: unknown): void {
  if (response instanceof ServerResponse) response.flushHeaders();
}

function endToEnd(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    (pair): pair is [string, string | string[]] =>
      pair[1] !== undefined && !pair[0].startsWith(':') && !HOP_HEADERS.includes(pair[0]),
  );
  return Object.fromEntries(kept);
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}
