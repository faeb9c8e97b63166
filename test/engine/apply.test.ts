/** Applying: lost answers, refusals, the circuit breaker, effects of a run, what is settled, what is counted. */
import { describe, expect, it, vi } from 'vitest';
import { schemaOf, entryOf, sentences, World, type Row, type WorldOptions } from '../support/world.ts';

const NAMED: WorldOptions = {
  targetOptions: { schema: schemaOf({ name: 'dn' }) },
  spec: {
    attributes: [
      { target: 'dn', rdn: { attribute: 'cn', expression: 'source.key' }, parent: "'dc=org'" },
      { target: 'key', from: 'key' },
      { target: 'title', from: 'title' },
    ],
  },
};
const ANN: Row = { id: '1', key: 'a', title: 'Boss' };

async function lostCreate(happened: boolean): Promise<World> {
  const world = new World({ source: [ANN], ...NAMED });
  world.target.misbehave = () => ({ kind: 'Loses', happened });
  const result = await world.run();
  expect(sentences(result)).toEqual(['A11 Absent CreateTarget Unknown Timeout 1→-']);
  expect(result.outcome).toBe('Degraded');
  world.target.misbehave = () => undefined;
  world.target.writes = [];
  return world;
}

describe('a create whose answer was lost', () => {
  it('there, unlinked and equal in what was sent: it is ours', async () => {
    const world = await lostCreate(true);
    expect((await world.run()).totals).toMatchObject({ inSync: 1, failed: 0 });
    expect([world.links(), world.target.writes]).toEqual([['1→new-1'], []]);
  });

  it('there but different: Ambiguous, and nobody else takes it', async () => {
    const world = await lostCreate(true);
    world.target.put(entryOf({ id: 'new-1', dn: 'cn=a,dc=org', key: 'a', title: 'Clown' }));
    world.source.put(entryOf({ id: '2', key: 'a' }));
    expect(sentences(await world.run())).toEqual([
      'A15 Ambiguous Report Reported 1→-',
      'A15 Ambiguous Report Reported 2→-',
    ]);
    expect(world.target.writes).toEqual([]);
  });

  it('not there: it did not happen, and is made again', async () => {
    const world = await lostCreate(false);
    expect(sentences(await world.run())).toEqual(['A11 Absent CreateTarget Applied 1→new-2']);
    expect((await world.run()).totals.inSync).toBe(1);
  });

  it('until the look succeeds neither side gets any other response', async () => {
    const world = await lostCreate(true);
    world.target.unreadable.add('new-1');
    expect(sentences(await world.run())).toContain('- - - Failed UnknownOutcome 1→-');
    expect(world.target.writes).toEqual([]);
    world.target.unreadable.clear();
    expect((await world.run()).totals.inSync).toBe(1);
  });

  it('counts against the budgets when it turns out to have happened', async () => {
    const budgets = [{ effect: 'Create' as const, maxPercent: 0, minCount: 1 }];
    const world = new World({
      source: [{ id: '9', key: 'z' }],
      target: [{ id: 't9', key: 'z', dn: 'cn=z,dc=org' }],
      ...NAMED,
      spec: { ...NAMED.spec, guards: { budgets } },
    });
    await world.run();
    world.source.put(entryOf(ANN));
    world.target.misbehave = () => ({ kind: 'Loses', happened: true });
    await world.run();
    world.target.misbehave = () => undefined;
    world.source.put(entryOf({ id: '2', key: 'b' }));
    expect((await world.run()).totals.held).toBe(1);
  });
});

