/** The stages of one run and what they hand on to each other. */
import { assess, type Assessment } from './assess.ts';
import { CarryingOut, type CarriedOut, type CarryOutContext } from './carry-out.ts';
import { failCutOff } from './cut-off.ts';
import { endsOf, type Judged } from './judged.ts';
import { HELD_PLAN_LIFETIME_MS } from './defaults.ts';
import type { Definition } from './definition.ts';
import { countedEvidence, readGuards, unknownAttribute, type Trip } from './evidence.ts';
import type { GuardContext } from './guard-input.ts';
import { planDigest, type Operation } from './operation.ts';
import { inPlanOrder } from './plan.ts';
import type { Evidence, HeldPlan } from './ports.ts';
import { rememberRead } from './remember-read.ts';
import { resultOf, stalledResult } from './result.ts';
import type { RunPorts, RunRequest, RunResult } from './run-ports.ts';
import { Sides } from './sides.ts';
import { SinceClocks } from './since.ts';
import { calmOf, standing, type StandingContext } from './standing.ts';
import { spooledEntries } from './spooled-entry.ts';
import { Summary } from './summary.ts';
import type { Unfinished } from './unfinished.ts';
import type { Calm } from './unlinked-book.ts';
import { ValueHashes } from './value-hashes.ts';

export class Running {
  readonly #definition: Definition;
  readonly #request: RunRequest;
  readonly #ports: RunPorts;
  readonly #startedAt: number;
  readonly #sides: Sides;
  readonly #summary: Summary;
  readonly #clocks: SinceClocks;
  readonly #released: ReadonlySet<string>;
  #trips: readonly Trip[] = [];
  #standing: Calm | undefined;
  #releasedTrips: readonly Trip[] = [];

