/**
 * The link table beside a map of objects, over more rows than a page holds: links that come, go and change, entries
 * that are met or recognised, and what is kept from run to run. ROLLCALL_SEED as in oracle.test.ts.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkModel } from './link-model.ts';

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 8);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(120_000, CASES * 15_000);
const SETTINGS: fc.Parameters<unknown> = {
  numRuns: CASES,
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
};
/** Three pages, the last of them begun. */
const ROWS = 8_300;
const MOST = ROWS + 200;

type Act = (model: LinkModel) => void;

const side = fc.constantFrom('Source' as const, 'Target' as const);
const id = fc.nat(MOST);
/** Runs of neighbours, so that whole pages and parts of pages are touched. */
const some = fc
  .record({ from: id, count: fc.constantFrom(1, 1, 2, 60) })
  .map(({ from, count }) => Array.from({ length: count }, (_, at) => (from + at) % MOST));

const saying: fc.Arbitrary<Act> = fc
  .record({
    side,
    some,
    said: fc.oneof(
      fc.record({ content: fc.nat(2), key: fc.option(fc.nat(MOST), { nil: undefined }) }),
      fc.record({ octets: fc.nat(2) }),
    ),
  })
  .map((one) => (model) => {
    for (const at of one.some) model.say(one.side, at, one.said);
  });

const inRun: fc.Arbitrary<Act> = fc.oneof(
  fc
    .record({ some, shift: fc.constantFrom(0, 0, 1, 77), settled: fc.constantFrom(true, true, false) })
    .map(({ some: sources, shift, settled }): Act => (model) => {
      for (const at of sources) model.put(at, (at + shift) % MOST, settled);
    }),
  some.map((sources): Act => (model) => {
    for (const at of sources) model.remove(at);
  }),
);

const byHand: fc.Arbitrary<Act> = id.map((at) => (model) => model.unlinkByHand(at));

const turn = fc.record({
  before: fc.array(fc.oneof({ weight: 5, arbitrary: saying }, { weight: 1, arbitrary: byHand }), {
    maxLength: 4,
  }),
  during: fc.array(inRun, { maxLength: 4 }),
});

function loaded(): LinkModel {
  const model = new LinkModel();
  model.run(() => {
    for (let at = 0; at < ROWS; at++) model.put(at, at, true);
  });
  return model;
}

it('says what a map of objects says, run after run', { timeout: LIMIT_MS }, () => {
  let recognised = 0;
  fc.assert(
    fc.property(fc.array(turn, { minLength: 2, maxLength: 5 }), (turns) => {
      using model = loaded();
      model.run(() => undefined);
      for (const { before, during } of turns) {
        for (const act of before) act(model);
        model.run(() => {
          for (const act of during) act(model);
        });
      }
      model.run(() => undefined);
      recognised += model.recognised;
    }),
    SETTINGS,
  );
  // Else it would show nothing.
  expect(recognised).toBeGreaterThan(ROWS);
});

it('is made anew, without its gaps, once most of its rows are', () => {
  using model = loaded();
  model.run(() => undefined);
  model.run(() => {
    for (let at = 0; at < ROWS - 10; at++) model.remove(at);
  });
  model.loseAll();
  model.run(() => undefined);
  const before = model.recognised;
  model.run(() => undefined);
  expect(model.recognised - before).toBe(20);
});

it('finds an entry by its octets in the link that it is in now, after any number of others', () => {
  using model = loaded();
  model.run(() => undefined);
  for (const target of [1, 2, 3]) {
    model.run(() => model.put(0, target, true));
    model.run(() => undefined);
  }
  const before = model.recognised;
  model.run(() => model.remove(0));
  expect(model.recognised - before).toBe(2 * (ROWS - 3));
  model.run(() => model.put(0, 0, true));
  model.run(() => undefined);
  const again = model.recognised;
  model.run(() => undefined);
  expect(model.recognised - again).toBe(2 * (ROWS - 3));
});
