/**
 * What may not be applied, and why: protection, dependencies, evidence, budgets (SITUATIONS.md, "Evidence" and
 * "Guards"). Pure: marks operations as held and says what the run is to make of it.
 */
import type { Assessment } from './assess.ts';
import type { Budget, Definition, Effect } from './definition.ts';
import type { Trip } from './evidence.ts';
import type { Operation, OperationEffect } from './operation.ts';
import type { Evidence, Spending } from './ports.ts';

export interface GuardInput {
  readonly definition: Definition;
  readonly operations: readonly Operation[];
  readonly evidence: Readonly<Record<'Source' | 'Target', Evidence>>;
  /** Guards on the read that tripped and are not released. */
  readonly trips: readonly Trip[];
  /** Guards that tripped and are released by an approval. */
  readonly releasedTrips: readonly Trip[];
  readonly missed: Assessment['missed'];
  readonly uncorrelated: Assessment['uncorrelated'];
  /** Whether the writer of a side replaces the whole (a CSV file). */
  readonly transactional: Readonly<Record<'Source' | 'Target', boolean>>;
  readonly population: Readonly<Record<'Source' | 'Target', number>>;
  readonly spent: readonly Spending[];
  /** Digests of operations that an approval releases. */
  readonly released: ReadonlySet<string>;
  /** The target is empty and nothing is linked: creates have no limit. */
  readonly firstLoad: boolean;
  /** Updates have no limit in the first enforced run. */
  readonly firstEnforcedRun: boolean;
}

/** How much of a budget the plan would use, with what was applied within the window. */
export interface BudgetUse {
  readonly side: 'Source' | 'Target';
  readonly effect: Effect;
  readonly attribute: string;
  readonly count: number;
  readonly limit: number;
}

export interface Guarded {
  /** Every budget that the plan touches. */
  readonly budgets: readonly BudgetUse[];
  readonly exceeded: readonly BudgetUse[];
  /** `onExceeded: Fail` and a budget is exceeded: nothing is applied. */
  readonly fails: boolean;
}

export function guard(input: GuardInput): Guarded {
  for (const operation of input.operations) {
    operation.released = input.released.has(operation.digest);
    holdForGood(operation, input);
    if (!operation.held && !operation.released) holdByTrip(operation, input);
  }
  const budgets = budgetUses(input);
  const exceeded = budgets.filter((one) => one.count > one.limit && isAskedFor(one, input));
  holdByBudget(exceeded, input);
  holdDependents(input.operations);
  return { budgets, exceeded, fails: exceeded.length > 0 && input.definition.guards.onExceeded === 'Fail' };
}

/** Whether what an effect does is counted at all in this run. */
export function isLimited(
  effect: Effect,
  input: Pick<GuardInput, 'firstLoad' | 'firstEnforcedRun'>,
): boolean {
  if (effect === 'Create') return !input.firstLoad;
  return effect !== 'Update' || !input.firstEnforcedRun;
}

// --- what no approval releases ---------------------------------------------------------------------------

function holdForGood(operation: Operation, input: GuardInput): void {
  const { protectedBy, waitsFor } = operation;
  if (protectedBy !== undefined) {
    operation.held = { by: 'Protect', reason: `the entry is protected by ${protectedBy}` };
  } else if (waitsFor !== undefined) {
    operation.held = {
      by: 'Dependency',
      reason: `mapping ${waitsFor} has to look at this target object first`,
    };
  } else {
    const reason = missingEvidence(operation, input);
    if (reason !== undefined) operation.held = { by: 'Evidence', reason };
  }
}

function missingEvidence(operation: Operation, input: GuardInput): string | undefined {
  const { evidence, transactional, missed, uncorrelated } = input;
  if (missed !== undefined && operation.withdraws) return missed;
  const unassigned = operation.withdraws && operation.situation === 'Unassigned';
  if (uncorrelated !== undefined && unassigned) return uncorrelated;
  const side = SIDES.find((one) => {
    const rewrites = operation.side === one && transactional[one];
    return evidence[one].complete === 'No' && (rewrites || heldWithout(one, operation));
  });
  return side && `${side.toLowerCase()} not complete: ${describe(evidence[side])}`;
}

function describe(evidence: Evidence): string {
  return [evidence.reason, evidence.message].filter((part) => part !== undefined).join(': ');
}

const SIDES = ['Source', 'Target'] as const;
const HELD_WITHOUT_TARGET = 'A2 A3 A4 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A17 A18 C1 C2'.split(' ');

/** What is held while a side's read is not complete. */
function heldWithout(side: 'Source' | 'Target', operation: Operation): boolean {
  if (side === 'Target') return HELD_WITHOUT_TARGET.includes(operation.row);
  const unlisted = operation.row.startsWith('B') || operation.row.startsWith('C');
  return unlisted && (operation.withdraws || operation.response === 'CreateSource');
}

// --- guards on the read: an approval releases them -------------------------------------------------------

function holdByTrip(operation: Operation, input: GuardInput): void {
  for (const trip of [...input.trips, ...input.releasedTrips]) {
    if (!isHeldBy(trip, operation, input)) continue;
    operation.held = { by: 'Evidence', reason: `${trip.reason}: ${trip.message}` };
    return;
  }
}

