/** The oracle's world, acted out by the engine: generated, brought into systems in memory, and read back. */
import fc from 'fast-check';
import { policyProblems } from '../../src/controller/definition-policy.ts';
import { RESPONSES } from '../../src/engine/defaults.ts';
import { SITUATIONS, type Author, type Situation } from '../../src/engine/definition.ts';
import { PAGED } from '../support/memory-side.ts';
import { entryOf, State, World, type Report, type Row, type Rule } from '../support/world.ts';
import {
  BLANK,
  type Toy,
  type ToyMapping,
  type ToyRule,
  type ToySide,
  type ToyWorld,
  type When,
} from './oracle.ts';

const SOURCE_IDS = ['1', '2', '3', '4', '5'];
const TARGET_IDS = ['t1', 't2', 't3', 't4', 't5'];

export type Edit =
  | { readonly kind: 'Put'; readonly side: 'Source' | 'Target'; readonly entry: Toy; readonly again: boolean }
  | { readonly kind: 'Remove'; readonly side: 'Source' | 'Target'; readonly at: number }
  | { readonly kind: 'Link'; readonly source: string; readonly target: string }
  | { readonly kind: 'Unlink'; readonly at: number };

export interface Step {
  readonly mapping: number;
  readonly edits: readonly Edit[];
  readonly source: ToySide['evidence'];
  readonly target: ToySide['evidence'];
  readonly unreadable: readonly string[];
}

export interface Story {
  readonly world: ToyWorld;
  readonly steps: readonly Step[];
}

// --- generating -----------------------------------------------------------------------------------------------

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  );
const keys = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', 'd').map((key) => [key]) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 2 }) },
);
const others = fc.uniqueArray(fc.constantFrom('o', 'p'), { maxLength: 2 });

