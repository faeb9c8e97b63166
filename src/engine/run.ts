/**
 * One run of one mapping, start to end: read both sides, judge, plan, guard, apply, remember. Start reading
 * here. The engine is pure but for its ports: it knows no clock, no file, no network and no Kubernetes object.
 */
import { apply, type ApplyContext } from './apply.ts';
import { assess, type Assessment } from './assess.ts';
import { endsOf, type Judged } from './judged.ts';
import { HELD_PLAN_LIFETIME_MS } from './defaults.ts';
import type { Definition } from './definition.ts';
import { countedEvidence, readGuards, unknownAttribute, type Trip } from './evidence.ts';
import { guard, type Guarded, type GuardInput } from './guard.ts';
import { planDigest, type Operation, type OperationBody } from './operation.ts';
import { verdictOf, type Outcome } from './outcome.ts';
import { plan } from './plan.ts';
import type { Clock, Digest, Evidence, HeldPlan, Memory, OpenSide, Spool } from './ports.ts';
import { rememberRead } from './remember-read.ts';
import { Sides } from './sides.ts';
import { SinceClocks } from './since.ts';
import { Summary, type SituationCount, type Totals } from './summary.ts';
import { settleUnfinished, type Unfinished } from './unfinished.ts';

export interface RunPorts {
  readonly source: OpenSide;
  readonly target: OpenSide;
  readonly memory: Memory;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly newSpool: <T>() => Spool<T>;
  readonly newId: () => string;
  readonly progress: (progress: Progress) => void;
}

export type Progress =
  | { readonly phase: 'Reading'; readonly side: 'Source' | 'Target'; readonly entries: number }
  | { readonly phase: 'Planning'; readonly pairs: number }
  | { readonly phase: 'Applying'; readonly applied: number; readonly planned: number };

export interface RunRequest {
  /** Counts up over all runs of all mappings of one state. */
  readonly sequence: number;
  /**
   * Apply: writes. Observe: looks, plans and remembers nothing of links. Pretend: writes to overlays, so that
   * the next mapping of a chain sees them, and calls it planned.
   */
  readonly effect: 'Apply' | 'Observe' | 'Pretend';
  /** Records what is in sync, ignored and merely linked too. */
  readonly recordsAll: boolean;
  /** Judge only this entry; id in the normal form of its matching rule. */
  readonly only: { readonly side: 'Source' | 'Target'; readonly key: string } | undefined;
}

export interface RunResult {
  readonly outcome: Outcome;
  /** For people: why the outcome is what it is, where it is not Succeeded. */
  readonly message: string | undefined;
  readonly source: { readonly entries: number; readonly evidence: Evidence };
  readonly target: { readonly entries: number; readonly evidence: Evidence };
  readonly situations: readonly SituationCount[];
  readonly totals: Totals;
  readonly planDigest: string;
  readonly plan: HeldPlan | undefined;
  /** How many operations the held plan has. */
  readonly heldOperations: number;
  readonly trips: readonly Trip[];
  readonly exceeded: Guarded['exceeded'];
  /** Which sides were written. */
  readonly wrote: Readonly<Record<'Source' | 'Target', boolean>>;
}

export async function run(
  definition: Definition,
  request: RunRequest,
  ports: RunPorts,
  signal: AbortSignal,
): Promise<RunResult> {
  const unfinished = await lookAfterUnfinished(definition, ports, signal);
  const running = new Running(definition, request, ports);
  const unknown = running.unknownAttribute();
  if (unknown !== undefined) return running.stalled(unknown);
  await running.read(signal);
  const assessment = await running.assess(unfinished, signal);
  const operations = running.plan(assessment, unfinished);
  const guarded = running.guard(operations, assessment);
  const stopped = await running.apply(operations, guarded, signal);
  return running.record(operations, guarded, assessment, stopped);
}

/** Before anything is loaded: what a lost write has done may be a link more. */
function lookAfterUnfinished(
  definition: Definition,
  { source, target, memory, digest, clock }: RunPorts,
  signal: AbortSignal,
): Promise<Unfinished> {
  const readers = { Source: source, Target: target };
  return settleUnfinished({ definition, memory, digest, readers, now: clock.now() }, signal);
}

class Running {
  readonly #definition: Definition;
  readonly #request: RunRequest;
  readonly #ports: RunPorts;
  readonly #startedAt: number;
  readonly #sides: Sides;
  readonly #bodies: Spool<OperationBody>;
  readonly #summary: Summary;
  readonly #clocks: SinceClocks;
  readonly #released: ReadonlySet<string>;
  #trips: readonly Trip[] = [];
  #releasedTrips: readonly Trip[] = [];

