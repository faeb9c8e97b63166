/**
 * What the API server has of one kind, kept up to date: a list, then a watch from its version on, then again a list
 * only where the watch cannot go on. It never gives up and never trusts more of a version than that it is the same.
 * It tells keys, and of objects only what `keep` makes of them is held.
 */
import { isRecord } from '../api/schema.ts';
import { ClusterError, type ClusterObserver, type Log, type WatchedKind } from '../controller/ports.ts';
import { Backoff } from './backoff.ts';
import type { Call, KubeClient, KubeObject } from './client.ts';
import { errorOfStatus } from './errors.ts';
import { pause } from './pause.ts';
import { collectionPath } from './resources.ts';
import type { WatchEvent } from './watch-events.ts';

/** What is held of an object. A change that leaves `mark` as it was is not told. */
export interface Kept<T> {
  readonly key: string;
  readonly value: T;
  readonly mark: string;
}

export interface ReflectorTimings {
  /** The server is asked to end a watch after so long; the exact time is drawn between them. */
  readonly watchSeconds: readonly [least: number, most: number];
  /** A watch that is silent for so much longer than it was to last is dead. */
  readonly idleMarginMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A watch that lasted so long was no failure. */
  readonly healthyMs: number;
  /** Everything is listed again, against faults of which nobody knows. */
  readonly resyncMs: number;
}

export interface ReflectorOptions<T> {
  readonly kind: WatchedKind;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly client: KubeClient;
  readonly observer: ClusterObserver;
  readonly log: Log;
  /** Only metadata is asked for and given to `keep`. */
  readonly metadataOnly: boolean;
  /** Throws for what is not an object of the API. */
  keep(this: void, object: KubeObject): Kept<T>;
  changed(this: void, key: string): void;
  readonly timings?: Partial<ReflectorTimings> | undefined;
}

/** After an outage a change is seen within five seconds; all kinds together ask about once a second meanwhile. */
const TIMINGS: ReflectorTimings = {
  watchSeconds: [300, 600],
  idleMarginMs: 30_000,
  firstPauseMs: 500,
  longestPauseMs: 5_000,
  healthyMs: 30_000,
  resyncMs: 10 * 3_600_000,
};
const PAGE_SIZE = '500';
/** Nothing else is accepted: the whole objects would hold the values. */
const PARTIAL = 'g=meta.k8s.io;v=v1';

type ListCause = Parameters<ClusterObserver['listed']>[1];

type Next =
  { readonly kind: 'List'; readonly cause: ListCause } | { readonly kind: 'Watch'; readonly version: string };

