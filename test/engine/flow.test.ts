/** A first load is written while it is planned: as it would be if it were planned first, and only where nothing can come between. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mayFlow, PassingBodies, PlanAhead } from '../../src/engine/flow.ts';
import type { Judged } from '../../src/engine/judged.ts';
import type { Operation, OperationBody } from '../../src/engine/operation.ts';
import { Planner } from '../../src/engine/plan.ts';
import { World, schemaOf, type Row, type WorldOptions } from '../support/world.ts';

const PEOPLE = 1_000;

function people(count: number): Row[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `s${String(at).padStart(4, '0')}`,
    key: `k${at}`,
    title: 'x',
  }));
}

function world(count: number, more: WorldOptions = {}): World {
  return new World({ source: people(count), target: [], ...more });
}

afterEach(() => vi.restoreAllMocks());

describe('a first load', () => {
  it('is written from the first pairs on, and all of it', async () => {
    const load = world(PEOPLE);
    const plan = vi.spyOn(Planner.prototype, 'plan');
    let plannedBefore: number | undefined;
    load.target.misbehave = () => {
      plannedBefore ??= plan.mock.calls.length;
      return undefined;
    };
    const report = await load.run();
    expect(report.totals).toMatchObject({ applied: PEOPLE, failed: 0, pending: 0 });
    expect([load.targets().length, load.links().length]).toEqual([PEOPLE, PEOPLE]);
    expect(plannedBefore).toBeLessThan(40);
    expect(plan.mock.calls.length).toBeGreaterThan(PEOPLE / 5);
  });

  it('comes to the same plan, records and counts as one that is planned first', async () => {
    const [flowing, whole] = [
      world(200, { protect: ["entry.key == 'k7'"] }),
      world(200, { protect: ["entry.key == 'k7'"] }),
    ];
    // What only observes is planned first.
    const [one, other] = [await flowing.run(), await whole.run({ effect: 'Observe' })];
    expect(one.planDigest).toBe(other.planDigest);
    expect(
      one.records.map(({ source, outcome }) => [source, outcome === 'Applied' ? 'Planned' : outcome]),
    ).toEqual(other.records.map(({ source, outcome }) => [source, outcome]));
    expect(one.totals).toMatchObject({ applied: 199, held: 1 });
  });

  it('gives an id that two of them want to the first, as it was planned', async () => {
    const more: WorldOptions = {
      source: people(400).map((one, at) => ({ ...one, code: `c${at % 300}` })),
      targetOptions: { schema: schemaOf({ idChosenBy: 'Writer' }) },
      spec: { attributes: [{ target: 'id', from: 'code' }] },
    };
    const plan = vi.spyOn(Planner.prototype, 'plan');
    const flowing = await world(0, more).run();
    expect(plan.mock.calls.length).toBeGreaterThan(50);
    const whole = await world(0, more).run({ effect: 'Observe' });
    expect(flowing.totals).toMatchObject({ applied: 300, failed: 100 });
    const errors = ({ records }: typeof whole): unknown[] => records.map(({ error }) => error?.message);
    expect(errors(flowing)).toEqual(errors(whole));
  });

  it('never keeps others from the store while it waits for the system, also where much comes to nothing', async () => {
    const rules = [
      {
        name: 'some',
        situations: ['Absent' as const],
        when: "source.title == 'x'",
        response: 'CreateTarget' as const,
      },
      { name: 'rest', situations: ['Absent' as const], response: 'Report' as const },
    ];
    const load = new World({
      rules,
      source: people(PEOPLE).map((one, at) => ({ ...one, title: at % 4 === 0 ? 'x' : 'y' })),
      target: [],
    });
    let kept = 0;
    let writes = 0;
    load.target.misbehave = () => {
      writes++;
      if (load.state.database.isWriting) kept++;
      return undefined;
    };
    const report = await load.run();
    expect([report.totals.applied, report.records.length, kept]).toEqual([writes, PEOPLE, 0]);
    expect(writes).toBeGreaterThan(100);
    expect(writes).toBeLessThan(PEOPLE);
  });

  it('stops where refusals repeat: the rest stays planned, and goes on in the next run without a limit', async () => {
    const load = world(100, {
      spec: { guards: { budgets: [{ effect: 'Create', maxPercent: 0, minCount: 0 }] } },
    });
    let writes = 0;
    load.target.misbehave = () => (++writes > 30 ? { kind: 'Refuses', code: 'PermissionDenied' } : undefined);
    const stopped = await load.run();
    expect([stopped.outcome, stopped.message]).toEqual([
      'Failed',
      expect.stringContaining('PermissionDenied'),
    ]);
    const { applied, failed, pending, planned } = stopped.totals;
    expect([applied, applied + failed + pending, planned]).toEqual([30, 100, 100]);
    expect(pending).toBeGreaterThan(30);
    load.target.misbehave = () => undefined;
    expect((await load.run()).totals).toMatchObject({ applied: 70, held: 0 });
    expect(load.links()).toHaveLength(100);
  });

  it('that is asked to stop tries nothing more, and what it has begun is done', async () => {
    const load = world(PEOPLE);
    const stop = new AbortController();
    let writes = 0;
    load.target.misbehave = () => {
      if (++writes === 50) stop.abort();
      return undefined;
    };
    const report = await load.run({}, stop.signal);
    const { applied, pending } = report.totals;
    expect([applied, applied + pending]).toEqual([load.targets().length, PEOPLE]);
    expect(applied).toBeLessThan(70);
    expect(load.memory().unfinished()).toEqual([]);
  });

  it.each<{ what: string; more: WorldOptions }>([
    { what: 'something is there', more: { target: [{ id: 't', key: 'other' }] } },
    { what: 'the writer commits', more: { targetOptions: { transactional: true } } },
    {
      what: 'the source is disabled instead',
      more: { rules: [{ name: 'stop', situations: ['Absent'], response: 'DisableSource' }] },
    },
  ])('is planned first where $what', async ({ more }) => {
    const load = world(20, more);
    const plan = vi.spyOn(Planner.prototype, 'plan');
    await load.run();
    expect(plan).toHaveBeenCalledOnce();
  });
});

describe('whether it may flow', () => {
  const named = (parent: string): WorldOptions => ({
    targetOptions: { schema: schemaOf({ name: 'dn' }) },
    spec: { attributes: [{ target: 'dn', rdn: { attribute: 'uid', expression: 'source.id' }, parent }] },
  });
  const asked = (more: WorldOptions): boolean => {
    const one = world(1, more);
    return mayFlow({ definition: one.definition(), writer: one.target.writer, isBlank: true });
  };

  it('depends on the parents of names: with one for all it may, with their own it may not', () => {
    expect(asked(named("'ou=people'"))).toBe(true);
    expect(asked(named("'ou=' + source.title"))).toBe(false);
  });

  it('depends on a writer and on an empty target', () => {
    const { writer } = world(1).target;
    const definition = world(1).definition();
    expect(mayFlow({ definition, writer, isBlank: true })).toBe(true);
    expect(mayFlow({ definition, writer, isBlank: false })).toBe(false);
    expect(mayFlow({ definition, writer: undefined, isBlank: true })).toBe(false);
  });
});

describe('planning ahead', () => {
  const ahead = (count: number, every = 1): { supply: PlanAhead; calls: number[] } => {
    const calls: number[] = [];
    const judged = Array.from({ length: count }, () => ({}) as Judged);
    const plan = (from: Judged[], most: number): Operation[] => {
      const taken = from.splice(-most);
      calls.push(taken.length);
      return taken.filter((_, at) => (from.length + at) % every === 0).map(() => ({}) as Operation);
    };
    return { supply: new PlanAhead({ judged, plan }), calls };
  };

  it('plans a few at a time, at most so many ahead, and hands out what is ready', () => {
    const { supply, calls } = ahead(10_000);
    for (let turn = 0; turn < 2_000; turn++) supply.prepare();
    expect([Math.max(...calls), calls.length * 4]).toEqual([4, 256]);
    expect([supply.hasReady(256), supply.take(100).length, supply.hasReady(157)]).toEqual([true, 100, false]);
    // More than that is never ready, and nobody waits for it.
    supply.prepare();
    while (!supply.hasReady(10_000)) supply.prepare();
    expect(calls.length * 4).toBe(256 + 100);
  });

  it('is empty only when nothing comes of all that is left', () => {
    const { supply } = ahead(1_000, 500);
    let taken = 0;
    while (!supply.isEmpty) taken += supply.take(64).length;
    expect([taken, supply.take(1).length]).toEqual([2, 0]);
  });

  it('gives a body out once', () => {
    const bodies = new PassingBodies();
    const body = { mark: undefined } as OperationBody;
    const handle = bodies.put(body);
    expect(bodies.get(handle)).toBe(body);
    expect(() => bodies.get(handle)).toThrow(RangeError);
  });
});
