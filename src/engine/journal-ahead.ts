/** The journal goes ahead of the writes: operations are handed out only when their intents are durable. */
import type { Operation, OperationBody } from './operation.ts';
import type { Intent } from './ports.ts';
import type { Supply } from './supply.ts';

/** A kill leaves so many to look at, and more only where the system writes so many in less than a batch shall last. */
const FIRST_BATCH = 64;
const LARGEST_BATCH = 1_024;
/**
 * The disk is waited for once a batch, and whatever else is written to it waits too: not often, and nobody has to look at
 * the work of a minute.
 */
const BATCH_LASTS_MS = 500;
/** Intents that are worked out at once while a system works: so few that its window does not run dry meanwhile. */
const INTENDED_AT_ONCE = 4;

export interface Started {
  readonly operation: Operation;
  readonly body: OperationBody;
  readonly intent: Intent;
}

export interface JournalAheadOptions {
  readonly intend: (operation: Operation) => Started;
  /** Makes the intents durable. */
  readonly begin: (batch: readonly Started[]) => void;
  readonly now: () => number;
}

/** Operations in their order, each handed out only when its intent is durable. */
export class JournalAhead {
  readonly #supply: Supply;
  readonly #options: JournalAheadOptions;
  #begun: readonly Started[] = [];
  /** Invariant: #begun from #taken on is begun and not handed out; what is intended, or the supply has, is not begun. */
  #taken = 0;
  #intended: Started[] = [];
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
    return isLow && this.#supply.hasReady(this.#size - this.#intended.length) && !this.#isEmpty;
  }

  /** Called while a system works, for a part of the work ahead. */
  prepare(): void {
    const wanted = Math.min(this.#size - this.#intended.length, INTENDED_AT_ONCE);
    if (this.#supply.hasReady(wanted)) this.#intend(wanted);
  }

  /** Does nothing where all is begun. */
  more(): void {
    if (this.#isEmpty) return;
    this.#fitSize();
    this.#intend(this.#size - this.#intended.length);
    this.#options.begin(this.#intended);
    this.#begun = [...this.#begun.slice(this.#taken), ...this.#intended];
    this.#intended = [];
    this.#taken = 0;
  }

  /** Begun and not handed out. */
  left(): readonly Started[] {
    return this.#begun.slice(this.#taken);
  }

  /** Taken from the supply and not begun. */
  intended(): readonly Started[] {
    return this.#intended;
  }

  get #isEmpty(): boolean {
    return this.#intended.length === 0 && this.#supply.isEmpty;
  }

  #intend(count: number): void {
    if (count <= 0) return;
    for (const operation of this.#supply.take(count)) this.#intended.push(this.#options.intend(operation));
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
