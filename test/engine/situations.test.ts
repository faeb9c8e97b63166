/* oxlint-disable max-lines -- a table is read in one place */
/** The tables A, B and C of SITUATIONS.md, row by row, through whole runs: the facts are gathered, not given. */
import { describe, expect, it } from 'vitest';
import type { Situation } from '../../src/engine/definition.ts';
import { SITUATIONS } from '../../src/engine/definition.ts';
import { BROKEN, PAGED } from '../support/memory-side.ts';
import { entryOf, sentences, World, type Row, type Rule, type WorldOptions } from '../support/world.ts';

const REPORTED = SITUATIONS.filter((one) => one !== 'AllGone');
const REPORT: Rule[] = [
  { name: 'report', situations: [...REPORTED], response: 'Report' },
  { name: 'nothing', situations: ['AllGone'], response: 'Ignore' },
];

export const CONDITIONS: WorldOptions = {
  sourceSpec: { where: "source.scope != 'out'", deletedWhen: "source.gone == 'yes'" },
  targetSpec: { where: "target.scope != 'out'" },
};

interface Case {
  readonly row: string;
  readonly when: string;
  readonly source?: readonly Row[];
  readonly target?: readonly Row[];
  readonly links?: readonly [string, string][];
  readonly arrange?: (world: World) => void;
  readonly options?: WorldOptions;
  /** Sentences of the run without response and outcome. */
  readonly expected: readonly string[];
}

async function judged(one: Case): Promise<string[]> {
  const world = new World({
    source: one.source ?? [],
    target: one.target ?? [],
    rules: REPORT,
    sourceOptions: { evidence: PAGED },
    targetOptions: { evidence: PAGED },
    ...CONDITIONS,
    ...one.options,
  });
  for (const [source, target] of one.links ?? []) world.link(source, target);
  one.arrange?.(world);
  const { records } = await world.run();
  return records.map(
    ({ row, situation, source, target, error }) =>
      `${row ?? error?.code} ${situation ?? 'none'} ${source ?? '-'}→${target ?? '-'}`,
  );
}

const OTHER: Row = { id: '9', key: 'other', title: 'x' };
const SAME: Row = { id: 't9', key: 'other', title: 'x' };
/** A pair that is there beside the one in question, so that no side is empty. */
const WITH_OTHERS = { source: [OTHER], target: [SAME], links: [['9', 't9']] as [string, string][] };
const QUIET = 'A5 Confirmed 9→t9';

function beside(one: Case): Case {
  return {
    ...one,
    source: [...(one.source ?? []), ...WITH_OTHERS.source],
    target: [...(one.target ?? []), ...WITH_OTHERS.target],
    links: [...(one.links ?? []), ...WITH_OTHERS.links],
  };
}

const MARKED = { id: '1', key: 'a', gone: 'yes' };
const OUT = { id: '1', key: 'a', scope: 'out' };
const IN = { id: '1', key: 'a' };
const T1 = { id: 't1', key: 'a' };
const T1_OUT = { id: 't1', key: 'a', scope: 'out' };
const LINK: [string, string][] = [['1', 't1']];