describe('a change whose answer was lost', () => {
  const changed = async (happened: boolean): Promise<World> => {
    const world = new World({ source: [ANN], ...NAMED });
    await world.run();
    world.source.put(entryOf({ ...ANN, title: 'Chief' }));
    world.target.misbehave = () => ({ kind: 'Loses', happened });
    await world.run();
    world.target.misbehave = () => undefined;
    world.target.writes = [];
    return world;
  };

  it('done: nothing is written again', async () => {
    const world = await changed(true);
    expect((await world.run()).totals.inSync).toBe(1);
    expect(world.target.writes).toEqual([]);
  });

  it('not done: it is written, author SourceChanged', async () => {
    const world = await changed(false);
    expect((await world.run()).records[0]).toMatchObject({ changes: ['SourceChanged'], outcome: 'Applied' });
  });

  it('what our own unfinished write has set is ours, not drift', async () => {
    const world = await changed(true);
    world.target.put(entryOf({ id: 'new-1', dn: 'cn=a,dc=org', key: 'b', title: 'Chief' }));
    world.source.put(entryOf({ ...ANN, title: 'Boss' }));
    const [record] = (await world.run()).records;
    expect(record?.differences.find(({ attribute }) => attribute === 'title')).toMatchObject({
      author: 'SourceChanged',
    });
  });

  it.each([true, false])('a disable (done: %s) leaves its mark only when it was done', async (happened) => {
    const rules = [
      { name: 'leavers', situations: ['SourceMissing' as const], response: 'DisableTarget' as const },
    ];
    const world = new World({ source: [ANN, { id: '2', key: 'b' }], ...NAMED, rules });
    await world.run();
    world.source.remove('1');
    world.target.misbehave = () => ({ kind: 'Loses', happened });
    await world.run();
    world.target.misbehave = () => undefined;
    world.source.put(entryOf(ANN));
    await world.run();
    expect(world.targets().find(({ id }) => id === 'new-1')?.['state']).toBe(happened ? 'on' : undefined);
  });

  it('a delete that happened takes its link along', async () => {
    const rules = [
      { name: 'leavers', situations: ['SourceMissing' as const], response: 'DeleteTarget' as const },
    ];
    const world = new World({ source: [ANN, { id: '2', key: 'b' }], ...NAMED, rules });
    await world.run();
    world.source.remove('1');
    world.target.misbehave = () => ({ kind: 'Loses', happened: true });
    await world.run();
    await world.run();
    expect(world.links()).toEqual(['2→new-2']);
  });
});

describe('refusals', () => {
  const crowd = (count: number): Row[] =>
    Array.from({ length: count }, (_, at) => ({ id: `${100 + at}`, key: `k${at}` }));

  it('one entry that is refused fails alone', async () => {
    const world = new World({ source: crowd(3) });
    world.target.misbehave = ({ id }) =>
      id === 'new-2' ? { kind: 'Refuses', code: 'SchemaViolation' } : undefined;
    const result = await world.run();
    expect([result.outcome, result.totals]).toMatchObject(['Degraded', { applied: 2, failed: 1 }]);
  });

  it('20 with the same code in a row end the run as Failed; what was not tried stays planned', async () => {
    const world = new World({ source: crowd(100) });
    world.target.misbehave = () => ({ kind: 'Refuses', code: 'SchemaViolation' });
    const { outcome, totals } = await world.run();
    expect(outcome).toBe('Failed');
    expect(totals.failed).toBeGreaterThanOrEqual(20);
    expect(totals.failed).toBeLessThan(40);
    expect(totals.planned).toBe(100);
    expect(totals.pending).toBe(100 - totals.failed);
  });

  it('a system that is unreachable ends the run at once', async () => {
    const world = new World({ source: crowd(100) });
    world.target.misbehave = () => ({ kind: 'Refuses', code: 'Unreachable' });
    expect((await world.run()).totals.failed).toBeLessThanOrEqual(8);
  });

  it('asked to stop, it finishes what is in flight and leaves the rest planned', async () => {
    const world = new World({ source: crowd(100) });
    const stop = new AbortController();
    world.target.misbehave = ({ id }) => {
      if (id === 'new-5') stop.abort();
      return undefined;
    };
    const { outcome, totals } = await world.run({}, stop.signal);
    expect([outcome, totals.failed, totals.applied + totals.pending]).toEqual(['Failed', 0, 100]);
    const next = await world.run();
    expect([next.outcome, world.target.entries.size]).toEqual(['Succeeded', 100]);
  });

  it('a transactional side becomes true by one commit, or not at all', async () => {
    const world = new World({ source: crowd(3), targetOptions: { transactional: true } });
    world.target.commitMisbehaves = { kind: 'Refuses', code: 'Changed' };
    const refused = await world.run();
    expect([refused.outcome, refused.totals.failed, world.target.entries.size, world.links()]).toEqual([
      'Failed',
      3,
      0,
      [],
    ]);
    world.target.commitMisbehaves = undefined;
    expect((await world.run()).totals.applied).toBe(3);
  });

  it('a commit whose answer was lost is looked after', async () => {
    const byWriter = { schema: schemaOf({ idChosenBy: 'Writer' }), transactional: true };
    const world = new World({
      source: crowd(3),
      targetOptions: byWriter,
      spec: {
        attributes: [
          { target: 'id', from: 'id' },
          { target: 'key', from: 'key' },
        ],
      },
    });
    world.target.commitMisbehaves = { kind: 'Loses', happened: true };
    expect((await world.run()).totals.failed).toBe(3);
    world.target.commitMisbehaves = undefined;
    const questions = vi.spyOn(world.target, 'fetchByName');
    expect((await world.run()).totals).toMatchObject({ inSync: 3, planned: 0 });
    // One for all: a file is read through for each question.
    expect(questions).toHaveBeenCalledTimes(1);
  });
});

