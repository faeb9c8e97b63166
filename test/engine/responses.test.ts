/* oxlint-disable max-lines -- a table is read in one place */
/** Responses of SITUATIONS.md: authors, defaults, what each response does, clocks, shared targets, marks. */
import { describe, expect, it } from 'vitest';
import { RESPONSES } from '../../src/engine/defaults.ts';
import { SITUATIONS } from '../../src/engine/definition.ts';
import { BROKEN, PAGED } from '../support/memory-side.ts';
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

const OTHERS = { source: { id: '9', key: 'z', title: 'x' }, target: { id: 't9', key: 'z', title: 'x' } };

function rule(
  situation: Rule['situations'][number],
  response: Rule['response'],
  more: Partial<Rule> = {},
): Rule {
  return { name: `${situation}-${response}`, situations: [situation], response, ...more };
}

/** A pair in sync, beside another one, both settled. */
async function pairWorld(
  options: WorldOptions = {},
  person: Row = { id: '1', key: 'a', title: 'Boss' },
): Promise<World> {
  const world = new World({ source: [person, OTHERS.source], target: [OTHERS.target], ...options });
  world.link('9', 't9');
  await world.run();
  world.target.writes = [];
  return world;
}

function put(side: World['target'], row: Row): void {
  side.put(entryOf(row));
}

describe('the author of a difference', () => {
  it.each([
    {
      author: 'SourceChanged',
      source: 'Chief',
      target: 'Boss',
      when: 'desired is not what was agreed, actual is',
    },
    {
      author: 'TargetDrifted',
      source: 'Boss',
      target: 'Clown',
      when: 'actual is not what was agreed, desired is',
    },
    { author: 'Conflict', source: 'Chief', target: 'Clown', when: 'neither is what was agreed' },
  ])('$author: $when', async ({ author, source, target }) => {
    const world = await pairWorld({ rules: [] });
    put(world.source, { id: '1', key: 'a', title: source });
    put(world.target, { id: 'new-1', key: 'a', title: target });
    const { records } = await world.run();
    const [record] = records.filter(({ source: id }) => id === '1');
    expect(record).toMatchObject({
      row: 'A5',
      changes: [author],
      response: 'UpdateTarget',
      outcome: 'Applied',
    });
    expect(record?.differences).toEqual([{ attribute: 'title', author, from: [target], to: [source] }]);
  });

  it('NeverAgreed: nothing is remembered', async () => {
    const world = new World({
      source: [{ id: '1', key: 'a', title: 'Boss' }],
      target: [{ id: 't1', key: 'a', title: 'Clown' }],
    });
    world.link('1', 't1');
    expect((await world.run()).records[0]).toMatchObject({ changes: ['NeverAgreed'] });
  });

  it('what is equal is in sync, whatever is remembered, and is agreed on from then on', async () => {
    const world = await pairWorld();
    for (const [side, id] of [
      [world.source, '1'],
      [world.target, 'new-1'],
    ] as const)
      put(side, { id, key: 'a', title: 'Chief' });
    expect((await world.run()).totals.inSync).toBe(2);
    put(world.target, { id: 'new-1', key: 'a', title: 'Boss' });
    expect((await world.run()).records[0]).toMatchObject({ changes: ['TargetDrifted'] });
  });

  it('what is equal is agreed on although another attribute differs', async () => {
    const world = await pairWorld({ rules: [rule('Confirmed', 'Report')] });
    put(world.source, { id: '1', key: 'b', title: 'Chief' });
    put(world.target, { id: 'new-1', key: 'b', title: 'Boss' });
    await world.run();
    put(world.target, { id: 'new-1', key: 'a', title: 'Boss' });
    const { records } = await world.run();
    expect(records[0]?.differences.map(({ attribute, author }) => [attribute, author])).toEqual([
      ['key', 'TargetDrifted'],
      ['title', 'SourceChanged'],
    ]);
  });
});

