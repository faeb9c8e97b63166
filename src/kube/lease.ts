/**
 * Leadership by a Lease of coordination.k8s.io, as other controllers hold it: whoever renews it leads. Others count
 * its time from when they saw it renewed, never by its timestamps, so that no clock has to agree with another; we count
 * ours from before a renewal was sent. So we have stopped writing before anybody else may begin.
 */
import { randomUUID } from 'node:crypto';
import { isRecord } from '../api/schema.ts';
import {
  ClusterError,
  monotonicNow,
  type ClusterObserver,
  type Leadership,
  type Log,
} from '../controller/ports.ts';
import type { Call, KubeClient, KubeObject } from './client.ts';
import { microTime } from './micro-time.ts';
import { pause } from './pause.ts';
import { collectionPath, objectPath, resources } from './resources.ts';

export interface LeaseOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Who we are, for people; the process is told apart from its predecessor in the same pod by something more. */
  readonly holder: string;
  readonly observer: ClusterObserver;
  readonly log: Log;
  readonly timings?: Partial<LeaseTimings>;
}

export interface LeaseTimings {
  /** So long after its last renewal nobody else takes the lease. */
  readonly durationMs: number;
  /** Not renewed for so long: lost. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
  /** So much earlier than the lease ends no write is certainly ours: clocks do not run equally fast. */
  readonly safetyMarginMs: number;
}

/** As client-go has them. */
const TIMINGS: LeaseTimings = {
  durationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryMs: 2_000,
  safetyMarginMs: 1_500,
};
/** What is not held: in the past of every monotonic clock. */
const NEVER = 0;

interface Holding {
  /** Empty: nobody. */
  readonly holder: string;
  readonly durationMs: number;
}

interface Seen extends Holding {
  readonly lease: KubeObject;
  /** Differs from one renewal to the next. */
  readonly version: unknown;
  readonly atMs: number;
}

export class LeaseLeadership implements Leadership {
  readonly #options: LeaseOptions;
  readonly #timings: LeaseTimings;
  readonly #identity: string;
  readonly #lost: AbortController = new AbortController();
  readonly #stopping: AbortController = new AbortController();
  #seen: Seen | undefined;
  /** When the last renewal that was answered had been sent; undefined: we do not lead. */
  #renewedAt: number | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #complaint = '';

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    const { durationMs, renewDeadlineMs, retryMs, safetyMarginMs } = this.#timings;
    if (durationMs - safetyMarginMs <= renewDeadlineMs || renewDeadlineMs <= retryMs)
      throw new TypeError(
        'a lease lasts longer than its renew deadline, which is longer than its retry period',
      );
    this.#identity = `${options.holder}_${randomUUID()}`;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validUntil(): number {
    if (this.#renewedAt === undefined) return NEVER;
    return this.#renewedAt + this.#timings.durationMs - this.#timings.safetyMarginMs;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([signal, this.#stopping.signal]);
    while (!(await this.#try('Cannot acquire the lease', ending))) await this.#pause(ending);
    this.#options.log.info({ lease: this.#key, identity: this.#identity }, 'Leading');
    this.#options.observer.led(true);
    this.#renewing = this.#renew();
  }

  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#renewing;
    if (this.#renewedAt === undefined) return;
    this.#step(); // before the others may know
    const signal = AbortSignal.timeout(this.#timings.retryMs);
    try {
      // A renewal may have been on its way: what is there now is what is given up.
      const seen = await this.#look(signal);
      if (seen?.holder === this.#identity) await this.#write(seen, { holder: '', durationMs: 1_000 }, signal);
    } catch (error) {
      this.#options.log.warn(
        { err: error, lease: this.#key },
        'The lease could not be handed over; it expires',
      );
    }
  }

  /** Until the lease is lost or we stop. */
  async #renew(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#pause(signal).catch(() => undefined);
      if (signal.aborted) return;
      const isOurs =
        this.#remainingMs > 0 && (await this.#try('Cannot renew the lease', signal).catch(() => true));
      if (signal.aborted) return;
      if (isOurs) continue;
      this.#step();
      this.#options.log.error({ lease: this.#key, holder: this.#seen?.holder }, 'Lost the lease');
      this.#lost.abort(new Error('the lease was lost'));
      return;
    }
  }

  /** We do not lead any more. */
  #step(): void {
    this.#renewedAt = undefined;
    this.#options.observer.led(false);
  }

  /** Until a lease that we hold is lost. */
  get #remainingMs(): number {
    return (this.#renewedAt ?? Infinity) + this.#timings.renewDeadlineMs - monotonicNow();
  }

  /** Whether the lease is ours. While we hold it, an attempt that fails leaves it so; the deadline decides then. */
  async #try(complaint: string, signal: AbortSignal): Promise<boolean> {
    try {
      const isOurs = await this.#take(signal);
      this.#complaint = '';
      return isOurs;
    } catch (error) {
      signal.throwIfAborted();
      const isNew = String(error) !== this.#complaint;
      this.#complaint = String(error);
      this.#options.log[isNew ? 'warn' : 'debug']({ err: error, lease: this.#key }, complaint);
      return this.#renewedAt !== undefined;
    }
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    try {
      // What we wrote last is still there as a rule, and need not be read again.
      const held = this.#renewedAt === undefined ? undefined : this.#seen;
      if (held !== undefined) return await this.#claim(held, signal);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
    }
    const seen = await this.#look(signal);
    if (seen !== undefined && !this.#mayTake(seen)) return false;
    try {
      return await this.#claim(seen, signal);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      return false;
    }
  }

  #mayTake({ holder, atMs, durationMs }: Seen): boolean {
    return holder === '' || holder === this.#identity || monotonicNow() >= atMs + durationMs;
  }

