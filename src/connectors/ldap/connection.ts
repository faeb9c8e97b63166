/**
 * One authenticated connection, around ldapts' client. It promises what that client does not: once the socket is
 * gone every request fails at once and for good. ldapts would connect again without a bind, and an anonymous
 * search that finds less looks like people who have left. Whoever needs another connection opens a new one.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

import { Client, type Control } from 'ldapts';

import { ConnectorError } from '../../engine/errors.ts';
import type { LdapConfig } from './config.ts';
import { resultError, type Result } from './result.ts';

/** A server that does not accept in this time is taken for unreachable. */
const CONNECT_TIMEOUT_MS = 15_000;
/** For one request, at most one page of a search: generous, because a timeout costs the whole connection. */
const REQUEST_TIMEOUT_MS = 120_000;

/** Any request message of ldapts; the connection gives it its id. */
export interface Request {
  messageId: number;
}

export interface Response extends Result {
  readonly matchedDN: string;
  readonly controls?: readonly Control[];
}

/**
 * The one method of ldapts' client that shows a whole answer. Its public search keeps the cookie of a page to
 * itself and takes an empty page for the last one, and its modifyDN cuts a name at the wrong comma.
 */
interface Sender {
  _send(request: Request): Promise<Response | undefined>;
}

export class Connection implements AsyncDisposable {
  readonly #client: Client;
  readonly #host: string;
  /** Two after StartTLS: the plain one and the one around it. They die together. */
  readonly #sockets: Socket[] = [];
  /** What to tell whoever waits when the socket dies: after StartTLS ldapts itself would not notice. */
  readonly #waiting: Set<(error: ConnectorError) => void> = new Set();
  /** Set once, never cleared: why nothing can be sent any more. */
  #broken: ConnectorError | undefined;
  /** How many requests each signal can end. */
  readonly #signals: Map<AbortSignal, number> = new Map();
  readonly #interrupt = (): void => {
    this.#destroy('it was interrupted');
  };
  /** Above the ids that the client itself uses while it connects. */
  #messageId = 1000;

  private constructor(config: LdapConfig) {
    const target = parseUrl(config);
    this.#host = target.label;
    const plain = (port: number, host: string): Socket =>
      this.#watch(target.path === undefined ? connectSocket(port, host) : connectSocket(target.path));
    // ldapts calls it with port and host for LDAPS, with the options it was given for StartTLS.
    const secure = (portOrOptions: number | ConnectionOptions, host: string): Socket =>
      this.#watch(
        typeof portOrOptions === 'number'
          ? connectTls(portOrOptions, host, tlsOptions(config))
          : connectTls(portOrOptions),
      );
    this.#client = new Client({
      url: target.url,
      connectTimeout: CONNECT_TIMEOUT_MS,
      timeout: REQUEST_TIMEOUT_MS,
      // ldapts takes any tlsOptions on ldap:// for TLS on the plain port, so none are given to it.
      createConnection: plain as typeof connectSocket,
      createSecureConnection: secure as typeof connectTls,
    });
  }

  /** Connects, secures and authenticates, one after the other and alone. Throws Unreachable, AuthenticationFailed. */
  static async open(config: LdapConfig, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    const connection = new Connection(config);
    try {
      await connection.#abortable(connection.#start(config), signal);
      return connection;
    } catch (cause) {
      connection.#destroy('it could not be opened');
      signal.throwIfAborted();
      throw connection.#explain(cause);
    }
  }

  /** False for ever once the socket is gone. */
  get usable(): boolean {
    return this.#broken === undefined;
  }

  /** For people. */
  get host(): string {
    return this.#host;
  }

  /**
   * Sends one request and returns the answer, whatever its code. Throws Unreachable when there is no answer in
   * time; where `usable` was true before, the request may have been carried out all the same. An abort breaks
   * the connection, for ldapts cannot abandon a request.
   */
  async send(request: Request, signal: AbortSignal): Promise<Response> {
    signal.throwIfAborted();
    if (this.#broken) throw this.#broken;
    this.#messageId += 1;
    request.messageId = this.#messageId;
    // ldapts turns every request into JSON for a debug line, debugging or not, with all its values.
    Object.defineProperty(request, 'toJSON', { value: () => request.constructor.name });
    const sender = this.#client as unknown as Sender;
    try {
      const response = await this.#abortable(sender._send(request), signal);
      if (!response) throw new Error('an empty answer');
      return response;
    } catch (cause) {
      this.#destroy('a request failed');
      signal.throwIfAborted();
      throw this.#explain(cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broken) return;
    this.#broken = new ConnectorError('Unreachable', `the connection to ${this.#host} was closed`);
    // The server learns of it from the closed socket at the latest.
    await this.#client.unbind().catch(() => undefined);
    for (const socket of this.#sockets) socket.destroy();
  }

  async #start(config: LdapConfig): Promise<void> {
    if (config.tls.mode === 'StartTLS') await this.#client.startTLS(tlsOptions(config));
    if (config.bind) {
      await this.#client.bind(config.bind.dn, config.bind.password.reveal());
    } else if (isLocal(config)) {
      await this.#client.bindSASL('EXTERNAL');
    } else {
      await this.#client.bind('', '');
    }
  }

  #watch(socket: Socket): Socket {
    this.#sockets.push(socket);
    socket.once('close', () => {
      this.#destroy('it was closed');
    });
    return socket;
  }

  /** Waits for the work, the end of the socket or the signal, whichever comes first. */
  async #abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.add(reject);
    this.#listen(signal, 1);
    work.then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(reject);
      this.#listen(signal, -1);
    }
  }

  /** One listener for all requests under a signal: Node takes more than ten for a leak and says so. */
  #listen(signal: AbortSignal, change: 1 | -1): void {
    const before = this.#signals.get(signal) ?? 0;
    this.#signals.set(signal, before + change);
    if (before === 0) signal.addEventListener('abort', this.#interrupt);
    if (before + change > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', this.#interrupt);
  }

  #destroy(why: string): void {
    this.#broken ??= new ConnectorError('Unreachable', `the connection to ${this.#host} was lost: ${why}`);
    const broken = this.#broken;
    for (const socket of this.#sockets) socket.destroy();
    // The client speaks first where it knows more, such as why a certificate was refused.
    setImmediate(() => {
      for (const reject of this.#waiting) reject(broken);
    });
  }

  #explain(cause: unknown): ConnectorError {
    if (cause instanceof ConnectorError) return cause;
    const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    // Result codes are numbers, those of sockets and TLS are words.
    if (typeof code === 'number')
      return resultError({ status: code, errorMessage: '' }, `log in at ${this.#host}`);
    const message = cause instanceof Error ? (cause.message.split('\n').at(-1) ?? '') : 'unknown';
    if (/timed out|timeout/i.test(message)) {
      return new ConnectorError('Unreachable', `${this.#host} did not answer in time`, { cause });
    }
    const detail = typeof code === 'string' ? `${code}: ${message}` : message;
    return new ConnectorError('Unreachable', `no answer from ${this.#host} (${detail})`, { cause });
  }
}

