/** Entries that nobody has decoded are found by their correlation keys all the same, and two of one id are noticed. */
import { describe, expect, it } from 'vitest';
import { putSource, putTarget, settled, type Glance } from '../support/twins.ts';
import { entryOf, sentences, type World } from '../support/world.ts';

const TWO_RULES = {
  correlate: [
    { source: 'key', target: 'key' },
    { source: 'other', target: 'other' },
  ],
  attributes: [{ target: 'title', from: 'title' }],
};
const BY_KEY_ALONE = { attributes: [{ target: 'title', from: 'title' }] };

function said({ report }: Glance): string[] {
  return sentences(report).filter((one) => !one.includes(' InSync '));
}

describe('a source entry whose key a recognised target entry has', () => {
  it('is FoundAlreadyLinked while the owner is there', async () => {
    const twins = await settled(3);
    putSource(twins, { id: 's9', key: 'k1', title: 'x' });
    const next = await twins.run();
    expect([next.decoded, said(next)]).toEqual([['s9'], ['A13 FoundAlreadyLinked Report Reported s9→-']]);
  });

  it('is Moved where the owner has gone', async () => {
    const twins = await settled(3, {
      rules: [{ name: 'move', situations: ['Moved'], response: 'UpdateTarget' }],
    });
    twins.both(({ source }) => source.remove('s1'));
    putSource(twins, { id: 's9', key: 'k1', title: 'x' });
    const next = await twins.run();
    expect([next.decoded, said(next)]).toEqual([['s9'], ['A14 Moved UpdateTarget Linked s9→t1']]);
    expect(twins.world.links()).toEqual(['s0→t0', 's2→t2', 's9→t1']);
    expect((await twins.run()).report.totals.inSync).toBe(3);
    // Its link is another one, and what is kept of the old one leads nowhere.
    expect((await twins.run()).decoded).toEqual([]);
  });

  it('is Ambiguous where two have it, one recognised and one decoded', async () => {
    const twins = await settled(3);
    putTarget(twins, { id: 't9', key: 'K1', title: 'x' });
    putSource(twins, { id: 's9', key: 'k1', title: 'x' });
    expect(said(await twins.run())).toContain('A15 Ambiguous Report Reported s9→-');
  });

  it('is found by each of several values, and by the rule that has a hit first', async () => {
    const twins = await settled(2, { spec: TWO_RULES });
    putTarget(
      twins,
      { id: 't0', key: ['k0', 'old'], other: ['o0', 'p0'], title: 'x' },
      { id: 't1', key: 'k1', other: ['o1'], title: 'x' },
    );
    await twins.run();
    expect((await twins.run()).decoded).toEqual([]);
    putSource(
      twins,
      { id: 's7', key: 'OLD', other: ['o1'], title: 'x' },
      { id: 's8', other: ['nobody', 'p0'], title: 'x' },
      { id: 's9', key: 'p0', title: 'x' },
    );
    const next = await twins.run();
    expect(next.recognised).toEqual({ source: 2, target: 2 });
    expect(said(next)).toEqual([
      'A13 FoundAlreadyLinked Report Reported s7→-',
      'A13 FoundAlreadyLinked Report Reported s8→-',
      'A11 Absent CreateTarget Applied s9→new-1',
    ]);
  });
});

it('a key that a target entry has lost finds it no more, also where it was left without any', async () => {
  const twins = await settled(2, { spec: BY_KEY_ALONE });
  putTarget(twins, { id: 't0', title: 'x' }, { id: 't1', key: 'new', title: 'x' });
  await twins.run();
  expect((await twins.run()).decoded).toEqual([]);
  putSource(twins, { id: 's8', key: 'k0', title: 'x' }, { id: 's9', key: 'k1', title: 'x' });
  const next = await twins.run();
  expect(next.recognised.target).toBe(2);
  expect(said(next).map((one) => one.slice(0, 10))).toEqual(['A11 Absent', 'A11 Absent']);
});

it('keys are kept of what was learnt in a run that changed nothing else', async () => {
  const twins = await settled(2, { spec: BY_KEY_ALONE });
  twins.both(({ target }) => void (target.spelling = 1));
  await twins.run();
  expect((await twins.run()).decoded).toEqual([]);
  putSource(twins, { id: 's9', key: 'k1', title: 'x' });
  expect(said(await twins.run())).toEqual(['A13 FoundAlreadyLinked Report Reported s9→-']);
});

