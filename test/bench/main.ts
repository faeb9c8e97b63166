/**
 * `npm run bench`: every scenario beside the tool that sets its limit, on this machine. See docs/performance.md.
 *   --size 10k|100k|1m   --scenario PART-OF-NAME   --rounds N   --seed N   --json FILE   --profile FOLDER
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SMALL } from './common-steps.ts';
import { profileScenario } from './profile.ts';
import { QUIET } from './quiet-scenarios.ts';
import { growth, measureScenario, type Row } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import { documentOf, machine, tableOf } from './table.ts';
import { World } from './world.ts';

const SIZES: Readonly<Record<string, number>> = { '10k': 10_000, '100k': 100_000, '1m': 1_000_000 };
const PROGRAM = new URL('../../dist/main.js', import.meta.url).pathname;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '10k' },
    scenario: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
});

const size = SIZES[values.size];
if (size === undefined) throw new Error(`--size is one of ${Object.keys(SIZES).join(', ')}`);
const rounds = Number(values.rounds);
const part = values.scenario.toLowerCase();
const exact = SCENARIOS.filter(({ name }) => name.toLowerCase() === part);
const chosen = exact.length > 0 ? exact : SCENARIOS.filter(({ name }) => name.toLowerCase().includes(part));
const wantsGrowth = 'growth'.includes(part);

await using world = await World.open({ seed: Number(values.seed), program: PROGRAM });
say(machine());
if (values.profile === undefined) await measureAll(size);
else await profileAll(size, resolve(values.profile));

async function measureAll(most: number): Promise<void> {
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    say(tableOf([row]));
  };
  for (const scenario of chosen) add(await measureScenario(world, scenario, most, rounds));
  if (wantsGrowth && most >= SMALL) {
    const few = await measureScenario(world, QUIET, most / 10, rounds);
    add(few);
    const known = rows.find((row) => row.name === QUIET.name && row.size === most);
    const many = known ?? (await measureScenario(world, QUIET, most, rounds));
    if (!known) add(many);
    add(growth(few, many));
  }
  say(`\n${tableOf(rows)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(documentOf(rows), null, 2)}\n`);
}

async function profileAll(most: number, folder: string): Promise<void> {
  for (const scenario of chosen) {
    say(`\n${scenario.name}, ${String(scenario.sizeOf(most))}`);
    say(await profileScenario(world, scenario, most, folder));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
