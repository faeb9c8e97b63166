/** Evidence, guards on the read, budgets, protection, held plans and their release. */
import { describe, expect, it } from 'vitest';
import { limitOf } from '../../src/engine/guard.ts';
import type { Effect } from '../../src/engine/definition.ts';
import { DAY_MS, DEFAULT_BUDGETS } from '../../src/engine/defaults.ts';
import { BROKEN, PAGED, SNAPSHOT, UNPROVED } from '../support/memory-side.ts';
import {
  entryOf,
  HOUR_MS,
  schemaOf,
  sentences,
  World,
  type Row,
  type Rule,
  type WorldOptions,
} from '../support/world.ts';

const PEOPLE = Array.from({ length: 40 }, (_, at): Row => ({
  id: `p${at}`,
  key: `k${at}`,
  title: 'x',
  phone: `${at}`,
}));
const LEAVERS: Rule[] = [{ name: 'leavers', situations: ['SourceMissing'], response: 'DeleteTarget' }];

/** So many linked pairs, seen once. */
async function crowd(options: WorldOptions = {}, count = 40): Promise<World> {
  const people = PEOPLE.slice(0, count);
  const world = new World({
    source: people,
    target: people.map((row) => ({ ...row, id: `t-${row.id}` })),
    ...options,
  });
  for (const { id } of people) world.link(id, `t-${id}`);
  await world.run();
  world.target.writes = [];
  return world;
}

function leave(world: World, count: number): void {
  for (const { id } of PEOPLE.slice(0, count)) world.source.remove(id);
}

/** Strict budgets: what DESIGN.md gives by default. */
const usual = (more: Partial<NonNullable<WorldOptions['spec']>['guards']> = {}): WorldOptions => ({
  spec: { guards: { budgets: [], maxShrinkPercent: 100, ...more } },
});

