/**
 * Plan → systems. Canonical order, intents made durable before a batch and results after it, three-valued
 * writes, and a circuit breaker: it gives up where refusals repeat or the system is gone.
 */
import { applyTogether } from './apply-together.ts';
import { Booking, type BookingContext } from './booking.ts';
import { REFUSALS_UNTIL_STOP } from './defaults.ts';
import { sideOf } from './definition.ts';
import { Countdown } from './countdown.ts';
import { intend } from './intend.ts';
import { JournalAhead, type Started } from './journal-ahead.ts';
import type { Operation, OperationBody } from './operation.ts';
import { inCanonicalOrder } from './order.ts';
import type { EntryWriter, Intent, Spool, Together, Written } from './ports.ts';
import { PlannedSupply, type Supply } from './supply.ts';
import { write } from './write.ts';

export interface ApplyContext extends BookingContext {
  /** A side without one is left alone while pretending. */
  readonly writers: Readonly<Record<'Source' | 'Target', EntryWriter | undefined>>;
  readonly bodies: Spool<OperationBody>;
}

/**
 * Results are kept so long before they are concluded: nothing is ever written to the store and left open while a system
 * is waited for, since other runs wait for the store, and whoever takes over does.
 */
const BOOK_EVERY_MS = 500;
/** Of what one commit makes true, so many bodies are held in memory at once. */
const BODIES_AT_ONCE = 64;
/** And so many intents, or results, become durable at once. */
const INTENTS_AT_ONCE = 4_096;
const LEFT_AT_ONCE = 256;

/** Why applying stopped before its end; undefined: everything was tried. */
export interface Applied {
  readonly stopped: string | undefined;
}

/** Asked of a transactional writer. */
interface Tried {
  readonly operation: Operation;
  readonly intent: string;
  written: Written | undefined;
}

export async function apply(
  operations: readonly Operation[],
  context: ApplyContext,
  signal: AbortSignal,
): Promise<Applied> {
  const applying = new Applying(context, operations.length);
  const levels = inCanonicalOrder(operations.filter((operation) => !operation.held));
  for (const [at, level] of levels.entries()) {
    await applying.level(level, signal);
    if (applying.stopped === undefined) continue;
    for (const rest of levels.slice(at + 1)) applying.leave(rest);
    break;
  }
  return { stopped: applying.stopped };
}

/** Writes what is supplied, which does not depend on each other, while more of it may still be planned. */
export async function applyFlow(
  stream: Stream,
  planned: number,
  context: ApplyContext,
  signal: AbortSignal,
): Promise<Applied> {
  const applying = new Applying(context, planned);
  if (stream.writer.together) await applying.together(stream, stream.writer.together, signal);
  else await applying.stream(stream, signal);
  return { stopped: applying.stopped };
}

export interface Stream {
  readonly side: 'Source' | 'Target';
  readonly writer: EntryWriter;
  readonly supply: Supply;
}

class Applying {
  readonly #context: ApplyContext;
  readonly #booking: Booking;
  /** Invariant: the number of refusals since the last write that was not refused with #lastCode. */
  #refusals = 0;
  #lastCode: string | undefined;
  stopped: string | undefined;

  constructor(context: ApplyContext, planned: number) {
    this.#context = context;
    this.#booking = new Booking(context, planned);
  }

  /** Operations of one level do not depend on each other; links first, they need no system. */
  async level(operations: readonly Operation[], signal: AbortSignal): Promise<void> {
    this.#link(operations.filter(({ side }) => side === 'Link'));
    for (const side of ['Source', 'Target'] as const) {
      const own = operations.filter((one) => one.side === side);
      const writer = this.#context.writers[side];
      if (own.length === 0) continue;
      if (!writer) {
        if (!this.#context.pretends) this.stopped ??= `${side.toLowerCase()} is not writable`;
        this.leave(own);
      } else if (writer.transactional) await this.#commit(own, writer, signal);
      else await this.stream({ side, writer, supply: new PlannedSupply(own) }, signal);
    }
  }

  /** Not tried: it stays planned. */
  leave(operations: readonly Operation[]): void {
    for (const operation of operations)
      this.#context.summary.add(this.#context.bodies.get(operation.body).record, operation);
  }

  #link(operations: readonly Operation[]): void {
    for (const [at, operation] of operations.entries()) {
      const body = this.#context.bodies.get(operation.body);
      const written = { kind: 'Applied', id: operation.targetId, name: undefined } as const;
      this.#booking.add({ operation, body, intent: undefined, written });
      if ((at + 1) % BODIES_AT_ONCE === 0) this.#booking.book();
    }
    this.#booking.finish();
  }