describe('rules for Confirmed', () => {
  const phones: WorldOptions = {
    spec: {
      attributes: [
        { target: 'title', from: 'title' },
        { target: 'phone', from: 'phone' },
      ],
      inbound: [{ source: 'phone', from: 'phone' }],
    },
    rules: [rule('Confirmed', 'UpdateSource', { change: 'TargetDrifted' })],
  };

  it('each author is answered by its own rule, what no rule can write goes on to the default', async () => {
    const world = await pairWorld(phones, { id: '1', key: 'a', title: 'Boss', phone: '1' });
    put(world.source, { id: '1', key: 'a', title: 'Chief', phone: '1' });
    put(world.target, { id: 'new-1', title: 'Boss', phone: '2' });
    expect(sentences(await world.run())).toEqual([
      'A5 Confirmed UpdateSource Applied 1→new-1',
      'A5 Confirmed UpdateTarget Applied 1→new-1',
    ]);
    expect(world.sources().find(({ id }) => id === '1')).toMatchObject({ title: 'Chief', phone: '2' });
    expect(world.targets().find(({ id }) => id === 'new-1')).toMatchObject({ title: 'Chief', phone: '2' });
  });

  it('UpdateSource takes only what an inbound rule writes', async () => {
    const world = await pairWorld(phones, { id: '1', key: 'a', title: 'Boss', phone: '1' });
    put(world.target, { id: 'new-1', title: 'Clown', phone: '1' });
    expect(sentences(await world.run())).toEqual(['A5 Confirmed UpdateTarget Applied 1→new-1']);
  });

  it('what nothing can write is Reported', async () => {
    const world = new World({
      source: [{ id: '1', key: 'a', phone: '1' }],
      target: [{ id: 't1', key: 'a', phone: '2' }],
      spec: { attributes: [], inbound: [{ source: 'phone', from: 'phone' }] },
    });
    world.link('1', 't1');
    expect(sentences(await world.run())).toEqual(['A5 Confirmed Report Reported 1→t1']);
  });

  it('a whole-entry response wins over attribute-wise ones, the earliest first', async () => {
    const rules = [
      rule('Confirmed', 'UpdateTarget', { change: 'SourceChanged' }),
      rule('Confirmed', 'DisableTarget', { when: "source.title == 'Chief'" }),
    ];
    const world = await pairWorld({ rules });
    put(world.source, { id: '1', key: 'a', title: 'Chief' });
    expect(sentences(await world.run())).toEqual(['A5 Confirmed DisableTarget Applied 1→new-1']);
    expect(world.targets().find(({ id }) => id === 'new-1')).toMatchObject({ title: 'Boss', state: 'off' });
  });

  it('a rule passed over leaves its reason', async () => {
    const world = await pairWorld({
      rules: [rule('Confirmed', 'Report', { name: 'bosses', when: "source.title == 'Boss'" })],
    });
    put(world.source, { id: '1', key: 'a', title: 'Chief' });
    expect((await world.run()).records[0]?.passedOver).toEqual(['bosses: when is false']);
  });

  it('a condition that fails fails the entry, and no later rule is tried', async () => {
    const world = await pairWorld({
      rules: [
        rule('Confirmed', 'UpdateTarget', { when: 'int(source.title) > 1' }),
        rule('Confirmed', 'Report'),
      ],
    });
    put(world.source, { id: '1', key: 'a', title: 'Chief' });
    const result = await world.run();
    expect(sentences(result)).toEqual(['- - - Failed ExpressionFailed 1→new-1']);
    expect(result.outcome).toBe('Degraded');
  });
});

describe('defaults', () => {
  it('nothing that withdraws from an account is a default', () => {
    const defaults = SITUATIONS.map((one) => RESPONSES[one].byDefault);
    expect(defaults.filter((response) => /^(Delete|Disable|Clear)/.test(response))).toEqual([]);
  });

  it.each([
    ['Confirmed', 'UpdateTarget'],
    ['Found', 'UpdateTarget'],
    ['Moved', 'Report'],
    ['FoundAlreadyLinked', 'Report'],
    ['Absent', 'CreateTarget'],
    ['Ambiguous', 'Report'],
    ['Missing', 'Report'],
    ['Unqualified', 'Report'],
    ['SourceIgnored', 'Ignore'],
    ['TargetIgnored', 'Ignore'],
    ['Unassigned', 'Report'],
    ['SourceMissing', 'Report'],
    ['SourceDeleted', 'Report'],
    ['LinkOnly', 'Unlink'],
    ['AllGone', 'Unlink'],
  ] as const)('%s: %s', (situation, response) => {
    expect(RESPONSES[situation].byDefault).toBe(response);
    expect(RESPONSES[situation].allowed).toContain(response);
  });
});

