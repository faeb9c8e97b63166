/**
 * Entries that no link holds and about which nothing is done are recognised too, and every run is what it would be if
 * they were decoded: each beside a twin that decodes.
 */
import { describe, expect, it } from 'vitest';
import { pairs, putSource, putTarget, type Glance, type Twins } from '../support/twins.ts';
import { HOUR_MS, sentences, World, type WorldOptions } from '../support/world.ts';

const SCOPED: WorldOptions = { sourceSpec: { where: "source.scope != 'out'" } };
const KNOWN = { source: 5, target: 5 };

/** Three pairs, two people out of scope and two accounts of nobody, after as many runs as it takes. */
async function withStrangers(more: WorldOptions = {}): Promise<Twins> {
  const twins = pairs(3, { ...SCOPED, ...more });
  putSource(twins, ...['s7', 's8'].map((id) => ({ id, key: `own ${id}`, title: 'x', scope: 'out' })));
  putTarget(twins, ...['t7', 't8'].map((id) => ({ id, key: `own ${id}`, title: 'x' })));
  for (let run = 0; run < 3; run++) await twins.run();
  return twins;
}

function counted({ report }: Glance): (string | number)[] {
  return report.situations.flatMap(({ name, count }) => [name, count]);
}

function said({ report }: Glance, about: string): string[] {
  return sentences(report).filter((one) => one.includes(about));
}

describe('while nothing changes', () => {
  it('nobody is decoded or judged, and what was found stands, with its records', async () => {
    const twins = await withStrangers();
    for (const run of ['fourth', 'fifth']) {
      const glance = await twins.run();
      expect([run, glance.decoded, glance.recognised, glance.stood]).toEqual([run, [], KNOWN, true]);
      expect(counted(glance)).toEqual(['Confirmed', 3, 'SourceIgnored', 2, 'Unassigned', 2]);
      expect(sentences(glance.report)).toEqual([
        'B4 Unassigned Report Reported -→t7',
        'B4 Unassigned Report Reported -→t8',
        'A19 SourceIgnored Ignore Ignored s7→-',
        'A19 SourceIgnored Ignore Ignored s8→-',
      ]);
    }
  });

  it('an account that two people out of scope share stands too, once', async () => {
    const twins = pairs(1, SCOPED);
    putSource(twins, ...['s7', 's8'].map((id) => ({ id, key: 'shared', title: 'x', scope: 'out' })));
    putTarget(twins, { id: 't7', key: 'shared', title: 'x' });
    for (let run = 0; run < 2; run++) await twins.run();
    const glance = await twins.run();
    expect([glance.stood, counted(glance)]).toEqual([true, ['Confirmed', 1, 'Unqualified', 2]]);
  });

  it('a run that records less does not take over the records of one that recorded all', async () => {
    const twins = await withStrangers();
    const less = await twins.run({ recordsAll: false });
    expect([less.stood, less.report.records.length]).toEqual([false, 2]);
    const again = await twins.run({ recordsAll: false });
    expect([again.stood, again.report.records.length]).toEqual([true, 2]);
  });

  it('they are judged, but not decoded, where a situation may end by time alone', async () => {
    const rules = [
      { name: 'drop', situations: ['Unassigned' as const], after: '2h', response: 'DeleteTarget' as const },
    ];
    const twins = await withStrangers({ rules });
    const early = await twins.run();
    expect([early.decoded, early.stood, early.fetches]).toEqual([[], false, 0]);
    twins.both(({ state }) => void (state.now += HOUR_MS));
    putTarget(twins, { id: 't9', key: 'own t9', title: 'x' });
    expect((await twins.run()).decoded).toEqual(['t9']);
    twins.both(({ state }) => void (state.now += HOUR_MS));
    const due = await twins.run();
    expect([due.decoded, due.fetches, said(due, 'DeleteTarget')]).toEqual([
      [],
      2,
      ['B4 Unassigned DeleteTarget Applied -→t7', 'B4 Unassigned DeleteTarget Applied -→t8'],
    ]);
  });

  it('a condition is asked of the content, so there everybody is decoded', async () => {
    const when = "target.title == 'gone'";
    const rules = [
      { name: 'drop', situations: ['Unassigned' as const], when, response: 'DeleteTarget' as const },
    ];
    const twins = await withStrangers({ rules });
    expect((await twins.run()).decoded).toEqual(['t7', 't8']);
    putTarget(twins, { id: 't8', key: 'own t8', title: 'gone' });
    expect(said(await twins.run(), 'Applied')).toEqual(['B4 Unassigned DeleteTarget Applied -→t8']);
  });

  it('nobody whose neighbour may hold them stands: another mapping of the target links one', async () => {
    const twins = await withStrangers();
    twins.both((world) => {
      const neighbour = new World({ name: 'guests', state: world.state, source: [{ id: 'g' }] });
      neighbour.link('g', 't7');
    });
    const held = await twins.run();
    expect([held.stood, held.decoded]).toEqual([false, []]);
    expect(said(held, 't7')).toEqual(['B2 TargetIgnored Ignore Ignored -→t7']);
  });
});

