/**
 * What an operator costs: the built program in the environment of its image, first with 20 mappings that have nothing
 * to do, then with very many that come at once. ROLLCALL_QUIET_SECONDS sets how long the quiet is watched: 60, or 600 for a whole measurement.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import * as day from '../support/day.ts';
import { environmentOf } from '../support/dockerfile.ts';
import { sum } from '../support/exposition.ts';
import { conditionOf, type Observed } from '../support/kstatus.ts';
import { installChart, Operator } from '../support/operator.ts';
import { connectionsTo, cpuSeconds, residentBytes } from '../support/process-figures.ts';
import { Stage, type Manifest } from '../support/stage.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const QUIET_MS = Number(process.env['ROLLCALL_QUIET_SECONDS'] ?? '60') * 1_000;
const MOST_RESIDENT_BYTES = 200 * 1_024 * 1_024;
const MOST_OF_A_CORE = 0.005;
/** So often that several fall into the shortest quiet. */
const PROBES = '--probe-interval=30s';
/** Of src/kube/client.ts. */
const LIMIT = { perSecond: 20, burst: 30 };

let plane: ControlPlane;
let operator: Operator;

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', ROOT]);
  plane = await startControlPlane({ audit: true });
  await installChart(plane);
  const env = environmentOf(readFileSync(`${ROOT}Dockerfile`, 'utf8'));
  operator = await Operator.start(plane, { program: `${ROOT}dist/main.js`, flags: [PROBES], env });
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await plane.stop();
});

async function mappingsOf({ namespace }: Stage): Promise<Observed[]> {
  const path = `/apis/rollcall.dev/v1alpha1/namespaces/${namespace}/reconmappings`;
  const { body } = await plane.request('GET', path);
  return (body as { items: Observed[] }).items;
}

async function untilSettled(stage: Stage, count: number, seconds: number): Promise<void> {
  const settled = async (): Promise<number> =>
    (await mappingsOf(stage)).filter((one) => conditionOf(one, 'InSync')?.status === 'True').length;
  await expect.poll(settled, { timeout: seconds * 1_000, interval: 250 }).toBe(count);
}

describe('20 mappings that have nothing to do', () => {
  it(`are quiet for ${QUIET_MS / 1_000} s`, { timeout: QUIET_MS + 60_000 }, async () => {
    const stage = await Stage.open(plane, 'quiet');
    operator.writeData('quiet', 'people.csv', day.peopleCsv([101, 102, 103]));
    const hubs = Array.from({ length: 20 }, (_, at) => `hub-${at}`);
    await stage.apply(
      day.csvSystem('hr', 'people.csv'),
      ...hubs.flatMap((hub) => [day.hubSystem(hub), day.fileMapping(`hr-to-${hub}`, 'hr', hub)]),
    );
    await untilSettled(stage, hubs.length, 30);
    // What comes after the last run, and what V8 gives back when it has time.
    await sleep(15_000);
    const pid = operator.process.pid ?? 0;
    const [from, cpu, at] = [(await plane.auditLog()).length, cpuSeconds(pid), performance.now()];
    await sleep(QUIET_MS);
    const share = ((cpuSeconds(pid) - cpu) * 1_000) / (performance.now() - at);
    const requests = (await plane.auditLog())
      .slice(from)
      .filter(({ user }) => user.username.endsWith(':rollcall'));
    const megabytes = Math.round(residentBytes(pid) / 1_048_576);
    process.stderr.write(`Quiet: ${(share * 100).toFixed(2)} % of a core, ${megabytes} MiB\n`);
    const writes = requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(writes.filter(({ requestURI }) => !requestURI.includes('/leases/'))).toEqual([]);
    expect(requests.filter(({ verb }) => verb === 'list')).toEqual([]);
    expect(connectionsTo(pid, plane.port)).toBeLessThanOrEqual(2);
    expect(connectionsTo(pid, plane.port)).toBeGreaterThan(0);
    expect(residentBytes(pid)).toBeLessThanOrEqual(MOST_RESIDENT_BYTES);
    expect(share).toBeLessThanOrEqual(MOST_OF_A_CORE);
  });
});

describe('200 mappings and 100 systems at once', () => {
  it('settle, within the limits of the client', { timeout: 460_000 }, async () => {
    await expect
      .poll(() => operator.metrics().catch(() => ''), { timeout: 20_000 })
      .toContain('workqueue_depth');
    const stage = await Stage.open(plane, 'storm');
    const numbers = Array.from({ length: 50 }, (_, at) => at);
    for (const at of numbers) operator.writeData('storm', `people-${at}.csv`, day.peopleCsv([101, 102]));
    const began = performance.now();
    const before = await operator.metrics();
    await stage.apply(...numbers.flatMap((at) => stormOf(at)));
    const depths: number[] = [];
    const stop = new AbortController();
    const looking = lookAtDepth(depths, stop.signal);
    await untilSettled(stage, 200, 400);
    stop.abort();
    await looking;
    const seconds = (performance.now() - began) / 1_000;
    const after = await operator.metrics();
    const requests =
      ['rest_client_requests_total'].map((name) => sum(after, name) - sum(before, name))[0] ?? 0;
    const deepest = Math.max(...depths);
    process.stderr.write(
      `Storm: ${seconds.toFixed(1)} s, ${requests} requests, queue ${deepest} deep, ${Math.round(residentBytes(operator.process.pid ?? 0) / 1_048_576)} MiB\n`,
    );
    expect(deepest).toBeGreaterThan(0);
    expect(deepest).toBeLessThanOrEqual(350);
    // The lease is renewed past the limit, every two seconds.
    expect(requests).toBeLessThanOrEqual(LIMIT.burst + seconds * (LIMIT.perSecond + 1));
    expect(sum(after, 'workqueue_retries_total') - sum(before, 'workqueue_retries_total')).toBe(0);
  });
});

/** A file, and a hub with four kinds of objects that it is the source of. */
function stormOf(at: number): Manifest[] {
  const kinds = [0, 1, 2, 3].map((one) => `person-${one}`);
  const attributes = ['firstName', 'lastName', 'telephoneNumber'].map((name) => ({ name }));
  const hub = {
    kind: 'ManagedSystem',
    metadata: { name: `hub-${at}` },
    spec: {
      type: 'Repository',
      repository: {},
      access: 'ReadWrite',
      objects: kinds.map((name) => ({ name, type: 'User', id: 'uid', attributes })),
    },
  } as const;
  const mappings = kinds.map((object) =>
    day.fileMapping(`hr-${at}-${object}`, `hr-${at}`, `hub-${at}`, {
      target: { systemRef: { name: `hub-${at}` }, object },
    }),
  );
  return [day.csvSystem(`hr-${at}`, `people-${at}.csv`), hub, ...mappings];
}

async function lookAtDepth(depths: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    depths.push(sum(await operator.metrics(), 'workqueue_depth'));
    await sleep(200);
  }
}