describe('evenIfNeverLinked', () => {
  it.each([
    { row: 'A2', situation: 'SourceDeleted', mark: { gone: 'yes' } },
    { row: 'A18', situation: 'Unqualified', mark: { scope: 'out' } },
    { row: 'A12', situation: 'Found', mark: {} },
  ] as const)('$row: a deletion is passed over without it', async ({ row, situation, mark }) => {
    const options: WorldOptions = {
      source: [{ id: '1', key: 'a', ...mark }, OTHERS.source],
      target: [{ id: 't1', key: 'a' }, OTHERS.target],
      sourceSpec: { where: "source.scope != 'out'", deletedWhen: "source.gone == 'yes'" },
      rules: [rule(situation, 'DeleteTarget'), rule('Absent', 'Report')],
    };
    const careful = new World(options);
    const first = await careful.run();
    expect(careful.target.entries.has('t1')).toBe(true);
    expect(first.records.find(({ source }) => source === '1')?.passedOver[0]).toContain('never linked');
    const asked = [rule(situation, 'DeleteTarget', { evenIfNeverLinked: true }), rule('Absent', 'Report')];
    const bold = new World({ ...options, rules: asked });
    expect(sentences(await bold.run())).toContain(`${row} ${situation} DeleteTarget Applied 1→t1`);
  });
});

