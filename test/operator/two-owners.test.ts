/** A leader that was paused past its lease and goes on: it writes nothing more, neither outside nor in the store. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { recordFault } from '../support/fault-report.ts';
import { FaultWorld, uid } from '../support/fault-world.ts';
import { installChart, type Operator } from '../support/operator.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const PEOPLE = 60;
const PATIENCE = { timeout: 90_000, interval: 50 };

let plane: ControlPlane;
let slapd: Slapd;
const worlds: FaultWorld[] = [];

beforeAll(async () => {
  [plane, slapd] = await Promise.all([startControlPlane(), startSlapd()]);
  await installChart(plane);
}, 120_000);

afterAll(async () => {
  for (const world of worlds) await world[Symbol.asyncDispose]();
  await slapd.stop();
  await plane.stop();
});

interface Pair {
  readonly world: FaultWorld;
  readonly first: Operator;
  readonly second: Operator;
}

/** The first leads and writes, the second stands by. */
async function pair(): Promise<Pair> {
  const world = await FaultWorld.open(plane, slapd, { people: PEOPLE, writesPerSecond: 6 });
  worlds.push(world);
  await world.apply();
  const first = await world.start({ podName: 'first' });
  await vi.waitFor(async () => expect((await world.writes()).length).toBeGreaterThan(5), PATIENCE);
  const second = await world.start({ podName: 'second' });
  return { world, first, second };
}

function exitOf({ process }: Operator): Promise<unknown> {
  return once(process, 'exit').then(([code]) => code as unknown);
}

const everyDn = (world: FaultWorld): string[] =>
  Array.from({ length: PEOPLE }, (_, at) => `uid=${uid(at)},${world.base}`);

describe.concurrent('a leader that is paused past its lease', () => {
  it('and goes on when another has finished writes nothing, outside or in the store, and ends with a failure', async () => {
    const { world, first, second } = await pair();
    first.process.kill('SIGSTOP');
    await world.settled();
    expect(second.log).toContain('"Leading"');
    const [written, store] = [await world.writes(), world.store()];
    const exit = exitOf(first);
    first.process.kill('SIGCONT');
    expect(await exit).toBe(1);
    await sleep(500);
    expect(await world.writes()).toEqual(written);
    expect(world.store()).toEqual(store);
    expect(written.map(({ dn }) => dn).toSorted()).toEqual(everyDn(world));
    expect(store['intents']).toEqual([]);
    expect(second.hasEnded).toBe(false);
  }, 150_000);

  it('and goes on while another is at work takes nothing away from it', async () => {
    const { world, first, second } = await pair();
    first.process.kill('SIGSTOP');
    // What it had sent before is written down by then.
    await sleep(500);
    const before = world.connectionWrites();
    const own = new Set(before.map(({ connection }) => connection));
    await vi.waitFor(
      () => expect(world.connectionWrites().length).toBeGreaterThan(before.length + 8),
      PATIENCE,
    );
    const exit = exitOf(first);
    first.process.kill('SIGCONT');
    expect(await exit).toBe(1);
    await world.settled();
    const after = world.connectionWrites();
    expect(after.slice(before.length).filter(({ connection }) => own.has(connection))).toEqual([]);
    expect(after.map(({ dn }) => dn).toSorted()).toEqual(everyDn(world));
    expect(world.store()['intents']).toEqual([]);
    expect(second.hasEnded).toBe(false);
    recordFault({
      fault: 'Leader paused past its lease, and continued',
      timed: true,
      injected: 'SIGSTOP while it adds accounts, SIGCONT while its successor does, both on one state folder',
      holds: 'it writes nothing more, outside or in the store, and ends with 1; every account is added once',
    });
  }, 150_000);
});
