/** Mere links are made while the rest is planned: nothing comes out otherwise than if all were planned first. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Planner } from '../../src/engine/plan.ts';
import type { RunRequest } from '../../src/engine/run-ports.ts';
import { BROKEN, PAGED } from '../support/memory-side.ts';
import {
  entryOf,
  HOUR_MS,
  sentences,
  World,
  schemaOf,
  type Row,
  type WorldOptions,
} from '../support/world.ts';

const PAIRS = 1_000;
const link = { name: 'link', situations: ['Found' as const], response: 'Link' as const };

const row = (side: string, at: number, more: Partial<Row> = {}): Row => ({
  id: `${side}${String(at).padStart(4, '0')}`,
  key: `k${at}`,
  title: 'x',
  ...more,
});
const rows = (side: string, count: number): Row[] => Array.from({ length: count }, (_, at) => row(side, at));

/** Links that stand whenever more is planned. */
function watchPlanning(world: World, before: () => void = () => undefined): number[] {
  const standing: number[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
  const { plan } = Planner.prototype;
  vi.spyOn(Planner.prototype, 'plan').mockImplementation(function (this: Planner, ...more) {
    before();
    standing.push(world.links().length);
    return plan.apply(this, more);
  });
  return standing;
}

afterEach(() => vi.restoreAllMocks());

/** Of every kind: linked alone, written and linked, ambiguous, created, to be reported. */
function mixed(more: WorldOptions = {}): World {
  const source = [
    ...rows('s', 200),
    row('s', 200, { title: 'other' }),
    row('s', 201, { key: 'twice' }),
    row('s', 300),
  ];
  const target = [
    ...rows('t', 200),
    row('t', 200),
    row('t', 201, { key: 'twice' }),
    row('t', 202, { key: 'twice' }),
    row('t', 400),
  ];
  return new World({ source, target, ...more });
}

describe('a first run over two sides that are equal', () => {
  it('links while it plans, and keeps nothing for later', async () => {
    const world = new World({ source: rows('s', PAIRS), target: rows('t', PAIRS) });
    const standing = watchPlanning(world);
    const report = await world.run();
    expect(report.totals).toMatchObject({ applied: PAIRS, failed: 0, pending: 0 });
    expect([world.links().length, report.effects]).toEqual([
      PAIRS,
      [{ effect: 'Link', planned: PAIRS, applied: PAIRS, held: 0, failed: 0 }],
    ]);
    expect(standing.at(-1)).toBeGreaterThan(PAIRS / 2);
    expect(Math.min(...standing)).toBe(0);
    expect((await world.run()).totals).toMatchObject({ inSync: PAIRS, applied: 0 });
  });

  it('leaves what it has linked where planning fails, and the next run goes on', async () => {
    const world = new World({ source: rows('s', PAIRS), target: rows('t', PAIRS) });
    let calls = 0;
    watchPlanning(world, () => {
      if (++calls === 3) throw new Error('the disk is full');
    });
    await expect(world.run()).rejects.toThrow('the disk is full');
    vi.restoreAllMocks();
    const before = world.links().length;
    expect(before).toBe(128);
    expect((await world.run()).totals).toMatchObject({ applied: PAIRS - before, inSync: before });
    expect(world.links()).toHaveLength(PAIRS);
  });
});

describe('beside everything else', () => {
  it.each<{ what: string; more: WorldOptions }>([
    { what: 'as it is', more: {} },
    { what: 'where links are all that is wanted', more: { rules: [link] } },
    { what: 'where ids are chosen', more: { targetOptions: { schema: schemaOf({ idChosenBy: 'Writer' }) } } },
    {
      what: 'where creates are over budget',
      more: {
        spec: { guards: { budgets: [{ effect: 'Create', maxPercent: 0, minCount: 0 }] } },
      },
    },
  ])('comes to the same plan, records and counts as one that is planned first: $what', async ({ more }) => {
    const [ahead, first] = [mixed(more), mixed(more)];
    const [one, other] = [await ahead.run(), await first.run({ effect: 'Observe' })];
    expect(one.planDigest).toBe(other.planDigest);
    const told = sentences(one).map((text) =>
      text.replace(/ (Applied|Linked) /, ' Planned ').replace(/(A11 .*→).*/, '$1-'),
    );
    expect(told).toEqual(sentences(other));
    expect([one.situations.map(({ name, count }) => [name, count]), one.heldOperations]).toEqual([
      other.situations.map(({ name, count }) => [name, count]),
      other.heldOperations,
    ]);
    expect(one.totals.applied).toBeGreaterThan(200);
  });

  it('says of an id that is taken what the plan said, whoever has been linked meanwhile', async () => {
    const more: WorldOptions = {
      source: [...rows('s', 100), row('s', 100, { key: 'new', code: 't0001' })],
      target: rows('t', 100),
      targetOptions: { schema: schemaOf({ idChosenBy: 'Writer' }) },
      spec: {
        attributes: [
          { target: 'id', from: 'code' },
          { target: 'key', from: 'key' },
        ],
      },
    };
    const errors = async (effect: 'Apply' | 'Observe'): Promise<unknown> =>
      (await new World(more).run({ effect })).records.map(({ error }) => error?.message);
    const told = await errors('Apply');
    expect(told).toContainEqual(expect.stringContaining("'t0001' exists"));
    expect(told).toEqual(await errors('Observe'));
  });
});

describe('everything is planned first', () => {
  it.each<{ what: string; more?: WorldOptions; effect?: RunRequest['effect'] }>([
    { what: 'where the run only observes', effect: 'Observe' },
    { what: 'where it pretends', effect: 'Pretend' },
    {
      what: 'where a budget that is exceeded holds all',
      more: {
        spec: {
          guards: {
            onExceeded: 'HoldAll',
            budgets: [{ effect: 'Create', maxPercent: 0, minCount: 0 }],
          },
        },
      },
    },
    {
      what: 'where a budget that is exceeded fails the run',
      more: {
        spec: {
          guards: { onExceeded: 'Fail', budgets: [{ effect: 'Create', maxPercent: 0, minCount: 0 }] },
        },
      },
    },
  ])('$what', async ({ more = {}, effect = 'Apply' }) => {
    const world = mixed(more);
    const standing = watchPlanning(world);
    const report = await world.run({ effect });
    expect(standing).toEqual([0]);
    if (effect === 'Apply') expect([report.totals.applied, world.links()]).toEqual([0, []]);
  });

  it('where a side could not be read to its end: nothing is linked', async () => {
    const world = mixed();
    world.target.evidence = BROKEN;
    const standing = watchPlanning(world);
    await world.run();
    expect([standing, world.links()]).toEqual([[0], []]);
  });

  it('where a guard on the read has tripped: what was linked anew waits for an approval', async () => {
    const spec = { guards: { maxShrinkPercent: 10 } };
    const world = new World({ source: rows('s', 100), target: rows('t', 100), spec });
    await world.run();
    world.state.now += HOUR_MS;
    world.source.entries.clear();
    world.target.entries.clear();
    for (const at of [500, 501]) {
      world.source.put(entryOf(row('s', at)));
      world.target.put(entryOf(row('t', at)));
    }
    const report = await world.run();
    expect(report.trips.map(({ reason }) => reason)).toContain('TargetShrunk');
    expect(world.links()).not.toContain('s0500→t0500');
  });

  it('what takes a link away: a listing that has missed somebody holds it', async () => {
    const unlink = { name: 'unlink', situations: ['SourceMissing' as const], response: 'Unlink' as const };
    const world = new World({
      source: rows('s', 100),
      target: rows('t', 100),
      sourceOptions: { evidence: PAGED },
      rules: [unlink],
    });
    await world.run();
    world.source.remove('s0005');
    world.source.missed.add('s0003');
    const report = await world.run();
    expect([report.totals.held, world.links().length]).toEqual([1, 100]);
  });
});
