/**
 * Plan → systems. Canonical order, intents made durable before a batch and results after it, three-valued
 * writes, and a circuit breaker: it gives up where refusals repeat or the system is gone.
 */
import { REFUSALS_UNTIL_STOP } from './defaults.ts';
import type { Definition } from './definition.ts';
import { isLimited, type GuardInput } from './guard.ts';
import type { Operation, OperationBody } from './operation.ts';
import { inCanonicalOrder } from './order.ts';
import type { Digest, EntryWriter, Intent, Memory, Spending, Spool, Written } from './ports.ts';
import { concluded, remember } from './conclude.ts';
import type { Summary } from './summary.ts';

/** One journal transaction covers so many writes: enough that the disk is never the bottleneck. */
const BATCH = 64;

export interface ApplyContext {
  readonly definition: Definition;
  readonly memory: Memory;
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
      this.#context.summary.add(this.#context.bodies.get(operation.body).record);
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

  async #stream(
    operations: readonly Operation[],
    writer: EntryWriter,
    side: 'Source' | 'Target',
    signal: AbortSignal,
  ): Promise<void> {
    const { writesInFlight } =
      side === 'Target' ? this.#context.definition.target : this.#context.definition.source;
    for (let at = 0; at < operations.length; at += BATCH) {
      if (signal.aborted) this.stopped ??= 'the run was asked to stop';
      const batch = operations.slice(at, at + BATCH);
      if (this.stopped === undefined) await this.#batch(batch, writer, writesInFlight, signal);
      else this.leave(batch);
    }
  }

  async #batch(
    operations: readonly Operation[],
    writer: EntryWriter,
    window: number,
    signal: AbortSignal,
  ): Promise<void> {
    const started = operations.map((operation) => this.#intend(operation));
    this.#context.memory.begin(started.map(({ intent }) => intent));
    const done: Done[] = [];
    const untried: Operation[] = [];
    const queue = started.values();
    const work = async (): Promise<void> => {
      for (const { operation, body, intent } of queue) {
        if (this.stopped !== undefined || signal.aborted) {
          untried.push(operation);
          this.#context.memory.settle([{ intent: intent.id, outcome: 'Refused' }]);
          continue;
        }
        const written = await write(body, writer, signal);
        this.#watch(written);
        done.push({ operation, body, intent: intent.id, written });
      }
    };
    await Promise.all(Array.from({ length: Math.min(window, operations.length) }, work));
    this.#finish(done);
    this.leave(untried);
  }

  /** A transactional writer: everything is buffered, one commit makes it true, one set of intents covers it. */
  async #commit(operations: readonly Operation[], writer: EntryWriter, signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.stopped ??= 'the run was asked to stop';
    if (this.stopped !== undefined) {
      this.leave(operations);
      return;
    }
    const started = operations.map((operation) => this.#intend(operation));
    this.#context.memory.begin(started.map(({ intent }) => intent));
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

  #intend(operation: Operation): { operation: Operation; body: OperationBody; intent: Intent } {
    const body = this.#context.bodies.get(operation.body);
    const { source, target } = body.record;
    const intent: Intent = {
      id: this.#context.newId(),
      kind: operation.kind,
      side: operation.side === 'Source' ? 'Source' : 'Target',
      sourceKey: operation.sourceKey,
      targetKey: operation.targetKey,
      sourceId: source ?? undefined,
      targetId: target ?? undefined,
      naturalKey: this.#naturalKey(operation, body),
      hashes: body.hashes,
      spending: this.#spending(operation),
    };
    return { operation, body, intent };
  }

  #naturalKey(operation: Operation, { write }: OperationBody): string | undefined {
    if (write.kind !== 'Create') return undefined;
    if (write.entry.name !== undefined) return write.entry.name;
    const { schema } =
      operation.side === 'Target' ? this.#context.definition.target : this.#context.definition.source;
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
    const { memory, now } = this.#context;
    const journalled = done.filter(({ intent }) => intent !== '');
    for (const one of done) this.#conclude(one);
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
    memory.flush();
    this.#applied += applied.length;
    this.#context.progress(this.#applied, this.#planned);
  }

  #conclude({ operation, body, written }: Done): void {
    if (written.kind === 'Applied') {
      remember(operation, body, written, this.#context);
    }
    const record = concluded(operation, body.record, written);
    this.#context.summary.add(this.#context.pretends ? { ...record, outcome: 'Planned' } : record);
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