const TABLE_A: Case[] = [
  {
    row: 'A1',
    when: 'the source is marked deleted and its target is there',
    source: [MARKED],
    target: [T1],
    links: LINK,
    expected: ['A1 SourceDeleted 1→t1'],
  },
  {
    row: 'A1',
    when: 'the mark counts whatever where says',
    source: [{ ...MARKED, scope: 'out' }],
    target: [T1],
    links: LINK,
    expected: ['A1 SourceDeleted 1→t1'],
  },
  {
    row: 'A1',
    when: 'the target of the marked source is outside',
    source: [MARKED],
    target: [T1_OUT],
    links: LINK,
    expected: ['A1 SourceDeleted 1→t1'],
  },
  {
    row: 'A2',
    when: 'a marked source was never linked and hits one free entry',
    source: [MARKED],
    target: [T1],
    expected: ['A2 SourceDeleted 1→t1'],
  },
  {
    row: 'A3',
    when: 'the source is marked and the target is gone',
    source: [MARKED],
    links: LINK,
    expected: ['A3 LinkOnly 1→t1'],
  },
  {
    row: 'A4',
    when: 'a marked source was never linked and hits nothing',
    source: [MARKED],
    expected: ['A4 AllGone 1→-'],
  },
  {
    row: 'A4',
    when: 'the hit of a marked source is wanted by another',
    source: [MARKED, { id: '2', key: 'a' }],
    target: [T1],
    expected: ['A4 AllGone 1→-', 'A12 Found 2→t1'],
  },
  {
    row: 'A4',
    when: 'the hit of a marked source is outside',
    source: [MARKED],
    target: [T1_OUT],
    expected: ['A4 AllGone 1→-'],
  },
  {
    row: 'A5',
    when: 'both are there and linked',
    source: [IN],
    target: [T1],
    links: LINK,
    expected: ['A5 Confirmed 1→t1'],
  },
  {
    row: 'A6',
    when: 'the target is refused by where',
    source: [IN],
    target: [T1_OUT],
    links: LINK,
    expected: ['A6 TargetIgnored 1→t1'],
  },
  {
    row: 'A6',
    when: 'the target is found only by a re-read',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => (world.target.listed = ({ id }) => id !== 't1'),
    expected: ['A6 TargetIgnored 1→t1'],
  },
  {
    row: 'A7',
    when: 'the linked target is gone and nothing is hit',
    source: [IN],
    links: LINK,
    expected: ['A7 Missing 1→t1'],
  },
  {
    row: 'A8',
    when: 'the linked target is gone and one free entry is hit',
    source: [IN],
    target: [{ id: 't2', key: 'a' }],
    links: LINK,
    expected: ['A8 Moved 1→t2'],
  },
  {
    row: 'A9',
    when: 'the linked target is gone and the hit belongs to another',
    source: [IN, { id: '2', key: 'b' }],
    target: [{ id: 't2', key: 'a' }],
    links: [...LINK, ['2', 't2']],
    expected: ['A9 FoundAlreadyLinked 1→t1', 'A5 Confirmed 2→t2'],
  },
  {
    row: 'A10',
    when: 'the linked target is gone and two are hit',
    source: [IN],
    target: [
      { id: 't2', key: 'a' },
      { id: 't3', key: 'a' },
    ],
    links: LINK,
    expected: ['A10 Ambiguous 1→t1'],
  },
  {
    row: 'A10',
    when: 'the linked target is gone and the hit is outside',
    source: [IN],
    target: [{ id: 't2', key: 'a', scope: 'out' }],
    links: LINK,
    expected: ['A10 Ambiguous 1→t1'],
  },
  {
    row: 'A10',
    when: 'the linked target is gone and another wants the hit',
    source: [IN, { id: '2', key: 'a' }],
    target: [{ id: 't2', key: 'a' }],
    links: LINK,
    expected: ['A10 Ambiguous 1→t1', 'A15 Ambiguous 2→-'],
  },
  { row: 'A11', when: 'nothing is linked and nothing is hit', source: [IN], expected: ['A11 Absent 1→-'] },
  {
    row: 'A11',
    when: 'an empty key hits nothing',
    source: [{ id: '1' }],
    target: [{ id: 't1' }],
    expected: ['B4 Unassigned -→t1', 'A11 Absent 1→-'],
  },
  { row: 'A12', when: 'one free entry is hit', source: [IN], target: [T1], expected: ['A12 Found 1→t1'] },
  {
    row: 'A12',
    when: 'keys are compared by the matching rule',
    source: [{ id: '1', key: 'A' }],
    target: [T1],
    expected: ['A12 Found 1→t1'],
  },
  {
    row: 'A12',
    when: 'each value of a multi-valued attribute is a key',
    source: [{ id: '1', key: ['x', 'b'] }],
    target: [{ id: 't1', key: ['b', 'y'] }],
    expected: ['A12 Found 1→t1'],
  },
  {
    row: 'A13',
    when: 'the hit belongs to a source that is there',
    source: [IN, { id: '2', key: 'b' }],
    target: [T1],
    links: [['2', 't1']],
    expected: ['A13 FoundAlreadyLinked 1→-', 'A5 Confirmed 2→t1'],
  },
  {
    row: 'A14',
    when: 'the hit belongs to a source that is gone',
    source: [IN],
    target: [T1],
    links: [['2', 't1']],
    expected: ['A14 Moved 1→t1'],
  },
  {
    row: 'A14',
    when: 'the hit belongs to a source that is marked deleted',
    source: [IN, { id: '2', key: 'b', gone: 'yes' }],
    target: [T1],
    links: [['2', 't1']],
    expected: ['A14 Moved 1→t1', 'A1 SourceDeleted 2→t1'],
  },
  {
    row: 'A14',
    when: 'the hit belongs to a source that is out of scope',
    source: [IN, { id: '2', key: 'b', scope: 'out' }],
    target: [T1],
    links: [['2', 't1']],
    expected: ['A14 Moved 1→t1', 'A16 Unqualified 2→t1'],
  },
  {
    row: 'A15',
    when: 'two entries are hit',
    source: [IN],
    target: [T1, { id: 't2', key: 'a' }],
    expected: ['A15 Ambiguous 1→-'],
  },
  {
    row: 'A15',
    when: 'two sources want the one hit',
    source: [IN, { id: '2', key: 'a' }],
    target: [T1],
    expected: ['A15 Ambiguous 1→-', 'A15 Ambiguous 2→-'],
  },
  { row: 'A15', when: 'the hit is outside', source: [IN], target: [T1_OUT], expected: ['A15 Ambiguous 1→-'] },
  {
    row: 'A15',
    when: 'the hit of a gone source is wanted by two',
    source: [IN, { id: '3', key: 'a' }],
    target: [T1],
    links: [['2', 't1']],
    expected: ['A15 Ambiguous 1→-', 'A15 Ambiguous 3→-'],
  },
  {
    row: 'A16',
    when: 'a linked source is out of scope',
    source: [OUT],
    target: [T1],
    links: LINK,
    expected: ['A16 Unqualified 1→t1'],
  },
  {
    row: 'A16',
    when: 'both are out of scope',
    source: [OUT],
    target: [T1_OUT],
    links: LINK,
    expected: ['A16 Unqualified 1→t1'],
  },
  {
    row: 'A17',
    when: 'a linked source is out of scope and its target gone',
    source: [OUT],
    links: LINK,
    expected: ['A17 LinkOnly 1→t1'],
  },
  {
    row: 'A18',
    when: 'a source out of scope was never linked and hits one free entry',
    source: [OUT],
    target: [T1],
    expected: ['A18 Unqualified 1→t1'],
  },
  {
    row: 'A19',
    when: 'a source out of scope hits nothing',
    source: [OUT],
    expected: ['A19 SourceIgnored 1→-'],
  },
  {
    row: 'A19',
    when: 'the hit of a source out of scope is wanted by another',
    source: [OUT, { id: '2', key: 'a' }],
    target: [T1],
    expected: ['A19 SourceIgnored 1→-', 'A12 Found 2→t1'],
  },
];

