import { Pool, ProxyAgent, type Dispatcher } from 'undici';
import type { Connection, Outgoing, Reply } from './connection.ts';
import type { Access } from './access.ts';
import { orAborted } from './or-aborted.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 60_000;

/** A pool of sockets, one for each request that is under way: every watch holds one. */
export class Http1Connection implements Connection {
  heardAt: number = performance.now();
  readonly #origin: string;
  readonly #dispatcher: Dispatcher;

  constructor({ server, tls, proxy }: Access) {
    this.#origin = new URL(server).origin;
    const connect = { ...tls, timeout: CONNECT_TIMEOUT_MS };
    const options = {
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Every request has a deadline of its own, and a watch may be silent for long.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    this.#dispatcher =
      proxy === undefined
        ? new Pool(this.#origin, { ...options, connect })
        : new ProxyAgent({ ...options, uri: proxy, requestTls: connect });
  }

  /** It connects for each request as it needs to. */
  get isOpen(): boolean {
    return true;
  }

  async request({ method, path, headers, body }: Outgoing, signal: AbortSignal): Promise<Reply> {
    const content = body === undefined ? {} : { body };
    const sent = this.#dispatcher.request({
      origin: this.#origin,
      method,
      path,
      headers,
      ...content,
      signal,
    });
    // undici tells a request that still waits for its connection nothing of its signal.
    const answer = await orAborted(sent, signal);
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  }

  close(): void {
    this.#dispatcher.close().catch(() => undefined);
  }

  destroy(error: Error): void {
    this.#dispatcher.destroy(error).catch(() => undefined);
  }
}
