/**
 * Generated worlds, run after run with edits in between, beside twins that decode everything: what recognition saves
 * shows nowhere. ROLLCALL_CASES and ROLLCALL_SEED as in oracle.test.ts.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RunRequest } from '../../src/engine/run-ports.ts';
import { BROKEN, PAGED, SNAPSHOT, UNPROVED, type MemorySide } from '../support/memory-side.ts';
import { Twins, type Glance } from '../support/twins.ts';
import { entryOf, HOUR_MS, type Row, type Rule, type World, type WorldOptions } from '../support/world.ts';

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 600);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(60_000, CASES * 500);
const SETTINGS: fc.Parameters<unknown> = {
  numRuns: CASES,
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
};

const IDS = 5;
const EVIDENCE = { SNAPSHOT, PAGED, UNPROVED, BROKEN };

interface Step {
  readonly edits: readonly ((world: World) => void)[];
  readonly request: Pick<RunRequest, 'inFull' | 'effect' | 'only'>;
  /** So many runs follow in which nothing has changed. */
  readonly idle: number;
}

const sideName = fc.constantFrom<'source' | 'target'>('source', 'target');
const number = fc.nat(IDS - 1);

function row(prefix: string): fc.Arbitrary<Row> {
  return fc
    .record({
      at: number,
      key: fc.subarray(['k0', 'k1', 'k2', 'K0'], { maxLength: 2 }),
      other: fc.subarray(['o0', 'o1', 'o2'], { maxLength: 2 }),
      title: fc.constantFrom('x', 'y', undefined),
      scope: fc.constantFrom('in', 'in', 'in', 'out'),
    })
    .map(({ at, ...rest }) => ({ id: `${prefix}${at}`, ...rest }));
}

function onSide(change: (side: MemorySide, at: number, prefix: string) => void): fc.Arbitrary<Edit> {
  return fc.tuple(sideName, number).map(
    ([name, at]) =>
      (world: World) =>
        change(world[name], at, name === 'source' ? 's' : 't'),
  );
}

type Edit = (world: World) => void;

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: row('s').map((one) => (world: World) => world.source.put(entryOf(one))) },
  { weight: 3, arbitrary: row('t').map((one) => (world: World) => world.target.put(entryOf(one))) },
  onSide((side, at, prefix) => side.remove(`${prefix}${at}`)),
  onSide((side, at) => void (side.spelling = at)),
  onSide((side, at, prefix) => side.missed.add(`${prefix}${at}`)),
  onSide((side) => side.missed.clear()),
  onSide((side) => void (side.duplicates = [])),
  fc.constant((world: World) => void (world.state.now += HOUR_MS)),
  onSide((side, at, prefix) => {
    const known = side.entries.get(`${prefix}${at}`);
    if (known) side.duplicates = [known];
  }),
  fc.tuple(sideName, row('s')).map(([name, one]) => (world: World) => {
    world[name].duplicates = [entryOf({ ...one, id: one.id.replace('s', name === 'source' ? 's' : 't') })];
  }),
  fc.tuple(sideName, fc.constantFrom(...Object.values(EVIDENCE))).map(
    ([name, evidence]) =>
      (world: World) =>
        void (world[name].evidence = evidence),
  ),
  fc.tuple(number, number).map(
    ([source, target]) =>
      (world: World) =>
        world.link(`s${source}`, `t${target}`),
  ),
  number.map((at) => (world: World) => world.memory().links.remove(`s${at}`)),
);

const asked = fc.constantFrom(
  { side: 'Source' as const, key: 's1' },
  { side: 'Target' as const, key: 't1' },
  { side: 'Source' as const, key: 'nobody' },
);

const step: fc.Arbitrary<Step> = fc.record({
  edits: fc.array(edit, { maxLength: 3 }),
  request: fc.record({
    inFull: fc.constantFrom(false, false, false, false, true),
    effect: fc.constantFrom('Apply', 'Apply', 'Apply', 'Apply', 'Observe'),
    only: fc.option(asked, { nil: undefined, freq: 8 }),
  }),
  idle: fc.nat(2),
});

const policy: fc.Arbitrary<readonly Rule[]> = fc.constantFrom<readonly Rule[]>(
  [],
  [
    { name: 'link', situations: ['Found'], response: 'Link' },
    { name: 'move', situations: ['Moved'], response: 'UpdateTarget' },
    { name: 'make', situations: ['Absent'], response: 'CreateTarget' },
    { name: 'leave', situations: ['SourceMissing'], response: 'Unlink' },
  ],
  [
    { name: 'join', situations: ['Found', 'Moved'], response: 'UpdateTarget' },
    { name: 'leave', situations: ['SourceMissing'], response: 'DisableTarget' },
    { name: 'again', situations: ['Missing'], response: 'CreateTarget' },
  ],
  [
    { name: 'look', situations: ['Found', 'Absent', 'Missing', 'Moved'], response: 'Report' },
    { name: 'leave-alone', situations: ['Unassigned'], response: 'Ignore' },
  ],
  [
    { name: 'look', situations: ['Absent'], response: 'Report' },
    { name: 'drop', situations: ['Unassigned'], after: '1h', response: 'DeleteTarget' },
    { name: 'stop', situations: ['Unqualified'], evenIfNeverLinked: true, response: 'DisableTarget' },
  ],
);

const options: fc.Arbitrary<WorldOptions> = fc
  .record({ rules: policy, writesKey: fc.boolean(), scoped: fc.boolean() })
  .map(({ rules, writesKey, scoped }) => ({
    rules,
    spec: {
      correlate: [
        { source: 'key', target: 'key' },
        { source: 'other', target: 'other' },
      ],
      attributes: [
        { target: 'title', from: 'title' },
        ...(writesKey ? [{ target: 'key', from: 'key' }] : []),
      ],
    },
    ...(scoped ? { sourceSpec: { where: "source.scope != 'out'" } } : {}),
  }));

it(
  'whatever happens between runs, a run that recognises is one that decodes',
  { timeout: LIMIT_MS },
  async () => {
    let [recognised, decoded, stood] = [0, 0, 0];
    const note = (glance: Glance): void => {
      recognised += glance.recognised.source + glance.recognised.target;
      decoded += glance.decoded.length;
      if (glance.stood) stood++;
    };
    const play = async (how: WorldOptions, steps: readonly Step[]): Promise<void> => {
      const rows = (prefix: string): Row[] =>
        Array.from({ length: IDS - 1 }, (_, at) => ({ id: `${prefix}${at}`, key: `k${at}`, title: 'x' }));
      const twins = new Twins(() => ({ source: rows('s'), target: rows('t'), ...how }));
      try {
        await twins.run();
        for (const { edits, request, idle } of steps) {
          for (const one of edits) twins.both(one);
          note(await twins.run(request));
          for (let run = 0; run < idle; run++) note(await twins.run());
        }
      } finally {
        twins.close();
      }
    };
    await fc.assert(fc.asyncProperty(options, fc.array(step, { maxLength: 8 }), play), SETTINGS);
    // Else it would show nothing.
    expect(recognised).toBeGreaterThan(decoded / 4);
    expect(stood).toBeGreaterThan(CASES / 10);
  },
);