describe('table A', () => {
  it.each(TABLE_A)('$row: $when', async (one) => {
    const got = await judged(beside(one));
    expect(got.filter((line) => line !== QUIET)).toEqual(one.expected);
  });
});

const TWO_RULES: WorldOptions = {
  spec: {
    correlate: [
      { source: 'key', target: 'key' },
      { source: 'other', target: 'other' },
    ],
  },
};

const CORRELATION: Case[] = [
  {
    row: 'A12',
    when: 'the first rule with a hit decides',
    source: [{ id: '1', key: 'a', other: 'o' }],
    target: [T1, { id: 't2', other: 'o' }],
    options: TWO_RULES,
    expected: ['B4 Unassigned -→t2', 'A12 Found 1→t1'],
  },
  {
    row: 'A12',
    when: 'a rule without a hit leaves it to the next',
    source: [{ id: '1', key: 'z', other: ['n', 'o'] }],
    target: [{ id: 't2', other: 'o' }],
    options: TWO_RULES,
    expected: ['A12 Found 1→t2'],
  },
  {
    row: 'A15',
    when: 'an entry that failed still counts as a hit',
    source: [IN],
    target: [
      { id: 't1', key: 'a', title: 'x' },
      { id: 't1', key: 'b' },
    ],
    expected: [],
  },
];

describe('correlation', () => {
  it.each(CORRELATION.slice(0, 2))('$row: $when', async (one) => {
    expect((await judged(beside(one))).filter((line) => line !== QUIET)).toEqual(one.expected);
  });

  it('without any rule every source is Absent', async () => {
    const one: Case = {
      row: 'A11',
      when: '',
      source: [IN],
      target: [T1],
      options: { spec: { correlate: [] } },
      expected: [],
    };
    expect(await judged(one)).toEqual(['B4 Unassigned -→t1', 'A11 Absent 1→-']);
  });
});

