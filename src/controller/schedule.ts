/** When a mapping is next due. Pure: the same inputs give the same moment, so that status and queue agree. */
import { Cron } from 'croner';
import { parseDuration } from '../lib/duration.ts';

/** Of an interval, to both sides: what was created together does not run together for ever. */
const JITTER = 0.1;
/** After the time of a schedule; it means that time, so not much. */
const SCHEDULE_JITTER_MS = 20_000;

export interface Schedule {
  readonly interval?: string | undefined;
  /** Five fields, as in cron(5). */
  readonly schedule?: string | undefined;
  /** IANA name; UTC when it is absent. */
  readonly timeZone?: string | undefined;
}

/**
 * In milliseconds since 1970; undefined: on request only. `since`: when the last run began, or when the mapping was
 * first seen. A moment that has passed means now, however many were missed. `seed`: from 0 up to 1, the same for one
 * mapping.
 */
export function nextRunAt(
  schedule: Schedule,
  { since, now, seed }: { readonly since: number; readonly now: number; readonly seed: number },
): number | undefined {
  if (schedule.schedule !== undefined) {
    const cron = new Cron(schedule.schedule, { timezone: schedule.timeZone ?? 'UTC', paused: true });
    // A clock that was set back must not make it wait for the time that it had shown.
    const next = cron.nextRun(new Date(Math.min(since, now)));
    return next === null ? undefined : next.getTime() + Math.floor(seed * SCHEDULE_JITTER_MS);
  }
  const interval = schedule.interval === undefined ? undefined : parseDuration(schedule.interval);
  if (interval === undefined) return undefined;
  return Math.min(since, now) + Math.round(interval * (1 + JITTER * (2 * seed - 1)));
}

/** Undefined: it can be understood. Else what is wrong with it, for people. */
export function scheduleProblem({ schedule, timeZone }: Schedule): string | undefined {
  if (schedule === undefined) return undefined;
  try {
    const next = new Cron(schedule, { timezone: timeZone ?? 'UTC', paused: true }).nextRun();
    return next === null ? `schedule '${schedule}' never comes` : undefined;
  } catch (error) {
    const zone = timeZone === undefined ? '' : ` in time zone '${timeZone}'`;
    return `schedule '${schedule}'${zone} cannot be understood: ${error instanceof Error ? error.message : ''}`;
  }
}

/** From 0 up to 1, evenly, by the letters of a name (FNV-1a). */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    hash ^= name.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash / 2 ** 32;
}