describe('guards on the read', () => {
  it.each([
    { lost: 4, limit: 10, trips: false, because: 'not by more than 5' },
    { lost: 5, limit: 10, trips: false, because: 'not by more than 5' },
    { lost: 6, limit: 10, trips: true, because: 'by more than 10 % and by more than 5' },
    { lost: 6, limit: 15, trips: false, because: 'not by more than maxShrinkPercent' },
  ])('SourceShrunk: $lost of 40 gone at a limit of $limit %: $because', async ({ lost, limit, trips }) => {
    const world = await crowd({ rules: LEAVERS, spec: { guards: { maxShrinkPercent: limit } } });
    leave(world, lost);
    const result = await world.run();
    expect(result.trips.map(({ reason }) => reason)).toEqual(trips ? ['SourceShrunk'] : []);
    expect(result.source.evidence.complete).toBe(trips ? 'No' : 'Yes');
    expect(result.totals[trips ? 'held' : 'applied']).toBe(lost);
  });

  it('TargetShrunk: creates wait until it is known what is gone', async () => {
    const world = await crowd({
      rules: [{ name: 'again', situations: ['Missing'], response: 'CreateTarget' }],
      spec: { guards: { maxShrinkPercent: 10 } },
    });
    for (const { id } of PEOPLE.slice(0, 6)) world.target.remove(`t-${id}`);
    const result = await world.run();
    expect(result.trips.map(({ reason }) => reason)).toEqual(['TargetShrunk']);
    expect([result.totals.held, result.outcome]).toEqual([6, 'Held']);
  });

  it('recovers by itself when the guard no longer trips, and only an accepted read moves the baseline', async () => {
    const world = await crowd({ rules: LEAVERS, spec: { guards: { maxShrinkPercent: 10 } } });
    leave(world, 6);
    await world.run();
    expect((await world.run()).trips).toHaveLength(1);
    for (const row of PEOPLE.slice(0, 6)) world.source.put(entryOf(row));
    expect((await world.run()).outcome).toBe('Succeeded');
  });

  it.each([
    { reason: 'EmptySource', empty: (world: World) => world.source.entries.clear() },
    { reason: 'EmptySource', empty: (world: World) => (world.source.listed = () => false) },
    { reason: 'EmptyTarget', empty: (world: World) => world.target.entries.clear() },
  ])('$reason: the run is Stalled and the whole plan is held', async ({ reason, empty }) => {
    const world = await crowd({ rules: LEAVERS });
    empty(world);
    const result = await world.run();
    expect([result.outcome, result.trips[0]?.reason, result.totals.applied]).toEqual(['Stalled', reason, 0]);
    expect(world.target.writes).toEqual([]);
    expect(world.links()).toHaveLength(40);
  });

  it('EmptySource trips without operations too, and its approval releases the guard once', async () => {
    const world = await crowd();
    world.source.entries.clear();
    const first = await world.run();
    expect([first.heldOperations, first.plan === undefined]).toEqual([0, false]);
    expect(world.approve(first.plan?.digest ?? '')).toBe(true);
    expect((await world.run()).outcome).toBe('Succeeded');
    expect((await world.run()).outcome).toBe('Stalled');
  });

  it('AttributeVanished: what clears it and what a condition on it decided is held, the rest goes on', async () => {
    const rules: Rule[] = [
      { name: 'phoneless', situations: ['Absent'], when: 'source.phone == null', response: 'CreateTarget' },
      { name: 'no', situations: ['Absent'], response: 'Report' },
    ];
    const world = await crowd({
      rules,
      spec: {
        attributes: [
          { target: 'title', from: 'title' },
          { target: 'phone', from: 'phone' },
        ],
      },
    });
    for (const row of PEOPLE)
      world.source.put(entryOf({ ...row, phone: undefined, title: row.id === 'p0' ? 'Boss' : 'x' }));
    world.source.put(entryOf({ id: 'new', key: 'new' }));
    const result = await world.run();
    expect(result.trips.map(({ reason, attribute }) => [reason, attribute])).toEqual([
      ['AttributeVanished', 'phone'],
    ]);
    expect(result.totals).toMatchObject({ held: 41, applied: 0 });
  });

  it('AttributeVanished: where correlation reads it every create is held', async () => {
    const world = await crowd();
    for (const row of PEOPLE) world.source.put(entryOf({ ...row, key: undefined }));
    world.source.put(entryOf({ id: 'new', title: 'y' }));
    expect(sentences(await world.run())).toContain('A11 Absent CreateTarget Held by Evidence new→-');
  });

  it('AttributeVanished needs 20 entries that had a value', async () => {
    const world = await crowd({}, 19);
    for (const row of PEOPLE.slice(0, 19)) world.source.put(entryOf({ ...row, title: undefined }));
    expect((await world.run()).trips).toEqual([]);
  });

  it('an attribute that the system has no place for, and never had, stalls the run', async () => {
    const world = new World({ source: PEOPLE.slice(0, 3) });
    world.source.missingAttributes = ['title'];
    const result = await world.run();
    expect([result.outcome, result.message?.split(':')[0]]).toEqual(['Stalled', 'UnknownAttribute']);
  });
});