describe('what a response does', () => {
  it.each([
    { row: 'A12', response: 'Link', expected: 'A12 Found Link Linked 1→t1', title: 'Clown' },
    { row: 'A12', response: 'UpdateTarget', expected: 'A12 Found UpdateTarget Applied 1→t1', title: 'Boss' },
  ] as const)('$row: $response links', async ({ response, expected, title }) => {
    const world = new World({
      source: [{ id: '1', key: 'a', title: 'Boss' }],
      target: [{ id: 't1', key: 'a', title: 'Clown' }],
      rules: [rule('Found', response)],
    });
    expect(sentences(await world.run())).toEqual([expected]);
    expect([world.links(), world.targets()[0]?.['title']]).toEqual([['1→t1'], title]);
  });

  it("Unlink on A8 removes the entry's own link, on A14 the old source's", async () => {
    const world = new World({
      source: [
        { id: '1', key: 'a' },
        { id: '2', key: 'b' },
      ],
      target: [
        { id: 't1', key: 'a' },
        { id: 't2', key: 'b' },
      ],
      rules: [rule('Moved', 'Unlink')],
    });
    world.link('1', 'gone');
    world.link('old', 't2');
    expect(sentences(await world.run())).toEqual([
      'A8 Moved Unlink Applied 1→t1',
      'A14 Moved Unlink Applied 2→t2',
    ]);
    expect(world.links()).toEqual([]);
  });

  it('UpdateTarget on A8 and A14 re-points the link', async () => {
    const world = new World({
      source: [
        { id: '1', key: 'a' },
        { id: '2', key: 'b' },
      ],
      target: [
        { id: 't1', key: 'a' },
        { id: 't2', key: 'b' },
      ],
      rules: [rule('Moved', 'UpdateTarget')],
    });
    world.link('1', 'gone');
    world.link('old', 't2');
    await world.run();
    expect(world.links()).toEqual(['1→t1', '2→t2']);
  });

  it('a create whose id exists is refused, naming the holder', async () => {
    const byWriter = { schema: schemaOf({ idChosenBy: 'Writer' }) };
    const spec: WorldOptions['spec'] = { correlate: [], attributes: [{ target: 'id', from: 'key' }] };
    const world = new World({
      source: [
        { id: '1', key: 'a' },
        { id: '2', key: 'b' },
        { id: '3', key: 'b' },
      ],
      target: [{ id: 'a' }],
      targetOptions: byWriter,
      spec,
    });
    const { records, outcome } = await world.run();
    expect(
      records
        .filter(({ row }) => row === 'A11')
        .map(({ source, outcome: end, error }) => [source, end, error?.message]),
    ).toEqual([
      ['1', 'Refused', "'a' exists in default/to account"],
      ['2', 'Applied', undefined],
      ['3', 'Refused', "'b' is about to be created for '2'"],
    ]);
    expect(outcome).toBe('Degraded');
  });

  it('an update writes only what differs, value by value', async () => {
    const world = await pairWorld(
      { spec: { attributes: [{ target: 'tags', from: 'tags' }] } },
      { id: '1', key: 'a', tags: ['x', 'y'] },
    );
    put(world.source, { id: '1', key: 'a', tags: ['z', 'x'] });
    await world.run();
    expect(world.target.writes).toEqual([{ kind: 'Update', id: 'new-1', attributes: ['tags'] }]);
    expect(world.targets().find(({ id }) => id === 'new-1')?.['tags']).toEqual(['z', 'x']);
  });

  it('Add never removes, Weak leaves what is there', async () => {
    const world = new World({
      source: [{ id: '1', key: 'a', tags: ['x'], title: 'Boss' }],
      target: [{ id: 't1', key: 'a', tags: ['y'], title: 'Clown' }],
      spec: {
        attributes: [
          { target: 'tags', from: 'tags', merge: 'Add' },
          { target: 'title', from: 'title', strength: 'Weak' },
        ],
      },
    });
    await world.run();
    expect(world.targets()).toEqual([{ id: 't1', key: 'a', tags: ['y', 'x'], title: 'Clown' }]);
  });

  it('CreateSource also links, DeleteSource also unlinks', async () => {
    const inbound = [{ source: 'id', expression: "'s-' + target.id" }];
    const world = new World({
      source: [OTHERS.source, { id: '2', key: 'q' }],
      target: [OTHERS.target, { id: 't1', key: 'a' }],
      spec: { inbound },
      rules: [rule('Unassigned', 'CreateSource'), rule('Missing', 'DeleteSource')],
    });
    world.link('2', 'gone');
    expect(sentences(await world.run())).toEqual([
      'A7 Missing DeleteSource Applied 2→gone',
      'A12 Found UpdateTarget Linked 9→t9',
      'B4 Unassigned CreateSource Applied s-t1→t1',
    ]);
    expect(world.links()).toEqual(['9→t9', 's-t1→t1']);
  });

  it('Fail counts as failed, Ignore as nothing, and what is already so is in sync', async () => {
    const world = new World({
      source: [
        { id: '1', key: 'a', gone: 'yes' },
        { id: '2', key: 'b' },
      ],
      sourceSpec: { deletedWhen: "source.gone == 'yes'" },
      rules: [rule('Absent', 'Fail')],
    });
    const result = await world.run();
    expect(sentences(result)).toEqual([
      'A4 AllGone Unlink InSync 1→-',
      'A11 Absent Fail Failed FailedByPolicy 2→-',
    ]);
    expect(result.totals).toMatchObject({ inSync: 1, planned: 1, failed: 1 });
  });

  it('a rename is written by the new name, its attributes are left out of the change', async () => {
    const named = { schema: schemaOf({ name: 'dn' }) };
    const spec: WorldOptions['spec'] = {
      attributes: [
        { target: 'dn', rdn: { attribute: 'key', expression: 'source.title' }, parent: "'dc=org'" },
        { target: 'key', from: 'title' },
      ],
    };
    const world = await pairWorld({
      targetOptions: named,
      target: [{ ...OTHERS.target, dn: 'key=x,dc=org' }],
      spec,
    });
    put(world.source, { id: '1', key: 'a', title: 'Chief, the' });
    await world.run();
    expect(world.target.writes).toEqual([{ kind: 'Update', id: 'new-1', attributes: ['name'] }]);
    expect(world.targets().find(({ id }) => id === 'new-1')?.dn).toBe(String.raw`key=Chief\, the,dc=org`);
  });
});

