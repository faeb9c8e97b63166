/**
 * What the controllers need of the world around them: the place where the objects live (an API server, or a folder of
 * manifests), a recorder of Events, a clock, a log. Whoever implements Cluster passes test/support/cluster-contract.ts.
 */
import type { Kind, ObjectMetadata } from '../api/names.ts';
import type { Progress } from '../engine/run-ports.ts';
import type { Secret } from '../lib/secret.ts';
import type { LinkedMapping, Located, References } from './linked-mapping.ts';
import type { RunSummary } from './run-summary.ts';

/** Of Secrets and ConfigMaps only the metadata is watched; their values are read when a run needs them. */
export type WatchedKind = Kind | 'Secret' | 'ConfigMap';

/** `key` is `namespace/name`. */
export interface ObjectKey {
  readonly kind: WatchedKind;
  readonly key: string;
}

/** An object of ours as it was last seen. Only its metadata has been looked at; everything else may be anything. */
export interface ClusterObject {
  readonly metadata: ObjectMetadata;
  /** The whole object, with metadata, spec and status. Never changed by anybody. */
  readonly object: Readonly<Record<string, unknown>>;
  /** Where relative paths in it start from. */
  readonly folder: string;
}

export interface Cluster {
  /**
   * Tells of every object that is there, and from then on of every one that comes, changes or goes; bursts may be told
   * once. Resolves when everything that is there has been told and `get` and `list` answer from it. Goes on by itself
   * after every fault, until the signal ends it; rejects only then.
   */
  watch(changed: (object: ObjectKey) => void, signal: AbortSignal): Promise<void>;
  /** As last seen; undefined: it is not there. */
  get(kind: Kind, key: string): ClusterObject | undefined;
  list(kind: Kind): readonly ClusterObject[];
  /** As it is now, not as last seen: asked before a run that writes. Throws ClusterError. */
  getLive(kind: Kind, key: string, signal: AbortSignal): Promise<ClusterObject | undefined>;
  /** The values as they are now; undefined: it is not there. Throws ClusterError. */
  readSecret(key: string, signal: AbortSignal): Promise<ReadonlyMap<string, Secret> | undefined>;
  readConfigMap(
    key: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | Uint8Array> | undefined>;
  /**
   * Replaces the whole status: what is left out is gone. Spec, generation and annotations stay. Equal to what is there:
   * no new version. Throws ClusterError: NotFound where the object, or the one with this uid, is gone.
   */
  applyStatus(
    object: StatusOwner,
    status: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface StatusOwner {
  readonly kind: Kind;
  readonly key: string;
  readonly uid: string;
}

export type ClusterErrorCode =
  | 'NotFound'
  | 'Conflict'
  | 'Expired' // the version or the page that was asked for is no longer kept
  | 'Invalid' // the object is refused: a newer or older definition of the kind
  | 'Forbidden' // RBAC
  | 'Unauthorized'
  | 'TooManyRequests'
  | 'Unavailable' // no connection, or a fault of the server
  | 'Timeout';

export class ClusterError extends Error {
  readonly code: ClusterErrorCode;
  /** What the server asked for (Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ClusterErrorCode,
    message: string,
    details: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ClusterError';
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** One line of what `kubectl describe` shows. Counts and words of ours only: no identity, no value. */
export interface RecordedEvent {
  readonly regarding: { readonly kind: Kind; readonly metadata: ObjectMetadata };
  readonly type: 'Normal' | 'Warning';
  /** PascalCase, as in the list of reasons. */
  readonly reason: string;
  /** What was done or tried, PascalCase. */
  readonly action: string;
  readonly note: string;
}

export interface Recorder {
  /** Returns at once; repeats are merged, and an Event that cannot be written is dropped and logged. */
  record(event: RecordedEvent): void;
  /** Waits until what was recorded is written, or has failed. */
  flush(): Promise<void>;
}

/** Who may write. Outside a cluster whoever holds the state folder leads, always. */
export interface Leadership {
  /** Resolves when this process leads; rejects when the signal ends it. Once only. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Aborted when the lease was lost. There is no way back: the process ends. */
  readonly lost: AbortSignal;
  /** Until when writes are certainly ours, in milliseconds of `monotonicNow`; Infinity without a lease. */
  validUntil(): number;
  /** Hands the lease over, so that the next one need not wait for it to expire. */
  release(): Promise<void>;
}

/** The same clock in every thread, which no change of the time of day moves. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** As pino has it: fields first, then a constant sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the rim tells whoever counts. */
export interface ClusterObserver {
  /** Every answered or failed request; `code` is the HTTP status, or `<error>`. `verb` as in Kubernetes: get, list, watch, apply, patch, create. */
  requested(request: {
    readonly method: string;
    readonly verb: string;
    readonly host: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  /** A full list of a kind was begun. */
  listed(kind: WatchedKind, cause: 'Start' | 'Expired' | 'Error' | 'Resync'): void;
  /** A watch ended. */
  watchEnded(kind: WatchedKind, reason: 'Closed' | 'Expired' | 'Idle' | 'Error'): void;
  /** Something was heard of a kind: an event, a bookmark or a list. */
  heard(kind: WatchedKind): void;
  led(leads: boolean): void;
}

/** What a run is given: everything it needs to know, so that it can happen in another thread. */
export interface RunJob {
  readonly id: string;
  readonly linked: LinkedMapping;
  readonly references: References;
  readonly trigger: string;
  /** A held plan to release before the run. */
  readonly approve: string | undefined;
}

export interface RunReport {
  readonly summary: RunSummary;
  /** Whether the plan that was to be released was there to be released. */
  readonly approved: boolean;
  /** Names of the attributes that were written: for a chain that does not settle. */
  readonly wrote: readonly string[];
  /** What rules with an `event` took. */
  readonly told: readonly ToldRule[];
  /** How long each phase took, in seconds. */
  readonly phases: Readonly<Partial<Record<Progress['phase'], number>>>;
}

export interface ToldRule {
  readonly rule: string;
  readonly type: 'Normal' | 'Warning';
  readonly situation: string;
  readonly response: string;
  readonly entries: number;
}

export interface Runner {
  /**
   * One run, beside everything else. Never rejects for what systems answer. When the signal aborts it ends within
   * seconds, after the write in flight; what was not done is done by the next run.
   */
  run(job: RunJob, progress: (progress: Progress) => void, signal: AbortSignal): Promise<RunReport>;
}

export interface ProbeReport {
  readonly vendor: string;
  readonly capabilities: readonly string[];
  /** Changes when the discovered or declared schema does. */
  readonly schemaDigest: string;
}

export interface Prober {
  /** Connects, authenticates and reads the schema of every object. Throws ConnectorError. */
  probe(system: Located<'ManagedSystem'>, references: References, signal: AbortSignal): Promise<ProbeReport>;
}

/** Time as the controllers see it, so that tests can turn it. */
export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once, later; returns what cancels it. */
  after(milliseconds: number, wake: () => void): () => void;
}

/** What the controllers tell whoever counts. */
export interface DomainObserver {
  ran(key: string, report: RunReport): void;
  crashed(key: string): void;
  /** Milliseconds since 1970; undefined: on request only. */
  scheduled(key: string, nextRunAt: number | undefined, isSuspended: boolean): void;
  probed(key: string, type: string, probe: { readonly isUp: boolean; readonly seconds: number }): void;
  /** The object is gone, and so is everything that was counted of it. */
  forgotten(kind: Kind, key: string): void;
}

export interface QueueObserver {
  added(): void;
  retried(): void;
  taken(waitedMs: number): void;
  finished(workedMs: number): void;
}

/** What is asked of a queue whenever somebody looks. */
export interface QueueSizes {
  /** Keys that wait for a worker. */
  depth(): number;
  /** How long the oldest one has been with a worker. */
  oldestActiveMs(): number;
  /** How long all that are with workers have been there, together. */
  activeMs(): number;
}

export interface ReconcileObserver {
  /** `result` as controller-runtime counts it. */
  reconciled(result: 'success' | 'error' | 'requeue' | 'requeue_after', seconds: number): void;
  working(workers: number): void;
}