describe('missing evidence', () => {
  const rules: Rule[] = [
    ...LEAVERS,
    { name: 'unknown', situations: ['Unassigned'], response: 'DisableTarget' },
    { name: 'moved', situations: ['Moved'], response: 'UpdateTarget' },
    { name: 'missing', situations: ['Missing'], response: 'CreateTarget' },
    { name: 'out', situations: ['Unqualified'], response: 'Unlink' },
  ];
  const world = (): World => {
    const one = new World({
      source: [
        { id: '1', key: 'a', title: 'new' },
        { id: '2', key: 'b' },
        { id: '3', key: 'c' },
        { id: '4', key: 'd' },
        { id: '6', key: 'f', scope: 'out' },
      ],
      target: [
        { id: 't1', key: 'a' },
        { id: 't3', key: 'c' },
        { id: 't5', key: 'e' },
        { id: 't6', key: 'f' },
        { id: 't7', key: 'g' },
      ],
      rules,
      sourceSpec: { where: "source.scope != 'out'" },
      sourceOptions: { evidence: PAGED },
      targetOptions: { evidence: PAGED },
    });
    for (const [source, target] of [
      ['1', 't1'],
      ['2', 't2'],
      ['5', 't5'],
      ['6', 't6'],
    ] as const)
      one.link(source, target);
    return one;
  };
  const APPLIED = [
    'A5 Confirmed UpdateTarget Applied 1→t1',
    'A7 Missing CreateTarget Applied 2→new-1',
    'A12 Found UpdateTarget Linked 3→t3',
    'A11 Absent CreateTarget Applied 4→new-2',
    'B5 SourceMissing DeleteTarget Applied 5→t5',
    'A16 Unqualified Unlink Applied 6→t6',
    'B4 Unassigned DisableTarget Applied -→t7',
  ];

  it.each([
    { evidence: SNAPSHOT, held: [] },
    { evidence: UNPROVED, held: [] },
    { evidence: BROKEN, held: ['B5', 'B4'] },
  ])('on the source, $evidence.complete holds $held', async ({ evidence, held }) => {
    const one = world();
    one.source.evidence = evidence;
    const lines = sentences(await one.run());
    expect(
      lines.filter((line) => line.includes('Held by Evidence')).map((line) => line.split(' ')[0]),
    ).toEqual(held.toSorted((one, two) => (one < two ? -1 : 1)));
    expect(lines.filter((line) => line.includes('Applied') || line.includes('Linked'))).toHaveLength(
      APPLIED.length - held.length,
    );
  });

  it('on the target, No holds what depends on what was not seen; Confirmed and what was seen goes on', async () => {
    const one = world();
    one.target.evidence = BROKEN;
    const held = sentences(await one.run()).filter((line) => line.includes('Held by Evidence'));
    expect(held.map((line) => line.split(' ')[0])).toEqual(['A7', 'A12', 'A11']);
  });

  it('a transactional side that could not be read is not written at all', async () => {
    const one = new World({
      source: [{ id: '1', key: 'a', title: 'new' }],
      target: [{ id: 't1', key: 'a' }],
      targetOptions: { evidence: BROKEN, transactional: true },
    });
    one.link('1', 't1');
    expect(sentences(await one.run())).toEqual(['A5 Confirmed UpdateTarget Held by Evidence 1→t1']);
  });

  it('no approval releases it', async () => {
    const one = world();
    one.source.evidence = BROKEN;
    const { plan } = await one.run();
    one.approve(plan?.digest ?? '');
    expect(sentences(await one.run())).toContain('B5 SourceMissing DeleteTarget Held by Evidence 5→t5');
  });

  it('a correlation that cannot be evaluated holds the withdrawals on Unassigned', async () => {
    const one = new World({
      source: [
        { id: '1', code: 'bad' },
        { id: '2', code: '2' },
      ],
      target: [{ id: 't7', key: 'g' }],
      rules,
      spec: { correlate: [{ expression: 'string(int(source.code))', target: 'code' }] },
    });
    expect(sentences(await one.run())).toEqual([
      'B4 Unassigned DisableTarget Held by Evidence -→t7',
      '- - - Failed ExpressionFailed 1→-',
      'A11 Absent CreateTarget Applied 2→new-1',
    ]);
  });
});