describe('disable marks', () => {
  const rules = [rule('SourceMissing', 'DisableTarget')];

  it('a leaver is disabled once, and enabled again when the person is back', async () => {
    const world = await pairWorld({ rules });
    world.source.remove('1');
    expect(sentences(await world.run())).toEqual(['B5 SourceMissing DisableTarget Applied 1→new-1']);
    expect(sentences(await world.run())).toEqual(['B5 SourceMissing DisableTarget InSync 1→new-1']);
    put(world.source, { id: '1', key: 'a', title: 'Boss' });
    expect(sentences(await world.run())).toEqual(['A5 Confirmed UpdateTarget Applied 1→new-1']);
    expect(world.targets().find(({ id }) => id === 'new-1')).toMatchObject({ state: 'on' });
    expect((await world.run()).totals.inSync).toBe(2);
  });

  it("without the mark the state is never touched: an administrator's lock stays", async () => {
    const world = await pairWorld({ rules });
    put(world.target, { id: 'new-1', key: 'a', title: 'Boss', state: 'off' });
    expect((await world.run()).totals.inSync).toBe(2);
    expect(world.target.writes).toEqual([]);
  });

  it('the mark is dropped when the entry is seen not disabled', async () => {
    const world = await pairWorld({ rules });
    world.source.remove('1');
    await world.run();
    put(world.target, { id: 'new-1', key: 'a', title: 'Boss', state: 'on' });
    put(world.source, { id: '1', key: 'a', title: 'Boss' });
    await world.run();
    expect(world.memory().marks('Target').size).toBe(0);
  });

  it('a linked entry that carries the mark is present although where refuses it', async () => {
    const world = await pairWorld({ rules, targetSpec: { where: "target.state != 'off'" } });
    world.source.remove('1');
    await world.run();
    put(world.source, { id: '1', key: 'a', title: 'Boss' });
    expect(sentences(await world.run())).toEqual(['A5 Confirmed UpdateTarget Applied 1→new-1']);
  });

  it('the mark outlives the link', async () => {
    const world = await pairWorld({ rules });
    world.source.remove('1');
    await world.run();
    world.memory().links.remove('1');
    put(world.source, { id: '2', key: 'a', title: 'Boss' });
    expect(sentences(await world.run())).toEqual(['A12 Found UpdateTarget Applied 2→new-1']);
    expect(world.targets().find(({ id }) => id === 'new-1')).toMatchObject({ state: 'on' });
  });
});

describe('write-only attributes', () => {
  const secrets = (value: string): WorldOptions => ({ secret: () => value });
  const attributes = [
    { target: 'key', from: 'key' },
    { target: 'password', expression: "secret('initial', 'value')" },
  ];

  it('are written on create by default, and never shown', async () => {
    const world = await pairWorld({ spec: { attributes }, ...secrets('s3cret') });
    expect(JSON.stringify((await world.run()).records)).not.toContain('s3cret');
    world.edit(secrets('0ther'));
    await world.run();
    expect(world.target.writes).toEqual([]);
  });

  it('are compared with what was last written where the rule says Update', async () => {
    const both = attributes.map((one) =>
      one.target === 'password' ? { ...one, on: ['Create' as const, 'Update' as const] } : one,
    );
    const world = await pairWorld({ spec: { attributes: both }, ...secrets('s3cret') });
    await world.run();
    expect(world.target.writes).toEqual([]);
    world.edit(secrets('0ther'));
    expect((await world.run()).records[0]?.differences).toEqual([
      { attribute: 'password', author: 'SourceChanged', from: [], to: ['[secret]'] },
    ]);
    expect(world.target.writes).toEqual([{ kind: 'Update', id: 'new-1', attributes: ['password'] }]);
  });
});

describe('after', () => {
  const rules = [
    rule('SourceMissing', 'DeleteTarget', { after: '720h' }),
    rule('SourceMissing', 'DisableTarget'),
  ];
  const leaver = async (): Promise<World> => {
    const world = await pairWorld({ rules, sourceOptions: { evidence: PAGED } });
    world.source.remove('1');
    await world.run();
    return world;
  };

  it('counts from the first run that saw the situation, over restarts', async () => {
    const world = await leaver();
    world.state.now += 719 * HOUR_MS;
    expect((await world.run()).records[0]?.passedOver).toEqual([
      'SourceMissing-DeleteTarget: the situation has lasted 719 h, the rule asks for 720 h',
    ]);
    world.state.now += HOUR_MS;
    expect(sentences(await world.run())).toEqual(['B5 SourceMissing DeleteTarget Applied 1→new-1']);
  });

  it('starts again when the entry was back, seen by a complete run', async () => {
    const world = await leaver();
    put(world.source, { id: '1', key: 'a', title: 'Boss' });
    await world.run();
    world.source.remove('1');
    world.state.now += 720 * HOUR_MS;
    expect(sentences(await world.run())).toEqual(['B5 SourceMissing DisableTarget Applied 1→new-1']);
  });

  it('a run with a No read drops only the clocks of entries that it saw in another situation', async () => {
    const seen = await leaver();
    put(seen.source, { id: '1', key: 'a', title: 'Boss' });
    seen.target.evidence = BROKEN;
    await seen.run();
    expect([...seen.memory().since()].map(({ situation }) => situation)).toEqual([]);
    const unseen = await leaver();
    unseen.target.evidence = BROKEN;
    unseen.target.missed.add('new-1');
    unseen.source.unreadable.add('1');
    await unseen.run();
    expect([...unseen.memory().since()].map(({ situation }) => situation)).toEqual(['SourceMissing']);
  });

  it('a failed entry leaves its clock', async () => {
    const world = await leaver();
    world.source.unreadable.add('1');
    await world.run();
    expect([...world.memory().since()].map(({ situation }) => situation)).toEqual(['SourceMissing']);
  });
});

