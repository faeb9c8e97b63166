/**
 * Keys that wait to be looked at. A key is there once, however often it was added; while it is being looked at it can
 * only be marked to be looked at again, so that no two workers ever have the same key. No object and no event is kept.
 */
import type { QueueObserver, Timers } from './ports.ts';

/** What somebody asked for goes before what another object's change asks for, and that before what is merely due. */
export const PRIORITY = { due: 0, dependency: 1, asked: 2 } as const;

/** Doubled with every failure in a row, with full jitter, so that what failed together does not come back together. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 900_000;
/** A timer takes 31 bits. Who waits longer is looked at in between, and waits again. */
const LONGEST_DELAY_MS = 86_400_000;

export interface WorkQueueOptions {
  readonly timers: Timers;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly observer?: QueueObserver;
}

interface Ready {
  readonly priority: number;
  readonly since: number;
}

interface Delayed {
  readonly at: number;
  readonly priority: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #observer: QueueObserver | undefined;
  /** Invariant: a key is in at most one of #ready and #active; in #again only while it is in #active. */
  readonly #ready: Map<string, Ready> = new Map();
  readonly #active: Map<string, number> = new Map();
  readonly #again: Map<string, number> = new Map();
  readonly #delayed: Map<string, Delayed> = new Map();
  readonly #failures: Map<string, number> = new Map();
  readonly #waiting: Set<() => void> = new Set();

  constructor({ timers, random, observer }: WorkQueueOptions) {
    this.#timers = timers;
    this.#random = random;
    this.#observer = observer;
  }

  /** Keys that wait for a worker now, and how long the oldest one has been with one, in milliseconds. */
  depth(): number {
    return this.#ready.size + this.#again.size;
  }

  oldestActive(): number {
    return this.#active.size === 0 ? 0 : this.#timers.now() - Math.min(...this.#active.values());
  }

  /** How long all that are with workers have been there, together, in milliseconds. */
  activeTime(): number {
    const now = this.#timers.now();
    return [...this.#active.values()].reduce((sum, since) => sum + now - since, 0);
  }

  add(key: string, { priority = 0, delayMs = 0 }: { priority?: number; delayMs?: number } = {}): void {
    if (delayMs > 0) {
      this.#delay(key, priority, Math.min(delayMs, LONGEST_DELAY_MS));
      return;
    }
    this.#observer?.added();
    this.#undelay(key);
    if (this.#active.has(key)) this.#again.set(key, Math.max(priority, this.#again.get(key) ?? 0));
    else this.#makeReady(key, priority);
  }

  #makeReady(key: string, priority: number): void {
    const known = this.#ready.get(key);
    this.#ready.set(key, {
      priority: Math.max(priority, known?.priority ?? 0),
      since: known?.since ?? this.#timers.now(),
    });
    this.#wakeOne();
  }

  /** After a failure: later, and later again with every further one. Returns the pause in milliseconds. */
  retry(key: string, leastMs = 0): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    const delayMs = Math.max(leastMs, Math.round(longest * (0.5 + this.#random() / 2)));
    this.#observer?.retried();
    this.add(key, { delayMs });
    return delayMs;
  }

  /** It went well: the next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, which is the caller's until `done`; undefined once the signal is aborted. */
  async take(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const key = this.#next();
      if (key !== undefined) {
        const now = this.#timers.now();
        this.#observer?.taken(now - (this.#ready.get(key)?.since ?? now));
        this.#ready.delete(key);
        this.#active.set(key, now);
        return key;
      }
      await this.#work(signal);
    }
    return undefined;
  }

  done(key: string): void {
    const since = this.#active.get(key);
    if (since === undefined) return;
    this.#observer?.finished(this.#timers.now() - since);
    this.#active.delete(key);
    const priority = this.#again.get(key);
    this.#again.delete(key);
    if (priority !== undefined) this.add(key, { priority });
  }

  /** Nothing waits for its time any more: a timer would keep the process. */
  close(): void {
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
  }

  #delay(key: string, priority: number, delayMs: number): void {
    const at = this.#timers.now() + delayMs;
    const known = this.#delayed.get(key);
    if (this.#ready.has(key) || this.#again.has(key) || (known && known.at <= at)) return;
    known?.cancel();
    const cancel = this.#timers.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key, { priority });
    });
    this.#delayed.set(key, { at, priority, cancel });
  }

  #undelay(key: string): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  #next(): string | undefined {
    let best: [string, Ready] | undefined;
    for (const candidate of this.#ready) {
      const [, one] = candidate;
      if (!best || one.priority > best[1].priority) best = candidate;
    }
    return best?.[0];
  }

  #work(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wakeOne(): void {
    const [first] = this.#waiting;
    first?.();
  }
}