describe('when something changes', () => {
  it('exactly who changed is decoded, and all are judged', async () => {
    const twins = await withStrangers();
    putTarget(twins, { id: 't8', key: 'own t8', title: 'other' });
    const glance = await twins.run();
    expect([glance.decoded, glance.stood, glance.fetches]).toEqual([['t8'], false, 0]);
    expect((await twins.run()).stood).toBe(true);
  });

  it.each([
    {
      who: 'somebody out of scope',
      leave: ({ source }: World) => source.remove('s7'),
      left: ['SourceIgnored', 1, 'Unassigned', 2],
    },
    {
      who: 'an account of nobody',
      leave: ({ target }: World) => target.remove('t8'),
      left: ['SourceIgnored', 2, 'Unassigned', 1],
    },
  ])('$who goes: nobody is decoded, and one is missed', async ({ leave, left }) => {
    const twins = await withStrangers();
    twins.both(leave);
    const glance = await twins.run();
    expect([glance.decoded, glance.stood, counted(glance)]).toEqual([[], false, ['Confirmed', 3, ...left]]);
    expect((await twins.run()).stood).toBe(true);
  });

  it('somebody comes whose account was nobody’s: it is found by its key, and read again to be compared', async () => {
    const twins = await withStrangers();
    putSource(twins, { id: 's9', key: 'own t7', title: 'new' });
    const found = await twins.run();
    expect([found.decoded, found.fetches]).toEqual([['s9'], 1]);
    expect(said(found, 's9')).toEqual(['A12 Found UpdateTarget Applied s9→t7']);
    expect(twins.world.links()).toContain('s9→t7');
    expect((await twins.run()).decoded).toEqual(['t7']);
    expect((await twins.run()).decoded).toEqual([]);
  });

  it('an account comes that belongs to somebody out of scope: it is theirs, and withdrawn', async () => {
    const rules = [
      {
        name: 'stop',
        situations: ['Unqualified' as const],
        evenIfNeverLinked: true,
        response: 'DisableTarget' as const,
      },
    ];
    const twins = await withStrangers({ rules });
    putTarget(twins, { id: 't9', key: 'own s7', title: 'x' });
    const glance = await twins.run();
    expect([glance.decoded, glance.fetches]).toEqual([['t9'], 1]);
    expect(said(glance, 's7')).toEqual(['A18 Unqualified DisableTarget Applied s7→t9']);
  });

  it('what a run leaves unjudged is not stood by: who goes of them is noticed', async () => {
    const twins = await withStrangers();
    putSource(twins, { id: 's6', key: 'own s6', title: 'x', gone: 'yes' });
    twins.both((world) =>
      world.edit({ sourceSpec: { ...SCOPED.sourceSpec, deletedWhen: "source.gone == 'yes'" } }),
    );
    for (let run = 0; run < 3; run++) expect((await twins.run()).stood).toBe(false);
    twins.both(({ source }) => source.remove('s6'));
    expect(counted(await twins.run())).toEqual(['Confirmed', 3, 'SourceIgnored', 2, 'Unassigned', 2]);
  });

  it('an id that is there twice fails, also where the one was recognised and the other decoded', async () => {
    const twins = await withStrangers();
    twins.both(({ target }) => {
      const known = target.entries.get('t7');
      if (known) target.duplicates = [known];
    });
    const twice = await twins.run();
    expect(said(twice, 't7')).toEqual(Array(2).fill('- - - Failed DuplicateKey -→t7'));
    twins.both(({ target }) => void (target.duplicates = []));
    await twins.run();
    expect((await twins.run()).stood).toBe(true);
  });

  it('an account of nobody that carries our mark is looked at, and keeps it while it is disabled', async () => {
    const twins = await withStrangers();
    putTarget(twins, { id: 't7', key: 'own t7', state: 'off' });
    for (let run = 0; run < 2; run++) await twins.run();
    twins.both((world) => world.memory().putMark('Target', 't7'));
    putTarget(twins, { id: 't8', key: 'own t8', title: 'other' });
    const glance = await twins.run();
    expect([glance.decoded, glance.fetches]).toEqual([['t8'], 1]);
    expect([...twins.world.memory().marks('Target')]).toEqual(['t7']);
  });

  it('another policy is another epoch: everybody is decoded once', async () => {
    const twins = await withStrangers();
    const rules = [{ name: 'drop', situations: ['Unassigned' as const], response: 'DeleteTarget' as const }];
    twins.both((world) => world.edit({ rules }));
    const dropped = await twins.run();
    expect([dropped.stood, dropped.recognised]).toEqual([false, { source: 0, target: 0 }]);
    expect(twins.world.targets()).toHaveLength(3);
  });

  it('a link that is made by hand is seen', async () => {
    const twins = await withStrangers();
    putSource(twins, { id: 's9', key: 'own s9', title: 'x' });
    twins.both((world) => world.link('s9', 't7'));
    const glance = await twins.run();
    expect([glance.stood, counted(glance)]).toEqual([
      false,
      ['Confirmed', 4, 'SourceIgnored', 2, 'Unassigned', 1],
    ]);
  });

  it('somebody linked is not listed for a while: what was found beside them does not stand when they are back', async () => {
    const twins = pairs(2);
    putSource(twins, { id: 's9', key: 'k0', title: 'x' });
    for (let run = 0; run < 2; run++) await twins.run();
    expect(said(await twins.run(), 's9')).toEqual(['A13 FoundAlreadyLinked Report Reported s9→-']);
    twins.both(({ source }) => source.missed.add('s0'));
    expect(said(await twins.run(), 's9')).toEqual(['A14 Moved Report Reported s9→t0']);
    twins.both(({ source }) => source.missed.clear());
    const back = await twins.run();
    expect([back.stood, said(back, 's9')]).toEqual([false, ['A13 FoundAlreadyLinked Report Reported s9→-']]);
    expect((await twins.run()).stood).toBe(true);
  });

  it('a linked account is another for a while: what was found beside it does not stand when it is as it was', async () => {
    const rules = [
      { name: 'look', situations: ['Confirmed' as const, 'Absent' as const], response: 'Report' as const },
    ];
    const twins = pairs(2, { rules });
    putSource(twins, { id: 's9', key: 'k0', title: 'x' });
    for (let run = 0; run < 3; run++) await twins.run();
    putTarget(twins, { id: 't0', key: 'other', title: 'y' });
    expect(said(await twins.run(), 's9')).toEqual(['A11 Absent Report Reported s9→-']);
    putTarget(twins, { id: 't0', key: 'k0', title: 'x' });
    const back = await twins.run();
    expect([back.stood, said(back, 's9')]).toEqual([false, ['A13 FoundAlreadyLinked Report Reported s9→-']]);
  });

  it('links were changed by hand, and nobody was left unlinked: what an older run has found is forgotten', async () => {
    const rules = [
      { name: 'leave', situations: ['SourceMissing' as const], response: 'Unlink' as const },
      { name: 'join', situations: ['Found' as const], response: 'Report' as const },
    ];
    const twins = pairs(2, { rules });
    putTarget(twins, { id: 't9', key: 'own t9', title: 'x' });
    for (let run = 0; run < 3; run++) await twins.run();
    twins.both((world) => world.link('s9', 't9'));
    expect(said(await twins.run(), 't9')).toEqual(['B5 SourceMissing Unlink Applied s9→t9']);
    const after = await twins.run();
    expect([after.stood, said(after, 't9')]).toEqual([false, ['B4 Unassigned Report Reported -→t9']]);
  });

  it('only one entry is asked for: nothing stands afterwards that was not looked at', async () => {
    const twins = await withStrangers();
    putSource(twins, { id: 's9', key: 'own t7', title: 'x' });
    await twins.run({ only: { side: 'Source', key: 's9' } });
    expect((await twins.run()).stood).toBe(false);
  });
});

it('who is no longer what was listed when it is looked at again fails alone, and is judged by the next run', async () => {
  const twins = await withStrangers();
  const { world } = twins;
  world.source.put({
    id: 's9',
    name: undefined,
    attributes: new Map([
      ['key', ['own t7']],
      ['title', ['new']],
    ]),
  });
  const read = world.target.read.bind(world.target);
  world.target.read = async function* (request) {
    const evidence = yield* read(request);
    world.target.put({
      id: 't7',
      name: undefined,
      attributes: new Map([
        ['key', ['own t7']],
        ['title', ['by hand']],
      ]),
    });
    return evidence;
  };
  const report = await world.run();
  expect(sentences(report).filter((one) => one.includes('t7'))).toEqual(['- - - Failed Changed s9→t7']);
  expect(report.records.find(({ error }) => error)?.error?.message).toContain(
    "entry 't7' of the target has changed",
  );
  world.target.read = read;
  expect(sentences(await world.run()).filter((one) => one.includes('t7'))).toEqual([
    'A12 Found UpdateTarget Applied s9→t7',
  ]);
  twins.close();
});
