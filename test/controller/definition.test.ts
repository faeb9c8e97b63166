import { describe, expect, it } from 'vitest';

import { definitionOf, parseWorld, problemsOf, type World } from '../support/manifests.ts';

const ATTRIBUTES = [
  { name: 'mail' },
  { name: 'sn' },
  { name: 'cn' },
  { name: 'status' },
  { name: 'pin', sensitive: true },
  { name: 'password', writeOnly: true, sensitive: true },
  { name: 'entryUUID', readOnly: true },
] as const;
const WORLD: World = { attributes: ATTRIBUTES };
const STATE = { attribute: 'status', disabled: 'off', enabled: 'on' };

describe('problems are listed with their path', () => {
  it.each([
    {
      spec: { attributes: [{ target: 'mial', from: 'mail' }] },
      problem: /^spec\.attributes\.0\.target: ManagedSystem directory object person has no attribute 'mial'/,
    },
    {
      spec: { attributes: [{ target: 'mail', from: 'maill' }] },
      problem: /^spec\.attributes\.0\.from: .* has no attribute 'maill'; did you mean 'mail'\?/,
    },
    {
      spec: { attributes: [{ target: 'mail', from: 'password' }] },
      problem: /^spec\.attributes\.0\.from: attribute 'password' is write-only and cannot be read/,
    },
    {
      spec: { attributes: [{ target: 'entryUUID', from: 'mail' }] },
      problem: /kept by the system itself and cannot be written/,
    },
    {
      spec: { attributes: [{ target: 'mail', expression: 'source.x' }] },
      problem: /^spec\.attributes\.0\.expression: the expression is not valid: unknown attribute/,
    },
    { spec: { attributes: [{ target: 'mail', expression: 'string(now)' }] }, problem: /unknown name 'now'/ },
    {
      spec: { attributes: [{ target: 'mail', from: 'mail', when: 'source.sn' }] },
      problem: /^spec\.attributes\.0\.when: .* it gives a string/,
    },
    {
      spec: { attributes: [{ target: 'mail', expression: "secret('second', 'k')" }] },
      problem: /there is no Secret 'second'/,
    },
    { spec: { correlate: [{ source: 'x', target: 'mail' }] }, problem: /^spec\.correlate\.0\.source: / },
    {
      spec: { correlate: [{ expression: 'target.mail', target: 'mail' }] },
      problem: /^spec\.correlate\.0\.expression: .*unknown name 'target'/,
    },
    {
      spec: { source: { systemRef: { name: 'hr' }, object: 'person', where: 'target.mail' } },
      problem: /^spec\.source\.where: /,
    },
    { protect: ["entry.x == 'a'"], problem: /^spec\.protect\.0: .*unknown attribute 'entry\.x'/ },
    { rules: [{ when: 'source.x == 1' }], problem: /^spec\.rules\.0\.when: / },
    {
      state: { ...STATE, attribute: 'x' },
      problem: /^spec\.objects\.0\.state\.attribute: unknown attribute 'x'/,
    },
    {
      rules: [{ situations: ['Confirmed'], response: 'DisableTarget' }],
      problem:
        /^spec\.rules\.0\.response: DisableTarget needs to know how an account is disabled: declare 'state'/,
    },
    {
      state: STATE,
      spec: { attributes: [{ target: 'status', from: 'mail' }] },
      problem: /^spec\.attributes\.0: 'status' is the account state .* may not be mapped/,
    },
  ] as readonly (World & { problem: RegExp })[])('$problem', ({ problem, ...world }) => {
    expect(problemsOf({ ...WORLD, ...world })).toEqual(
      expect.arrayContaining([expect.stringMatching(problem)]),
    );
  });

  it('all of them at once', () => {
    const attributes = [
      { target: 'a', from: 'mail' },
      { target: 'mail', from: 'b' },
    ];
    expect(problemsOf({ ...WORLD, spec: { attributes }, rules: [{ when: 'x' }] })).toHaveLength(3);
  });

  it('nothing is unknown while the schemas are not', () => {
    const attributes = [{ target: 'anything', from: 'whatever' }];
    expect(problemsOf({ unknownSchemas: true, spec: { attributes } })).toEqual([]);
  });
});