  /**
   * Different entries are written at the same time, up to the window. The journal goes ahead in batches and results
   * are concluded every now and then, always when the system has a whole window to work on meanwhile.
   */
  async stream({ side, writer, supply }: Stream, signal: AbortSignal): Promise<void> {
    const { now, definition, memory } = this.#context;
    const ahead = new JournalAhead(supply, {
      intend: (operation) => this.#intend(operation),
      begin: (batch) => this.#begin(batch),
      now,
    });
    let workers = sideOf(definition, side).writesInFlight;
    let inFlight = 0;
    const work = async (): Promise<void> => {
      while (this.stopped === undefined && !signal.aborted) {
        const next = ahead.take();
        if (!next) break;
        inFlight++;
        const answer = write(next.body, writer, signal);
        if (inFlight === workers) this.#keepUp(ahead, supply);
        const written = await answer;
        inFlight--;
        this.#watch(written);
        this.#booking.add({ operation: next.operation, body: next.body, intent: next.intent.id, written });
      }
      workers--;
    };
    await Promise.all(Array.from({ length: workers }, work));
    if (signal.aborted) this.stopped ??= 'the run was asked to stop';
    const begun = ahead.left();
    // Begun and not tried: it certainly did not happen.
    memory.settle(begun.map(({ intent }) => ({ intent: intent.id, outcome: 'Refused' })));
    this.#booking.finish();
    for (const { operation, body } of [...begun, ...ahead.intended()])
      this.#context.summary.add(body.record, operation);
    this.#leaveRest(supply);
  }

  async together({ writer, supply }: Stream, together: Together, signal: AbortSignal): Promise<void> {
    const { bodies } = this.#context;
    const booking = this.#booking;
    this.stopped = await applyTogether({ writer, together, supply, bodies, booking }, signal);
    this.#leaveRest(supply);
  }

  #leaveRest(supply: Supply): void {
    while (!supply.isEmpty) this.leave(supply.take(LEFT_AT_ONCE));
  }

  #keepUp(ahead: JournalAhead, supply: Supply): void {
    if (ahead.isLow) ahead.more();
    else if (this.#booking.age >= BOOK_EVERY_MS) this.#booking.finish();
    else {
      supply.prepare();
      ahead.prepare();
      // Planning records what comes to nothing.
      this.#context.memory.letOthersWrite();
    }
  }

  #intend(operation: Operation): Started {
    const body = this.#context.bodies.get(operation.body);
    return { operation, body, intent: intend(operation, body, this.#context) };
  }

  /** Durable when it returns, together with the results of what was done before. */
  #begin(started: readonly Started[]): void {
    this.#booking.book();
    this.#context.memory.begin(started.map(({ intent }) => intent));
  }

  /** A transactional writer: everything is buffered, one commit makes it true, one set of intents covers it. */
  async #commit(operations: readonly Operation[], writer: EntryWriter, signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.stopped ??= 'the run was asked to stop';
    if (this.stopped !== undefined) {
      this.leave(operations);
      return;
    }
    const tried = await this.#buffer(operations, writer, signal);
    const committed = tried.some(({ written }) => written?.kind === 'Applied')
      ? await writer.commit(signal)
      : undefined;
    if (committed === undefined || committed.kind === 'Applied') this.#bookTried(tried);
    else {
      this.#watch(committed);
      this.#bookTried(tried, committed);
      if (committed.kind === 'Refused') this.stopped ??= committed.error.message;
    }
  }

  /**
   * Asked for within one turn of the event loop, so that a writer may put one that takes a unique value behind the one
   * that frees it. Nothing is true before the commit, so it is time enough when all intents are durable by then.
   */
  async #buffer(
    operations: readonly Operation[],
    writer: EntryWriter,
    signal: AbortSignal,
  ): Promise<Tried[]> {
    const tried: Tried[] = [];
    const answers = new Countdown(operations.length);
    let intents: Intent[] = [];
    for (const operation of operations) {
      const { body, intent } = this.#intend(operation);
      const one: Tried = { operation, intent: intent.id, written: undefined };
      intents.push(intent);
      void answers.await(write(body, writer, signal), (written) => (one.written = written));
      if (tried.push(one) % INTENTS_AT_ONCE === 0) {
        this.#context.memory.begin(intents);
        intents = [];
      }
      // Answers that are there already are taken, and their bodies forgotten; the turn goes on.
      if (tried.length % BODIES_AT_ONCE === 0) await Promise.resolve();
    }
    this.#context.memory.begin(intents);
    await answers.done();
    return tried;
  }

  /** `committed`: what became of those that the writer had taken, where that is not Applied. */
  #bookTried(tried: readonly Tried[], committed?: Written): void {
    let booked = 0;
    for (const { operation, intent, written } of tried) {
      if (!written) continue;
      const body = this.#context.bodies.get(operation.body);
      const told = written.kind === 'Applied' && committed ? committed : written;
      this.#booking.add({ operation, body, intent, written: told });
      booked++;
      if (booked % INTENTS_AT_ONCE === 0) this.#booking.finish();
      else if (booked % BODIES_AT_ONCE === 0) this.#booking.book();
    }
    this.#booking.finish();
  }

  /** The circuit breaker. */
  #watch(written: Written): void {
    if (written.kind === 'Applied') {
      this.#refusals = 0;
      return;
    }
    const { code, message } = written.error;
    this.#refusals = code === this.#lastCode ? this.#refusals + 1 : 1;
    this.#lastCode = code;
    if (code === 'Unreachable') this.stopped ??= `the system cannot be reached: ${message}`;
    else if (this.#refusals >= REFUSALS_UNTIL_STOP)
      this.stopped ??= `${this.#refusals} writes in a row were refused with ${code}: ${message}`;
  }
}
