/**
 * One connection pool for everything, shared by all requests and watches: over HTTP/2 that is one socket. It is made
 * anew when the server or a certificate changes, and dropped when it is found to be dead.
 */
import { createHash } from 'node:crypto';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { Access } from './credentials.ts';

/** Shorter than what a leader may lose by it. */
const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 60_000;
/** A live connection to a busy server may take this long. */
const SUSPICIOUS_AFTER_MS = 900;

export interface Connection {
  readonly dispatcher: Dispatcher;
  /** When something came from the other side, by performance.now(). */
  heardAt: number;
}

export class Connections {
  #current: (Connection & { readonly fingerprint: string }) | undefined;

  /** The same for the same server and certificates; a former one ends when its last request has. */
  for(access: Access): Connection {
    const fingerprint = fingerprintOf(access);
    if (this.#current?.fingerprint === fingerprint) return this.#current;
    this.#current?.dispatcher.close().catch(() => undefined);
    this.#current = { fingerprint, dispatcher: createDispatcher(access), heardAt: 0 };
    return this.#current;
  }

  /**
   * Nothing came for a request that was sent at `since`. Where nothing else came either, the connection is dead (a
   * middle box dropped it, silently): all that is open on it fails now and not after its own time-out.
   */
  suspect(connection: Connection, since: number): void {
    const tooEarly = performance.now() - since < SUSPICIOUS_AFTER_MS;
    if (tooEarly || connection.heardAt >= since) return;
    if (this.#current?.dispatcher === connection.dispatcher) this.#current = undefined;
    connection.dispatcher.destroy(new Error('the connection is dead')).catch(() => undefined);
  }

  async destroy(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.dispatcher.destroy();
  }
}

function createDispatcher({ tls, proxy }: Access): Dispatcher {
  const options = {
    allowH2: true,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Every request has a deadline of its own, and a watch may be silent for long.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const connect = { timeout: CONNECT_TIMEOUT_MS, keepAlive: true };
  if (proxy !== undefined)
    return new ProxyAgent({ ...options, uri: proxy, requestTls: { ...tls, ...connect } });
  return new Agent({ ...options, connect: { ...tls, ...connect } });
}

/** The token is not in it: it goes with each request. */
function fingerprintOf({ server, tls, proxy }: Access): string {
  const parts = [server, proxy, tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized];
  const texts = parts.map((part) => (part === undefined ? null : String(part)));
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64');
}
