/** What is known by its octets is not decoded, and every run is what it would be if it were: each beside a twin that decodes. */
import { expect, it } from 'vitest';
import { pairs, putSource, putTarget, settled } from '../support/twins.ts';

it('the first run decodes everything, the second and the third nothing', async () => {
  const twins = pairs(5);
  expect((await twins.run()).decoded).toHaveLength(10);
  for (const run of ['second', 'third']) {
    const { decoded, recognised, report } = await twins.run();
    expect([run, decoded, recognised]).toEqual([run, [], { source: 5, target: 5 }]);
    expect([report.source.entries, report.totals.inSync, report.records]).toEqual([5, 5, []]);
  }
});

it('other octets that say the same are decoded, change nothing, and are known the run after', async () => {
  const twins = await settled(4);
  twins.both(({ source }) => void (source.spelling = 1));
  const respelt = await twins.run();
  expect(respelt.decoded).toEqual(['s0', 's1', 's2', 's3']);
  expect([respelt.report.totals.inSync, respelt.report.records]).toEqual([4, []]);
  expect((await twins.run()).decoded).toEqual([]);
});

it('of many, exactly the entry that changed is decoded', async () => {
  const twins = await settled(6);
  putSource(twins, { id: 's3', key: 'k3', title: 'new' });
  const changed = await twins.run();
  expect(changed.decoded).toEqual(['s3']);
  expect(changed.report.totals.applied).toBe(1);
  expect((await twins.run()).decoded).toEqual(['t3']);
  expect((await twins.run()).decoded).toEqual([]);
});

it('the partner of what has changed is taken as it is listed where it comes later, and fetched where it came before', async () => {
  const twins = await settled(4);
  twins.both(({ target }) => target.remove('t0'));
  putTarget(twins, { id: 't0', key: 'k0', title: 'x' });
  expect((await twins.run()).decoded).toEqual([]);
  putSource(twins, { id: 's0', key: 'k0', title: 'new' });
  const later = await twins.run();
  expect([later.decoded, later.fetches, later.report.totals.applied]).toEqual([['s0', 't0'], 0, 1]);
  expect((await twins.run()).decoded).toEqual(['t0']);
  putTarget(twins, { id: 't1', key: 'k1', title: 'other' });
  const before = await twins.run();
  expect([before.decoded, before.fetches, before.report.totals.applied]).toEqual([['t1'], 1, 1]);
  expect((await twins.run()).decoded).toEqual([]);
});

it('what changes and changes back is what it was: it is recognised by the octets it had when it agreed', async () => {
  const twins = await settled(3, {
    spec: { mode: 'Enforce', attributes: [{ target: 'title', from: 'title' }] },
  });
  twins.both(({ target }) => void (target.misbehave = () => ({ kind: 'Refuses', code: 'SchemaViolation' })));
  putSource(twins, { id: 's1', key: 'k1', title: 'new' });
  expect((await twins.run()).report.totals.failed).toBe(1);
  expect((await twins.run()).decoded).toEqual(['s1']);
  putSource(twins, { id: 's1', key: 'k1', title: 'x' });
  expect((await twins.run()).decoded).toEqual([]);
});

it('an entry that goes is missed although nothing else is decoded, and one that comes is decoded', async () => {
  const twins = await settled(4);
  twins.both(({ source }) => source.remove('s2'));
  const gone = await twins.run();
  expect(gone.decoded).toEqual([]);
  expect(gone.report.situations.map(({ name }) => name)).toEqual(['Confirmed', 'SourceMissing']);
  putSource(twins, { id: 's2', key: 'k2', title: 'x' }, { id: 's9', key: 'k9', title: 'x' });
  const came = await twins.run();
  expect(came.decoded).toEqual(['s9']);
  expect(came.report.totals.inSync).toBe(4);
});

it('another definition is another epoch: everything is decoded once, and recognised again', async () => {
  const twins = await settled(3);
  twins.both((world) => world.edit({ spec: { attributes: [{ target: 'title', from: 'title' }] } }));
  expect((await twins.run()).recognised).toEqual({ source: 0, target: 0 });
  expect((await twins.run()).decoded).toEqual([]);
  twins.both((world) => world.edit({ spec: {} }));
  expect((await twins.run()).recognised).toEqual({ source: 0, target: 0 });
});

it('a link that is made by hand makes what is kept of the others worthless for one run', async () => {
  const twins = await settled(3);
  putSource(twins, { id: 's9', title: 'x' });
  putTarget(twins, { id: 't9', title: 'y' });
  twins.both((world) => world.link('s9', 't9'));
  expect(twins.keepsPages).toBe(false);
  const next = await twins.run();
  expect(next.recognised).toEqual({ source: 0, target: 0 });
  expect(next.report.totals.applied).toBe(1);
  expect((await twins.run()).decoded).toEqual(['t9']);
});

it('a link that is removed by hand is not believed any more', async () => {
  const twins = await settled(3);
  twins.both((world) => world.memory().links.remove('s1'));
  expect(twins.keepsPages).toBe(false);
  const next = await twins.run();
  expect(next.recognised).toEqual({ source: 0, target: 0 });
  expect(next.report.situations.map(({ name, count }) => [name, count])).toEqual([
    ['Confirmed', 2],
    ['Found', 1],
  ]);
});

it('a pair whose difference is only reported is decoded on the differing side, run after run', async () => {
  const rules = [{ name: 'look', situations: ['Confirmed' as const], response: 'Report' as const }];
  const twins = await settled(3, { rules });
  putTarget(twins, { id: 't1', key: 'k1', title: 'other' });
  for (const run of [1, 2, 3]) {
    const { decoded, report } = await twins.run();
    expect([run, decoded]).toEqual([run, ['t1']]);
    expect(report.records.map(({ outcome }) => outcome)).toEqual(['Reported']);
  }
});

it('what is held stays to be looked at, and is quiet once it was released and done', async () => {
  const guards = { budgets: [{ effect: 'Update' as const, maxPercent: 0, minCount: 0 }] };
  const twins = await settled(3, { spec: { guards } });
  putSource(twins, { id: 's1', key: 'k1', title: 'new' });
  const held = await twins.run();
  expect([held.decoded, held.report.totals.held]).toEqual([['s1'], 1]);
  expect((await twins.run()).decoded).toEqual(['s1']);
  twins.both((world) => world.approve(held.report.plan?.digest ?? ''));
  expect((await twins.run()).report.totals.applied).toBe(1);
  expect((await twins.run()).decoded).toEqual(['t1']);
  expect((await twins.run()).decoded).toEqual([]);
});