describe('budgets', () => {
  it.each<[Effect, number, number]>([
    ['Create', 100, 50],
    ['Create', 400, 100],
    ['Update', 60, 50],
    ['Update', 400, 200],
    ['Clear', 40, 3],
    ['Clear', 100, 5],
    ['Rename', 100, 5],
    ['Disable', 100, 5],
    ['Delete', 40, 3],
    ['Delete', 100, 5],
    ['RemoveMember', 100, 10],
  ])('%s of %i entries is limited to %i by default', (effect, population, limit) => {
    expect(limitOf(DEFAULT_BUDGETS[effect], population)).toBe(limit);
  });

  it('maxCount caps the limit', () => {
    expect(limitOf({ maxPercent: 50, minCount: 10, maxCount: 7 }, 100)).toBe(7);
  });

  const gone = async (options: WorldOptions, count: number): Promise<World> => {
    const world = await crowd({ rules: LEAVERS, ...options });
    leave(world, count);
    world.source.put(entryOf({ id: 'p39', key: 'k39', title: 'new', phone: '39' }));
    return world;
  };

  it('HoldKind: operations with that effect are held, all others are applied', async () => {
    const world = await gone(usual(), 4);
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'Held',
      totals: { held: 4, applied: 1 },
      exceeded: [{ effect: 'Delete', count: 4, limit: 3, side: 'Target' }],
    });
  });

  it.each([
    ['HoldAll', 'Held'],
    ['Fail', 'Failed'],
  ] as const)('%s: nothing is applied, the run is %s', async (onExceeded, outcome) => {
    const world = await gone(usual({ onExceeded }), 4);
    const result = await world.run();
    expect([result.outcome, result.totals.applied]).toEqual([outcome, 0]);
    expect(world.target.writes).toEqual([]);
  });

  it('within the limit nothing is held', async () => {
    expect((await (await gone(usual(), 3)).run()).outcome).toBe('Succeeded');
  });

  it('what was applied within the window counts', async () => {
    const world = await gone(usual(), 3);
    await world.run();
    leave(world, 4);
    expect((await world.run()).totals.held).toBe(1);
    world.state.now += DAY_MS + HOUR_MS;
    expect((await world.run()).totals.applied).toBe(1);
  });

  it('Create has no limit while the target is empty and nothing is linked, and that does not count later', async () => {
    const world = new World({
      source: PEOPLE,
      spec: { guards: { budgets: [{ effect: 'Create', maxPercent: 0, minCount: 2 }] } },
    });
    expect((await world.run()).totals.applied).toBe(40);
    for (const id of ['n1', 'n2']) world.source.put(entryOf({ id, key: id }));
    expect((await world.run()).totals.applied).toBe(2);
    world.source.put(entryOf({ id: 'n3', key: 'n3' }));
    expect((await world.run()).totals.held).toBe(1);
  });

  it('Update has no limit in the first enforced run', async () => {
    const spec: WorldOptions['spec'] = {
      guards: { budgets: [{ effect: 'Update', maxPercent: 0, minCount: 2 }] },
    };
    const world = new World({
      source: PEOPLE,
      target: PEOPLE.map((row) => ({ ...row, id: `t-${row.id}`, title: 'old' })),
      spec,
    });
    expect((await world.run()).totals.applied).toBe(40);
    for (const row of PEOPLE.slice(0, 3)) world.source.put(entryOf({ ...row, title: 'newer' }));
    expect((await world.run()).totals).toMatchObject({ held: 3, applied: 0 });
  });

  it('Clear counts per attribute, Rename and Disable by themselves, Enable as Update', async () => {
    const attributes = [
      { target: 'title', from: 'title' },
      { target: 'phone', from: 'phone' },
    ];
    const world = await crowd({
      spec: { attributes, guards: { budgets: [{ effect: 'Clear', maxPercent: 0, minCount: 1 }] } },
    });
    world.source.put(entryOf({ id: 'p0', key: 'k0', phone: '0' }));
    world.source.put(entryOf({ id: 'p1', key: 'k1', title: 'x' }));
    expect((await world.run()).totals).toMatchObject({ applied: 2, held: 0 });
    world.source.put(entryOf({ id: 'p2', key: 'k2', phone: '2' }));
    const result = await world.run();
    expect(result.exceeded).toMatchObject([{ effect: 'Clear', attribute: 'title', count: 2, limit: 1 }]);
  });

  it('Rename is limited, and what needs the freed name waits for it', async () => {
    const named = { schema: schemaOf({ name: 'dn' }) };
    const attributes = [
      { target: 'dn', rdn: { attribute: 'key', expression: 'source.title' }, parent: "'dc=org'" },
    ];
    const world = new World({
      source: [{ id: '1', key: 'a', title: 'Ann' }],
      targetOptions: named,
      spec: { attributes, guards: { budgets: [{ effect: 'Rename', maxPercent: 0, minCount: 0 }] } },
    });
    await world.run();
    world.source.put(entryOf({ id: '1', key: 'a', title: 'Eve' }));
    world.source.put(entryOf({ id: '2', key: 'b', title: 'Ann' }));
    expect(sentences(await world.run())).toEqual([
      'A5 Confirmed UpdateTarget Held by Budget 1→new-1',
      'A11 Absent CreateTarget Held by Dependency 2→-',
    ]);
  });

  it('a child of a held parent is held', async () => {
    const named = { schema: schemaOf({ name: 'dn' }) };
    const attributes = [
      {
        target: 'dn',
        rdn: { attribute: 'ou', expression: 'source.title' },
        parent: "source.phone == null ? 'dc=org' : source.phone",
      },
    ];
    const world = new World({
      source: [
        { id: '1', key: 'a', title: 'top' },
        { id: '2', key: 'b', title: 'leaf', phone: 'ou=top,dc=org' },
      ],
      targetOptions: named,
      protect: ["entry.dn == 'ou=top,dc=org'"],
      spec: { attributes },
    });
    expect(sentences(await world.run())).toEqual([
      'A11 Absent CreateTarget Held by Protect 1→-',
      'A11 Absent CreateTarget Held by Dependency 2→-',
    ]);
  });
});

