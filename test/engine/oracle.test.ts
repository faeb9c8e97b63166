/**
 * Whole runs beside a naive oracle: generated worlds, and sequences of runs with edits in between. A longer run:
 * ROLLCALL_CASES=50000. A failure prints its seed; ROLLCALL_SEED repeats it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Report } from '../support/world.ts';
import { expectRun, type ToyMapping, type ToyWorld } from './oracle.ts';
import { applyStep, comparable, Stage, story, toysIn, type Story } from './toy-world.ts';

const CASES = Number(process.env['ROLLCALL_CASES'] ?? 2500);
const SEED = process.env['ROLLCALL_SEED'];
const LIMIT_MS = Math.max(60_000, CASES * 250);
const SETTINGS: fc.Parameters<unknown> = {
  numRuns: CASES,
  endOnFailure: false,
  ...(SEED === undefined ? {} : { seed: Number(SEED) }),
};

/** Pairs that are quiet have no record; how many are in sync is compared by count. */
function linesOf({ records }: Report): string[] {
  return records
    .map(({ row, situation, response, outcome, held, source, target }) => {
      const by = held ? ` by ${held.by}` : '';
      return `${row ?? '-'} ${situation ?? '-'} ${response ?? '-'} ${outcome}${by} ${source ?? '-'}→${target ?? '-'}`;
    })
    .filter(isTold)
    .toSorted();
}

function isTold(line: string): boolean {
  return !(line.includes(' Confirmed ') && line.includes(' InSync '));
}

function stateOf(world: ToyWorld, mapping: ToyMapping): unknown {
  return {
    sources: comparable(mapping.source.entries),
    targets: comparable(world.target.entries),
    links: mapping.links.map(({ source, target }) => `${source}→${target}`).toSorted(),
    marks: world.target.marks.toSorted(),
  };
}

async function play({ world: initial, steps }: Story): Promise<void> {
  const world = structuredClone(initial);
  const stage = new Stage(world);
  try {
    for (const step of steps) {
      const mapping = applyStep(world, step);
      const acted = await stage.run(world, mapping);
      const expected = expectRun(world, mapping);
      const { source, target, links, memory } = readBack(stage, mapping);
      expect({
        lines: linesOf(acted),
        outcome: acted.outcome,
        counts: Object.fromEntries(acted.situations.map(({ name, count }) => [name, count])),
        inSync: acted.totals.inSync,
        state: { sources: source, targets: target, links, marks: memory },
      }).toEqual({
        lines: expected.lines.filter(isTold),
        outcome: expected.outcome,
        counts: expected.counts,
        inSync: expected.inSync,
        state: stateOf(world, mapping),
      });
      expectIdentity(acted);
    }
  } finally {
    stage.close();
  }
}

function readBack(
  stage: Stage,
  mapping: ToyMapping,
): { source: unknown; target: unknown; links: string[]; memory: string[] } {
  const world = stage.of(mapping);
  const marks = [...world.memory().marks('Target')].toSorted();
  return {
    source: toysIn(world.source),
    target: toysIn(world.target),
    links: world.links().toSorted(),
    memory: marks,
  };
}

function expectIdentity({ totals, situations }: Report): void {
  expect(totals.planned).toBe(totals.applied + totals.held + totals.failed + totals.pending);
  for (const one of situations)
    expect(one.planned).toBeGreaterThanOrEqual(one.applied + one.held + one.failed);
}

it('one mapping: every run says and does what the tables say', { timeout: LIMIT_MS }, async () => {
  await fc.assert(fc.asyncProperty(story(1), play), SETTINGS);
});

it(
  'two mappings of one target: every run says and does what the tables say',
  { timeout: LIMIT_MS },
  async () => {
    await fc.assert(fc.asyncProperty(story(2), play), SETTINGS);
  },
);