const FAILING_WHERE: WorldOptions = {
  sourceSpec: { where: "source.scope == 'in' || int(source.scope) > 0" },
  targetSpec: { where: "target.scope == 'in' || int(target.scope) > 0" },
};
const INSIDE = { scope: 'in' };
const BAD = { scope: 'bad' };

const FAILURES: Case[] = [
  {
    row: 'DuplicateKey',
    when: 'a source id occurs twice: both fail, and both claim what they may mean',
    source: [IN],
    target: [T1, { id: 't2', key: 'b' }],
    arrange: (world) => (world.source.duplicates = [entryOf({ id: '1', key: 'b' })]),
    expected: ['DuplicateKey none 1→-', 'DuplicateKey none 1→-'],
  },
  {
    row: 'DuplicateKey',
    when: 'a linked source id occurs twice: its target is not released',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => (world.source.duplicates = [entryOf({ id: '1', key: 'b' })]),
    expected: ['DuplicateKey none 1→t1', 'DuplicateKey none 1→t1'],
  },
  {
    row: 'DuplicateKey',
    when: 'a target id occurs twice: a source that hits it is Ambiguous',
    source: [IN],
    target: [T1],
    arrange: (world) => (world.target.duplicates = [entryOf({ id: 't1', key: 'b' })]),
    expected: ['DuplicateKey none -→t1', 'DuplicateKey none -→t1', 'A15 Ambiguous 1→-'],
  },
  {
    row: 'DuplicateKey',
    when: 'a linked target id occurs twice: its source fails too',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => (world.target.duplicates = [entryOf({ id: 't1', key: 'b' })]),
    expected: ['DuplicateKey none -→t1', 'DuplicateKey none -→t1', 'DuplicateKey none 1→t1'],
  },
  {
    row: 'A15',
    when: 'a source that failed wants what it may mean',
    source: [
      { id: '1', key: 'a', ...BAD },
      { id: '2', key: 'a', ...INSIDE },
    ],
    target: [{ ...T1, ...INSIDE }],
    options: FAILING_WHERE,
    expected: ['ExpressionFailed none 1→-', 'A15 Ambiguous 2→-'],
  },
  {
    row: 'A15',
    when: 'the owner of the hit could not be judged',
    source: [
      { id: '1', key: 'a', ...INSIDE },
      { id: '2', key: 'b', ...BAD },
    ],
    target: [{ ...T1, ...INSIDE }],
    links: [['2', 't1']],
    options: FAILING_WHERE,
    expected: ['A15 Ambiguous 1→-', 'ExpressionFailed none 2→t1'],
  },
  {
    row: 'A15',
    when: 'the hit itself failed',
    source: [{ id: '1', key: 'a', ...INSIDE }],
    target: [{ ...T1, ...BAD }],
    options: FAILING_WHERE,
    expected: ['ExpressionFailed none -→t1', 'A15 Ambiguous 1→-'],
  },
  {
    row: 'A10',
    when: 'the linked target is gone and the hit failed',
    source: [{ id: '1', key: 'a', ...INSIDE }],
    target: [{ id: 't2', key: 'a', ...BAD }],
    links: LINK,
    options: FAILING_WHERE,
    expected: ['ExpressionFailed none -→t2', 'A10 Ambiguous 1→t1'],
  },
  {
    row: 'A15',
    when: 'the re-read of the owner fails',
    source: [IN],
    target: [T1],
    links: [['2', 't1']],
    arrange: (world) => world.source.unreadable.add('2'),
    expected: ['A15 Ambiguous 1→-'],
  },
];

describe('an entry that failed', () => {
  it.each(FAILURES)('$row: $when', async (one) => {
    const world: Case = one.options ? one : beside(one);
    const others = one.options ? [{ ...OTHER, ...INSIDE }] : [];
    const got = await judged({ ...world, source: [...(world.source ?? []), ...others] });
    expect(got.filter((line) => line !== QUIET && line !== 'A11 Absent 9→-')).toEqual(one.expected);
  });
});

const HIDE_SOURCE = (world: World): void => {
  world.source.listed = ({ id }) => id !== '1';
};

