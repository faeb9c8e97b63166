/**
 * The scenarios of test/e2e tell the truth: they are played on a real API server, and in the operator's place stands the
 * command line, which runs the mappings of the cluster and writes what came of it. And their player sees what is untrue.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiVersion, runRequestedAtAnnotation } from '../../src/api/names.ts';
import { playScenario, type Cluster } from '../e2e/scenario.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { goProgram } from '../support/go-programs.ts';
import { rollcall, type DocumentOf, type RunOfDocument } from '../support/rollcall.ts';

const scenarios = new URL('../e2e/scenarios', import.meta.url).pathname;
const kind = new URL('../e2e-kind/main.ts', import.meta.url).pathname;
const temporary = mkdtempSync(join(tmpdir(), 'rollcall-scenarios-'));

let plane: ControlPlane;
let cluster: Cluster;
const said: string[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.applyDefinitions();
  cluster = {
    kubectl: await goProgram('kubectl'),
    kubeconfig: plane.kubeconfig,
    waitSeconds: 30,
    say: (line) => said.push(line),
  };
});

afterAll(async () => {
  await plane.stop();
  rmSync(temporary, { recursive: true });
});

interface Listed {
  readonly items: readonly {
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly generation?: number;
      readonly resourceVersion: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly status?: { readonly lastHandledRequest?: string };
  }[];
}

/** What the run's outcome means for the conditions; see the table in the design. */
function conditionsOf({ outcome, totals, source }: RunOfDocument, generation: number): object[] {
  const stalled = outcome === 'Stalled';
  const reason = (stalled ? source.reason : undefined) ?? outcome;
  const condition = (type: string, is: boolean): object => ({
    type,
    status: is ? 'True' : 'False',
    reason,
    message: '',
    observedGeneration: generation,
    lastTransitionTime: new Date().toISOString(),
  });
  const inSync = !stalled && totals.pending + totals.held + totals.failed === 0;
  return [
    condition('Ready', !stalled),
    condition('InSync', inSync),
    ...(stalled ? [condition('Stalled', true)] : []),
  ];
}

/** Looks for requests in the namespace, runs what is there, and writes the status, until it is told to stop. */
async function standIn(namespace: string, stop: AbortSignal): Promise<void> {
  const folder = join(temporary, namespace);
  mkdirSync(folder);
  while (!stop.aborted) {
    await sleep(100);
    const listed = await plane.kubectl(['get', 'configmaps,msys,rmap', '-n', namespace, '-o', 'json']);
    const { items } = JSON.parse(listed) as Listed;
    const mapping = items.find((item) => item.kind === 'ReconMapping');
    const request = mapping?.metadata.annotations?.[runRequestedAtAnnotation];
    if (mapping === undefined || request === undefined || request === mapping.status?.lastHandledRequest)
      continue;
    const ours = items.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt');
    writeFileSync(join(folder, 'all.yaml'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ours }));
    const { runs } = JSON.parse((await rollcall(['run', folder, '-o', 'json'])).stdout) as DocumentOf;
    const run = runs.at(-1);
    if (run === undefined) throw new Error('nothing ran');
    const { name, generation = 0 } = mapping.metadata;
    const { planDigest: ofPlan, ...totals } = run.totals;
    void ofPlan;
    const status = {
      observedGeneration: generation,
      lastHandledRequest: request,
      conditions: conditionsOf(run, generation),
      situations: run.situations,
      totals,
    };
    await plane.kubectl(
      ['apply', '--server-side', '--subresource=status', '--force-conflicts', '-n', namespace, '-f', '-'],
      { apiVersion, kind: 'ReconMapping', metadata: { name, namespace }, status },
    );
  }
}

describe('the scenarios', () => {
  it.each(readdirSync(scenarios))('%s comes true', { timeout: 180_000 }, async (name) => {
    const stop = new AbortController();
    const standing = standIn(`rollcall-e2e-${name}`, stop.signal);
    try {
      await Promise.race([playScenario(join(scenarios, name), cluster), standing]);
    } finally {
      stop.abort();
      await standing;
    }
    expect(said.length).toBeGreaterThan(3);
  });

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
