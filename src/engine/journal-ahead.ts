/** The journal goes ahead of the writes: operations are handed out only when their intents are durable. */
import type { Operation, OperationBody } from './operation.ts';
import type { Intent } from './ports.ts';
import type { Supply } from './supply.ts';

/** A kill leaves so many to look at, and more only where the system writes so many in less than a batch shall last. */
const FIRST_BATCH = 64;
const LARGEST_BATCH = 2_048;
/** The disk is waited for once a batch: not often, and nobody has to look at the work of a minute. */
const BATCH_LASTS_MS = 150;

export interface Started {
  readonly operation: Operation;
  readonly body: OperationBody;
  readonly intent: Intent;
}

export interface JournalAheadOptions {
  /** Makes the intents durable. */
  readonly begin: (batch: readonly Operation[]) => Started[];
  readonly now: () => number;
}

/** Operations in their order, each handed out only when its intent is durable. */
export class JournalAhead {
  readonly #supply: Supply;
  readonly #options: JournalAheadOptions;
  #begun: readonly Started[] = [];
  /** Invariant: #begun from #taken on is begun and not handed out; what the supply has is not begun. */
  #taken = 0;
  #isFirst = true;
  #size = FIRST_BATCH;
  #begunAt = 0;

  constructor(supply: Supply, options: JournalAheadOptions) {
    this.#supply = supply;
    this.#options = options;
  }

  take(): Started | undefined {
    if (this.#taken === this.#begun.length) this.more();
    return this.#begun[this.#taken++];
  }

  /** Whether it is time to begin more, before anybody has to wait for it. */
  get isLow(): boolean {
    const isLow = 2 * (this.#begun.length - this.#taken) <= this.#size;
    return isLow && this.#supply.hasReady(this.#size) && !this.#supply.isEmpty;
  }

  /** Does nothing where all is begun. */
  more(): void {
    if (this.#supply.isEmpty) return;
    this.#fitSize();
    const batch = this.#supply.take(this.#size);
    this.#begun = [...this.#begun.slice(this.#taken), ...this.#options.begin(batch)];
    this.#taken = 0;
  }

  /** Begun and not handed out. */
  left(): readonly Started[] {
    return this.#begun.slice(this.#taken);
  }

  #fitSize(): void {
    const now = this.#options.now();
    const lasted = now - this.#begunAt;
    this.#begunAt = now;
    if (this.#isFirst) {
      this.#isFirst = false;
      return;
    }
    if (lasted < BATCH_LASTS_MS / 2) this.#size = Math.min(2 * this.#size, LARGEST_BATCH);
    else if (lasted > 2 * BATCH_LASTS_MS) this.#size = Math.max(this.#size / 2, FIRST_BATCH);
  }
}
