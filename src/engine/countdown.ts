/** Waits for very many answers without holding a promise for each: those that are there are forgotten at once. */
export class Countdown {
  #open: number;
  readonly #faults: unknown[] = [];
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(count: number) {
    this.#open = count;
    if (count === 0) this.#end.resolve();
  }

  /** Never throws: what fails is told by `done`. */
  async await<T>(answer: Promise<T>, take: (value: T) => void): Promise<void> {
    try {
      take(await answer);
    } catch (error) {
      this.#faults.push(error);
    }
    this.#open--;
    if (this.#open === 0) this.#end.resolve();
  }

  /** Throws the first that failed, once all are there. */
  async done(): Promise<void> {
    await this.#end.promise;
    if (this.#faults.length > 0) throw this.#faults[0];
  }
}