interface Step {
  readonly next: Next;
  /** Absent: go on at once. */
  readonly pause?: { readonly atLeastMs: number };
}

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #timings: ReflectorTimings;
  readonly #backoff: Backoff;
  readonly #synced: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Invariant: every key in it, and none that is not, has been told since it last changed its mark. */
  #kept: Map<string, Kept<T>> = new Map();
  #listedAt = -Infinity;
  #complaint = '';

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#backoff = new Backoff(this.#timings.firstPauseMs, this.#timings.longestPauseMs);
    this.#synced.promise.catch(() => undefined); // nobody needs to wait for it
  }

  /** Resolves when the first list is in and told; rejects when `run` ended before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  list(): T[] {
    return [...this.#kept.values()].map(({ value }) => value);
  }

  /** Returns when the signal has ended, and for no other reason. */
  async run(signal: AbortSignal): Promise<void> {
    let next: Next = { kind: 'List', cause: 'Start' };
    while (!signal.aborted) {
      const step: Step =
        next.kind === 'List' ? await this.#list(next.cause, signal) : await this.#watch(next.version, signal);
      next = step.next;
      if (step.pause === undefined) continue;
      const pauseMs = Math.max(step.pause.atLeastMs, this.#backoff.nextMs());
      await pause(pauseMs, signal).catch(() => undefined);
    }
    this.#synced.reject(signal.reason);
  }

  async #list(cause: ListCause, signal: AbortSignal): Promise<Step> {
    const { kind, observer } = this.#options;
    observer.listed(kind, cause);
    try {
      const { kept, version } = await this.#readPages(signal);
      this.#replace(kept);
      this.#listedAt = performance.now();
      this.#complaint = '';
      this.#synced.resolve();
      return { next: { kind: 'Watch', version } };
    } catch (error) {
      if (signal.aborted) return { next: { kind: 'List', cause } };
      this.#complain('Cannot list', error);
      const expired = error instanceof ClusterError && error.code === 'Expired';
      return { next: { kind: 'List', cause: expired ? 'Expired' : 'Error' }, pause: pauseAfter(error) };
    }
  }

  async #readPages(signal: AbortSignal): Promise<{ kept: Map<string, Kept<T>>; version: string }> {
    const { client, kind, keep, observer } = this.#options;
    const kept = new Map<string, Kept<T>>();
    let after = '';
    for (;;) {
      const query = { limit: PAGE_SIZE, ...(after === '' ? {} : { continue: after }) };
      const page = await client.call({ ...this.#call('List'), verb: 'list', query }, signal);
      observer.heard(kind);
      const { items, version, next } = readPage(page);
      for (const item of items) {
        const one = keep(item);
        kept.set(one.key, one);
      }
      if (next === '') return { kept, version };
      after = next;
    }
  }

  /** Everything is in place before the first is told. */
  #replace(kept: Map<string, Kept<T>>): void {
    const before = this.#kept;
    this.#kept = kept;
    for (const { key, mark } of kept.values()) if (before.get(key)?.mark !== mark) this.#tell(key);
    for (const key of before.keys()) if (!kept.has(key)) this.#tell(key);
  }

  async #watch(from: string, signal: AbortSignal): Promise<Step> {
    const { client, kind, observer } = this.#options;
    const [least, most] = this.#timings.watchSeconds;
    const seconds = Math.ceil(least + Math.random() * (most - least));
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(seconds),
    };
    const call: Call = { ...this.#call(''), verb: 'watch', query };
    const began = performance.now();
    let version = from;
    try {
      for await (const event of client.watch(call, seconds * 1_000 + this.#timings.idleMarginMs, signal)) {
        observer.heard(kind);
        version = this.#take(event);
      }
      observer.watchEnded(kind, 'Closed');
      return this.#ended(began, version);
    } catch (error) {
      const next = { kind: 'Watch', version } as const;
      if (signal.aborted) return { next };
      observer.watchEnded(kind, endOf(error));
      this.#complain('A watch failed', error);
      if (this.#wasHealthy(began)) this.#backoff.reset();
      return { next: nextAfter(error) ?? next, pause: pauseAfter(error) };
    }
  }

  /** Returns the version that the event brought. */
  #take({ type, object }: WatchEvent): string {
    if (type === 'ERROR') throw new WatchError(errorOfStatus(`watch ${this.#options.kind}`, object));
    const version = versionOf(object);
    if (type === 'BOOKMARK') return version;
    const one = this.#options.keep(object);
    const before = this.#kept.get(one.key);
    if (type === 'DELETED') this.#kept.delete(one.key);
    else this.#kept.set(one.key, one);
    if (type === 'DELETED' || before?.mark !== one.mark) this.#tell(one.key);
    return version;
  }

  #ended(began: number, version: string): Step {
    const isResyncDue = performance.now() - this.#listedAt > this.#timings.resyncMs;
    const next: Next = isResyncDue ? { kind: 'List', cause: 'Resync' } : { kind: 'Watch', version };
    if (!this.#wasHealthy(began)) return { next, pause: { atLeastMs: 0 } };
    this.#backoff.reset();
    this.#complaint = '';
    return { next };
  }

  #wasHealthy(began: number): boolean {
    return performance.now() - began >= this.#timings.healthyMs;
  }

  #tell(key: string): void {
    try {
      this.#options.changed(key);
    } catch (error) {
      this.#options.log.error({ err: error, kind: this.#options.kind, key }, 'A change could not be told');
    }
  }

  /** The same trouble once, not at every attempt. */
  #complain(sentence: string, error: unknown): void {
    const { kind, namespace, log } = this.#options;
    const complaint = `${sentence} ${error instanceof ClusterError ? error.code : String(error)}`;
    const isNew = complaint !== this.#complaint;
    this.#complaint = complaint;
    log[isNew ? 'warn' : 'debug']({ err: error, kind, namespace }, sentence);
  }

  #call(suffix: 'List' | ''): { readonly path: string; readonly accept?: string } {
    const { kind, namespace, metadataOnly } = this.#options;
    const path = collectionPath(kind, namespace);
    if (!metadataOnly) return { path };
    return { path, accept: `application/json;as=PartialObjectMetadata${suffix};${PARTIAL}` };
  }
}

/** An ERROR event: whatever it says, the watch's version is worth nothing any more. */
class WatchError extends Error {
  readonly error: ClusterError;

  constructor(error: ClusterError) {
    super(error.message, { cause: error });
    this.name = 'WatchError';
    this.error = error;
  }
}

function codeOf(error: unknown): ClusterError['code'] | undefined {
  const inner = error instanceof WatchError ? error.error : error;
  return inner instanceof ClusterError ? inner.code : undefined;
}

function endOf(error: unknown): 'Expired' | 'Idle' | 'Error' {
  const code = codeOf(error);
  if (code === 'Expired') return 'Expired';
  return code === 'Timeout' && !(error instanceof WatchError) ? 'Idle' : 'Error';
}

/** Undefined: the watch can go on where it was. */
function nextAfter(error: unknown): Next | undefined {
  const code = codeOf(error);
  if (code === 'Expired') return { kind: 'List', cause: 'Expired' };
  const refused = code === 'Forbidden' || code === 'NotFound' || code === 'Invalid' || code === undefined;
  return refused || error instanceof WatchError ? { kind: 'List', cause: 'Error' } : undefined;
}

function pauseAfter(error: unknown): { readonly atLeastMs: number } {
  const inner = error instanceof WatchError ? error.error : error;
  return { atLeastMs: (inner instanceof ClusterError ? inner.retryAfterMs : undefined) ?? 0 };
}

function readPage(page: KubeObject): { items: KubeObject[]; version: string; next: string } {
  const { metadata, items } = page;
  if (!isRecord(metadata)) throw new ClusterError('Unavailable', 'a list without metadata');
  const next = metadata['continue'];
  return {
    items: Array.isArray(items) ? items.filter(isRecord) : [],
    version: versionOf(page),
    next: typeof next === 'string' ? next : '',
  };
}

function versionOf({ metadata }: KubeObject): string {
  const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof version === 'string' && version !== '') return version;
  throw new ClusterError('Unavailable', 'an object without a version');
}
