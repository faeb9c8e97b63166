/**
 * Whether nothing at all has changed since a run that found nothing to do: then what that run has found of unlinked
 * entries stands, and none of them is judged again.
 */
import type { Definition } from './definition.ts';
import { readGuards, type ReadFacts } from './evidence.ts';
import type { Digest, Memory } from './ports.ts';
import type { RunRequest } from './run-ports.ts';
import type { Sides } from './sides.ts';
import type { Summary } from './summary.ts';
import type { Calm } from './unlinked-book.ts';
import type { Unfinished } from './unfinished.ts';

export interface StandingContext {
  readonly definition: Definition;
  readonly request: RunRequest;
  readonly memory: Memory;
  readonly digest: Digest;
  readonly sides: Sides;
  readonly unfinished: Unfinished;
}

/** What stands; undefined: everything is judged. */
export function standing(context: StandingContext, facts: ReadFacts): Calm | undefined {
  const { calm } = context.sides.unlinked;
  if (!calm || calm.recordsAll !== context.request.recordsAll || !isPlain(context)) return undefined;
  if (!isComplete(context) || readGuards(context.definition, facts, context.digest).length > 0)
    return undefined;
  return context.sides.isAsItWas ? calm : undefined;
}

/** What this run leaves to the next; undefined: something was done, or may come out differently the next time. */
export function calmOf(
  context: StandingContext,
  did: { readonly operations: number; readonly trips: number; readonly summary: Summary },
): Calm | undefined {
  const { operations, trips, summary } = did;
  const isQuiet = operations + trips + summary.totals.failed === 0 && context.sides.remembered.areAll;
  if (!isQuiet || !isPlain(context) || !isComplete(context)) return undefined;
  // A linked entry that was not listed, or not as it was, has a say in what was found of others.
  if (!context.sides.areLinksQuiet) return undefined;
  const { sequence: run, recordsAll } = context.request;
  const situations = summary.situations().filter(({ name }) => name !== 'Confirmed');
  return { run, recordsAll, situations: situations.map(({ name, count }) => ({ name, count })) };
}

/** Nobody and nothing else has a say: no other mapping, no clock, no write that is not settled. */
function isPlain({ definition, request, memory, unfinished }: StandingContext): boolean {
  const { sources, targets, hashes } = unfinished;
  const isSettled = sources.size + targets.size + hashes.size === 0;
  const waits = definition.rules.some((rule) => rule.after !== undefined);
  return isSettled && !waits && request.only === undefined && !memory.sharesTarget();
}

function isComplete({ sides: { rolls } }: StandingContext): boolean {
  return rolls.Source.evidence.complete !== 'No' && rolls.Target.evidence.complete !== 'No';
}