describe('shared targets', () => {
  const rules = (['SourceMissing', 'SourceDeleted', 'Unqualified'] as const).map((one) =>
    rule(one, 'DeleteTarget'),
  );
  const spec: WorldOptions = {
    rules,
    sourceSpec: { where: "source.scope != 'out'", deletedWhen: "source.gone == 'yes'" },
  };

  it.each([
    { row: 'A1', situation: 'SourceDeleted', old: { gone: 'yes' } },
    { row: 'A16', situation: 'Unqualified', old: { scope: 'out' } },
  ])(
    '$row: while another source entry wants the target a deletion is reduced to Unlink',
    async ({ row, situation, old }) => {
      const world = new World({
        ...spec,
        source: [
          { id: '1', key: 'b', ...old },
          { id: '2', key: 'a' },
        ],
        target: [{ id: 't1', key: 'a' }],
      });
      world.link('1', 't1');
      expect(sentences(await world.run())).toEqual([
        `${row} ${situation} Unlink Applied 1→t1`,
        'A14 Moved Report Reported 2→t1',
      ]);
      expect(sentences(await world.run())).toContain('A12 Found UpdateTarget Linked 2→t1');
    },
  );

  it('while another mapping links the entry, the last holder lets go', async () => {
    const world = new World({
      ...spec,
      source: [OTHERS.source],
      target: [{ id: 't1', key: 'a' }, OTHERS.target],
    });
    const other = new World({
      ...spec,
      name: 'guests',
      state: world.state,
      target: world.target,
      source: [{ id: 'g1', key: 'a' }],
    });
    world.link('1', 't1');
    other.link('g1', 't1');
    const { records } = await world.run();
    expect(sentences({ records })).toContain('B5 SourceMissing Unlink Applied 1→t1');
    expect(records[0]?.passedOver).toEqual([
      'DeleteTarget is reduced to Unlink: still held by default/guests',
    ]);
  });

  it('Dependency: nothing is withdrawn until the other mapping has looked after it was first seen', async () => {
    const both = ['default/people', 'default/guests'];
    const world = new World({
      ...spec,
      source: [OTHERS.source],
      target: [{ id: 't1', key: 'a' }, OTHERS.target],
      siblings: both.slice(1),
    });
    const other = new World({
      ...spec,
      name: 'guests',
      state: world.state,
      target: world.target,
      source: [{ id: 'g2', key: 'q' }],
      siblings: both.slice(0, 1),
      spec: { mode: 'Observe' },
    });
    world.link('1', 't1');
    await other.run();
    expect(sentences(await world.run())).toContain('B5 SourceMissing DeleteTarget Held by Dependency 1→t1');
    other.source.evidence = BROKEN;
    await other.run();
    expect(sentences(await world.run())).toContain('B5 SourceMissing DeleteTarget Held by Dependency 1→t1');
    other.source.evidence = PAGED;
    await other.run();
    expect(sentences(await world.run())).toContain('B5 SourceMissing DeleteTarget Applied 1→t1');
  });

  it('what the other mapping wants, in Observe mode too, is not withdrawn', async () => {
    const world = new World({
      ...spec,
      source: [OTHERS.source],
      target: [{ id: 't1', key: 'a' }, OTHERS.target],
      siblings: ['default/guests'],
    });
    const other = new World({
      ...spec,
      name: 'guests',
      state: world.state,
      target: world.target,
      source: [{ id: 'g1', key: 'a' }],
      spec: { mode: 'Observe' },
    });
    world.link('1', 't1');
    await world.run();
    await other.run();
    expect(sentences(await world.run())).toContain('B5 SourceMissing Unlink Applied 1→t1');
  });
});