  async #claim(seen: Seen | undefined, signal: AbortSignal): Promise<true> {
    const sentAt = monotonicNow();
    await this.#write(seen, { holder: this.#identity, durationMs: this.#timings.durationMs }, signal);
    this.#renewedAt = sentAt;
    return true;
  }

  async #look(signal: AbortSignal): Promise<Seen | undefined> {
    const { namespace, name } = this.#options;
    const path = objectPath('Lease', `${namespace}/${name}`);
    try {
      return this.#remember(await this.#call({ verb: 'get', path }, signal));
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'NotFound') return undefined;
      throw error;
    }
  }

  /** The time of a lease begins when its version was first seen. */
  #remember(lease: KubeObject): Seen {
    const { metadata, spec } = lease;
    const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
    const before = this.#seen;
    if (before !== undefined && before.version === version) return before;
    const { holderIdentity, leaseDurationSeconds } = isRecord(spec) ? spec : {};
    const seen = {
      lease,
      version,
      holder: typeof holderIdentity === 'string' ? holderIdentity : '',
      durationMs:
        typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1_000 : this.#timings.durationMs,
      atMs: monotonicNow(),
    };
    this.#seen = seen;
    return seen;
  }

  /** Only over the version that was seen: else Conflict. */
  async #write(seen: Seen | undefined, next: Holding, signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#options;
    const metadata = seen?.lease['metadata'] ?? { namespace, name };
    const body = {
      apiVersion: resources.Lease.apiVersion,
      kind: 'Lease',
      metadata,
      spec: specOf(seen, next),
    };
    const call =
      seen === undefined
        ? ({ verb: 'create', path: collectionPath('Lease', namespace) } as const)
        : ({ verb: 'update', path: objectPath('Lease', `${namespace}/${name}`) } as const);
    this.#remember(await this.#call({ ...call, body }, signal));
  }

  /** Half the time at most, so that there is a second attempt, over another connection. */
  #call(call: Call, signal: AbortSignal): Promise<KubeObject> {
    const timeoutMs = Math.max(1, Math.min(this.#timings.renewDeadlineMs / 2, this.#remainingMs));
    return this.#options.client.call({ ...call, urgent: true, timeoutMs }, signal);
  }

  /** Not exactly as long as the others', and not beyond the end of what we hold. */
  async #pause(signal: AbortSignal): Promise<void> {
    const pauseMs = Math.min(this.#timings.retryMs * (0.8 + Math.random() * 0.4), this.#remainingMs);
    await pause(Math.max(0, pauseMs), signal);
  }

  get #key(): string {
    return `${this.#options.namespace}/${this.#options.name}`;
  }
}

function specOf(seen: Seen | undefined, next: Holding): Readonly<Record<string, unknown>> {
  const before = isRecord(seen?.lease['spec']) ? seen.lease['spec'] : {};
  const now = microTime(Date.now());
  const isNewHolder = seen?.holder !== next.holder;
  const isTransition = isNewHolder && next.holder !== '' && seen !== undefined;
  return {
    ...before,
    holderIdentity: next.holder,
    leaseDurationSeconds: Math.ceil(next.durationMs / 1_000),
    acquireTime: isNewHolder ? now : (before['acquireTime'] ?? now),
    renewTime: now,
    leaseTransitions: Number(before['leaseTransitions'] ?? 0) + (isTransition ? 1 : 0),
  };
}

/** Somebody wrote it, made it or removed it since we saw it. */
function isOvertaken(error: unknown): boolean {
  return error instanceof ClusterError && (error.code === 'Conflict' || error.code === 'NotFound');
}
