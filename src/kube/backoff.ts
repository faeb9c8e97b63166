/** Longer and longer pauses, none of them exact, so that many who failed together do not come back together. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** Half to all of the pause that is due. */
  nextMs(): number {
    const due = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return due * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