  constructor(definition: Definition, request: RunRequest, ports: RunPorts) {
    this.#definition = definition;
    this.#request = request;
    this.#ports = ports;
    const { memory } = ports;
    this.#startedAt = ports.clock.now();
    this.#bodies = ports.newSpool();
    this.#sides = new Sides(definition, {
      ...ports,
      spool: ports.newSpool(),
      now: this.#startedAt,
      only: request.only,
      progress: (side, entries) => ports.progress({ phase: 'Reading', side, entries }),
    });
    this.#summary = new Summary(memory, request.recordsAll);
    this.#clocks = new SinceClocks(memory.since(), definition.rules, this.#startedAt, request.sequence);
    this.#released = memory.released(this.#startedAt, definition.approvedPlan);
  }

  unknownAttribute(): string | undefined {
    const { source, target, memory } = this.#ports;
    return (
      unknownAttribute(this.#definition.source, source, memory.baseline('Source')) ??
      unknownAttribute(this.#definition.target, target, memory.baseline('Target'))
    );
  }

  stalled(message: string): RunResult {
    const nothing = { entries: 0, evidence: this.#sides.rolls.Source.evidence };
    return {
      outcome: 'Stalled',
      message,
      source: nothing,
      target: nothing,
      situations: [],
      totals: this.#summary.totals,
      planDigest: planDigest([], this.#ports.digest),
      plan: undefined,
      heldOperations: 0,
      trips: [],
      exceeded: [],
      wrote: { Source: false, Target: false },
    };
  }

  read(signal: AbortSignal): Promise<void> {
    return this.#sides.read(signal);
  }

  async assess(unfinished: Unfinished, signal: AbortSignal): Promise<Assessment> {
    const { memory, digest } = this.#ports;
    const pairs = await this.#sides.pairs(signal);
    const baselines = { Source: memory.baseline('Source'), Target: memory.baseline('Target') };
    const { Source: source, Target: target } = this.#sides.rolls;
    const facts = { source, target, links: this.#sides.linksBefore, baselines };
    const trips = readGuards(this.#definition, facts, digest);
    this.#releasedTrips = trips.filter((trip) => this.#released.has(trip.digest));
    this.#trips = trips.filter((trip) => !this.#released.has(trip.digest));
    if (!this.#request.only) this.#summary.addQuiet(this.#sides.links.countQuiet());
    const holder = (targetKey: string): string | undefined => memory.holder(targetKey);
    const assessment = assess({ source, target, pairs, unsettled: unfinished, holder });
    const more = this.#sides.targetKeysOf(assessment.wantedLinks);
    return { ...assessment, wants: [...assessment.wants, ...more] };
  }

  plan(assessment: Assessment, unfinished: Unfinished): readonly Operation[] {
    const judged = assessment.judged.filter((one) => this.#isAsked(one));
    this.#ports.progress({ phase: 'Planning', pairs: judged.length });
    return plan(judged, {
      definition: this.#definition,
      memory: this.#ports.memory,
      digest: this.#ports.digest,
      source: this.#sides.rolls.Source,
      target: this.#sides.rolls.Target,
      entries: this.#sides.spool,
      bodies: this.#bodies,
      clocks: this.#clocks,
      summary: this.#summary,
      now: this.#startedAt,
      unfinished: unfinished.hashes,
      remembers: this.#request.effect !== 'Observe',
    }).operations;
  }

  #isAsked(judged: Judged): boolean {
    const { only } = this.#request;
    if (!only) return true;
    const { source, target } = endsOf(judged);
    return (only.side === 'Source' ? source : target)?.key === only.key;
  }

  guard(operations: readonly Operation[], assessment: Assessment): Guarded {
    const { memory, source, target, clock } = this.#ports;
    return guard({
      definition: this.#definition,
      operations,
      evidence: { Source: this.#sides.rolls.Source.evidence, Target: this.#sides.rolls.Target.evidence },
      trips: this.#trips,
      releasedTrips: this.#releasedTrips,
      missed: assessment.missed,
      uncorrelated: assessment.uncorrelated,
      transactional: {
        Source: source.writer?.transactional ?? false,
        Target: target.writer?.transactional ?? false,
      },
      population: { Source: this.#population('Source'), Target: this.#population('Target') },
      spent: memory.spent(clock.now() - this.#definition.guards.window),
      released: this.#released,
      ...this.#limits(),
    });
  }

  #population(side: 'Source' | 'Target'): number {
    return Math.max(this.#sides.linksBefore, this.#ports.memory.baseline(side)?.inScope ?? 0);
  }

  #limits(): Pick<GuardInput, 'firstLoad' | 'firstEnforcedRun'> {
    const firstLoad = this.#sides.rolls.Target.inScope === 0 && this.#sides.linksBefore === 0;
    return { firstLoad, firstEnforcedRun: this.#ports.memory.enforcedRuns() === 0 };
  }

  /** Held operations are recorded as held; the rest is applied, or stays planned. */
  async apply(
    operations: readonly Operation[],
    guarded: Guarded,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    for (const operation of operations) {
      if (!operation.held) continue;
      const { record } = this.#bodies.get(operation.body);
      this.#summary.add({ ...record, outcome: 'Held', held: operation.held });
    }
    const open = operations.filter((operation) => !operation.held);
    if (this.#request.effect === 'Observe' || guarded.fails) {
      for (const operation of open) this.#summary.add(this.#bodies.get(operation.body).record);
      return undefined;
    }
    const { stopped } = await apply(open, this.#applyContext(), signal);
    return stopped;
  }

  #applyContext(): ApplyContext {
    const { memory, digest, source, target, clock, newId, progress } = this.#ports;
    return {
      definition: this.#definition,
      memory,
      digest,
      writers: { Source: source.writer, Target: target.writer },
      bodies: this.#bodies,
      summary: this.#summary,
      now: () => clock.now(),
      newId,
      limits: this.#limits(),
      applied: ({ kind, situation, sourceKey }) => {
        const links = kind === 'Create' || kind === 'Update' || kind === 'Link';
        if (links && sourceKey !== undefined) this.#clocks.end(situation, sourceKey);
      },
      progress: (applied, planned) => progress({ phase: 'Applying', applied, planned }),
      pretends: this.#request.effect === 'Pretend',
    };
  }

  record(
    operations: readonly Operation[],
    guarded: Guarded,
    assessment: Assessment,
    stopped: string | undefined,
  ): RunResult {
    const held = operations.filter((operation) => operation.held);
    const holdsSomething = held.length > 0 || this.#trips.length > 0;
    const heldPlan = holdsSomething ? this.#keepHeld(held) : undefined;
    this.#remember(assessment);
    const verdict = verdictOf({
      trips: this.#trips,
      guarded,
      stopped,
      holdsSomething,
      totals: this.#summary.totals,
    });
    return {
      ...verdict,
      source: { entries: this.#sides.rolls.Source.entries, evidence: this.#effective('Source') },
      target: { entries: this.#sides.rolls.Target.entries, evidence: this.#effective('Target') },
      situations: this.#summary.situations(),
      totals: this.#summary.totals,
      planDigest: planDigest(
        operations.map((operation) => operation.digest),
        this.#ports.digest,
      ),
      plan: heldPlan,
      heldOperations: held.length,
      trips: this.#trips,
      exceeded: guarded.exceeded,
      wrote: this.#wrote(operations),
    };
  }

  #keepHeld(held: readonly Operation[]): HeldPlan {
    const digests = [...held.map((operation) => operation.digest), ...this.#trips.map((trip) => trip.digest)];
    const expiresAt = this.#startedAt + HELD_PLAN_LIFETIME_MS;
    const kept = { digest: planDigest(digests, this.#ports.digest), operations: digests, expiresAt };
    return this.#ports.memory.putHeldPlan(kept, this.#startedAt);
  }

  #remember({ wants }: Assessment): void {
    const { memory } = this.#ports;
    const { only, effect } = this.#request;
    const accepted = { Source: this.#isAccepted('Source'), Target: this.#isAccepted('Target') };
    if (!only)
      rememberRead({ memory, rolls: this.#sides.rolls, accepted, wants, deleted: this.#summary.deleted });
    this.#clocks.store(memory, {
      complete: accepted.Source && accepted.Target && !only,
      isQuiet: (side, key) => this.#sides.links.isQuiet(this.#sides.rolls[side].linkOf(key)),
    });
    if (effect === 'Apply') for (const trip of this.#releasedTrips) memory.useRelease(trip.digest);
    memory.flush();
  }

  #isAccepted(side: 'Source' | 'Target'): boolean {
    return this.#effective(side).complete !== 'No';
  }

  #effective(side: 'Source' | 'Target'): Evidence {
    return countedEvidence(this.#sides.rolls[side].evidence, side, this.#trips);
  }

  #wrote(operations: readonly Operation[]): Record<'Source' | 'Target', boolean> {
    const applied =
      this.#request.effect !== 'Observe' && this.#summary.totals.applied + this.#summary.totals.pending > 0;
    const side = (name: 'Source' | 'Target'): boolean =>
      applied && operations.some((one) => one.side === name && !one.held);
    return { Source: side('Source'), Target: side('Target') };
  }
}