interface Target {
  readonly url: string;
  readonly label: string;
  readonly path: string | undefined;
}

function isLocal(config: LdapConfig): boolean {
  return config.url.startsWith('ldapi:');
}

/** Checks what can be checked without the server. Throws InvalidConfiguration. */
function parseUrl(config: LdapConfig): Target {
  // RFC 4513 section 5.1.2: a name without a password is accepted, and is nobody.
  if (config.bind && (config.bind.dn === '' || config.bind.password.reveal() === '')) {
    throw invalid('bind needs a dn and a password that are not empty: else the directory would see nobody');
  }
  return isLocal(config) ? parseLocal(config) : parseRemote(config);
}

function parseLocal(config: LdapConfig): Target {
  const path = decodeURIComponent(/^ldapi:\/\/([^/?#]*)/.exec(config.url)?.[1] ?? '');
  if (!path.startsWith('/')) throw invalid('an ldapi url needs the percent-encoded path of a socket');
  if (config.tls.mode === 'StartTLS') throw invalid('StartTLS has no use on a local socket');
  return { url: 'ldap://localhost', label: path, path };
}

function parseRemote(config: LdapConfig): Target {
  const url = URL.parse(config.url);
  if (!url || url.hostname === '' || !['ldap:', 'ldaps:'].includes(url.protocol)) {
    throw invalid('url must be ldap://HOST, ldaps://HOST or ldapi://SOCKET');
  }
  if ((url.protocol === 'ldaps:') !== (config.tls.mode === 'LDAPS')) {
    throw invalid(`tls.mode ${config.tls.mode} does not fit ${url.protocol}// in the url`);
  }
  return { url: `${url.protocol}//${url.host}`, label: url.host, path: undefined };
}

function invalid(why: string): ConnectorError {
  return new ConnectorError('InvalidConfiguration', why);
}

/** Without a name ldapts has the certificate checked against "localhost". */
function tlsOptions(config: LdapConfig): ConnectionOptions {
  const host = URL.parse(config.url)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const name = config.tls.serverName ?? host;
  return {
    host: name,
    // An address has no place in server name indication (RFC 6066 section 3); the certificate is checked against `host`.
    ...(isIP(name) ? {} : { servername: name }),
    ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }),
  };
}
