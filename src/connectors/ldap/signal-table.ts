/** Many waits under few signals: one listener for each signal, because Node takes more than ten for a leak and says so. */
export class SignalTable<T> {
  readonly #onAbort: (waiting: T) => void;
  readonly #watched: Map<AbortSignal, Watched<T>> = new Map();

  /** Called for each that waits under a signal that is aborted. May remove it. */
  constructor(onAbort: (waiting: T) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, waiting: T): void {
    const watched = this.#watched.get(signal) ?? this.#watch(signal);
    watched.waiting.add(waiting);
  }

  remove(signal: AbortSignal, waiting: T): void {
    const watched = this.#watched.get(signal);
    watched?.waiting.delete(waiting);
    if (!watched || watched.waiting.size > 0) return;
    signal.removeEventListener('abort', watched.listener);
    this.#watched.delete(signal);
  }

  #watch(signal: AbortSignal): Watched<T> {
    const waiting = new Set<T>();
    const listener = (): void => {
      for (const one of waiting) this.#onAbort(one);
    };
    signal.addEventListener('abort', listener);
    const watched = { waiting, listener };
    this.#watched.set(signal, watched);
    return watched;
  }
}

interface Watched<T> {
  readonly waiting: Set<T>;
  readonly listener: () => void;
}
