/**
 * One connection for everything, shared by all requests and watches: over HTTP/2 that is one socket, over HTTP/1.1 a
 * pool. It is made anew when the server or a certificate changes or the server asks for it, and dropped when it is dead.
 *
 * HTTP/2 is node:http2 and not undici's, which in version 8.12 mixes up the streams of two connections when a server
 * asks for another one (GOAWAY) while watches go on: requests were held until the last watch had ended, and writes
 * that the server had done were sent again.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Access } from './access.ts';
import type { Connection } from './connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';

/** Shorter than what a leader may lose by it. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A live connection to a busy server may take this long. */
const SUSPICIOUS_AFTER_MS = 900;

interface Current {
  readonly fingerprint: string;
  readonly connecting: Promise<Connection>;
  connection: Connection | undefined;
}

export class Connections {
  readonly #pingMs: number;
  #current: Current | undefined;

  constructor(pingMs: number) {
    this.#pingMs = pingMs;
  }

  /** The same for the same server and certificates, for as long as it can be used. */
  async for(access: Access): Promise<Connection> {
    const fingerprint = fingerprintOf(access);
    const current = this.#current;
    if (current !== undefined && current.fingerprint === fingerprint && current.connection?.isOpen !== false)
      return current.connecting;
    current?.connection?.close();
    const next: Current = { fingerprint, connecting: this.#connect(access), connection: undefined };
    this.#current = next;
    try {
      next.connection = await next.connecting;
      // Somebody with newer credentials may have come meanwhile.
      if (this.#current !== next) next.connection.close();
      return next.connection;
    } catch (error) {
      if (this.#current === next) this.#current = undefined;
      throw error;
    }
  }

  /**
   * Nothing came for a request that was sent at `since`. Where nothing else came either, the connection is dead (a
   * middle box dropped it, silently): all that is open on it fails now and not after its own time-out.
   */
  suspect(connection: Connection, since: number): void {
    const tooEarly = performance.now() - since < SUSPICIOUS_AFTER_MS;
    if (tooEarly || connection.heardAt >= since) return;
    if (this.#current?.connection === connection) this.#current = undefined;
    connection.destroy(new Error('the connection is dead'));
  }

  destroy(): void {
    this.#current?.connection?.destroy(new Error('closed'));
    this.#current?.connecting.catch(() => undefined);
    this.#current = undefined;
  }

  async #connect(access: Access): Promise<Connection> {
    const server = new URL(access.server);
    if (server.protocol !== 'https:' || access.proxy !== undefined) return new Http1Connection(access);
    const socket = await openSocket(server, access.tls);
    if (socket.alpnProtocol === 'h2') return new Http2Connection(server.origin, socket, this.#pingMs);
    socket.destroy();
    return new Http1Connection(access);
  }
}

async function openSocket(server: URL, tls: Access['tls']): Promise<TLSSocket> {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const opening = Promise.withResolvers<TLSSocket>();
  const socket = connectTls({
    host,
    port: Number(server.port || 443),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...tls,
  });
  const tooLong = setTimeout(
    () => socket.destroy(new Error(`no connection to ${server.host} in time`)),
    CONNECT_TIMEOUT_MS,
  );
  socket.once('secureConnect', () => opening.resolve(socket)).once('error', opening.reject);
  try {
    return await opening.promise;
  } finally {
    clearTimeout(tooLong);
    socket.off('error', opening.reject);
  }
}

/** The token is not in it: it goes with each request. */
function fingerprintOf({ server, tls, proxy }: Access): string {
  const parts = [server, proxy, tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized];
  const texts = parts.map((part) => (part === undefined ? null : String(part)));
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64');
}