function toy(ids: readonly string[]): fc.Arbitrary<Toy> {
  return fc.record({
    id: fc.constantFrom(...ids),
    key: keys,
    other: others,
    code: mostly<string | undefined>(undefined, 'k', 'l', 'bad'),
    title: fc.constantFrom('x', 'y', undefined),
    phone: fc.constantFrom('1', '2', undefined),
    scope: mostly<Toy['scope']>(undefined, 'out', 'out', 'bad'),
    gone: ids === SOURCE_IDS ? mostly(false, true) : fc.constant(false),
    state: mostly<Toy['state']>(undefined, 'on', 'off'),
    filtered: mostly(false, true),
    missed: fc.oneof(
      { weight: 20, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  });
}

function population(ids: readonly string[]): fc.Arbitrary<Toy[]> {
  const unique = fc.uniqueArray(toy(ids), { selector: ({ id }) => id, maxLength: ids.length });
  const twice = fc.array(toy(ids), { minLength: 1, maxLength: 6 });
  return fc.oneof({ weight: 8, arbitrary: unique }, { weight: 1, arbitrary: twice });
}

const AUTHORS: readonly Author[] = ['SourceChanged', 'TargetDrifted', 'Conflict', 'NeverAgreed'];

const when: fc.Arbitrary<When | undefined> = fc.constantFrom<(When | undefined)[]>(
  undefined,
  undefined,
  { kind: 'Title', side: 'source' },
  { kind: 'Title', side: 'target' },
  { kind: 'Changed', attribute: 'phone' },
);

const rule: fc.Arbitrary<Omit<ToyRule, 'name'>> = fc
  .record({
    situation: fc.constantFrom(...SITUATIONS),
    when,
    evenIfNeverLinked: fc.boolean(),
    change: mostly<Author | undefined>(undefined, ...AUTHORS),
  })
  .chain(({ situation, when: condition, evenIfNeverLinked, change }) =>
    fc.constantFrom(...RESPONSES[situation].allowed).map((response) => ({
      situations: [situation],
      response,
      evenIfNeverLinked,
      when: condition?.kind === 'Changed' && situation !== 'Confirmed' ? undefined : condition,
      change: situation === 'Confirmed' ? change : undefined,
    })),
  );

/** Only what a policy may say: what would be refused is left out. */
const policy: fc.Arbitrary<ToyRule[]> = fc.array(rule, { maxLength: 12 }).map((drafts) => {
  const rules: ToyRule[] = [];
  for (const [at, draft] of drafts.entries()) {
    const one = { ...draft, name: `rule-${at}` };
    if (policyProblems([...rules, one].map(ruleOf)).length === 0) rules.push(one);
  }
  while (policyProblems(rules.map(ruleOf)).length > 0) rules.pop();
  return rules;
});

const link = fc.record({ source: fc.constantFrom(...SOURCE_IDS), target: fc.constantFrom(...TARGET_IDS) });

function mapping(name: string): fc.Arbitrary<ToyMapping> {
  return fc.record({
    name: fc.constant(name),
    source: fc.record({
      entries: population(SOURCE_IDS).map(plain),
      evidence: fc.constant<'Yes'>('Yes'),
      unreadable: fc.constant<string[]>([]),
      transactional: fc.boolean(),
    }),
    correlate: fc.constantFrom<ToyMapping['correlate'][]>(
      ['key'],
      ['key'],
      ['key', 'other'],
      ['other', 'key'],
      ['code', 'key'],
      ['key', 'code'],
      [],
    ),
    outbound: fc.constantFrom<ToyMapping['outbound'][]>(
      ['key', 'title', 'phone'],
      ['key', 'title'],
      ['title', 'phone'],
      ['key'],
    ),
    inbound: fc.constantFrom<ToyMapping['inbound'][]>([], ['phone'], ['phone', 'other'], ['other']),
    weakTitle: mostly(false, true),
    rules: policy,
    links: fc.array(link, { maxLength: 4 }).map((links) => links.reduce<ToyMapping['links']>(joined, [])),
    clocks: fc.constant({}).map(() => ({})),
    wants: fc.constant<string[]>([]),
    lastRead: fc.constant(-1),
  });
}

function toyWorld(mappings: 1 | 2): fc.Arbitrary<ToyWorld> {
  const target = fc.record({
    entries: population(TARGET_IDS).map(plain),
    evidence: fc.constant<'Yes'>('Yes'),
    unreadable: fc.constant<string[]>([]),
    created: fc.constant(0),
    marks: fc.constant<string[]>([]),
  });
  const two = mappings === 1 ? fc.tuple(mapping('one')) : fc.tuple(mapping('one'), mapping('two'));
  return fc.record({ target, mappings: two, runs: fc.constant(0) });
}

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant('Put' as const),
    side: fc.constant('Source' as const),
    entry: toy(SOURCE_IDS),
    again: mostly(false, true),
  }),
  fc.record({
    kind: fc.constant('Put' as const),
    side: fc.constant('Target' as const),
    entry: toy(TARGET_IDS),
    again: mostly(false, true),
  }),
  fc.record({
    kind: fc.constant('Remove' as const),
    side: fc.constantFrom('Source' as const, 'Target' as const),
    at: fc.nat(7),
  }),
  fc.record({
    kind: fc.constant('Link' as const),
    source: fc.constantFrom(...SOURCE_IDS),
    target: fc.constantFrom(...TARGET_IDS),
  }),
  fc.record({ kind: fc.constant('Unlink' as const), at: fc.nat(7) }),
);

const evidence = mostly<ToySide['evidence']>('Yes', 'Unproved', 'No');

export function story(mappings: 1 | 2): fc.Arbitrary<Story> {
  const step = fc.record({
    mapping: fc.nat(mappings - 1),
    edits: fc.array(edit, { maxLength: 4 }),
    source: evidence,
    target: evidence,
    unreadable: fc.oneof(
      { weight: 6, arbitrary: fc.constant<string[]>([]) },
      {
        weight: 1,
        arbitrary: fc.uniqueArray(fc.constantFrom(...SOURCE_IDS, ...TARGET_IDS), { maxLength: 3 }),
      },
    ),
  });
  return fc.record({ world: toyWorld(mappings), steps: fc.array(step, { minLength: 1, maxLength: 5 }) });
}

