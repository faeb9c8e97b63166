/** Where the program spends its time: a profile for other tools, and the functions that stand out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './measure.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

const SHOWN = 20;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export async function profileScenario(
  world: World,
  scenario: Scenario,
  size: number,
  folder: string,
): Promise<string> {
  const { own } = await scenario.ready(world, scenario.sizeOf(size));
  await own.before?.();
  const command = own.command();
  const into = join(folder, scenario.name.replaceAll(/[^A-Za-z0-9]+/g, '-'));
  await measure({ ...command, args: ['--cpu-prof', `--cpu-prof-dir=${into}`, ...command.args] });
  const [newest = ''] = readdirSync(into).toSorted().toReversed();
  return topOf(JSON.parse(readFileSync(join(into, newest), 'utf8')) as CpuProfile);
}

function topOf({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [at, sample] of samples.entries()) {
    const name = names.get(sample) ?? '';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, SHOWN)
    .map(([name, time]) => `  ${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}

function nameOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const file = frame.url.split('/').slice(-2).join('/');
  return `${frame.functionName || '(anonymous)'} ${file}:${String(frame.lineNumber + 1)}`;
}
