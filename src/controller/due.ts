/** Whether a mapping is to run now, and why, or when. Pure. */
import { nextRunAt, seedOf, type Schedule } from './schedule.ts';

/** What asks for a run, the most urgent first; it stands in status.lastRun.trigger. */
export type Trigger =
  'Request' | 'Approval' | 'Spec' | 'Dependency' | 'Chain' | 'Retry' | 'Interval' | 'Schedule';

export interface DueInput {
  readonly uid: string;
  readonly schedule: Schedule;
  readonly now: number;
  /** When the last run began; undefined: never. */
  readonly lastStart: number | undefined;
  /** When the mapping was first seen, or changed since. */
  readonly since: number;
  /** The value of the annotation that asks for a run, and of the one that was answered last. */
  readonly request: string | undefined;
  readonly handledRequest: string | undefined;
  /** A held plan is to be released, and no run has tried it yet. */
  readonly approval: string | undefined;
  /** The present generation has had its run. */
  readonly generationRan: boolean;
  /** What other objects asked for since the last run began. */
  readonly woken: ReadonlySet<'Dependency' | 'Chain'>;
  /** After a failure: when to try again. */
  readonly retryAt: number | undefined;
}

export type Due =
  | { readonly kind: 'Now'; readonly trigger: Trigger }
  | { readonly kind: 'At'; readonly at: number }
  | { readonly kind: 'OnRequest' };

export function dueOf(input: DueInput): Due {
  const { request, handledRequest, approval } = input;
  if (request !== undefined && request !== handledRequest) return now('Request');
  if (approval !== undefined) return now('Approval');
  return wokenDue(input) ?? timedDue(input);
}

function wokenDue({ schedule, generationRan, woken }: DueInput): Due | undefined {
  // A schedule names the times at which there may be load, and without any time a person asks: an edit asks for no
  // run then. What another run has written always does: a chain needs no clock between its mappings.
  const atAnyTime = schedule.interval !== undefined;
  if (atAnyTime && !generationRan) return now('Spec');
  if (atAnyTime && woken.has('Dependency')) return now('Dependency');
  return woken.has('Chain') ? now('Chain') : undefined;
}

function timedDue(input: DueInput): Due {
  const { schedule, lastStart, since, retryAt } = input;
  const next = nextRunAt(schedule, { since: lastStart ?? since, now: input.now, seed: seedOf(input.uid) });
  const timed = schedule.schedule === undefined ? 'Interval' : 'Schedule';
  if (next !== undefined && next <= input.now) return now(timed);
  if (retryAt !== undefined && retryAt <= input.now) return now('Retry');
  const at = Math.min(next ?? Infinity, retryAt ?? Infinity);
  return at === Infinity ? { kind: 'OnRequest' } : { kind: 'At', at };
}

function now(trigger: Trigger): Due {
  return { kind: 'Now', trigger };
}