describe('two entries of one id', () => {
  const SAME = { id: 's1', key: 'k1', title: 'x' };
  it.each([
    { how: 'in the same octets', again: SAME, decoded: ['s1'] },
    { how: 'recognised, then decoded', again: { ...SAME, title: 'other' }, decoded: ['s1'] },
  ])('both fail, $how, and one that is left is what it was', async ({ again, decoded }) => {
    const twins = await settled(3);
    twins.both(({ source }) => void (source.duplicates = [entryOf(again)]));
    for (const run of [1, 2]) {
      const twice = await twins.run();
      expect([run, twice.decoded, said(twice)]).toEqual([
        run,
        decoded,
        ['- - - Failed DuplicateKey s1→t1', '- - - Failed DuplicateKey s1→t1'],
      ]);
    }
    twins.both(({ source }) => void (source.duplicates = []));
    const left = await twins.run();
    expect([left.decoded, left.report.totals.inSync]).toEqual([[], 3]);
  });

  it('both fail, decoded, then in octets that are known', async () => {
    const twins = await settled(3);
    const swap = ({ source }: World): void => {
      source.duplicates = [...source.entries.values()].filter(({ id }) => id === 's1');
      source.put(entryOf({ ...SAME, title: 'other' }));
    };
    twins.both(swap);
    const twice = await twins.run();
    expect(twice.decoded).toEqual(['s1', 's1']);
    expect(said(twice)).toEqual(['- - - Failed DuplicateKey s1→t1', '- - - Failed DuplicateKey s1→t1']);
    twins.both(({ source }) => void (source.duplicates = []));
    const left = await twins.run();
    expect([left.decoded, left.report.totals.applied]).toEqual([['s1'], 1]);
  });

  it('of the target, both fail, and their pair with them, and each of their keys means them', async () => {
    const twins = await settled(3);
    twins.both(({ target }) => void (target.duplicates = [entryOf({ id: 't1', key: 'also', title: 'x' })]));
    putSource(twins, { id: 's8', key: 'also', title: 'x' });
    const twice = await twins.run();
    expect(said(twice).toSorted()).toEqual([
      '- - - Failed DuplicateKey -→t1',
      '- - - Failed DuplicateKey -→t1',
      '- - - Failed DuplicateKey s1→t1',
      expect.stringContaining('s8'),
    ]);
    twins.both(({ target }) => void (target.duplicates = []));
    expect(said(await twins.run())).toEqual([expect.stringMatching(/Absent.*s8/u)]);
  });

  it('of the target are found by the key that was recognised too, and nobody knows which is meant', async () => {
    const twins = await settled(3);
    twins.both(({ target }) => void (target.duplicates = [entryOf({ id: 't1', key: 'also', title: 'x' })]));
    putSource(twins, { id: 's8', key: 'k1', title: 'x' });
    expect(said(await twins.run())).toContain('A15 Ambiguous Report Reported s8→-');
  });

  it('of the target are no lesson: the key of the one that went finds nothing', async () => {
    const twins = await settled(3, { spec: BY_KEY_ALONE });
    twins.both(({ target }) => {
      target.spelling = 1;
      target.duplicates = [entryOf({ id: 't2', key: 'also', title: 'x' })];
    });
    await twins.run();
    twins.both(({ target }) => void (target.duplicates = []));
    await twins.run();
    putSource(twins, { id: 's9', key: 'also', title: 'x' });
    const next = await twins.run();
    expect([next.decoded, said(next)]).toEqual([['s9'], ['A11 Absent CreateTarget Applied s9→new-1']]);
  });

  it('where other pairs change in the same run, the two are recognised as before when one is gone', async () => {
    const twins = await settled(3);
    twins.both(({ source }) => void (source.duplicates = [entryOf(SAME)]));
    putSource(twins, { id: 's0', key: 'k0', title: 'new' });
    await twins.run();
    twins.both(({ source }) => void (source.duplicates = []));
    expect((await twins.run()).decoded).toEqual(['t0']);
  });
});