function isHeldBy(trip: Trip, operation: Operation, input: GuardInput): boolean {
  if (trip.reason === 'EmptySource' || trip.reason === 'EmptyTarget') return true;
  if (operation.side === trip.side && input.transactional[trip.side]) return true;
  if (heldWithout(trip.side, operation)) return true;
  return trip.reason === 'AttributeVanished' && dependsOn(trip, operation, input.definition);
}

/** What clears the vanished attribute's targets, what a condition on it decided, creates where correlation reads it. */
function dependsOn(trip: Trip, operation: Operation, definition: Definition): boolean {
  const attribute = trip.attribute ?? '';
  const decided = trip.side === 'Source' ? operation.decidedBy.source : operation.decidedBy.target;
  if (decided.includes(attribute)) return true;
  const comesFrom = operation.side !== trip.side && operation.clearedFrom.includes(attribute);
  return comesFrom || (operation.kind === 'Create' && correlationReads(trip.side, attribute, definition));
}

function correlationReads(side: 'Source' | 'Target', attribute: string, definition: Definition): boolean {
  return definition.correlate.some(({ source, target }) => {
    if (side === 'Target') return target.name === attribute;
    return source.kind === 'Attribute'
      ? source.name === attribute
      : source.expression.reads.source.has(attribute);
  });
}

// --- budgets ---------------------------------------------------------------------------------------------

function budgetUses(input: GuardInput): BudgetUse[] {
  return [...countEffects(input)]
    .map(([key, count]) => budgetUse(key, count, input))
    .filter((one) => one !== undefined);
}

/** By something that nobody has released: what was approved is done whatever it has used up. */
function isAskedFor(use: BudgetUse, { operations }: GuardInput): boolean {
  return operations.some(
    ({ held, released, side, effects }) => !held && !released && side === use.side && hasEffect(effects, use),
  );
}

function holdByBudget(exceeded: readonly BudgetUse[], { definition, operations }: GuardInput): void {
  const [first] = exceeded;
  if (!first) return;
  for (const operation of operations) {
    if (operation.held || operation.released) continue;
    const over = exceeded.find((one) => operation.side === one.side && hasEffect(operation.effects, one));
    const hit = over ?? (definition.guards.onExceeded === 'HoldKind' ? undefined : first);
    if (hit) operation.held = { by: 'Budget', reason: budgetReason(hit) };
  }
}

function budgetReason({ effect, attribute, count, limit }: BudgetUse): string {
  return `${effect}${attribute === '' ? '' : ` of ${attribute}`}: ${count} entries, the limit is ${limit}`;
}

function hasEffect(effects: readonly OperationEffect[], { effect, attribute }: BudgetUse): boolean {
  return effects.some((one) => one.effect === effect && one.attribute === attribute);
}

/**
 * What the plan would do beside what was applied within the window, by side, effect and attribute. What is released
 * counts, as it does when it is done: what is new beside it waits for an approval of its own.
 */
function countEffects(input: GuardInput): Map<string, number> {
  const counts = new Map<string, number>();
  for (const operation of input.operations) {
    if (operation.held || operation.side === 'Link') continue;
    for (const { effect, attribute } of operation.effects) {
      if (!isLimited(effect, input)) continue;
      const key = keyOf(operation.side, effect, attribute);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function keyOf(side: string, effect: string, attribute: string): string {
  return `${side}|${effect}|${attribute}`;
}

function budgetUse(key: string, planned: number, input: GuardInput): BudgetUse | undefined {
  const [side, effect, attribute = ''] = key.split('|');
  if ((side !== 'Source' && side !== 'Target') || !isEffect(effect)) return undefined;
  const before = input.spent
    .filter((one) => keyOf(one.side, one.effect, one.attribute) === key)
    .reduce((sum, one) => sum + one.count, 0);
  const limit = limitOf(input.definition.guards.budgets[effect], input.population[side]);
  const count = planned + before;
  return { side, effect, attribute, count, limit };
}

function isEffect(text: string | undefined): text is Effect {
  return ['Create', 'Update', 'Clear', 'Rename', 'Disable', 'Delete', 'RemoveMember'].includes(text ?? '');
}

/** The larger of minCount and maxPercent of the population; maxCount caps it. */
export function limitOf(budget: Budget, population: number): number {
  const share = Math.floor((budget.maxPercent * population) / 100);
  return Math.min(Math.max(budget.minCount, share), budget.maxCount ?? Number.MAX_SAFE_INTEGER);
}

// --- what depends on something held ----------------------------------------------------------------------

function holdDependents(operations: readonly Operation[]): void {
  if (!operations.some((operation) => operation.held)) return;
  const freeing = new Map<string, Operation>();
  const taking = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.frees !== undefined) freeing.set(operation.frees, operation);
    if (operation.takes !== undefined) taking.set(operation.takes, operation);
  }
  const settled = new Set<Operation>();
  const settle = (operation: Operation): void => {
    if (settled.has(operation)) return;
    settled.add(operation);
    for (const [name, needed] of [
      [operation.takes, freeing],
      [operation.parent, taking],
    ] as const) {
      const on = name === undefined ? undefined : needed.get(name);
      if (!on || on === operation || operation.kind === 'Delete') continue;
      settle(on);
      if (on.held && !operation.held) {
        operation.held = {
          by: 'Dependency',
          reason: `it needs the ${on.kind.toLowerCase()} of '${on.targetId || on.sourceId}', which is held`,
        };
      }
    }
  };
  for (const operation of operations) settle(operation);
}
