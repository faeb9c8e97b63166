/** What holds in every world, whatever the policy says. ROLLCALL_CASES and ROLLCALL_SEED as in oracle.test.ts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Report } from '../support/world.ts';
import { World } from '../support/world.ts';
import type { Toy, ToyMapping, ToyWorld } from './oracle.ts';
import { applyStep, Stage, story, toysIn, type Story } from './toy-world.ts';

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 1000);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(60_000, CASES * 300);
const SETTINGS: fc.Parameters<unknown> = {
  numRuns: CASES,
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
};
const ROUNDS_UNTIL_SETTLED = 8;

/** Plays a story, with what the engine left behind as the next step's input. */
async function play(
  { world: initial, steps }: Story,
  check: (before: ToyWorld, mapping: ToyMapping, report: Report) => void,
): Promise<void> {
  const world = structuredClone(initial);
  const stage = new Stage(world);
  const turn = async (mapping: ToyMapping): Promise<Report> => {
    const before = structuredClone(world);
    const report = await stage.run(world, mapping);
    check(before, mapping, report);
    readBack(stage, world);
    expectUniqueLinks(mapping);
    return report;
  };
  try {
    for (const step of steps) await turn(applyStep(world, step));
    rest(world);
    for (let round = 0; round < ROUNDS_UNTIL_SETTLED; round++) {
      let quiet = true;
      for (const mapping of world.mappings) {
        const links = JSON.stringify(mapping.links);
        const { target } = stage.of(mapping);
        const { source } = stage.of(mapping);
        await turn(mapping);
        const calm =
          target.writes.length + source.writes.length === 0 && JSON.stringify(mapping.links) === links;
        quiet &&= calm;
      }
      if (quiet) return;
    }
    // Two mappings that want different values of one account take turns for ever, which is for the caller to notice.
    if (world.mappings.length === 1 && !world.mappings.some(mayTakeTurns))
      throw new Error(`not settled after ${ROUNDS_UNTIL_SETTLED} rounds of rest`);
  } finally {
    stage.close();
  }
}

/** Whether a pair is unlinked and found again depends on the data: such a policy is not refused. */
function mayTakeTurns({ rules }: ToyMapping): boolean {
  const unlinks = rules.some(
    ({ situations, response, when }) => situations.includes('Confirmed') && response === 'Unlink' && when,
  );
  const links = rules.some(
    ({ situations, response, when }) =>
      situations.includes('Found') && ['UpdateTarget', 'UpdateSource', 'Link'].includes(response) && when,
  );
  return unlinks && links;
}

function rest(world: ToyWorld): void {
  for (const side of [world.target, ...world.mappings.map(({ source }) => source)]) {
    side.evidence = 'Yes';
    side.unreadable = [];
  }
}

function readBack(stage: Stage, world: ToyWorld): void {
  const missed = new Set(world.target.entries.filter((entry) => entry.missed).map(({ id }) => id));
  for (const mapping of world.mappings) {
    const own = stage.of(mapping);
    const hidden = new Set(mapping.source.entries.filter((entry) => entry.missed).map(({ id }) => id));
    if (own.source.entries.size > 0 || own.source.writes.length > 0) {
      mapping.source.entries = toysIn(own.source).map((entry) => ({
        ...entry,
        missed: hidden.has(entry.id),
      }));
    }
    mapping.links = own.links().map((text) => {
      const [source = '', target = ''] = text.split('→');
      return { source, target, agreed: {} };
    });
    world.target.entries = toysIn(own.target).map((entry) => ({ ...entry, missed: missed.has(entry.id) }));
  }
}

function expectUniqueLinks({ links }: ToyMapping): void {
  expect(new Set(links.map(({ source }) => source)).size).toBe(links.length);
  expect(new Set(links.map(({ target }) => target)).size).toBe(links.length);
}

const isInScope = (entry: Toy): boolean => !entry.gone && entry.scope === undefined && !entry.filtered;

