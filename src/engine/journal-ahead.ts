/** The journal goes ahead of the writes: operations are handed out only when their intents are durable. */
import type { Operation, OperationBody } from './operation.ts';
import type { Intent } from './ports.ts';

/** One journal transaction covers so many writes: the disk is waited for twice a batch, and a kill leaves so many to look at. */
const BATCH = 256;

export interface Started {
  readonly operation: Operation;
  readonly body: OperationBody;
  readonly intent: Intent;
}

/** Operations in their order, each handed out only when its intent is durable. */
export class JournalAhead {
  readonly #operations: readonly Operation[];
  readonly #begin: (batch: readonly Operation[]) => Started[];
  #begun: Started[] = [];
  /** Invariant: #begun from #taken on is begun and not handed out; operations from #next on are not begun. */
  #taken = 0;
  #next = 0;

  constructor(operations: readonly Operation[], begin: (batch: readonly Operation[]) => Started[]) {
    this.#operations = operations;
    this.#begin = begin;
  }

  take(): Started | undefined {
    if (this.#taken === this.#begun.length && this.#next < this.#operations.length) {
      const batch = this.#operations.slice(this.#next, this.#next + BATCH);
      this.#begun = this.#begin(batch);
      this.#taken = 0;
      this.#next += batch.length;
    }
    return this.#begun[this.#taken++];
  }

  left(): { begun: readonly Started[]; rest: readonly Operation[] } {
    return { begun: this.#begun.slice(this.#taken), rest: this.#operations.slice(this.#next) };
  }
}
