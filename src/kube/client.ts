/**
 * Requests to an API server: every one with a deadline down to the socket, within a rate, over one connection, and
 * with credentials as they are now. Repeated where that is safe; what goes wrong is a ClusterError. An ended signal
 * rejects with its own reason.
 */
import { isRecord } from '../api/schema.ts';
import { ClusterError, monotonicNow, type ClusterObserver, type Log } from '../controller/ports.ts';
import type { Access, Credentials } from './access.ts';
import type { Connection, Reply } from './connection.ts';
import { Connections } from './connections.ts';
import { Deadline } from './deadline.ts';
import { errorOfAnswer, errorOfConnection } from './errors.ts';
import { pause } from './pause.ts';
import { orAborted } from './or-aborted.ts';
import { TokenBucket } from './token-bucket.ts';
import { UnsentError } from './unsent-error.ts';
import { warningsOf } from './warnings.ts';
import { readEvents, type WatchEvent } from './watch-events.ts';

export interface KubeClientOptions {
  readonly credentials: Credentials;
  /** Of rollcall, for the User-Agent. */
  readonly version: string;
  readonly log: Log;
  readonly observer: ClusterObserver;
  readonly callTimeoutMs?: number;
  readonly listTimeoutMs?: number;
  readonly pingMs?: number;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'apply' | 'patch';

export interface Call {
  readonly verb: Verb;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly accept?: string;
  readonly timeoutMs?: number;
  /** Sent at once, past the rate limit, and not repeated after a fault: for who repeats by himself and has little time. */
  readonly urgent?: boolean;
  /** May be sent again when its answer was lost, though the verb does not say so. */
  readonly repeatable?: boolean;
}

export type KubeObject = Readonly<Record<string, unknown>>;

/** As client-go's default for a controller: a fault of ours cannot drown the server. */
const REQUESTS_PER_SECOND = 20;
const BURST = 30;
const CALL_TIMEOUT_MS = 15_000;
const LIST_TIMEOUT_MS = 60_000;
/** A connection that died silently is noticed after twice that, should nothing else have noticed it. */
const PING_MS = 15_000;
const MOST_ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
/** A page of 500 objects, each far larger than ours are. */
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

const METHODS: Readonly<Record<Verb, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  apply: 'PATCH',
  patch: 'PATCH',
};
/** An update is refused the second time (its resourceVersion has gone), a create makes a second object or is refused. */
const REPEATABLE: readonly Verb[] = ['get', 'list', 'apply', 'patch'];
const CONTENT_TYPES: Readonly<Partial<Record<Verb, string>>> = {
  apply: 'application/apply-patch+yaml', // JSON is YAML
  patch: 'application/merge-patch+json',
};

interface Answer extends Reply {
  readonly connection: Connection;
}

export class KubeClient implements Disposable {
  readonly #options: KubeClientOptions;
  readonly #userAgent: string;
  readonly #connections: Connections;
  readonly #bucket: TokenBucket = new TokenBucket(REQUESTS_PER_SECOND, BURST, monotonicNow);
  readonly #warned: Set<string> = new Set();

  constructor(options: KubeClientOptions) {
    this.#options = options;
    this.#connections = new Connections(options.pingMs ?? PING_MS);
    this.#userAgent = `rollcall/${options.version} (node ${process.versions.node})`;
  }