describe('effects of a run', () => {
  it('Observe plans, writes nothing and settles nothing', async () => {
    const world = new World({ source: [ANN], spec: { mode: 'Observe' } });
    const result = await world.run();
    expect(sentences(result)).toEqual(['A11 Absent CreateTarget Planned 1→-']);
    expect([result.totals.pending, world.target.writes, world.links()]).toEqual([1, [], []]);
  });

  it('the same inputs give the same plan digest, in Observe and when applied', async () => {
    const world = new World({ source: [ANN], spec: { mode: 'Observe' } });
    const first = await world.run();
    world.edit({ spec: { mode: 'Enforce' } });
    expect((await world.run()).planDigest).toBe(first.planDigest);
  });

  it('Pretend calls planned what it does to an overlay', async () => {
    const world = new World({ source: [ANN] });
    const result = await world.run({ effect: 'Pretend' });
    expect([result.totals.pending, result.totals.applied, world.target.entries.size]).toEqual([1, 0, 1]);
  });

  it.each([
    { side: 'Source' as const, key: '1', expected: ['A11 Absent CreateTarget Applied 1→new-1'] },
    { side: 'Target' as const, key: 't7', expected: ['B4 Unassigned Report Reported -→t7'] },
  ])('one $side entry alone: nothing else is judged', async ({ side, key, expected }) => {
    const world = new World({ source: [ANN, { id: '2', key: 'b' }], target: [{ id: 't7', key: 'q' }] });
    expect(sentences(await world.run({ only: { side, key } }))).toEqual(expected);
  });

  it('one entry of a quiet pair is looked at in full', async () => {
    const world = new World({ source: [ANN] });
    await world.run();
    expect(sentences(await world.run({ only: { side: 'Source', key: '1' } }))).toEqual([
      'A5 Confirmed - InSync 1→new-1',
    ]);
  });
});

describe('what a run remembers', () => {
  it('a settled pair is quiet: it has no record, and is looked at again after an edit of the policy', async () => {
    const world = new World({ source: [ANN], target: [{ id: 't1', key: 'a', title: 'Boss' }] });
    await world.run();
    expect((await world.run()).records).toEqual([]);
    world.edit({ rules: [{ name: 'all', situations: ['Confirmed'], response: 'DisableTarget' }] });
    expect(sentences(await world.run())).toEqual(['A5 Confirmed DisableTarget Applied 1→t1']);
  });

  it.each(['guards', 'approvedPlan', 'mode'] as const)('an edit of %s leaves the epoch as it is', (field) => {
    const world = new World({ source: [ANN] });
    const before = world.definition().epoch;
    const edits = { guards: { window: '1h' }, approvedPlan: 'x', mode: 'Observe' as const };
    world.edit({ spec: { [field]: edits[field] } });
    expect(world.definition().epoch).toBe(before);
  });

  it('what was reported is looked at again in the next run', async () => {
    const world = new World({
      source: [ANN],
      target: [{ id: 't1', key: 'a' }],
      rules: [{ name: 'look', situations: ['Confirmed'], response: 'Report' }],
    });
    world.link('1', 't1');
    for (const _ of [1, 2])
      expect(sentences(await world.run())).toEqual(['A5 Confirmed Report Reported 1→t1']);
  });

  it('names are swapped by the system or not at all, and nothing hangs', async () => {
    const world = new World({
      source: [
        { id: '1', key: 'a' },
        { id: '2', key: 'b' },
      ],
      ...NAMED,
    });
    await world.run();
    world.source.put(entryOf({ id: '1', key: 'b' }));
    world.source.put(entryOf({ id: '2', key: 'a' }));
    expect((await world.run()).totals.planned).toBe(2);
  });

  it('planned is applied, held, failed and pending together', async () => {
    const world = new World({
      source: [ANN, { id: '2', key: 'b', title: 'two' }, { id: '3', key: 'c' }],
      protect: ["entry.key == 'b'"],
    });
    world.target.misbehave = ({ id }) =>
      id === 'new-1' ? { kind: 'Refuses', code: 'SchemaViolation' } : undefined;
    const { totals, situations } = await world.run();
    expect(totals).toMatchObject({ planned: 3, applied: 1, held: 1, failed: 1, pending: 0 });
    expect(situations).toEqual([{ name: 'Absent', count: 3, planned: 3, applied: 1, held: 1, failed: 1 }]);
  });
});