function joined(
  links: ToyMapping['links'],
  { source, target }: { source: string; target: string },
): ToyMapping['links'] {
  if (links.some((one) => one.source === source || one.target === target)) return links;
  return [...links, { source, target, agreed: {} }];
}

/** Entries of one id are all in the listing: nobody knows which one a re-read would find. */
function plain(entries: readonly Toy[]): Toy[] {
  return entries.map((entry) => {
    const again = entries.filter(({ id }) => id === entry.id).length > 1;
    return again ? { ...entry, filtered: false, missed: false } : entry;
  });
}

// --- editing --------------------------------------------------------------------------------------------------

export function applyStep(
  world: ToyWorld,
  { mapping: at, edits, source, target, unreadable }: Step,
): ToyMapping {
  const own = world.mappings[at] ?? world.mappings[0];
  if (!own) throw new Error('a world has a mapping');
  for (const one of edits) applyEdit(world, own, one);
  own.source.evidence = source;
  world.target.evidence = target;
  for (const side of [own.source, world.target]) {
    side.entries = plain(side.entries);
    const listed = side.entries.filter((entry) => !entry.filtered && !entry.missed).map(({ id }) => id);
    side.unreadable = unreadable.filter((id) => !listed.includes(id));
  }
  return own;
}

function applyEdit(world: ToyWorld, own: ToyMapping, one: Edit): void {
  switch (one.kind) {
    case 'Put': {
      const side = one.side === 'Source' ? own.source : world.target;
      const kept = one.again ? side.entries : side.entries.filter(({ id }) => id !== one.entry.id);
      side.entries = [...kept, one.entry];
      return;
    }
    case 'Remove': {
      const side = one.side === 'Source' ? own.source : world.target;
      side.entries = side.entries.filter((_, at) => at !== one.at);
      return;
    }
    case 'Link':
      own.links = joined(own.links, one);
      return;
    case 'Unlink':
      own.links = own.links.filter((_, at) => at !== one.at);
  }
}

// --- acting out -----------------------------------------------------------------------------------------------

const RUNS_IN_ONE_SPELLING = 3;

export class Stage {
  readonly #worlds: Map<string, World> = new Map();
  #runs = 0;

  constructor(world: ToyWorld) {
    const state = new State();
    let target: World['target'] | undefined;
    for (const one of world.mappings) {
      const siblings = world.mappings.filter((other) => other !== one).map(({ name }) => `default/${name}`);
      const made: World = new World({
        name: one.name,
        state,
        siblings,
        ...optionsOf(one),
        ...(target && { target }),
      });
      target ??= made.target;
      this.#worlds.set(one.name, made);
    }
  }

  of(mapping: ToyMapping): World {
    const world = this.#worlds.get(mapping.name);
    if (!world) throw new Error(`no mapping ${mapping.name}`);
    return world;
  }

