/** What the guards of a run have to know beside its operations. */
import type { Assessment } from './assess.ts';
import type { Definition } from './definition.ts';
import type { Trip } from './evidence.ts';
import type { GuardInput } from './guard.ts';
import type { RunPorts } from './run-ports.ts';
import type { Sides } from './sides.ts';

export interface GuardContext {
  readonly definition: Definition;
  readonly ports: Pick<RunPorts, 'memory' | 'source' | 'target' | 'clock'>;
  readonly sides: Sides;
  readonly trips: readonly Trip[];
  readonly releasedTrips: readonly Trip[];
  readonly released: ReadonlySet<string>;
}

export function guardInput(
  context: GuardContext,
  { missed, uncorrelated }: Assessment,
): Omit<GuardInput, 'operations'> {
  const { definition, ports, sides, trips, releasedTrips, released } = context;
  const { memory, source, target, clock } = ports;
  const population = (side: 'Source' | 'Target'): number =>
    Math.max(sides.links.before, memory.baseline(side)?.inScope ?? 0);
  return {
    definition,
    evidence: { Source: sides.rolls.Source.evidence, Target: sides.rolls.Target.evidence },
    trips,
    releasedTrips,
    missed,
    uncorrelated,
    transactional: {
      Source: source.writer?.transactional ?? false,
      Target: target.writer?.transactional ?? false,
    },
    population: { Source: population('Source'), Target: population('Target') },
    spent: memory.spent(clock.now() - definition.guards.window),
    released,
    ...limitsOf(context),
  };
}

/** Whether creates, or updates, have a limit in this run. */
function limitsOf({
  ports: { memory },
  sides,
}: Pick<GuardContext, 'ports' | 'sides'>): Pick<GuardInput, 'firstLoad' | 'firstEnforcedRun'> {
  const isEmpty = sides.rolls.Target.inScope === 0 && sides.links.before === 0;
  return { firstLoad: isEmpty || memory.firstLoad(), firstEnforcedRun: memory.enforcedRuns() === 0 };
}
