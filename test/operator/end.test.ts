/** An operator that is told to end in the middle of a run, and the one that comes after it. And the scenarios of test/e2e. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playScenario } from '../e2e/scenario.ts';
import { accountsOf } from '../support/accounts.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import * as day from '../support/day.ts';
import { goProgram } from '../support/go-programs.ts';
import { Operator, SYSTEM_NAMESPACE } from '../support/operator.ts';
import { closeScene, openScene } from '../support/scene.ts';
import type { Slapd } from '../support/slapd.ts';
import type { SeenMapping, Stage } from '../support/stage.ts';
import type { StatusWatch } from '../support/status-watch.ts';

const SCENARIOS = new URL('../e2e/scenarios', import.meta.url).pathname;
/** Written at 20 a second: three seconds. */
const PEOPLE = Array.from({ length: 60 }, (_, at) => 101 + at);
/** After the write in flight, a run ends within this. */
const END_MS = 5_000;

let plane: ControlPlane;
let slapd: Slapd;
let operator: Operator;
let stage: Stage;
let watch: StatusWatch;

beforeAll(async () => {
  ({ plane, slapd, operator, stage, watch } = await openScene('ending', day.bindAccount('word')));
}, 120_000);

afterAll(() => closeScene({ plane, slapd, operator, watch }));

async function created(): Promise<string[]> {
  const operations = await slapd.operations();
  return operations.filter(({ op }) => op === 'ADD').map(({ dn = '' }) => dn);
}

async function leaseHolder(): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM_NAMESPACE}/leases/rollcall`;
  const { body } = await plane.request('GET', path);
  return (body as { spec: { holderIdentity?: string } }).spec.holderIdentity ?? '';
}

describe('SIGTERM while a run writes', () => {
  it('ends the process within five seconds, with exit code 0, in the middle of the run', async () => {
    operator.writeData('ending', 'people.csv', day.peopleCsv(PEOPLE));
    await stage.setSecret('bind', { dn: day.BIND_DN, password: 'word' });
    await stage.apply(
      day.csvSystem('hr', 'people.csv'),
      day.hubSystem('hub'),
      day.directorySystem('directory', slapd, { limits: { writesInFlight: 1, writesPerSecond: 20 } }),
      day.fileMapping('hr-to-hub', 'hr', 'hub'),
      day.directoryMapping('hub-to-directory', 'hub', 'directory'),
    );
    await expect.poll(async () => (await created()).length, { timeout: 18_000 }).toBeGreaterThan(5);
    const asked = performance.now();
    expect(await operator.stop('SIGTERM')).toBe(0);
    expect(performance.now() - asked).toBeLessThan(END_MS);
    expect((await created()).length).toBeLessThan(PEOPLE.length);
  });

  it('hands the lease over', async () => {
    expect(await leaseHolder()).toBe('');
  });

  it('the next operator goes on at once, and does nothing twice', async () => {
    const { folder } = operator;
    const before = await stage.get<SeenMapping>('ReconMapping', 'hub-to-directory');
    operator = await Operator.start(plane, { folder, podName: 'rollcall-1' });
    await stage.untilMapping(
      'hub-to-directory',
      ({ status }) => status?.totals?.inSync === 60 || (status?.totals?.applied ?? 0) > 0,
    );
    const after = await stage.get<SeenMapping>('ReconMapping', 'hub-to-directory');
    expect(after?.status?.lastRun?.id).not.toBe(before?.status?.lastRun?.id);
    const all = await created();
    expect(new Set(all).size).toBe(PEOPLE.length);
    expect(all).toHaveLength(PEOPLE.length);
    expect((await accountsOf(slapd)).size).toBe(PEOPLE.length);
    expect(await leaseHolder()).toMatch(/^rollcall-1/);
  });

  it('and everybody who looked meanwhile saw a status by the rules', () => {
    expect(watch.versions.length).toBeGreaterThan(10);
    expect(watch.problems()).toEqual([]);
  });
});

describe('the scenarios', () => {
  it.each(readdirSync(SCENARIOS))('%s comes true', { timeout: 120_000 }, async (name) => {
    const said: string[] = [];
    const kubectl = await goProgram('kubectl');
    const say = (line: string): void => void said.push(line);
    await playScenario(join(SCENARIOS, name), {
      kubectl,
      kubeconfig: plane.kubeconfig,
      waitSeconds: 30,
      say,
    });
    expect(said.length).toBeGreaterThan(3);
  });
});
