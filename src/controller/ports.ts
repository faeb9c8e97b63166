/**
 * What the controllers need of the world around them: the place where the objects live (an API server, or a folder of
 * manifests), a recorder of Events, a clock, a log. Whoever implements Cluster passes test/support/cluster-contract.ts.
 */
import type { Kind, ObjectMetadata } from '../api/names.ts';
import type { Secret } from '../lib/secret.ts';

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