describe('protect', () => {
  it.each([
    { claim: 'names an entry that is never written', protect: "entry.key == 'k0'" },
    { claim: 'protects where it fails', protect: 'int(entry.title) > 1' },
  ])('$claim, and no approval releases it', async ({ protect }) => {
    const world = await crowd({ protect: [protect] });
    world.source.put(entryOf({ id: 'p0', key: 'k0', title: 'Boss' }));
    const first = await world.run();
    expect(sentences(first)).toEqual(['A5 Confirmed UpdateTarget Held by Protect p0→t-p0']);
    world.approve(first.plan?.digest ?? '');
    expect((await world.run()).totals.held).toBe(1);
  });
});

describe('a held plan', () => {
  const held = async (): Promise<{ world: World; digest: string }> => {
    const world = await crowd({ rules: LEAVERS, ...usual() });
    leave(world, 4);
    const { plan } = await world.run();
    return { world, digest: plan?.digest ?? '' };
  };

  it('is released by its digest: exactly those operations, each once', async () => {
    const { world, digest } = await held();
    expect(world.approve(digest)).toBe(true);
    expect((await world.run()).totals).toMatchObject({ applied: 4, held: 0 });
    expect((await world.run()).outcome).toBe('Succeeded');
  });

  it('is released by approvedPlan in the mapping', async () => {
    const { world, digest } = await held();
    world.edit({ spec: { ...world.options.spec, approvedPlan: digest } });
    expect((await world.run()).totals.applied).toBe(4);
  });

  it('new operations stay held under a new digest', async () => {
    const { world, digest } = await held();
    world.approve(digest);
    leave(world, 8);
    const result = await world.run();
    expect(result.totals).toMatchObject({ applied: 4, held: 4 });
    expect(result.plan?.digest).not.toBe(digest);
  });

  it('is the same digest as long as it is the same plan, and keeps its expiry', async () => {
    const { world, digest } = await held();
    world.state.now += HOUR_MS;
    const again = await world.run();
    expect([again.plan?.digest, again.plan?.expiresAt]).toEqual([
      digest,
      world.state.now - HOUR_MS + 7 * DAY_MS,
    ]);
  });

  it('is not released after it has expired, nor by another digest', async () => {
    const { world, digest } = await held();
    expect(world.approve('0'.repeat(32))).toBe(false);
    world.state.now += 7 * DAY_MS + 1;
    expect(world.approve(digest)).toBe(false);
  });

  it('only what the present plan still contains is released', async () => {
    const { world, digest } = await held();
    world.approve(digest);
    world.source.put(entryOf({ ...PEOPLE[0], id: 'p0' }));
    expect((await world.run()).totals).toMatchObject({ applied: 3, held: 0 });
    world.source.remove('p0');
    expect((await world.run()).totals.applied).toBe(1);
  });

  it('a tripped guard alone makes a plan, released once', async () => {
    const world = await crowd({ rules: LEAVERS, spec: { guards: { maxShrinkPercent: 10 } } });
    leave(world, 6);
    const { plan } = await world.run();
    world.approve(plan?.digest ?? '');
    expect((await world.run()).totals).toMatchObject({ applied: 6, held: 0 });
    expect((await world.run()).outcome).toBe('Succeeded');
  });
});
