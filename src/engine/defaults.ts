/** The tables of SITUATIONS.md, "Responses" and "Guards": what a silent policy does, and what a rule may ask. */
import type { Budget, Effect, Response, Situation } from './definition.ts';

interface Allowed {
  readonly byDefault: Response;
  readonly allowed: readonly Response[];
  /** Responses that want `evenIfNeverLinked` on an entry that was never linked. */
  readonly guarded: readonly Response[];
}

const NOTHING = ['Report', 'Ignore', 'Fail'] as const;
const WITHDRAWALS = ['DisableTarget', 'DeleteTarget'] as const;

function row(byDefault: Response, allowed: readonly Response[], guarded: readonly Response[] = []): Allowed {
  return { byDefault, allowed, guarded };
}

export const RESPONSES: Readonly<Record<Situation, Allowed>> = {
  Confirmed: row('UpdateTarget', [
    'UpdateTarget',
    'UpdateSource',
    'DisableTarget',
    'EnableTarget',
    'Unlink',
    ...NOTHING,
  ]),
  Found: row(
    'UpdateTarget',
    ['UpdateTarget', 'UpdateSource', 'Link', 'DeleteTarget', ...NOTHING],
    ['DeleteTarget'],
  ),
  Moved: row('Report', ['UpdateTarget', 'Link', 'Unlink', ...NOTHING]),
  FoundAlreadyLinked: row('Report', NOTHING),
  Absent: row('CreateTarget', ['CreateTarget', 'DeleteSource', 'DisableSource', ...NOTHING]),
  Ambiguous: row('Report', NOTHING),
  Missing: row('Report', ['CreateTarget', 'Unlink', 'DeleteSource', 'DisableSource', ...NOTHING]),
  Unqualified: row('Report', [...WITHDRAWALS, 'Unlink', ...NOTHING], WITHDRAWALS),
  SourceIgnored: row('Ignore', NOTHING),
  TargetIgnored: row('Ignore', ['Unlink', ...NOTHING]),
  Unassigned: row('Report', ['CreateSource', ...WITHDRAWALS, ...NOTHING]),
  SourceMissing: row('Report', [...WITHDRAWALS, 'Unlink', 'CreateSource', ...NOTHING]),
  SourceDeleted: row('Report', [...WITHDRAWALS, 'Unlink', ...NOTHING], WITHDRAWALS),
  LinkOnly: row('Unlink', ['Unlink', ...NOTHING]),
  AllGone: row('Unlink', ['Unlink', 'Ignore']),
};

export const DEFAULT_BUDGETS: Readonly<Record<Effect, Budget>> = {
  Create: { maxPercent: 25, minCount: 50, maxCount: undefined },
  Update: { maxPercent: 50, minCount: 50, maxCount: undefined },
  Clear: { maxPercent: 5, minCount: 3, maxCount: undefined },
  Rename: { maxPercent: 5, minCount: 3, maxCount: undefined },
  Disable: { maxPercent: 5, minCount: 3, maxCount: undefined },
  Delete: { maxPercent: 5, minCount: 3, maxCount: undefined },
  RemoveMember: { maxPercent: 10, minCount: 3, maxCount: undefined },
};

/** A side may shrink by this many entries whatever the percentage says. */
export const SHRINK_ALLOWANCE = 5;
/** From this many entries with a value on, losing all of them is a vanished attribute and no coincidence. */
export const VANISH_THRESHOLD = 20;
export const DAY_MS = 86_400_000;
/** How long a held plan can be approved. */
export const HELD_PLAN_LIFETIME_MS: number = 7 * DAY_MS;
/** Refusals with one code in a row after which a run gives up. */
export const REFUSALS_UNTIL_STOP = 20;
