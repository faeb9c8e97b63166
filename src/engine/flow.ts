/**
 * A first load of an empty system is written while it is still being planned: nothing can come of it but creations,
 * which no budget limits and of which none has to wait for another, so nothing that is planned later holds one back.
 */
import type { Definition, Response } from './definition.ts';
import type { Judged } from './judged.ts';
import type { Operation, OperationBody } from './operation.ts';
import type { EntryWriter, Spool } from './ports.ts';
import type { Supply } from './supply.ts';

/** Pairs that are planned at once while a system works: so few that its window does not run dry meanwhile. */
const PLANNED_AT_ONCE = 4;
/** Who has nothing to write waits until so many are planned. */
const WAITED_FOR = 64;
/** Operations that are ready at most. */
const READY_AT_MOST = 256;

export interface FlowFacts {
  readonly definition: Definition;
  readonly writer: EntryWriter | undefined;
  /** Nothing is there on the target, nothing is linked, and no guard on the read has tripped. */
  readonly isBlank: boolean;
}

export function mayFlow({ definition, writer, isBlank }: FlowFacts): boolean {
  // A commit for a part of the load is one for a part of a file, which has to be whole.
  const inParts = writer && (!writer.transactional || writer.together !== undefined);
  return isBlank && inParts === true && hasOneParent(definition) && onlyCreates(definition);
}

/** Every name stands under the same parent, so no entry is the parent of another. */
function hasOneParent({ outbound }: Definition): boolean {
  return outbound.every(
    ({ origin }) =>
      origin.kind !== 'Name' || origin.parent.reads.source.size + origin.parent.reads.target.size === 0,
  );
}

const HARMLESS: readonly Response[] = ['CreateTarget', 'Report', 'Ignore', 'Fail'];

/** Where nothing is on the target, every source entry in scope is Absent. */
function onlyCreates({ rules }: Definition): boolean {
  return rules.every(
    ({ situations, response }) => !situations.includes('Absent') || HARMLESS.includes(response),
  );
}

export interface Flowing {
  /** In their order. */
  readonly judged: Judged[];
  /** What comes of so many, taken out of the list; what is held among them is recorded already. */
  readonly plan: (judged: Judged[], count: number) => readonly Operation[];
}

export class PlanAhead implements Supply {
  readonly #flowing: Flowing;
  #ready: Operation[] = [];

  constructor(flowing: Flowing) {
    this.#flowing = flowing;
  }

  get isEmpty(): boolean {
    if (this.#ready.length > 0) return false;
    this.#planSome(1);
    return this.#ready.length === 0;
  }

  hasReady(count: number): boolean {
    return this.#ready.length >= Math.min(count, READY_AT_MOST) || this.#flowing.judged.length === 0;
  }

  take(count: number): readonly Operation[] {
    this.#planSome(Math.min(count, WAITED_FOR));
    return this.#ready.splice(0, count);
  }

  prepare(): void {
    const { judged, plan } = this.#flowing;
    if (this.#ready.length < READY_AT_MOST) this.#ready.push(...plan(judged, PLANNED_AT_ONCE));
  }

  /** Until so many are ready, or everything is planned. */
  #planSome(count: number): void {
    const { judged, plan } = this.#flowing;
    while (this.#ready.length < count && judged.length > 0)
      this.#ready.push(...plan(judged, PLANNED_AT_ONCE));
  }
}

/** Bodies on their way from the plan to the writer: each is asked for once, and forgotten. */
export class PassingBodies implements Spool<OperationBody> {
  readonly #bodies: Map<number, OperationBody> = new Map();
  #count = 0;

  put(body: OperationBody): number {
    this.#bodies.set(this.#count, body);
    return this.#count++;
  }

  /** Throws RangeError for one that is not there, or was asked for before. */
  get(handle: number): OperationBody {
    const body = this.#bodies.get(handle);
    if (!body) throw new RangeError(`no body passes as ${handle}`);
    this.#bodies.delete(handle);
    return body;
  }
}