  close(): void {
    for (const { state } of this.#worlds.values()) state.database.close();
  }

  /** Brings the toy's systems and hand-made links to the engine's. */
  async run(toys: ToyWorld, mapping: ToyMapping): Promise<Report> {
    const world = this.of(mapping);
    fill(world.source, mapping.source);
    fill(world.target, toys.target);
    for (const one of toys.mappings) this.#relink(one);
    // Mostly in the octets of the run before, so that what has not changed is recognised by them.
    const spelling = Math.floor(this.#runs++ / RUNS_IN_ONE_SPELLING);
    world.source.spelling = spelling;
    world.target.spelling = spelling;
    world.source.writes = [];
    world.target.writes = [];
    return world.run();
  }

  #relink(mapping: ToyMapping): void {
    const world = this.of(mapping);
    const { links } = world.memory();
    for (const head of Array.from(links.heads())) {
      if (!mapping.links.some((one) => one.source === head.sourceKey && one.target === head.targetKey))
        links.remove(head.sourceKey);
    }
    for (const one of mapping.links) if (!links.bySource(one.source)) world.link(one.source, one.target);
  }
}

function fill(side: World['source'], toys: ToySide): void {
  side.entries.clear();
  side.duplicates = [];
  side.missed.clear();
  side.unreadable.clear();
  for (const one of toys.entries) {
    const entry = entryOf(rowOfToy(one));
    if (side.entries.has(one.id)) side.duplicates.push(entry);
    else side.put(entry);
    if (one.missed) side.missed.add(one.id);
  }
  for (const id of toys.unreadable) side.unreadable.add(id);
  side.listed = (entry) => !entry.attributes.has('filtered');
  side.evidence = { ...PAGED, complete: toys.evidence };
}

function rowOfToy(toy: Toy): Row {
  const { filtered, gone, missed, ...rest } = toy;
  if (missed && filtered) return { ...rest, gone: gone ? 'yes' : undefined, filtered: 'yes' };
  return { ...rest, gone: gone ? 'yes' : undefined, filtered: filtered ? 'yes' : undefined };
}

/** What a system holds now, as toys, to be compared. */
export function toysIn(side: World['source']): Toy[] {
  const texts = (values: readonly unknown[] | undefined): string[] => (values ?? []).map(String);
  return [...side.entries.values(), ...side.duplicates]
    .map(({ id, attributes }): Toy => {
      const one = (name: string): string | undefined => texts(attributes.get(name))[0];
      const scope = one('scope');
      const state = one('state');
      return {
        ...BLANK,
        id,
        key: texts(attributes.get('key')).toSorted(),
        other: texts(attributes.get('other')).toSorted(),
        code: one('code'),
        title: one('title'),
        phone: one('phone'),
        scope: scope === 'out' || scope === 'bad' ? scope : undefined,
        gone: attributes.has('gone'),
        state: state === 'on' || state === 'off' ? state : undefined,
        filtered: attributes.has('filtered'),
      };
    })
    .toSorted(byText);
}

export function comparable(entries: readonly Toy[]): Toy[] {
  return entries
    .map((entry) => ({ ...entry, key: entry.key.toSorted(), other: entry.other.toSorted(), missed: false }))
    .toSorted(byText);
}

function byText(one: Toy, other: Toy): number {
  const [left, right] = [JSON.stringify(one), JSON.stringify(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function conditionOf(condition: When | undefined): string | undefined {
  if (!condition) return undefined;
  return condition.kind === 'Changed'
    ? `'${condition.attribute}' in changed`
    : `${condition.side}.title == 'x'`;
}

function isSituation(text: string): text is Situation {
  return SITUATIONS.some((one) => one === text);
}

function ruleOf(one: ToyRule): Rule {
  const text = conditionOf(one.when);
  const response =
    Object.values(RESPONSES)
      .flatMap(({ allowed }) => allowed)
      .find((known) => known === one.response) ?? 'Report';
  const change = AUTHORS.find((author) => author === one.change);
  return {
    name: one.name,
    situations: one.situations.filter(isSituation),
    response,
    evenIfNeverLinked: one.evenIfNeverLinked,
    ...(text === undefined ? {} : { when: text }),
    ...(change === undefined ? {} : { change }),
  };
}

const CODE = "source.code == null ? '' : source.code == 'bad' ? string(int(source.code)) : source.code";
const scoped = (side: string): string =>
  `${side}.scope != 'out' && (${side}.scope != 'bad' || int(${side}.scope) > 0)`;

function optionsOf(one: ToyMapping): ConstructorParameters<typeof World>[0] {
  const correlate = one.correlate.map((name) =>
    name === 'code' ? { expression: CODE, target: name } : { source: name, target: name },
  );
  return {
    sourceSpec: { where: scoped('source'), deletedWhen: "source.gone == 'yes'" },
    targetSpec: { where: scoped('target') },
    sourceOptions: { transactional: one.source.transactional },
    rules: one.rules.map(ruleOf),
    spec: {
      correlate,
      attributes: one.outbound.map((name) => ({
        target: name,
        from: name,
        ...(name === 'title' && one.weakTitle ? { strength: 'Weak' as const } : {}),
      })),
      inbound: [
        { source: 'id', expression: "'s-' + target.id", on: ['Create'] },
        { source: 'key', from: 'key', on: ['Create'] },
        ...one.inbound.map((name) => ({ source: name, from: name })),
      ],
    },
  };
}
