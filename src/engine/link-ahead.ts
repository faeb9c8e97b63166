/**
 * Pairs that need a link and nothing else are linked while the others are still being planned. No budget counts a link,
 * none waits for another, and neither of the two entries had one, so it takes nothing from anybody: nothing that is
 * planned later can hold it back. None of them is kept until the plan is made.
 */
import type { Definition } from './definition.ts';
import { Booking, type BookingContext } from './booking.ts';
import { needsNothing } from './conclude.ts';
import { PassingBodies } from './flow.ts';
import type { Judged } from './judged.ts';
import type { Operation, OperationBody } from './operation.ts';
import type { Planner } from './plan.ts';
import type { Evidence, Spool } from './ports.ts';

/** Links that become durable at once: others wait for the store no longer than this takes. */
const LINKS_AT_ONCE = 4_096;
const PLANNED_AT_ONCE = 64;

export interface LinkAheadFacts {
  readonly definition: Definition;
  readonly evidence: Readonly<Record<'Source' | 'Target', Evidence>>;
  /** Guards on the read that have tripped, released or not. */
  readonly trips: number;
}

/** Else a doubt about a read, or a budget of something else, may hold links too. */
export function mayLinkAhead({ definition, evidence, trips }: LinkAheadFacts): boolean {
  const isComplete = evidence.Source.complete !== 'No' && evidence.Target.complete !== 'No';
  return isComplete && trips === 0 && definition.guards.onExceeded === 'HoldKind';
}

/** Those of mere links pass by; all others are kept. */
export class BodiesAhead implements Spool<OperationBody> {
  readonly #kept: Spool<OperationBody>;
  readonly #passing: PassingBodies = new PassingBodies();

  constructor(kept: Spool<OperationBody>) {
    this.#kept = kept;
  }

  put(body: OperationBody): number {
    const passes = body.write.kind === 'None' && needsNothing(body);
    return passes ? -1 - this.#passing.put(body) : this.#kept.put(body);
  }

  get(handle: number): OperationBody {
    return handle < 0 ? this.#passing.get(-1 - handle) : this.#kept.get(handle);
  }

  /** Whether it is one of those that are asked for once. */
  passes(handle: number): boolean {
    return handle < 0;
  }
}

export interface LinkAhead {
  readonly planner: Planner;
  readonly bodies: BodiesAhead;
  /** Digests of operations that an approval releases. */
  readonly released: ReadonlySet<string>;
  readonly booking: BookingContext;
}

export interface PlannedBeside {
  /** What is left to be done. */
  readonly operations: readonly Operation[];
  /** Digests of the links that were made. */
  readonly passed: readonly string[];
}

/** `judged`: in plan order; taken out. */
export function linkAhead(
  judged: Judged[],
  { planner, bodies, released, booking }: LinkAhead,
): PlannedBeside {
  const operations: Operation[] = [];
  const passed: string[] = [];
  const book = new Booking(booking, judged.length);
  let isDurable = 0;
  while (judged.length > 0) {
    for (const operation of planner.plan(judged, PLANNED_AT_ONCE)) {
      if (!bodies.passes(operation.body)) {
        operations.push(operation);
        continue;
      }
      operation.released = released.has(operation.digest);
      const written = { kind: 'Applied', id: operation.targetId, name: undefined } as const;
      book.add({ operation, body: bodies.get(operation.body), intent: undefined, written });
      passed.push(operation.digest);
    }
    if (passed.length - isDurable < LINKS_AT_ONCE) book.book();
    else {
      book.finish();
      isDurable = passed.length;
    }
  }
  book.finish();
  return { operations, passed };
}
