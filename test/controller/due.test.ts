import { describe, expect, it } from 'vitest';
import { dueOf, type DueInput } from '../../src/controller/due.ts';
import { nextRunAt, scheduleProblem, seedOf } from '../../src/controller/schedule.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const MINUTE = 60_000;

const SETTLED: DueInput = {
  uid: 'c0ffee',
  schedule: { interval: '15m' },
  now: NOW,
  lastStart: NOW - MINUTE,
  since: NOW - 60 * MINUTE,
  request: undefined,
  handledRequest: undefined,
  approval: undefined,
  generationRan: true,
  woken: new Set(),
  retryAt: undefined,
};
const cron = { schedule: '0 2 * * *', timeZone: 'Europe/Berlin' };

describe('what asks for a run', () => {
  it.each<{ when: string; input: Partial<DueInput>; due: object }>([
    { when: 'nothing', input: {}, due: { kind: 'At' } },
    {
      when: 'a new request',
      input: { request: '2', handledRequest: '1' },
      due: { kind: 'Now', trigger: 'Request' },
    },
    {
      when: 'a request that was answered',
      input: { request: '1', handledRequest: '1' },
      due: { kind: 'At' },
    },
    { when: 'an approval', input: { approval: 'digest' }, due: { kind: 'Now', trigger: 'Approval' } },
    {
      when: 'a spec that has had no run',
      input: { generationRan: false },
      due: { kind: 'Now', trigger: 'Spec' },
    },
    {
      when: 'a change of what it refers to',
      input: { woken: new Set(['Dependency']) },
      due: { kind: 'Now', trigger: 'Dependency' },
    },
    {
      when: 'a run that has written to its source',
      input: { woken: new Set(['Chain']) },
      due: { kind: 'Now', trigger: 'Chain' },
    },
    {
      when: 'the time of its interval',
      input: { lastStart: NOW - 17 * MINUTE },
      due: { kind: 'Now', trigger: 'Interval' },
    },
    {
      when: 'many missed intervals',
      input: { lastStart: NOW - 900 * MINUTE },
      due: { kind: 'Now', trigger: 'Interval' },
    },
    { when: 'the time of a retry', input: { retryAt: NOW }, due: { kind: 'Now', trigger: 'Retry' } },
    {
      when: 'a retry that is still to come',
      input: { retryAt: NOW + 5_000 },
      due: { kind: 'At', at: NOW + 5_000 },
    },
    { when: 'neither interval nor schedule', input: { schedule: {} }, due: { kind: 'OnRequest' } },
    {
      when: 'neither, and an edit',
      input: { schedule: {}, generationRan: false },
      due: { kind: 'OnRequest' },
    },
    {
      when: 'neither, and another run',
      input: { schedule: {}, woken: new Set(['Chain']) },
      due: { kind: 'Now', trigger: 'Chain' },
    },
    {
      when: 'neither, and a request',
      input: { schedule: {}, request: '1' },
      due: { kind: 'Now', trigger: 'Request' },
    },
    {
      when: 'neither, and a failure',
      input: { schedule: {}, retryAt: NOW },
      due: { kind: 'Now', trigger: 'Retry' },
    },
    {
      when: 'a schedule, and an edit by day',
      input: { schedule: cron, generationRan: false },
      due: { kind: 'At' },
    },
    {
      when: 'a schedule, and another run',
      input: { schedule: cron, woken: new Set(['Chain']) },
      due: { kind: 'Now', trigger: 'Chain' },
    },
    {
      when: 'a schedule whose time has passed three times',
      input: { schedule: cron, lastStart: NOW - 3 * 1_440 * MINUTE },
      due: { kind: 'Now', trigger: 'Schedule' },
    },
  ])('$when: $due', ({ input, due }) => {
    expect(dueOf({ ...SETTLED, ...input })).toMatchObject(due);
  });
});

describe('the next run', () => {
  const at = (schedule: Parameters<typeof nextRunAt>[0], since: number, seed = 0.5): number | undefined =>
    nextRunAt(schedule, { since, now: NOW, seed });

  it('comes an interval after the last one began, a tenth earlier or later', () => {
    expect(at({ interval: '10m' }, NOW)).toBe(NOW + 10 * MINUTE);
    expect(at({ interval: '10m' }, NOW, 0)).toBe(NOW + 9 * MINUTE);
    expect(at({ interval: '10m' }, NOW, 0.999)).toBeLessThan(NOW + 11 * MINUTE);
  });

  it('does not wait for a time that a clock had shown before it was set back', () => {
    expect(at({ interval: '10m' }, NOW + 600 * MINUTE)).toBe(NOW + 10 * MINUTE);
  });

  it('goes by the schedule in its time zone, also when the clocks change', () => {
    // 02:00 in Berlin is 01:00 UTC in winter and 00:00 UTC in summer; on 2026-03-29 there is no 02:00.
    expect(at(cron, NOW, 0)).toBe(Date.parse('2026-03-03T01:00:00Z'));
    const summer = nextRunAt(cron, {
      since: Date.parse('2026-03-30T12:00:00Z'),
      now: Date.parse('2026-03-30T12:00:00Z'),
      seed: 0,
    });
    expect(summer).toBe(Date.parse('2026-03-31T00:00:00Z'));
    const gap =
      nextRunAt(cron, {
        since: Date.parse('2026-03-28T12:00:00Z'),
        now: Date.parse('2026-03-28T12:00:00Z'),
        seed: 0,
      }) ?? 0;
    expect(gap).toBeGreaterThanOrEqual(Date.parse('2026-03-29T01:00:00Z'));
    expect(gap).toBeLessThanOrEqual(Date.parse('2026-03-30T00:00:00Z'));
  });

  it('is spread by the mapping, the same for the same', () => {
    const seeds = Array.from({ length: 1_000 }, (_, one) => seedOf(`uid-${one}`));
    expect(seeds.filter((seed) => seed < 0.5).length).toBeGreaterThan(400);
    expect(seeds.filter((seed) => seed < 0.5).length).toBeLessThan(600);
    expect(seedOf('a')).toBe(seedOf('a'));
  });

  it.each([
    { schedule: { schedule: '0 2 * * *' }, problem: undefined },
    { schedule: { interval: '15m' }, problem: undefined },
    { schedule: { schedule: '61 2 * * *' }, problem: /61 2/ },
    { schedule: { schedule: '0 2 30 2 *' }, problem: /never comes/ },
    { schedule: { schedule: '0 2 * * *', timeZone: 'Europe/Bärlin' }, problem: /Europe\/Bärlin/ },
  ])('$schedule: $problem', ({ schedule, problem }) => {
    const found = scheduleProblem(schedule);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});