/** Whether a source entry may mean a target entry: by any key of any rule. */
function mayMean(mapping: ToyMapping, source: Toy, target: Toy): boolean {
  const [rule] = mapping.correlate;
  if (rule === undefined) return false;
  const valuesOf = (entry: Toy): readonly string[] => {
    const value = entry[rule];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  };
  return valuesOf(source).some(
    (value) => value !== 'bad' && value !== '' && valuesOf(target).includes(value),
  );
}

function expectNobodyRobbed(before: ToyWorld, mapping: ToyMapping, { records }: Report): void {
  const own = before.mappings.find(({ name }) => name === mapping.name);
  for (const record of records) {
    const withdraws = record.response === 'DeleteTarget' || record.response === 'DisableTarget';
    if (!withdraws || record.outcome !== 'Applied' || !own) continue;
    if (record.situation === 'Confirmed' || record.situation === 'Found') continue;
    const target = before.target.entries.find(({ id }) => id === record.target);
    const robbed = own.source.entries.filter((source) => {
      const again = own.source.entries.filter(({ id }) => id === source.id).length > 1;
      if (!target || again || source.id === record.source || !isInScope(source) || source.missed)
        return false;
      const link = own.links.find((one) => one.source === source.id);
      const linkedThere = link && before.target.entries.some(({ id }) => id === link.target);
      const isListed = !target.filtered && !target.missed;
      return linkedThere ? link.target === target.id : isListed && mayMean(own, source, target);
    });
    expect(robbed, `${record.row} ${record.response} of ${record.target}`).toEqual([]);
    const others = before.mappings.filter((one) => one.name !== mapping.name);
    const holders = others.filter((one) => one.links.some((link) => link.target === record.target));
    if (record.situation !== 'Unqualified' || own.links.length > 0)
      expect(holders.map(({ name }) => name)).toEqual([]);
  }
}

function expectNoSecondTarget(before: ToyWorld, mapping: ToyMapping, { records }: Report): void {
  const own = before.mappings.find(({ name }) => name === mapping.name);
  for (const { response, outcome, source } of records) {
    if (response !== 'CreateTarget' || outcome !== 'Applied') continue;
    const link = own?.links.find((one) => one.source === source);
    expect(before.target.entries.filter(({ id }) => id === link?.target)).toEqual([]);
  }
}

it(
  'settles when inputs rest, robs nobody, and never makes a second target',
  { timeout: LIMIT_MS },
  async () => {
    const property = fc.asyncProperty(fc.oneof(story(1), story(2)), (one) =>
      play(one, (before, mapping, report) => {
        expectNobodyRobbed(before, mapping, report);
        expectNoSecondTarget(before, mapping, report);
      }),
    );
    await fc.assert(property, SETTINGS);
  },
);

it('no plan exceeds its budgets, over all runs of a day', { timeout: LIMIT_MS }, async () => {
  const effects = ['Create', 'Update', 'Disable', 'Delete'] as const;
  const counts = fc.array(fc.nat(9), { minLength: 1, maxLength: 5 });
  const property = fc.asyncProperty(counts, fc.integer({ min: 1, max: 6 }), async (leavers, limit) => {
    const people = Array.from({ length: 20 }, (_, at) => ({ id: `${at}`, key: `k${at}`, title: 'x' }));
    const accounts = people.map(({ id, key, title }) => ({ id: `t${id}`, key, title }));
    const budgets = effects.map((effect) => ({ effect, maxPercent: 0, minCount: limit }));
    const world = new World({
      source: people,
      target: accounts,
      rules: [{ name: 'leavers', situations: ['SourceMissing'], response: 'DeleteTarget' }],
      spec: { guards: { budgets, maxShrinkPercent: 100 } },
    });
    for (const { id } of people) world.link(id, `t${id}`);
    await world.run();
    for (const count of leavers) {
      for (const id of [...world.source.entries.keys()].slice(
        0,
        Math.min(count, world.source.entries.size - 1),
      ))
        world.source.remove(id);
      await world.run();
      world.state.now += 60_000;
    }
    expect(accounts.length - world.target.entries.size).toBeLessThanOrEqual(limit);
    world.state.database.close();
  });
  await fc.assert(property, { ...SETTINGS, numRuns: Math.ceil(CASES / 10) });
});