const TABLE_B: Case[] = [
  {
    row: 'B1',
    when: 'an unlinked target is out of scope',
    target: [T1_OUT],
    expected: ['B1 TargetIgnored -→t1'],
  },
  { row: 'B4', when: 'an unlinked target is in scope', target: [T1], expected: ['B4 Unassigned -→t1'] },
  {
    row: 'B5',
    when: 'the linked source is gone',
    target: [T1],
    links: LINK,
    expected: ['B5 SourceMissing 1→t1'],
  },
  {
    row: 'B5',
    when: 'the linked source is gone and the target is out of scope',
    target: [T1_OUT],
    links: LINK,
    expected: ['B5 SourceMissing 1→t1'],
  },
  {
    row: 'B6',
    when: 'the unlisted source is marked deleted',
    source: [MARKED],
    target: [T1],
    links: LINK,
    arrange: HIDE_SOURCE,
    expected: ['B6 SourceDeleted 1→t1'],
  },
  {
    row: 'B7',
    when: 'the unlisted source is there, out of the filter',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: HIDE_SOURCE,
    expected: ['B7 Unqualified 1→t1'],
  },
  {
    row: 'B7',
    when: 'the unlisted source is there, out of where',
    source: [OUT],
    target: [T1],
    links: LINK,
    arrange: (world) => world.source.missed.add('1'),
    expected: ['B7 Unqualified 1→t1'],
  },
  {
    row: 'B8',
    when: 'the listing has missed the source',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => world.source.missed.add('1'),
    expected: ['B8 Confirmed 1→t1'],
  },
  {
    row: 'B9',
    when: 'the re-read fails',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => (HIDE_SOURCE(world), world.source.unreadable.add('1')),
    expected: ['Timeout none 1→t1'],
  },
];

describe('table B', () => {
  it.each(TABLE_B)('$row: $when', async (one) => {
    const got = await judged(beside(one));
    expect(got.filter((line) => line !== QUIET)).toEqual(one.expected);
  });

  it.each([
    { claim: 'one free hit that is outside', row: 'A15', source: [IN], target: [T1_OUT] },
    {
      claim: 'all of several hits, linked ones too',
      row: 'A15',
      source: [IN],
      target: [T1, { id: 't2', key: 'a' }],
      links: [['2', 't1']] as [string, string][],
    },
    {
      claim: 'the linked hit on A14',
      row: 'A14',
      source: [IN],
      target: [T1],
      links: [['2', 't1']] as [string, string][],
    },
    {
      claim: 'the linked hit on A15',
      row: 'A15',
      source: [IN, { id: '3', key: 'a' }],
      target: [T1],
      links: [['2', 't1']] as [string, string][],
    },
    { claim: 'the free hit on A19', row: 'A19', source: [OUT], target: [T1, { id: 't2', key: 'a' }] },
  ])('a row of A claims $claim ($row)', async ({ claim, row, ...facts }) => {
    const got = await judged(beside({ row, when: claim, ...facts, expected: [] }));
    expect(got.filter((line) => line.startsWith('B'))).toEqual([]);
    expect(got.some((line) => line.startsWith(row))).toBe(true);
  });

  it('A9 leaves a linked hit to its own row', async () => {
    const links: [string, string][] = [
      ['1', 't1'],
      ['2', 't2'],
    ];
    const one: Case = {
      row: 'B5',
      when: '',
      source: [IN],
      target: [{ id: 't2', key: 'a' }],
      links,
      expected: [],
    };
    expect(await judged(one)).toEqual(['A9 FoundAlreadyLinked 1→t1', 'B5 SourceMissing 2→t2']);
  });

  it('B2: another mapping with the same target object links or wants the entry', async () => {
    const world = new World({ source: [OTHER], target: [T1, { id: 't2', key: 'b' }], rules: REPORT });
    const sibling = new World({
      name: 'guests',
      state: world.state,
      target: world.target,
      source: [
        { id: 'g1', key: 'q' },
        { id: 'g2', key: 'b' },
      ],
      rules: REPORT,
    });
    sibling.link('g1', 't1');
    await sibling.run();
    const { records } = await world.run();
    expect(sentences({ records })).toEqual([
      'B2 TargetIgnored Report Reported -→t1',
      'B2 TargetIgnored Report Reported -→t2',
      'A11 Absent Report Reported 9→-',
    ]);
    expect(JSON.stringify(records[0])).toContain('default/guests');
  });

  it('B8: every withdrawal of the run is held, and nothing fails', async () => {
    const rules: Rule[] = [{ name: 'leavers', situations: ['SourceMissing'], response: 'DeleteTarget' }];
    const world = new World({
      source: [IN, { id: '3', key: 'c' }],
      target: [T1, { id: 't2', key: 'b' }],
      rules,
      sourceOptions: { evidence: PAGED },
    });
    world.link('1', 't1');
    world.link('2', 't2');
    world.source.missed.add('1');
    const result = await world.run();
    expect(sentences(result)).toEqual([
      'B8 Confirmed - InSync 1→t1',
      'B5 SourceMissing DeleteTarget Held by Evidence 2→t2',
      'A11 Absent CreateTarget Applied 3→new-1',
    ]);
    expect(result.outcome).toBe('Held');
  });
});

