/** Guards on the read itself (SITUATIONS.md, "Evidence"): whatever vouches for it, what they trip on counts as No. */
import { SHRINK_ALLOWANCE, VANISH_THRESHOLD } from './defaults.ts';
import type { Definition, SideDefinition } from './definition.ts';
import { shortHash } from './fingerprint.ts';
import type { Baseline, Digest, Evidence, OpenSide } from './ports.ts';
import type { Roll } from './roll.ts';

/** Nothing was read. */
export const NO_EVIDENCE: Evidence = {
  complete: 'No',
  proof: undefined,
  reason: undefined,
  message: undefined,
  snapshot: false,
};

export type TripReason =
  'SourceShrunk' | 'TargetShrunk' | 'EmptySource' | 'EmptyTarget' | 'AttributeVanished';

const WAY_OUT = 'bring back what is missing, or approve the plan where this is meant';

export interface Trip {
  readonly reason: TripReason;
  readonly side: 'Source' | 'Target';
  readonly attribute: string | undefined;
  readonly message: string;
  /** Covers reason, side and number of entries; approving it releases the guard once. */
  readonly digest: string;
}

export interface ReadFacts {
  readonly source: Roll;
  readonly target: Roll;
  readonly links: number;
  readonly baselines: Readonly<Record<'Source' | 'Target', Baseline | undefined>>;
}

export function readGuards(definition: Definition, facts: ReadFacts, digest: Digest): Trip[] {
  const trips: Omit<Trip, 'digest'>[] = [];
  const { source, target, links } = facts;
  if (source.present === 0 && (target.inScope > 0 || links > 0)) {
    trips.push(
      trip(
        'EmptySource',
        'Source',
        `no source entry is in scope, though the target is not empty or links exist; ${WAY_OUT}`,
      ),
    );
  } else push(trips, shrunk('Source', source, facts.baselines.Source, definition));
  if (target.inScope === 0 && links > 0) {
    trips.push(
      trip('EmptyTarget', 'Target', `no target entry is in scope, though ${links} links exist; ${WAY_OUT}`),
    );
  } else push(trips, shrunk('Target', target, facts.baselines.Target, definition));
  trips.push(
    ...vanished('Source', source, facts.baselines.Source),
    ...vanished('Target', target, facts.baselines.Target),
  );
  return trips.map((one) => ({ ...one, digest: tripDigest(definition.mapping, one, facts, digest) }));
}

function trip(
  reason: TripReason,
  side: 'Source' | 'Target',
  message: string,
  attribute?: string,
): Omit<Trip, 'digest'> {
  return { reason, side, attribute, message };
}

function push<T>(list: T[], value: T | undefined): void {
  if (value !== undefined) list.push(value);
}

function shrunk(
  side: 'Source' | 'Target',
  roll: Roll,
  baseline: Baseline | undefined,
  definition: Definition,
): Omit<Trip, 'digest'> | undefined {
  if (!baseline) return undefined;
  const lost = baseline.inScope - roll.inScope;
  const { maxShrinkPercent } = definition.guards;
  if (lost <= SHRINK_ALLOWANCE || lost * 100 <= baseline.inScope * maxShrinkPercent) return undefined;
  const message = `${roll.inScope} entries are in scope, ${baseline.inScope} were at the last accepted read (limit ${maxShrinkPercent} %); ${WAY_OUT}`;
  return trip(side === 'Source' ? 'SourceShrunk' : 'TargetShrunk', side, message);
}

function vanished(
  side: 'Source' | 'Target',
  roll: Roll,
  baseline: Baseline | undefined,
): Omit<Trip, 'digest'>[] {
  if (!baseline || roll.entries === 0) return [];
  const { valueCounts } = roll;
  return roll.definition.request.attributes
    .filter((name) => (baseline.valueCounts[name] ?? 0) >= VANISH_THRESHOLD && !valueCounts.get(name))
    .map((name) => {
      const message = `attribute ${name} had a value on ${baseline.valueCounts[name]} entries at the last accepted read and has none now; ${WAY_OUT}`;
      return trip('AttributeVanished', side, message, name);
    });
}

function tripDigest(mapping: string, one: Omit<Trip, 'digest'>, facts: ReadFacts, digest: Digest): string {
  const entries = one.side === 'Source' ? facts.source.entries : facts.target.entries;
  return shortHash(`guard|${mapping}|${one.reason}|${one.side}|${one.attribute ?? ''}|${entries}`, digest);
}

/** The evidence as it counts: a tripped guard makes it No, whatever vouches for the read. */
export function countedEvidence(
  evidence: Evidence,
  side: 'Source' | 'Target',
  trips: readonly Trip[],
): Evidence {
  const trip = trips.find((one) => one.side === side);
  if (evidence.complete === 'No' || !trip) return evidence;
  return { ...evidence, complete: 'No', reason: trip.reason, message: trip.message };
}

/**
 * An attribute that the mapping reads and the system has no place for. Where it had values before, that is a
 * vanished attribute, which the guards answer; else nothing may be concluded from its absence.
 */
export function unknownAttribute(
  { side, request, system, object }: SideDefinition,
  { missingAttributes = [] }: OpenSide,
  baseline: Baseline | undefined,
): string | undefined {
  const counts = baseline?.valueCounts ?? {};
  const name = request.attributes.find(
    (one) => missingAttributes.includes(one) && (counts[one] ?? 0) < VANISH_THRESHOLD,
  );
  if (name === undefined) return undefined;
  return `UnknownAttribute: the mapping reads ${side.toLowerCase()} attribute '${name}', which ${system} ${object} does not have; correct the mapping or bring the attribute back`;
}
