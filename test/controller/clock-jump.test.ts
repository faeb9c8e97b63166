/** The time of day is set, forwards and back: nothing is due twice, and nothing never again. */
import { describe, expect, it } from 'vitest';
import { dueOf, type Due } from '../../src/controller/due.ts';
import { MappingState } from '../../src/controller/mapping-state.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-03-01T12:00:00Z');
const OBJECT = {
  folder: '/data',
  metadata: { name: 'm', namespace: 'd', uid: 'uid-1', generation: 1 },
  object: {
    status: {
      observedGeneration: 1,
      lastRun: { startedAt: new Date(NOON).toISOString(), outcome: 'Succeeded' },
    },
  },
} as unknown as ConstructorParameters<typeof MappingState>[0];

/** Looks as the reconciler does, at each of the moments. */
function looks(
  schedule: { interval?: string; schedule?: string },
  moments: readonly number[],
): Due['kind'][] {
  const state = new MappingState(OBJECT, NOON);
  return moments.map((now) => {
    state.notAfter(now);
    const due = dueOf({
      uid: state.uid,
      schedule,
      now,
      lastStart: state.lastStart,
      since: state.firstSeenAt,
      request: undefined,
      handledRequest: undefined,
      approval: undefined,
      generationRan: true,
      woken: state.woken,
      retryAt: state.retryAt,
    });
    if (due.kind === 'Now') state.lastStart = now;
    return due.kind;
  });
}

describe('a clock that is set', () => {
  it.each([
    { when: 'not at all', moments: [NOON + 1, NOON + 2 * HOUR], kinds: ['At', 'Now'] },
    { when: 'a day forwards', moments: [NOON + DAY, NOON + DAY + 1], kinds: ['Now', 'At'] },
    { when: 'a day back', moments: [NOON - DAY, NOON - DAY + 2 * HOUR], kinds: ['At', 'Now'] },
    {
      when: 'a day back, then forwards again',
      moments: [NOON - DAY, NOON + 1, NOON + 2],
      kinds: ['At', 'Now', 'At'],
    },
  ])('$when, an hourly mapping is due once in its time', ({ moments, kinds }) => {
    expect(looks({ interval: '1h' }, moments)).toEqual(kinds);
  });

  it.each([
    { when: 'a day forwards', moments: [NOON + DAY, NOON + DAY + 60_000], kinds: ['Now', 'At'] },
    { when: 'a day back', moments: [NOON - DAY, NOON - DAY + 2 * HOUR], kinds: ['At', 'Now'] },
  ])('$when, a schedule is missed by no more than once', ({ moments, kinds }) => {
    expect(looks({ schedule: '0 * * * *' }, moments)).toEqual(kinds);
  });
});
