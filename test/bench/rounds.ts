/** A scenario beside its reference, in turns, so that both have met the same minutes. */
import { measure, type Measured } from './measure.ts';
import { checkResult, type Scenario, type Step, type Trial } from './scenario.ts';
import type { World } from './world.ts';

export interface Row {
  readonly name: string;
  readonly size: number;
  readonly own: readonly Measured[];
  readonly reference: { readonly name: string; readonly seconds: number; readonly peakRssMiB: number };
  /** Seconds that were taken off before the comparison. */
  readonly less: number;
  readonly bar: number | undefined;
  readonly barRssMiB: number | undefined;
}

export async function measureScenario(
  world: World,
  scenario: Scenario,
  size: number,
  rounds: number,
): Promise<Row> {
  const actual = scenario.sizeOf(size);
  const trial = await scenario.ready(world, actual);
  const taken: Taken = { own: [], reference: [], less: [] };
  for (let round = 0; round < rounds; round++) await takeTurn(trial, taken, round % 2 === 1);
  const { name, beside } = trial.reference;
  return {
    name: scenario.name,
    size: actual,
    own: taken.own,
    reference: {
      name: trial.less ? `${name}, start or base taken off` : name,
      seconds: typeof beside === 'number' ? beside : medianOf(taken.reference, 'seconds'),
      peakRssMiB: peakOf(taken.reference),
    },
    less: trial.less ? medianOf(taken.less, 'seconds') : 0,
    bar: scenario.bar(actual),
    barRssMiB: scenario.barRssMiB,
  };
}

export function ratioOf(row: Row): number {
  return (medianOf(row.own, 'seconds') - row.less) / row.reference.seconds;
}

export function isPassed(row: Row): boolean {
  const isFast = row.bar === undefined || ratioOf(row) <= row.bar;
  return isFast && (row.barRssMiB === undefined || peakOf(row.own) <= row.barRssMiB);
}

export function medianOf(all: readonly Measured[], figure: keyof Measured): number {
  const sorted = all.map((one) => one[figure]).toSorted((left, right) => left - right);
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

export function peakOf(all: readonly Measured[]): number {
  return Math.max(0, ...all.map(({ peakRssMiB }) => peakRssMiB));
}

/** The same by ten times as many. */
export function growth(few: Row, many: Row): Row {
  return {
    ...many,
    name: `growth of: ${many.name}`,
    reference: {
      name: `the same with ${String(few.size)}`,
      seconds: medianOf(few.own, 'seconds'),
      peakRssMiB: peakOf(few.own),
    },
    less: 0,
    bar: 11,
    barRssMiB: 2 * peakOf(few.own),
  };
}

interface Taken {
  readonly own: Measured[];
  readonly reference: Measured[];
  readonly less: Measured[];
}

async function takeTurn({ own, reference, less }: Trial, taken: Taken, isTurned: boolean): Promise<void> {
  const besides = typeof reference.beside === 'number' ? undefined : reference.beside;
  const turns: readonly (() => Promise<void>)[] = [
    async () => void taken.own.push(await take(own)),
    async () => void (besides && taken.reference.push(await take(besides))),
    async () => void (less && taken.less.push(await take(less))),
  ];
  for (const turn of isTurned ? turns.toReversed() : turns) await turn();
}

async function take(step: Step): Promise<Measured> {
  await step.before?.();
  const command = step.command();
  const measured = await measure(command);
  checkResult(step, command);
  return measured;
}
