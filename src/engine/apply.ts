/**
 * Plan → systems. Canonical order, intents made durable before a batch and results after it, three-valued
 * writes, and a circuit breaker: it gives up where refusals repeat or the system is gone.
 */
import { REFUSALS_UNTIL_STOP } from './defaults.ts';
import { sideOf, type Definition } from './definition.ts';
import { isLimited, type GuardInput } from './guard.ts';
import type { Operation, OperationBody } from './operation.ts';
import { inCanonicalOrder } from './order.ts';
import type { LinkWrites } from './plan-context.ts';
import type { Digest, EntryWriter, Intent, Memory, Spending, Spool, Written } from './ports.ts';
import { concluded, remember } from './conclude.ts';
import { JournalAhead, type Started } from './journal-ahead.ts';
import type { Summary } from './summary.ts';

export interface ApplyContext {
  readonly definition: Definition;
  readonly memory: Memory;
  readonly links: LinkWrites;
  readonly digest: Digest;
  readonly writers: Readonly<Record<'Source' | 'Target', EntryWriter | undefined>>;
  readonly bodies: Spool<OperationBody>;
  readonly summary: Summary;
  readonly now: () => number;
  readonly newId: () => string;
  readonly limits: Pick<GuardInput, 'firstLoad' | 'firstEnforcedRun'>;
  /** Told of every operation that was Applied. */
  readonly applied: (operation: Operation) => void;
  readonly progress: (applied: number, planned: number) => void;
  /** The writers are an overlay: what they do stays planned, and a side without one is left alone. */
  readonly pretends: boolean;
}

/**
 * Results are kept so long before they are concluded: nothing is ever written to the store and left open while a system
 * is waited for, since other runs wait for the store, and whoever takes over does.
 */
const BOOK_EVERY_MS = 100;

/** Why applying stopped before its end; undefined: everything was tried. */
export interface Applied {
  readonly stopped: string | undefined;
}

type Done = {
  readonly operation: Operation;
  readonly body: OperationBody;
  readonly intent: string;
  readonly written: Written;
};

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

class Applying {
  readonly #context: ApplyContext;
  readonly #planned: number;
  #applied = 0;
  /** Invariant: the number of refusals since the last write that was not refused with #lastCode. */
  #refusals = 0;
  #lastCode: string | undefined;
  /** Tried, and neither concluded nor settled in the journal yet. */
  readonly #done: Done[] = [];
  #bookedAt = 0;
  stopped: string | undefined;

  constructor(context: ApplyContext, planned: number) {
    this.#context = context;
    this.#planned = planned;
  }

  /** Operations of one level do not depend on each other; links first, they need no system. */
  async level(operations: readonly Operation[], signal: AbortSignal): Promise<void> {
    this.#finish(operations.filter((one) => one.side === 'Link').map((operation) => this.#linked(operation)));
    for (const side of ['Source', 'Target'] as const) {
      const own = operations.filter((one) => one.side === side);
      const writer = this.#context.writers[side];
      if (own.length === 0) continue;
      if (!writer) {
        if (!this.#context.pretends) this.stopped ??= `${side.toLowerCase()} is not writable`;
        this.leave(own);
      } else if (writer.transactional) await this.#commit(own, writer, signal);
      else await this.#stream(own, writer, side, signal);
    }
  }

  /** Not tried: it stays planned. */
  leave(operations: readonly Operation[]): void {
    for (const operation of operations)
      this.#context.summary.add(this.#context.bodies.get(operation.body).record, operation);
  }

  #linked(operation: Operation): Done {
    const body = this.#context.bodies.get(operation.body);
    return {
      operation,
      body,
      intent: '',
      written: { kind: 'Applied', id: operation.targetId, name: undefined },
    };
  }