  /** The answered object. */
  async call(call: Call, signal: AbortSignal): Promise<KubeObject> {
    signal.throwIfAborted();
    const { callTimeoutMs = CALL_TIMEOUT_MS, listTimeoutMs = LIST_TIMEOUT_MS } = this.#options;
    const usual = call.verb === 'list' ? listTimeoutMs : callTimeoutMs;
    using deadline = new Deadline(signal, call.timeoutMs ?? usual);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(call, deadline);
      } catch (error) {
        signal.throwIfAborted();
        const delay = delayAfter(call, error, attempt);
        if (delay === undefined || delay > deadline.remainingMs) throw error;
        await pause(delay, signal);
      }
    }
  }

  /**
   * The events of a watch, until the server ends it. Throws when it is not begun within the time of a call, when
   * nothing is heard of it for `idleMs` (code Timeout), and for what cannot be read.
   */
  async *watch(call: Call, idleMs: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    signal.throwIfAborted();
    using deadline = new Deadline(signal, this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS);
    await this.#bucket.take(deadline.signal).catch((error: unknown) => rethrow(call, error, deadline));
    const answer = await this.#send(call, deadline);
    if (answer.status !== 200) throw await this.#failure(call, answer, deadline);
    let heardAt = performance.now();
    const heard = (): void => {
      heardAt = answer.connection.heardAt = performance.now();
      deadline.extend(idleMs);
    };
    try {
      heard();
      yield* readEvents(answer.body, heard);
    } catch (error) {
      if (deadline.expired) this.#connections.suspect(answer.connection, heardAt + 1);
      rethrow(call, error, deadline);
    }
  }

  [Symbol.dispose](): void {
    this.#connections.destroy();
  }

  async #attempt(call: Call, deadline: Deadline): Promise<KubeObject> {
    if (!call.urgent)
      await this.#bucket.take(deadline.signal).catch((error: unknown) => rethrow(call, error, deadline));
    const answer = await this.#send(call, deadline);
    if (answer.status >= 300) throw await this.#failure(call, answer, deadline);
    const text = await this.#read(call, answer, deadline);
    const parsed: unknown = parse(text);
    if (!isRecord(parsed))
      throw new ClusterError('Unavailable', `${nameOf(call)}: the answer is not an object`);
    return parsed;
  }

  /** Refused credentials are read anew and tried once more: a token is replaced before or after we noticed. */
  async #send(call: Call, deadline: Deadline): Promise<Answer> {
    const answer = await this.#sendOnce(call, deadline);
    if (answer.status !== 401) return answer;
    await this.#read(call, answer, deadline);
    this.#options.credentials.refused();
    return this.#sendOnce(call, deadline);
  }

  async #sendOnce(call: Call, deadline: Deadline): Promise<Answer> {
    const access = await this.#access(call);
    const url = new URL(access.server);
    const method = METHODS[call.verb];
    const began = performance.now();
    const told = { method, verb: call.verb, host: url.host };
    let connection: Connection | undefined;
    try {
      connection = await orAborted(this.#connections.for(access), deadline.signal);
      const body = call.body === undefined ? undefined : JSON.stringify(call.body);
      const outgoing = { method, path: pathOf(url, call), headers: this.#headers(call, access), body };
      const reply = await connection.request(outgoing, deadline.signal);
      connection.heardAt = performance.now();
      this.#observe({ ...told, code: String(reply.status) }, began);
      this.#warn(reply.headers['warning']);
      return { ...reply, connection };
    } catch (error) {
      this.#observe({ ...told, code: '<error>' }, began);
      if (deadline.expired && connection !== undefined) this.#connections.suspect(connection, began);
      return rethrow(call, error, deadline);
    }
  }

  async #access(call: Call): Promise<Access> {
    try {
      return await this.#options.credentials.access();
    } catch (cause) {
      throw new ClusterError('Unauthorized', `${nameOf(call)}: there are no credentials`, { cause });
    }
  }

  #headers(call: Call, access: Access): Record<string, string> {
    const contentType = CONTENT_TYPES[call.verb] ?? 'application/json';
    return {
      ...access.headers,
      'User-Agent': this.#userAgent,
      Accept: call.accept ?? 'application/json',
      ...(call.body === undefined ? {} : { 'Content-Type': contentType }),
    };
  }

  async #failure(call: Call, answer: Answer, deadline: Deadline): Promise<ClusterError> {
    const body = await this.#read(call, answer, deadline);
    const retryAfter = answer.headers['retry-after'];
    return errorOfAnswer({
      what: nameOf(call),
      status: answer.status,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      body,
    });
  }

  async #read(call: Call, { body, connection }: Answer, deadline: Deadline): Promise<string> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    const began = performance.now();
    try {
      for await (const part of body) {
        connection.heardAt = performance.now();
        bytes += part.length;
        if (bytes > LARGEST_ANSWER_BYTES) throw new ClusterError('Invalid', `${nameOf(call)}: too large`);
        parts.push(part);
      }
    } catch (error) {
      if (deadline.expired) this.#connections.suspect(connection, began);
      rethrow(call, error, deadline);
    }
    return Buffer.concat(parts).toString('utf8');
  }

  #observe(request: { method: string; verb: string; host: string; code: string }, began: number): void {
    this.#options.observer.requested({ ...request, seconds: (performance.now() - began) / 1_000 });
  }

  #warn(header: string | string[] | undefined): void {
    for (const text of warningsOf(header)) {
      // Each once, and not without an end when a server puts a number into them.
      if (this.#warned.has(text) || this.#warned.size >= 1_000) continue;
      this.#warned.add(text);
      this.#options.log.warn({ warning: text }, 'The API server warns');
    }
  }
}

/** Undefined: not again. */
function delayAfter(call: Call, error: unknown, attempt: number): number | undefined {
  if (attempt >= MOST_ATTEMPTS || !(error instanceof ClusterError)) return undefined;
  if (error.cause instanceof UnsentError) return 0;
  if (call.urgent || !(call.repeatable ?? REPEATABLE.includes(call.verb))) return undefined;
  if (error.code !== 'TooManyRequests' && error.code !== 'Unavailable') return undefined;
  const jitter = 0.5 + Math.random() / 2;
  return error.retryAfterMs ?? FIRST_DELAY_MS * 2 ** (attempt - 1) * jitter;
}

function rethrow(call: Call, error: unknown, deadline: Deadline): never {
  if (deadline.expired) throw new ClusterError('Timeout', `${nameOf(call)}: no answer in time`);
  deadline.signal.throwIfAborted();
  throw error instanceof ClusterError ? error : errorOfConnection(nameOf(call), error);
}

function nameOf({ verb, path }: Call): string {
  return `${verb} ${path}`;
}

function pathOf(server: URL, { path, query }: Call): string {
  const prefix = server.pathname.replace(/\/+$/, '');
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  return `${prefix}${path}${search}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
