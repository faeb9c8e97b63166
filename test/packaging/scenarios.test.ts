/** The player of test/e2e sees what is untrue; test/operator plays the scenarios with a real operator. */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playScenario, type Cluster } from '../e2e/scenario.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { goProgram } from '../support/go-programs.ts';

const scenarios = new URL('../e2e/scenarios', import.meta.url).pathname;
const kind = new URL('../e2e-kind/main.ts', import.meta.url).pathname;
const temporary = mkdtempSync(join(tmpdir(), 'rollcall-scenarios-'));

let plane: ControlPlane;
let cluster: Cluster;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.applyDefinitions();
  cluster = {
    kubectl: await goProgram('kubectl'),
    kubeconfig: plane.kubeconfig,
    waitSeconds: 30,
    say: () => undefined,
  };
});

afterAll(async () => {
  await plane.stop();
  rmSync(temporary, { recursive: true });
});

describe('the scenarios', () => {
  it('fail with the step, the wait and the objects when something does not come true', async () => {
    const folder = join(temporary, 'untrue');
    cpSync(join(scenarios, 'first-load'), folder, { recursive: true });
    const step = {
      name: 'pigs fly',
      apply: ['2-systems.yaml'],
      wait: [{ object: 'msys/hr', for: ['condition=Ready'] }],
    };
    writeFileSync(join(folder, 'scenario.yaml'), JSON.stringify({ steps: [step] }));
    const played = playScenario(folder, { ...cluster, waitSeconds: 1 });
    await expect(played).rejects.toThrow(/untrue: not so: pigs fly\n[^]*timed out[^]*kind: ManagedSystem/);
  });
});

describe('npm run e2e:kind', () => {
  const play = (programs: Readonly<Record<string, string>>): Promise<{ code: number; stderr: string }> => {
    const path = mkdtempSync(join(temporary, 'path-'));
    for (const [name, script] of Object.entries(programs))
      writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return promisify(execFile)(process.execPath, [kind], { env: { PATH: path, TMPDIR: temporary } }).then(
      ({ stderr }) => ({ code: 0, stderr }),
      (error: { code: number; stderr: string }) => error,
    );
  };

  it('says what is missing, all at once', async () => {
    const { code, stderr } = await play({ kubectl: 'exit 0' });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      'npm run e2e:kind needs a container engine that answers; docker info: not found',
      'npm run e2e:kind needs kind, which makes clusters of containers; kind version: not found',
      'npm run e2e:kind needs helm; helm version: not found',
    ]);
  });

  it('says so when there is an engine that does not answer', async () => {
    const programs = { docker: 'echo "no daemon" >&2; exit 1', kind: '', kubectl: '', helm: '' };
    expect(await play(programs)).toMatchObject({
      code: 1,
      stderr: 'npm run e2e:kind needs a container engine that answers; docker info: no daemon\n',
    });
  });

  it('removes the cluster when a step fails', async () => {
    const log = join(temporary, 'kind.log');
    const programs = { docker: '', kind: `echo "$1 $2" >> ${log}`, kubectl: '', helm: 'test "$1" = version' };
    expect(await play(programs)).toMatchObject({ code: 1 });
    const { stdout } = spawnSync('cat', [log], { encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual([
      'version ',
      'create cluster',
      'load docker-image',
      'delete cluster',
    ]);
  });
});