describe('attribute rules', () => {
  const ruleOf = (
    rule: object,
    world: World = WORLD,
  ): ReturnType<typeof definitionOf>['outbound'][number] | undefined =>
    definitionOf({ ...world, spec: { attributes: [rule] } as World['spec'] }).outbound[0];

  it.each([
    { what: 'a plain copy', rule: { target: 'mail', from: 'mail' }, sensitive: false },
    { what: 'a sensitive target', rule: { target: 'pin', from: 'mail' }, sensitive: true },
    { what: 'a copy of a sensitive source', rule: { target: 'mail', from: 'pin' }, sensitive: true },
    {
      what: 'an expression over a sensitive source',
      rule: { target: 'mail', expression: "source.sn + coalesce(source.pin, '')" },
      sensitive: true,
    },
    {
      what: 'an expression over a sensitive target',
      rule: { target: 'mail', expression: 'target.pin' },
      sensitive: true,
    },
    { what: 'a secret', rule: { target: 'mail', expression: "secret('first', 'k')" }, sensitive: true },
    {
      what: 'a secret in a name',
      rule: { target: 'cn', rdn: { attribute: 'cn', expression: "secret('first', 'k')" }, parent: "''" },
      sensitive: true,
    },
    { what: 'a write-only target', rule: { target: 'password', from: 'mail' }, sensitive: true },
    {
      what: 'a sensitive condition alone',
      rule: { target: 'mail', from: 'mail', when: "source.pin != 'x'" },
      sensitive: false,
    },
  ])('$what: sensitive $sensitive', ({ rule, sensitive }) => {
    expect(ruleOf(rule)?.sensitive).toBe(sensitive);
  });

  it('the same name on the other side is not the same attribute', () => {
    const sourceAttributes = [{ name: 'pin' }, { name: 'mail' }];
    expect(ruleOf({ target: 'mail', from: 'pin' }, { ...WORLD, sourceAttributes })?.sensitive).toBe(false);
  });

  it.each([
    { rule: { target: 'mail', from: 'mail' }, on: [true, true] },
    { rule: { target: 'mail', from: 'mail', on: ['Update'] }, on: [false, true] },
    { rule: { target: 'password', from: 'mail' }, on: [true, false] },
    { rule: { target: 'password', from: 'mail', on: ['Create', 'Update'] }, on: [true, true] },
    { rule: { target: 'uid', from: 'mail' }, on: [true, false] },
  ])('$rule is written on create and on update: $on', ({ rule, on }) => {
    const parsed = ruleOf(rule);
    expect([parsed?.onCreate, parsed?.onUpdate]).toEqual(on);
  });
});

describe('what is read', () => {
  const reads = (world: World): [readonly string[], readonly string[]] => {
    const { source, target } = definitionOf({ ...WORLD, ...world });
    return [source.request.attributes, target.request.attributes];
  };
  const side = (name: string, more: object): object => ({ systemRef: { name }, object: 'person', ...more });

  it.each([
    {
      field: 'from',
      world: { spec: { attributes: [{ target: 'cn', from: 'mail' }] } },
      read: [['mail'], ['cn']],
    },
    {
      field: 'expression',
      world: { spec: { attributes: [{ target: 'cn', expression: 'source.sn + target.mail' }] } },
      read: [['sn'], ['cn', 'mail']],
    },
    {
      field: 'rdn and parent',
      world: {
        spec: {
          attributes: [
            { target: 'cn', rdn: { attribute: 'cn', expression: 'source.sn' }, parent: 'source.mail' },
          ],
        },
      },
      read: [['mail', 'sn'], ['cn']],
    },
    {
      field: 'when of an attribute',
      world: {
        spec: { attributes: [{ target: 'cn', value: 'x', when: 'has(source.sn) && has(target.mail)' }] },
      },
      read: [['sn'], ['cn', 'mail']],
    },
    {
      field: 'inbound',
      world: { spec: { inbound: [{ source: 'mail', from: 'cn' }] } },
      read: [['mail'], ['cn']],
    },
    {
      field: 'correlate',
      world: {
        spec: {
          correlate: [
            { source: 'sn', target: 'cn' },
            { expression: 'source.mail', target: 'mail' },
          ],
        },
      },
      read: [
        ['mail', 'sn'],
        ['cn', 'mail'],
      ],
    },
    {
      field: 'where and deletedWhen',
      world: {
        spec: {
          source: side('hr', { where: 'has(source.sn)', deletedWhen: 'has(source.mail)' }),
          target: side('directory', { where: 'has(target.cn)' }),
        },
      },
      read: [['mail', 'sn'], ['cn']],
    },
    {
      field: 'when of a policy',
      world: { rules: [{ when: 'has(source.sn) && has(target.cn)' }] },
      read: [['sn'], ['cn']],
    },
    { field: 'protect', world: { protect: ['has(entry.cn)'] }, read: [['cn'], ['cn']] },
    { field: 'state', world: { state: STATE }, read: [['status'], ['status']] },
    {
      field: 'a write-only target, which cannot be read',
      world: { spec: { attributes: [{ target: 'password', from: 'mail' }] } },
      read: [['mail'], []],
    },
  ] as readonly { field: string; world: World; read: [string[], string[]] }[])(
    '$field',
    ({ world, read }) => {
      expect(reads(world)).toEqual(read);
    },
  );
});