const HIDE_BOTH = (world: World): void => {
  world.source.listed = ({ id }) => id !== '1';
  world.target.listed = ({ id }) => id !== 't1';
};

const TABLE_C: Case[] = [
  { row: 'C1', when: 'neither side is there', links: LINK, expected: ['C1 AllGone 1→t1'] },
  {
    row: 'C2',
    when: 'only the unlisted target is there',
    target: [T1],
    links: LINK,
    arrange: HIDE_BOTH,
    expected: ['C2 SourceMissing 1→t1'],
  },
  {
    row: 'C3',
    when: 'the listing has missed the source and the target is unlisted',
    source: [IN],
    target: [T1],
    links: LINK,
    arrange: (world) => (HIDE_BOTH(world), (world.source.listed = () => true), world.source.missed.add('1')),
    expected: ['A6 TargetIgnored 1→t1'],
  },
  {
    row: 'C3',
    when: 'the listing has missed the source and the target is gone',
    source: [IN],
    links: LINK,
    arrange: (world) => world.source.missed.add('1'),
    expected: ['A7 Missing 1→t1'],
  },
  {
    row: 'C3',
    when: 'the source is there, out of scope',
    source: [OUT],
    target: [T1],
    links: LINK,
    arrange: HIDE_BOTH,
    expected: ['A16 Unqualified 1→t1'],
  },
  {
    row: 'C4',
    when: 'the re-read of the source fails',
    target: [T1],
    links: LINK,
    arrange: (world) => (HIDE_BOTH(world), world.source.unreadable.add('1')),
    expected: ['Timeout none 1→t1'],
  },
  {
    row: 'C4',
    when: 'the re-read of the target fails',
    target: [T1],
    links: LINK,
    arrange: (world) => (HIDE_BOTH(world), world.target.unreadable.add('t1')),
    expected: ['Timeout none 1→t1'],
  },
];

describe('table C', () => {
  it.each(TABLE_C)('$row: $when', async (one) => {
    const got = await judged(beside(one));
    expect(got.filter((line) => line !== QUIET)).toEqual(one.expected);
  });

  it('C3: every withdrawal of the run is held', async () => {
    const rules: Rule[] = [{ name: 'leavers', situations: ['SourceMissing'], response: 'Unlink' }];
    const world = new World({
      source: [IN, OTHER],
      target: [SAME, { id: 't2', key: 'b' }],
      rules,
      sourceOptions: { evidence: PAGED },
      targetOptions: { evidence: PAGED },
    });
    for (const [source, target] of [
      ['1', 't1'],
      ['2', 't2'],
      ['9', 't9'],
    ] as const)
      world.link(source, target);
    world.source.missed.add('1');
    expect(sentences(await world.run())).toEqual([
      'A7 Missing Report Reported 1→t1',
      'B5 SourceMissing Unlink Held by Evidence 2→t2',
      'A5 Confirmed - InSync 9→t9',
    ]);
  });
});

it('a snapshot answers re-reads by itself, a broken read does not', async () => {
  const world = new World({ source: [OTHER], target: [T1, SAME], rules: REPORT });
  world.link('1', 't1');
  world.link('9', 't9');
  await world.run();
  expect(world.source.fetches).toBe(0);
  world.source.evidence = { ...BROKEN, snapshot: true };
  await world.run();
  expect(world.source.fetches).toBe(1);
});

it('counts situations in the order of the tables', async () => {
  const world = new World({ source: [IN, OTHER], target: [SAME, { id: 't2', key: 'b' }], rules: REPORT });
  world.link('9', 't9');
  const { situations } = await world.run();
  expect(situations.map(({ name, count }): [Situation, number] => [name, count])).toEqual([
    ['Confirmed', 1],
    ['Absent', 1],
    ['Unassigned', 1],
  ]);
});
