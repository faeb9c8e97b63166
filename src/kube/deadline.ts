/** A signal that ends with another one, or when nobody extended it in time. Its timer and its listener end with it. */
export class Deadline implements Disposable {
  readonly #controller: AbortController = new AbortController();
  readonly #outer: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #endsAt = Infinity;
  #expired = false;

  constructor(outer: AbortSignal, milliseconds: number) {
    this.#outer = outer;
    if (outer.aborted) this.#controller.abort(outer.reason);
    outer.addEventListener('abort', this.#end);
    this.extend(milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** It was the time that ended it, not the other signal. */
  get expired(): boolean {
    return this.#expired;
  }

  get remainingMs(): number {
    return this.#endsAt - performance.now();
  }

  /** From now on. */
  extend(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#endsAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => {
      this.#expired = true;
      this.#controller.abort(new DOMException('no answer in time', 'TimeoutError'));
    }, milliseconds);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#end);
  }

  readonly #end = (): void => {
    this.#controller.abort(this.#outer.reason);
  };
}
