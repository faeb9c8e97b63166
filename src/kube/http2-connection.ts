import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { PassThrough, pipeline } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Connection, Outgoing, Reply } from './connection.ts';
import { UnsentError } from './unsent-error.ts';

/** Larger than the default of 64 KiB, so that a page of a list need not wait for us; a stream has half of it. */
const WINDOW_BYTES = 2 * 1024 * 1024;

export class Http2Connection implements Connection {
  heardAt: number = performance.now();
  readonly #session: ClientHttp2Session;
  readonly #pinging: NodeJS.Timeout;
  #isAsked = false;
  #isRetired = false;

  /** A ping that is not answered before the next one is due ends the connection. */
  constructor(authority: string, socket: TLSSocket, pingMs: number) {
    const settings = { enablePush: false, initialWindowSize: WINDOW_BYTES / 2 };
    const session = connect(authority, { createConnection: () => socket, settings });
    this.#session = session;
    this.#pinging = setInterval(() => this.#ping(), pingMs).unref();
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    // Its streams tell whoever waits for them.
    session.on('error', () => undefined);
    // What the server has begun it finishes; Node ends the session then.
    session.on('goaway', () => (this.#isRetired = true));
    session.once('close', () => clearInterval(this.#pinging));
  }

  get isOpen(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  async request({ method, path, headers, body }: Outgoing, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const stream = this.#open({ ...headers, ':method': method, ':path': path }, body === undefined, signal);
    const answer = Promise.withResolvers<Reply>();
    stream.once('response', ({ ':status': status = 0, ...rest }) => {
      // Taken in at once: what nobody had read yet is lost when a session ends after its last stream.
      const taken = new PassThrough({ highWaterMark: WINDOW_BYTES });
      pipeline(stream, taken, () => undefined);
      answer.resolve({ status, headers: rest, body: taken });
    });
    // Stays for good: a stream may fail again after it was answered, and nobody else listens then.
    stream.on('error', (error) => answer.reject(wasRefused(stream) ? new UnsentError(error) : error));
    stream.once('close', () => {
      const error = new Error('the connection ended without an answer');
      answer.reject(wasRefused(stream) ? new UnsentError(error) : error);
    });
    if (body !== undefined) stream.end(body);
    return answer.promise;
  }

  close(): void {
    this.#isRetired = true;
    this.#session.close();
  }

  destroy(error: Error): void {
    this.#isRetired = true;
    this.#session.destroy(error);
  }

  #open(headers: Record<string, string>, endStream: boolean, signal: AbortSignal): ClientHttp2Stream {
    try {
      return this.#session.request(headers, { endStream, signal });
    } catch (error) {
      throw new UnsentError(error); // it ended since somebody looked
    }
  }

  #ping(): void {
    if (this.#isAsked) {
      this.destroy(new Error('the connection is dead'));
      return;
    }
    this.#isAsked = true;
    const isSent =
      !this.#session.destroyed &&
      this.#session.ping((error) => {
        if (error !== null) return;
        this.#isAsked = false;
        this.heardAt = performance.now();
      });
    if (!isSent) this.#isAsked = false;
  }
}

/** Refused before it was begun, or begun after the server had said which one was its last. */
function wasRefused(stream: ClientHttp2Stream): boolean {
  return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
}
