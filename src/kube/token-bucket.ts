import { pause } from './pause.ts';

/** So many at once, and from then on so many a second; who waits is served in the order of coming. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** Below 0: so many are waiting. */
  #tokens: number;
  #countedAt: number;

  /** `now`: in milliseconds. */
  constructor(perSecond: number, burst: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#now = now;
    this.#tokens = burst;
    this.#countedAt = now();
  }

  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Nobody took anything for long. */
  isFull(): boolean {
    this.#refill();
    return this.#tokens === this.#burst;
  }

  async take(signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#tokens--;
    if (this.#tokens >= 0) return;
    try {
      await pause((-this.#tokens / this.#perSecond) * 1_000, signal);
    } catch (error) {
      this.#tokens++;
      throw error;
    }
  }

  #refill(): void {
    const now = this.#now();
    const earned = ((now - this.#countedAt) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#countedAt = now;
  }
}