describe('time', () => {
  it.each([
    { what: 'nothing', world: {}, depends: false },
    {
      what: 'now in where',
      world: {
        spec: {
          target: {
            systemRef: { name: 'directory' },
            object: 'person',
            where: "now > timestamp('2024-01-01T00:00:00Z')",
          },
        },
      },
      depends: true,
    },
    { what: 'now in a policy', world: { rules: [{ when: 'link.linkedAt < now' }] }, depends: true },
    {
      what: 'after on Confirmed',
      world: { rules: [{ situations: ['Confirmed'], after: '24h' }] },
      depends: true,
    },
    {
      what: 'after on SourceMissing',
      world: { rules: [{ situations: ['SourceMissing'], after: '24h' }] },
      depends: false,
    },
  ] as readonly { what: string; world: World; depends: boolean }[])(
    '$what: depends on time $depends',
    ({ world, depends }) => {
      expect(definitionOf({ ...WORLD, ...world }).dependsOnTime).toBe(depends);
    },
  );
});

describe('the epoch', () => {
  const attributes = [{ target: 'cn', expression: "source.sn + secret('first', 'k')" }];
  const base: World = { ...WORLD, spec: { attributes }, rules: [] };
  const epochOf = (world: World): string => definitionOf(world).epoch;

  it.each([
    { what: 'suspend', spec: { suspend: true } },
    { what: 'mode', spec: { mode: 'Observe' } },
    { what: 'interval', spec: { interval: '5m' } },
    { what: 'schedule', spec: { schedule: '0 2 * * *', timeZone: 'UTC' } },
    { what: 'guards', spec: { guards: { window: '48h', maxShrinkPercent: 1, onExceeded: 'Fail' } } },
    { what: 'approvedPlan', spec: { approvedPlan: 'abc' } },
    { what: 'linksFrom', spec: { linksFrom: 'old' } },
  ])('stays the same when $what changes', ({ spec }) => {
    expect(epochOf({ ...base, spec: { ...base.spec, ...spec } as World['spec'] })).toBe(epochOf(base));
  });

  it.each([
    { what: 'an attribute rule', world: { spec: { attributes: [{ target: 'cn', from: 'sn' }] } } },
    {
      what: 'a correlation rule',
      world: { spec: { attributes, correlate: [{ source: 'sn', target: 'cn' }] } },
    },
    { what: 'an inbound rule', world: { spec: { attributes, inbound: [{ source: 'sn', from: 'cn' }] } } },
    {
      what: 'a filter',
      world: {
        spec: { attributes, target: { systemRef: { name: 'directory' }, object: 'person', filter: '(a=b)' } },
      },
    },
    {
      what: 'a where',
      world: {
        spec: {
          attributes,
          source: { systemRef: { name: 'hr' }, object: 'person', where: 'has(source.sn)' },
        },
      },
    },
    { what: 'a policy rule', world: { rules: [{ response: 'Report' }] } },
    { what: 'a protect expression', world: { protect: ["entry.uid == 'root'"] } },
    { what: 'the account state', world: { state: STATE } },
    {
      what: 'a matching rule of the schema',
      world: { attributes: [{ name: 'sn', match: 'IgnoreCase' }, { name: 'cn' }] },
    },
    { what: 'a secret', world: { secret: 'another' } },
    { what: "the mapping's name", world: { name: 'renamed' } },
  ] as readonly { what: string; world: World }[])('changes with $what', ({ world }) => {
    expect(epochOf({ ...base, ...world })).not.toBe(epochOf(base));
  });

  it('shows nothing of a secret', () => {
    expect(JSON.stringify(definitionOf(base))).not.toContain('hush');
  });
});

describe('which sides may be written', () => {
  it.each([
    {
      what: 'the defaults with an attribute',
      world: { spec: { attributes: [{ target: 'cn', from: 'sn' }] } },
      asks: [false, true],
    },
    {
      what: 'a policy that only reports',
      world: { rules: [{ situations: ['Confirmed', 'Found', 'Absent'], response: 'Report' }] },
      asks: [false, false],
    },
    {
      what: 'a report for one change only',
      world: {
        rules: [{ situations: ['Found', 'Absent'] }, { change: 'TargetDrifted' }],
        spec: { attributes: [{ target: 'cn', from: 'sn' }] },
      },
      asks: [false, true],
    },
    {
      what: 'CreateSource',
      world: {
        rules: [
          { situations: ['Unassigned'], response: 'CreateSource' },
          { situations: ['Confirmed', 'Found', 'Absent'] },
        ],
      },
      asks: [true, false],
    },
    {
      what: 'UpdateSource without an inbound rule',
      world: { rules: [{ response: 'UpdateSource' }, { situations: ['Found', 'Absent'] }] },
      asks: [false, false],
    },
  ] as readonly { what: string; world: World; asks: [boolean, boolean] }[])(
    '$what: source and target $asks',
    ({ world, asks }) => {
      const parsed = parseWorld({ ...WORLD, ...world });
      expect(parsed.kind === 'Parsed' && [parsed.asks.Source, parsed.asks.Target]).toEqual(asks);
    },
  );
});