  /**
   * Different entries are written at the same time, up to the window. The journal goes ahead in batches and results
   * are concluded every now and then, so that the system hardly ever waits for the disk or for us to count.
   */
  async #stream(
    operations: readonly Operation[],
    writer: EntryWriter,
    side: 'Source' | 'Target',
    signal: AbortSignal,
  ): Promise<void> {
    const { writesInFlight } = sideOf(this.#context.definition, side);
    const ahead = new JournalAhead(operations, (batch) => this.#begin(batch));
    const work = async (): Promise<void> => {
      while (this.stopped === undefined && !signal.aborted) {
        const next = ahead.take();
        if (!next) return;
        const written = await write(next.body, writer, signal);
        this.#watch(written);
        const done = { operation: next.operation, body: next.body, intent: next.intent.id, written };
        this.#done.push(done);
        if (this.#context.now() - this.#bookedAt >= BOOK_EVERY_MS) this.#finish([]);
      }
    };
    await Promise.all(Array.from({ length: Math.min(writesInFlight, operations.length) }, work));
    if (signal.aborted) this.stopped ??= 'the run was asked to stop';
    const { begun, rest } = ahead.left();
    // Begun and not tried: it certainly did not happen.
    this.#context.memory.settle(begun.map(({ intent }) => ({ intent: intent.id, outcome: 'Refused' })));
    this.#book();
    this.#context.memory.flush();
    this.leave([...begun.map(({ operation }) => operation), ...rest]);
  }

  /** Durable when it returns, together with the results of what was done before. */
  #begin(operations: readonly Operation[]): Started[] {
    const started = operations.map((operation) => this.#intend(operation));
    this.#book();
    this.#context.memory.begin(started.map(({ intent }) => intent));
    return started;
  }

  /** A transactional writer: everything is buffered, one commit makes it true, one set of intents covers it. */
  async #commit(operations: readonly Operation[], writer: EntryWriter, signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.stopped ??= 'the run was asked to stop';
    if (this.stopped !== undefined) {
      this.leave(operations);
      return;
    }
    const started = this.#begin(operations);
    // Asked for together, so that a writer may put one that takes a unique value behind the one that frees it.
    const done = await Promise.all(
      started.map(async ({ operation, body, intent }): Promise<Done> => {
        return { operation, body, intent: intent.id, written: await write(body, writer, signal) };
      }),
    );
    const committed = done.some(({ written }) => written.kind === 'Applied')
      ? await writer.commit(signal)
      : undefined;
    if (committed === undefined || committed.kind === 'Applied') this.#finish(done);
    else {
      this.#watch(committed);
      this.#finish(
        done.map((one) => (one.written.kind === 'Applied' ? { ...one, written: committed } : one)),
      );
      if (committed.kind === 'Refused') this.stopped ??= committed.error.message;
    }
  }

  #intend(operation: Operation): Started {
    const body = this.#context.bodies.get(operation.body);
    const { source, target } = body.record;
    const side = operation.side === 'Source' ? 'Source' : 'Target';
    const intent: Intent = {
      id: this.#context.newId(),
      kind: operation.kind,
      side,
      sourceKey: operation.sourceKey,
      targetKey: operation.targetKey,
      sourceId: source ?? undefined,
      targetId: target ?? undefined,
      naturalKey: this.#naturalKey(side, body),
      hashes: body.hashes,
      spending: this.#spending(operation),
    };
    return { operation, body, intent };
  }

  #naturalKey(side: 'Source' | 'Target', { write }: OperationBody): string | undefined {
    if (write.kind !== 'Create') return undefined;
    if (write.entry.name !== undefined) return write.entry.name;
    const { schema } = sideOf(this.#context.definition, side);
    const [id] = write.entry.attributes.get(schema.id) ?? [];
    return typeof id === 'string' ? id : undefined;
  }

  #spending(operation: Operation): Spending[] {
    const { side } = operation;
    if (side === 'Link') return [];
    return operation.effects
      .filter(({ effect }) => isLimited(effect, this.#context.limits))
      .map(({ effect, attribute }) => ({ side, effect, attribute, count: 1 }));
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

  #finish(done: readonly Done[]): void {
    this.#done.push(...done);
    this.#book();
    this.#context.memory.flush();
  }

  /** What was concluded is settled in the journal and counts against the budgets, in one. */
  #book(): void {
    const { memory, now } = this.#context;
    const done = this.#done.splice(0);
    this.#bookedAt = now();
    for (const one of done) this.#conclude(one);
    const journalled = done.filter(({ intent }) => intent !== '');
    memory.settle(journalled.map(({ intent, written }) => ({ intent, outcome: written.kind })));
    const applied = done
      .filter(({ written }) => written.kind === 'Applied')
      .map(({ operation }) => operation);
    memory.spend(
      now(),
      applied.flatMap((operation) => this.#spending(operation)),
    );
    for (const operation of applied) {
      if (operation.released) memory.useRelease(operation.digest);
      this.#context.applied(operation);
    }
    this.#applied += applied.length;
    this.#context.progress(this.#applied, this.#planned);
  }

  #conclude({ operation, body, written }: Done): void {
    if (written.kind === 'Applied') {
      remember(operation, body, written, this.#context);
    }
    const record = concluded(operation, body.record, written);
    const told = this.#context.pretends ? { ...record, outcome: 'Planned' as const } : record;
    this.#context.summary.add(told, operation);
  }
}

function write(body: OperationBody, writer: EntryWriter, signal: AbortSignal): Promise<Written> {
  switch (body.write.kind) {
    case 'Create':
      return writer.create(body.write.entry, signal);
    case 'Update':
      return writer.update(body.write.change, signal);
    case 'Delete':
      return writer.delete(body.write, signal);
    case 'None':
      return Promise.resolve({ kind: 'Applied', id: '', name: undefined });
  }
}