  constructor(definition: Definition, request: RunRequest, ports: RunPorts) {
    this.#definition = definition;
    this.#request = request;
    this.#ports = ports;
    const { memory } = ports;
    this.#startedAt = ports.clock.now();
    this.#sides = new Sides(definition, {
      ...ports,
      spool: ports.newSpool(spooledEntries()),
      now: this.#startedAt,
      only: request.only,
      inFull: request.inFull,
      progress: (side, entries) => ports.progress({ phase: 'Reading', side, entries }),
    });
    this.#summary = new Summary(memory, request.recordsAll);
    this.#clocks = new SinceClocks(() => memory.since(), definition.rules, this.#startedAt, request.sequence);
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
    return stalledResult(message, nothing, this.#summary.totals, planDigest([], this.#ports.digest));
  }

  read(signal: AbortSignal): Promise<void> {
    return this.#sides.read(signal);
  }

  async assess(unfinished: Unfinished, signal: AbortSignal): Promise<Assessment> {
    const { memory, digest } = this.#ports;
    const baselines = { Source: memory.baseline('Source'), Target: memory.baseline('Target') };
    const { Source: source, Target: target } = this.#sides.rolls;
    const facts = { source, target, links: this.#sides.links.before, baselines };
    this.#standing = standing(this.#world(unfinished), facts);
    if (this.#standing) this.#summary.addStanding(this.#standing.situations);
    else await this.#sides.recall(signal);
    const pairs = await this.#sides.pairs(signal);
    const trips = readGuards(this.#definition, facts, digest);
    this.#releasedTrips = trips.filter((trip) => this.#released.has(trip.digest));
    this.#trips = trips.filter((trip) => !this.#released.has(trip.digest));
    failCutOff(source, this.#effective('Source'));
    failCutOff(target, this.#effective('Target'));
    if (!this.#request.only) this.#summary.addQuiet(this.#sides.links.countQuiet());
    const holder = (targetKey: string): string | undefined => memory.holder(targetKey);
    const rules = this.#definition.correlate.length;
    const assessment = assess({ source, target, rules, pairs, unsettled: unfinished, holder });
    const more = this.#sides.targetKeysOf(assessment.wantedLinks);
    return { ...assessment, wants: [...assessment.wants, ...more] };
  }

  #world(unfinished: Unfinished): StandingContext {
    const { memory, digest } = this.#ports;
    const [definition, request, sides] = [this.#definition, this.#request, this.#sides];
    return { definition, request, sides, memory, digest, unfinished };
  }

  /** Whom to plan, each with what planning has to know of them. */
  async judged(assessment: Assessment, signal: AbortSignal): Promise<Judged[]> {
    // Each is forgotten as soon as it is planned: what is to be done takes its place in memory.
    const asked = assessment.judged.splice(0).filter((one) => this.#isAsked(one));
    const judged = await this.#sides.withContent(asked, this.#clocks, signal);
    this.#sides.rolls.Source.forgetItems();
    this.#sides.rolls.Target.forgetItems();
    this.#ports.progress({ phase: 'Planning', pairs: judged.length });
    return inPlanOrder(judged);
  }

  #isAsked(judged: Judged): boolean {
    const { only } = this.#request;
    if (!only) return true;
    const { source, target } = endsOf(judged);
    return (only.side === 'Source' ? source : target)?.key === only.key;
  }

  /** `judged`: taken out. */
  carryOut(
    judged: Judged[],
    assessment: Assessment,
    unfinished: Unfinished,
    signal: AbortSignal,
  ): Promise<CarriedOut> {
    const context = {
      request: this.#request,
      ports: this.#ports,
      guards: this.#guards(),
      plan: this.#planContext(unfinished),
    };
    return new CarryingOut(context, assessment).run(judged, signal);
  }

  #planContext(unfinished: Unfinished): CarryOutContext['plan'] {
    return {
      definition: this.#definition,
      memory: this.#ports.memory,
      links: this.#sides,
      digest: this.#ports.digest,
      valueHashes: new ValueHashes(this.#ports.digest),
      source: this.#sides.rolls.Source,
      target: this.#sides.rolls.Target,
      entries: this.#sides.spool,
      clocks: this.#clocks,
      remembered: this.#sides.remembered,
      summary: this.#summary,
      now: this.#startedAt,
      unfinished: unfinished.hashes,
      remembers: this.#request.effect !== 'Observe',
    };
  }

  #guards(): GuardContext {
    const [definition, ports, sides, released] = [this.#definition, this.#ports, this.#sides, this.#released];
    return { definition, ports, sides, released, trips: this.#trips, releasedTrips: this.#releasedTrips };
  }

  record(carriedOut: CarriedOut, assessment: Assessment, unfinished: Unfinished): RunResult {
    const { operations, passed } = carriedOut;
    const held = operations.filter((operation) => operation.held);
    const plan = held.length + this.#trips.length > 0 ? this.#keepHeld(held) : undefined;
    const trips = this.#trips.length + this.#releasedTrips.length;
    const did = { operations: operations.length + passed.length, trips, summary: this.#summary };
    this.#remember(assessment, calmOf(this.#world(unfinished), did));
    return resultOf({
      ...carriedOut,
      rolls: this.#sides.rolls,
      summary: this.#summary,
      trips: this.#trips,
      plan,
      digest: this.#ports.digest,
      isApplied: this.#request.effect !== 'Observe',
    });
  }

  #keepHeld(held: readonly Operation[]): HeldPlan {
    const digests = [...held.map((operation) => operation.digest), ...this.#trips.map((trip) => trip.digest)];
    const expiresAt = this.#startedAt + HELD_PLAN_LIFETIME_MS;
    const kept = { digest: planDigest(digests, this.#ports.digest), operations: digests, expiresAt };
    return this.#ports.memory.putHeldPlan(kept, this.#startedAt);
  }

  #remember({ wants }: Assessment, calm: Calm | undefined): void {
    const { memory } = this.#ports;
    const { only, effect } = this.#request;
    const [sides, standing] = [this.#sides, this.#standing];
    rememberRead({
      memory,
      sides,
      clocks: this.#clocks,
      accepted: { Source: this.#isAccepted('Source'), Target: this.#isAccepted('Target') },
      wants,
      deleted: this.#summary.deleted,
      isPartial: only !== undefined,
      standing,
    });
    if (effect === 'Apply') for (const trip of this.#releasedTrips) memory.useRelease(trip.digest);
    memory.flush();
    if (effect === 'Apply') sides.store(standing ? 'Stands' : only ? 'Disturbed' : { calm });
  }

  #isAccepted(side: 'Source' | 'Target'): boolean {
    return this.#effective(side).complete !== 'No';
  }

  #effective(side: 'Source' | 'Target'): Evidence {
    return countedEvidence(this.#sides.rolls[side].evidence, side, this.#trips);
  }
}
