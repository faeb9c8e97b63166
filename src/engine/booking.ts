/** What was tried becomes records, links, settled intents and spent budgets: each booking is one transaction of the store. */
import { concluded, needsNoStore, remember, type ConcludeContext } from './conclude.ts';
import { spendingOf, type IntendContext } from './intend.ts';
import type { Operation, OperationBody } from './operation.ts';
import type { Written } from './ports.ts';
import type { Summary } from './summary.ts';

export interface BookingContext extends ConcludeContext, IntendContext {
  readonly summary: Summary;
  /** Told of every operation that was Applied. */
  readonly applied: (operation: Operation) => void;
  readonly progress: (applied: number, planned: number) => void;
  /** The writers are an overlay: what they do stays planned. */
  readonly pretends: boolean;
}

export interface Done {
  readonly operation: Operation;
  readonly body: OperationBody;
  /** Undefined: no system was needed, so the journal knows nothing of it. */
  readonly intent: string | undefined;
  readonly written: Written;
}

export class Booking {
  readonly #context: BookingContext;
  readonly #planned: number;
  #applied = 0;
  /** Tried, and not settled in the journal yet. */
  #done: Done[] = [];
  /** Those of them that are not concluded yet. */
  #left: Done[] = [];
  #bookedAt = 0;

  constructor(context: BookingContext, planned: number) {
    this.#context = context;
    this.#planned = planned;
  }

  /** In milliseconds. */
  get age(): number {
    return this.#context.now() - this.#bookedAt;
  }

  /** What needs nothing from the store is concluded now, so that less is left to do while everybody waits. */
  add(done: Done): void {
    if (needsNoStore(done.operation, done.body, this.#context)) this.#conclude(done);
    else this.#left.push(done);
    this.#done.push(done);
  }

  /** What was concluded is settled in the journal and counts against the budgets, in one. Durable by the next flush. */
  book(): void {
    const { memory, now } = this.#context;
    const done = this.#done;
    this.#done = [];
    this.#bookedAt = now();
    for (const one of this.#left.splice(0)) this.#conclude(one);
    memory.settle(
      done.flatMap(({ intent, written }) =>
        intent === undefined ? [] : [{ intent, outcome: written.kind }],
      ),
    );
    const applied = done
      .filter(({ written }) => written.kind === 'Applied')
      .map(({ operation }) => operation);
    memory.spend(
      now(),
      applied.flatMap((operation) => spendingOf(operation, this.#context)),
    );
    for (const operation of applied) {
      if (operation.released) memory.useRelease(operation.digest);
      this.#context.applied(operation);
    }
    this.#applied += applied.length;
    this.#context.progress(this.#applied, this.#planned);
  }

  /** Durable when it returns. */
  finish(): void {
    this.book();
    this.#context.memory.flush();
  }

  #conclude({ operation, body, written }: Done): void {
    if (written.kind === 'Applied') remember(operation, body, written, this.#context);
    const record = concluded(operation, body.record, written);
    const told = this.#context.pretends ? { ...record, outcome: 'Planned' as const } : record;
    this.#context.summary.add(told, operation);
  }
}
