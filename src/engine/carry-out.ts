/**
 * From judged pairs to what was done about them: planned, guarded and then applied, or planned while it is applied
 * where nothing that is planned later can hold back what is planned before.
 */
import { apply, applyFlow, type ApplyContext } from './apply.ts';
import type { Assessment } from './assess.ts';
import { mayFlow, PassingBodies, PlanAhead } from './flow.ts';
import { guard, type Guarded, type GuardInput } from './guard.ts';
import { guardInput, type GuardContext } from './guard-input.ts';
import { withoutHeld } from './held.ts';
import type { Judged } from './judged.ts';
import { BodiesAhead, linkAhead, mayLinkAhead, type PlannedBeside } from './link-ahead.ts';
import type { Operation, OperationBody } from './operation.ts';
import { Planner } from './plan.ts';
import type { PlanContext } from './plan-context.ts';
import type { Spool } from './ports.ts';
import type { RunPorts, RunRequest } from './run-ports.ts';
import { spooledBodies } from './spooled-body.ts';

export interface CarryOutContext {
  readonly request: RunRequest;
  readonly ports: RunPorts;
  readonly guards: GuardContext;
  readonly plan: Omit<PlanContext, 'bodies'>;
}

/** What came of it: operations that were kept, and digests of those that were done as they were planned. */
export interface CarriedOut extends PlannedBeside {
  /** Those were written to the target; else they were mere links. */
  readonly flowed: boolean;
  readonly guarded: Guarded;
  /** Why it stopped before its end; undefined: everything was tried. */
  readonly stopped: string | undefined;
}

export class CarryingOut {
  readonly #context: CarryOutContext;
  readonly #guardInput: Omit<GuardInput, 'operations'>;

  constructor(context: CarryOutContext, assessment: Assessment) {
    this.#context = context;
    this.#guardInput = guardInput(context.guards, assessment);
  }

  /** `judged`: in plan order; taken out. */
  async run(judged: Judged[], signal: AbortSignal): Promise<CarriedOut> {
    if (this.#mayFlow) return this.#flow(judged, signal);
    const bodies = this.#context.ports.newSpool(spooledBodies());
    const { operations, passed } = this.#plan(judged, bodies);
    const guarded = this.#guard(operations);
    const stopped = await this.#apply(operations, guarded, bodies, signal);
    return { operations, passed, flowed: false, guarded, stopped };
  }

  #guard(operations: readonly Operation[]): Guarded {
    return guard({ ...this.#guardInput, operations });
  }

  // --- writing while it plans -----------------------------------------------------------------------------

  get #mayFlow(): boolean {
    const { request, ports, guards } = this.#context;
    const { definition, sides, trips } = guards;
    const isBlank = sides.rolls.Target.entries + sides.links.before + trips.length === 0;
    const isAsked = request.effect === 'Apply' && !request.only;
    return isAsked && mayFlow({ definition, writer: ports.target.writer, isBlank });
  }

  async #flow(judged: Judged[], signal: AbortSignal): Promise<CarriedOut> {
    const { ports, plan: context } = this.#context;
    const { memory, target } = ports;
    const bodies = new PassingBodies();
    const planner = new Planner({ ...context, bodies });
    const held: Operation[] = [];
    const passed: string[] = [];
    const plan = (from: Judged[], count: number): readonly Operation[] => {
      const operations = planner.plan(from, count);
      this.#guard(operations);
      for (const operation of operations)
        if (operation.held) held.push(operation);
        else passed.push(operation.digest);
      return withoutHeld(operations, bodies, context.summary);
    };
    if (!target.writer) throw new Error('nothing flows to a side without a writer');
    const supply = new PlanAhead({ judged, plan });
    const stream = { side: 'Target', writer: target.writer, supply } as const;
    memory.putFirstLoad(true);
    const { stopped } = await applyFlow(stream, judged.length, this.#applyContext(bodies), signal);
    if (stopped === undefined) memory.putFirstLoad(false);
    // What flows counts in no budget.
    return { operations: held, passed, flowed: true, guarded: this.#guard([]), stopped };
  }

  // --- planning first -------------------------------------------------------------------------------------

  #plan(judged: Judged[], kept: Spool<OperationBody>): PlannedBeside {
    const { request, plan: context, guards } = this.#context;
    const { definition, released } = guards;
    const { evidence } = this.#guardInput;
    const trips = guards.trips.length + guards.releasedTrips.length;
    if (request.effect !== 'Apply' || !mayLinkAhead({ definition, evidence, trips })) {
      const planner = new Planner({ ...context, bodies: kept });
      return { operations: planner.plan(judged), passed: [] };
    }
    const bodies = new BodiesAhead(kept);
    const planner = new Planner({ ...context, bodies });
    return linkAhead(judged, { planner, bodies, released, booking: this.#applyContext(bodies) });
  }

  /** Held operations are recorded as held; the rest is applied, or stays planned. */
  async #apply(
    operations: readonly Operation[],
    guarded: Guarded,
    bodies: Spool<OperationBody>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { request, ports, plan } = this.#context;
    const open = withoutHeld(operations, bodies, plan.summary);
    if (request.effect === 'Observe' || guarded.fails) {
      for (const operation of open) plan.summary.add(bodies.get(operation.body).record, operation);
      return undefined;
    }
    const context = this.#applyContext(bodies);
    if (context.limits.firstLoad) ports.memory.putFirstLoad(true);
    const { stopped } = await apply(open, context, signal);
    if (stopped === undefined) ports.memory.putFirstLoad(false);
    return stopped;
  }

  #applyContext(bodies: Spool<OperationBody>): ApplyContext {
    const { request, ports, guards, plan } = this.#context;
    const { memory, digest, source, target, clock, newId, progress } = ports;
    return {
      definition: guards.definition,
      memory,
      links: plan.links,
      digest,
      writers: { Source: source.writer, Target: target.writer },
      bodies,
      summary: plan.summary,
      now: () => clock.now(),
      foresee: (side, foreseen) => guards.sides.rolls[side].foresee(foreseen),
      newId,
      limits: this.#guardInput,
      applied: ({ kind, situation, sourceKey }) => {
        const links = kind === 'Create' || kind === 'Update' || kind === 'Link';
        if (links && sourceKey !== undefined) plan.clocks.end(situation, sourceKey);
      },
      progress: (applied, planned) => progress({ phase: 'Applying', applied, planned }),
      pretends: request.effect === 'Pretend',
    };
  }
}
