/** Time that stands still until it is turned. */
import type { Timers } from '../../src/controller/ports.ts';

interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

export class TurnedTimers implements Timers {
  #now: number;
  readonly #waiting: Set<Waiting> = new Set();

  constructor(now = Date.parse('2026-03-02T08:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, wake: () => void): () => void {
    const one = { at: this.#now + milliseconds, wake };
    this.#waiting.add(one);
    return () => void this.#waiting.delete(one);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Wakes, in order, whoever's time has come. */
  turn(milliseconds: number): void {
    const until = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#waiting]
        .filter(({ at }) => at <= until)
        .toSorted((one, other) => one.at - other.at);
      if (!next) break;
      this.#waiting.delete(next);
      this.#now = next.at;
      next.wake();
    }
    this.#now = until;
  }
}
