/** When nothing is recognised, what is counted of entries that were, and what a run that does not end well leaves. */
import { describe, expect, it } from 'vitest';
import { BROKEN } from '../support/memory-side.ts';
import { pairs, putSource, settled } from '../support/twins.ts';
import { HOUR_MS, World } from '../support/world.ts';

describe('nothing is recognised', () => {
  it('where everything is asked to be looked at, and what is kept stays good', async () => {
    const twins = await settled(3);
    const full = await twins.run({ inFull: true });
    expect([full.decoded, full.recognised]).toEqual([[], { source: 0, target: 0 }]);
    expect(full.report.records).toHaveLength(3);
    await twins.run();
    expect((await twins.run()).recognised).toEqual({ source: 3, target: 3 });
  });

  it('where the definition depends on the time', async () => {
    const twins = pairs(3, { sourceSpec: { where: "now > timestamp('2001-01-01T00:00:00Z')" } });
    for (const run of [1, 2, 3]) {
      twins.both(({ state }) => void (state.now += HOUR_MS));
      const { recognised } = await twins.run();
      expect([run, recognised, twins.keepsPages]).toEqual([run, { source: 0, target: 0 }, false]);
    }
  });

  it('after runs that only observe: they leave nothing behind', async () => {
    const twins = pairs(3);
    for (const run of [1, 2]) {
      const { decoded } = await twins.run({ effect: 'Observe' });
      expect([run, decoded.length, twins.keepsPages]).toEqual([run, 6, false]);
    }
    await twins.run();
    expect((await twins.run({ effect: 'Observe' })).decoded).toEqual([]);
    expect(twins.keepsPages).toBe(true);
  });

  it.each([
    { side: 'Source' as const, key: 's1', decoded: ['s1', 't1'] },
    { side: 'Target' as const, key: 't1', decoded: ['s1', 't1'] },
  ])('of the one pair that is asked for by its $side', async ({ side, key, decoded }) => {
    const twins = await settled(3);
    const asked = await twins.run({ only: { side, key } });
    expect(asked.decoded).toEqual(decoded);
    expect(asked.report.records.map((one) => [one.source, one.target, one.outcome])).toEqual([
      ['s1', 't1', 'InSync'],
    ]);
    expect((await twins.run()).decoded).toEqual([]);
  });
});

it('a read that is contradicted gives the rest the benefit of the doubt', async () => {
  const rules = [
    { name: 'leavers', situations: ['SourceMissing' as const], response: 'DeleteTarget' as const },
  ];
  const twins = await settled(8, { rules, sourceOptions: { evidence: BROKEN } });
  twins.both(({ source }) => source.missed.add('s1').add('s6'));
  const broken = await twins.run();
  expect(broken.recognised).toEqual({ source: 6, target: 8 });
  expect([broken.report.totals.applied, twins.world.target.writes]).toEqual([0, []]);
  twins.both(({ source }) => source.missed.clear());
  expect((await twins.run()).recognised).toEqual({ source: 8, target: 8 });
});

it('a value that vanishes everywhere trips the guard by counts of entries that were never decoded', async () => {
  const attributes = ['key', 'title', 'phone'].map((name) => ({ target: name, from: name }));
  const twins = await settled(20, { spec: { attributes } });
  for (let at = 0; at < 20; at++)
    putSource(twins, { id: `s${at}`, key: `k${at}`, title: 'x', phone: String(at) });
  await twins.run();
  await twins.run();
  expect((await twins.run()).decoded).toEqual([]);
  expect(twins.world.memory().baseline('Source')?.valueCounts).toMatchObject({
    key: 20,
    title: 20,
    phone: 20,
  });
  for (let at = 0; at < 20; at++) putSource(twins, { id: `s${at}`, key: `k${at}`, title: 'x' });
  const { report } = await twins.run();
  expect(report.trips.map(({ reason, attribute }) => [reason, attribute])).toEqual([
    ['AttributeVanished', 'phone'],
  ]);
});

it('what goes from one entry while the others are recognised is counted exactly', async () => {
  const twins = await settled(4, { spec: { attributes: [{ target: 'title', from: 'title' }] } });
  putSource(twins, { id: 's2', key: 'k2' });
  expect((await twins.run()).decoded).toEqual(['s2']);
  expect(twins.world.memory().baseline('Source')?.valueCounts).toEqual({ key: 4, title: 3 });
});

describe('a run that ends before its end', () => {
  it('leaves its links right and nothing that could be believed, where it had written one', async () => {
    const world = new World({
      source: ['a', 'b', 'c', 'd'].map((id) => ({ id, key: id, title: 'x' })),
      target: [],
    });
    await world.run();
    for (const id of ['a', 'b', 'c', 'd'])
      world.source.put({ ...sourceOf(world, id), attributes: titled(id) });
    expect(world.memory().links.pages.header()).toBeDefined();
    world.progress = (progress) => {
      if (progress.phase === 'Applying' && progress.applied > 0) throw new Error('the process ends here');
    };
    await expect(world.run()).rejects.toThrow('the process ends here');
    world.memory().flush();
    expect(world.memory().links.pages.header()).toBeUndefined();
    world.progress = () => undefined;
    const { totals } = await world.run();
    expect(totals.failed).toBe(0);
    expect(world.targets().map(({ title }) => title)).toEqual(['new a', 'new b', 'new c', 'new d']);
    await world.run();
    expect((await world.run()).totals.inSync).toBe(4);
  });

  it('changes nothing of what is kept, where it only read', async () => {
    const twins = await settled(3);
    const { world } = twins;
    world.progress = () => {
      throw new Error('the process ends here');
    };
    await expect(world.run()).rejects.toThrow('the process ends here');
    world.progress = () => undefined;
    expect(twins.keepsPages).toBe(true);
    expect((await twins.run()).recognised).toEqual({ source: 3, target: 3 });
  });
});

function sourceOf(world: World, id: string): NonNullable<ReturnType<World['source']['entries']['get']>> {
  const entry = world.source.entries.get(id);
  if (!entry) throw new Error(`no ${id}`);
  return entry;
}

function titled(id: string): Map<string, readonly string[]> {
  return new Map([
    ['key', [id]],
    ['title', [`new ${id}`]],
  ]);
}
