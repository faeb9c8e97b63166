import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectKey } from '../../src/controller/ports.ts';
import { KubeCluster } from '../../src/kube/cluster.ts';
import type { ReflectorTimings } from '../../src/kube/reflector.ts';
import { collectionPath } from '../../src/kube/resources.ts';
import type { ProxiedRequest } from '../support/api-proxy.ts';
import { createAuthority } from '../support/authority.ts';
import { statusOf, systemSpec } from '../support/cluster-contract.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { grant, KubeWorld, revoke, type KubeWorldOptions } from '../support/kube-world.ts';

const PATIENCE = { timeout: 15_000, interval: 20 };
const QUICK: Partial<ReflectorTimings> = { firstPauseMs: 50, longestPauseMs: 1_000 };
const SECRET_VALUE = 'correct-horse-battery-staple';

let plane: ControlPlane;
let world: KubeWorld;
let ending: AbortController;
let told: ObjectKey[];

beforeAll(async () => {
  // Without a watch cache a compaction alone is enough for a version to be gone.
  plane = await startControlPlane({
    flags: ['--watch-cache-sizes=managedsystems.rollcall.dev#0,configmaps#0'],
  });
  await plane.applyDefinitions();
});

afterAll(() => plane.stop());

beforeEach(() => {
  ending = new AbortController();
  told = [];
});

afterEach(async () => {
  ending.abort();
  await world[Symbol.asyncDispose]();
  const said = world.log.text() + JSON.stringify(world.observer.requests);
  expect(said).not.toContain(world.token.slice(-40));
  expect(said).not.toContain(SECRET_VALUE);
});

async function open(
  options: KubeWorldOptions = {},
  timings: Partial<ReflectorTimings> = {},
): Promise<KubeCluster> {
  world = await KubeWorld.open(plane, options);
  const { client, observer, log, namespace } = world;
  return new KubeCluster({
    client,
    namespaces: [namespace],
    dataFolder: '/data',
    observer,
    log,
    timings: { ...QUICK, ...timings },
  });
}

function watch(cluster: KubeCluster): Promise<void> {
  return cluster.watch((object) => told.push(object), ending.signal);
}

/** Every list is in, and every watch is open. */
async function watchAll(cluster: KubeCluster): Promise<void> {
  await watch(cluster);
  const watches = (): number => world.observer.requests.filter(({ verb }) => verb === 'watch').length;
  await vi.waitFor(() => expect(watches()).toBe(5), PATIENCE);
}

function key(name: string): string {
  return `${world.namespace}/${name}`;
}

function put(name: string, object = 'person'): Promise<void> {
  return world.objects.apply('ManagedSystem', key(name), { spec: systemSpec(object) });
}

async function toldOf(name: string): Promise<void> {
  await vi.waitFor(() => expect(told).toContainEqual({ kind: 'ManagedSystem', key: key(name) }), PATIENCE);
}

function isWatch({ path }: ProxiedRequest): boolean {
  return path.includes('watch=1');
}

/** Of the systems, in this test's namespace. */
function isSystems({ path }: ProxiedRequest): boolean {
  return path.startsWith(collectionPath('ManagedSystem', world.namespace));
}

function isSystemsWatch(request: ProxiedRequest): boolean {
  return isSystems(request) && isWatch(request);
}

function isSystemsList(request: ProxiedRequest): boolean {
  return isSystems(request) && !isWatch(request) && request.method === 'GET';
}

function happened(what: string): number {
  return world.observer.happened.filter((one) => one === what).length;
}

async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe('one connection', () => {
  it('carries all watches and calls', async () => {
    const cluster = await open();
    await watchAll(cluster);
    await put('one');
    await Promise.all(
      Array.from({ length: 20 }, () => cluster.getLive('ManagedSystem', key('one'), ending.signal)),
    );
    expect(world.proxy.requests.filter(isWatch)).toHaveLength(5);
    expect(world.proxy.accepted).toBe(1);
  });

  it('is not needed: a server that speaks HTTP/1.1 only does as well', async () => {
    const cluster = await open({ proxy: { http1: true } });
    await watch(cluster);
    await put('one');
    await toldOf('one');
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeDefined();
    expect(world.proxy.accepted).toBeLessThan(9);
  });

  it('says who we are, and asks for the metadata of Secrets and ConfigMaps only', async () => {
    const cluster = await open();
    await world.objects.apply('Secret', key('password'), { data: { value: btoa(SECRET_VALUE) } });
    await watchAll(cluster);
    const agents = new Set(world.proxy.requests.map(({ headers }) => headers['user-agent']));
    expect([...agents]).toEqual([expect.stringMatching(/^rollcall\/0\.0\.0-test /)]);
    const ofValues = world.proxy.requests.filter(({ path }) => /\/(secrets|configmaps)\?/.test(path));
    expect(ofValues).toHaveLength(4);
    for (const { headers } of ofValues)
      expect(headers['accept']).toMatch(
        /^application\/json;as=PartialObjectMetadata(List)?;g=meta\.k8s\.io;v=v1$/,
      );
  });

  it('is made anew when it dies silently, for the watches too, as soon as one call has no answer', async () => {
    const cluster = await open({ callTimeoutMs: 1_000 });
    await watchAll(cluster);
    world.proxy.blackhole();
    await put('one');
    await expect(cluster.getLive('ManagedSystem', key('one'), ending.signal)).rejects.toMatchObject({
      code: 'Timeout',
    });
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeDefined();
    await toldOf('one');
    expect(world.proxy.accepted).toBe(2);
  });
});

describe('a watch', () => {
  it('is begun anew soon after its connection died silently, though nobody calls', async () => {
    const cluster = await open({ pingMs: 400 });
    await watchAll(cluster);
    world.proxy.blackhole();
    await put('one');
    const began = performance.now();
    await toldOf('one');
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(world.proxy.accepted).toBe(2);
  });

  it('goes on when the API server was killed and has come back', async () => {
    const cluster = await open();
    await watchAll(cluster);
    await put('before');
    await toldOf('before');
    await plane.stopApiServer();
    await sleep(500);
    await plane.startApiServer();
    await vi.waitFor(() => put('after'), PATIENCE);
    await toldOf('after');
    expect(cluster.get('ManagedSystem', key('before'))).toBeDefined();
    await expect(cluster.getLive('ManagedSystem', key('after'), ending.signal)).resolves.toBeDefined();
  });

  it('goes on when the API server ends it in good order', async () => {
    const cluster = await open();
    await watchAll(cluster);
    await plane.stopApiServer('SIGTERM');
    await plane.startApiServer();
    await vi.waitFor(() => put('after'), PATIENCE);
    await toldOf('after');
  });

  it('goes on where it was when the connection is cut, without a list', async () => {
    const cluster = await open();
    await watchAll(cluster);
    world.proxy.refuse();
    world.proxy.cut();
    await put('meanwhile');
    await sleep(300);
    world.proxy.admit();
    await toldOf('meanwhile');
    expect(world.proxy.requests.filter(isSystemsList)).toHaveLength(1);
  });

  it('lists again when its version is gone, and tells what came, changed and went meanwhile', async () => {
    const cluster = await open();
    for (const name of ['stays', 'changes', 'goes']) await put(name);
    await watchAll(cluster);
    world.proxy.refuse();
    world.proxy.cut();
    told = [];
    await put('changes', 'robot');
    await world.objects.remove('ManagedSystem', key('goes'));
    await put('comes');
    await put('comes', 'robot'); // the newest version is never forgotten
    await plane.compact();
    world.proxy.admit();
    for (const name of ['changes', 'goes', 'comes']) await toldOf(name);
    expect(told.filter(({ kind }) => kind === 'ManagedSystem')).toHaveLength(3);
    expect(cluster.get('ManagedSystem', key('goes'))).toBeUndefined();
    const names = cluster.list('ManagedSystem').map(({ metadata }) => metadata.name);
    expect(names.toSorted()).toEqual(['changes', 'comes', 'stays']);
    expect(happened('Watch ManagedSystem Expired')).toBe(1);
    expect(happened('List ManagedSystem Expired')).toBe(1);
  });

  it('is begun anew when it is silent for longer than it was to last, over a new connection', async () => {
    const cluster = await open({}, { watchSeconds: [1, 1], idleMarginMs: 500 });
    await watchAll(cluster);
    world.proxy.blackhole();
    await put('one');
    await toldOf('one');
    // The first that notices ends them all.
    expect(world.observer.happened).toContainEqual(expect.stringMatching(/^Watch \w+ Idle$/));
    expect(world.proxy.accepted).toBe(2);
  });

  it('is begun anew when it alone is silent, over the same connection', async () => {
    const cluster = await open({}, { watchSeconds: [1, 1], idleMarginMs: 500 });
    world.proxy.misbehave(isSystemsWatch, { kind: 'Silence' }, 1);
    const calls = setInterval(() => void cluster.getLive('ManagedSystem', key('one'), ending.signal), 200);
    await watch(cluster);
    await put('one');
    await toldOf('one');
    clearInterval(calls);
    expect(happened('Watch ManagedSystem Idle')).toBe(1);
    expect(world.proxy.accepted).toBe(1);
  });

  it('is not repeated in a storm when it ends at once, each time', async () => {
    const cluster = await open({}, { firstPauseMs: 200, longestPauseMs: 5_000 });
    const end = { kind: 'Answer', status: 200, body: '' } as const;
    const undo = world.proxy.misbehave(isSystemsWatch, end);
    await watch(cluster);
    await sleep(2_000);
    expect(world.proxy.requests.filter(isSystemsWatch).length).toBeLessThanOrEqual(5);
    undo();
    await put('one');
    await toldOf('one');
  });

  it('that is refused by 429 is repeated when the server says so, not before', async () => {
    const cluster = await open();
    const busy = { kind: 'Answer', status: 429, headers: { 'retry-after': '2' }, body: 'busy' } as const;
    world.proxy.misbehave(isSystemsWatch, busy, 1);
    await watch(cluster);
    await put('one');
    await toldOf('one');
    const [first, second, ...more] = world.proxy.requests.filter(isSystemsWatch);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_950);
    expect(more).toEqual([]);
    expect(happened('List ManagedSystem Start')).toBe(1);
  });

  it.each([
    { what: 'something that is no JSON', text: '{"type":"ADDED","object":{"met\n' },
    { what: 'something that is no event', text: '[1]\n' },
    {
      what: 'an object without a name',
      text: '{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}\n',
    },
    {
      what: 'an error that is not about its version',
      text: '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"no"}}\n',
    },
  ])('that brings $what is replaced', async ({ text }) => {
    const cluster = await open();
    world.proxy.misbehave(isSystemsWatch, { kind: 'Prepend', text }, 1);
    await watch(cluster);
    await put('one');
    await toldOf('one');
    expect(happened('Watch ManagedSystem Error')).toBe(1);
    expect(cluster.list('ManagedSystem')).toHaveLength(1);
  });

  it('is not broken by who cannot be told', async () => {
    const cluster = await open();
    await put('one');
    await cluster.watch((object) => {
      told.push(object);
      throw new Error('no time');
    }, ending.signal);
    await toldOf('one');
    await put('two');
    await toldOf('two');
    expect(cluster.get('ManagedSystem', key('two'))).toBeDefined();
  });

  it('is followed by a whole list from time to time, which tells only what nobody had told', async () => {
    const cluster = await open({}, { watchSeconds: [1, 1], resyncMs: 100 });
    await put('one');
    await watch(cluster);
    await vi.waitFor(() => expect(happened('List ManagedSystem Resync')).toBeGreaterThan(0), PATIENCE);
    await put('two');
    await toldOf('two');
    expect(told.filter(({ key: each }) => each === key('one'))).toHaveLength(1);
  });
});

describe('a list', () => {
  async function putMany(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, at) => `map-${String(at)}`);
    const path = collectionPath('ConfigMap', world.namespace);
    for (let at = 0; at < count; at += 50)
      await Promise.all(
        names.slice(at, at + 50).map((name) => plane.request('POST', path, { metadata: { name } })),
      );
  }

  const isSecondPage = ({ path }: ProxiedRequest): boolean => path.includes('continue=');

  function toldMaps(): number {
    return new Set(told.filter(({ kind }) => kind === 'ConfigMap').map((object) => object.key)).size;
  }

  it('is read in pages, and a page whose connection breaks is asked for again', async () => {
    const cluster = await open();
    await putMany(620);
    world.proxy.misbehave(isSecondPage, { kind: 'LoseAnswer' }, 1);
    await watch(cluster);
    expect(toldMaps()).toBe(620);
    expect(world.proxy.requests.filter(isSecondPage)).toHaveLength(2);
    expect(happened('List ConfigMap Start')).toBe(1);
  });

  it('begins again when its next page is no longer kept', async () => {
    const cluster = await open();
    await putMany(620);
    const compacted = Promise.withResolvers<void>();
    world.proxy.misbehave(isSecondPage, { kind: 'Delay', until: compacted.promise }, 1);
    const watching = watch(cluster);
    await vi.waitFor(() => expect(world.proxy.requests.filter(isSecondPage)).toHaveLength(1), PATIENCE);
    await world.objects.remove('ConfigMap', key('map-0'));
    await world.objects.remove('ConfigMap', key('map-1'));
    await plane.compact();
    compacted.resolve();
    await watching;
    expect(toldMaps()).toBe(618);
    expect(happened('List ConfigMap Expired')).toBe(1);
  });

  it('survives an API server that is killed between two pages', async () => {
    const cluster = await open();
    await putMany(520);
    const killed = Promise.withResolvers<void>();
    world.proxy.misbehave(isSecondPage, { kind: 'Delay', until: killed.promise }, 1);
    const watching = watch(cluster);
    await vi.waitFor(() => expect(world.proxy.requests.filter(isSecondPage)).toHaveLength(1), PATIENCE);
    await plane.stopApiServer();
    killed.resolve();
    await plane.startApiServer();
    await watching;
    expect(toldMaps()).toBe(520);
  });

  it('of a kind that is not defined yet is tried until it is, without a storm', async () => {
    const cluster = await open({}, { firstPauseMs: 100, longestPauseMs: 800 });
    await plane.kubectl(['delete', 'crd', 'managedsystems.rollcall.dev']);
    let isSynced = false;
    const watching = watch(cluster).then(() => (isSynced = true));
    await sleep(3_000);
    expect(isSynced).toBe(false);
    expect(world.proxy.requests.filter(isSystemsList).length).toBeLessThanOrEqual(10);
    expect(world.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await plane.applyDefinitions();
    await watching;
    await vi.waitFor(() => put('one'), PATIENCE);
    await toldOf('one');
  });
});

describe('permissions and identities', () => {
  it('that are taken away are waited for, and what is known stays known', async () => {
    const cluster = await open({}, { watchSeconds: [1, 1] });
    await put('one');
    await watch(cluster);
    await revoke(plane);
    try {
      await vi.waitFor(() => expect(happened('List ManagedSystem Error')).toBeGreaterThan(1), PATIENCE);
      expect(cluster.get('ManagedSystem', key('one'))).toBeDefined();
      await expect(cluster.getLive('ManagedSystem', key('one'), ending.signal)).rejects.toMatchObject({
        code: 'Forbidden',
      });
      const lists = world.proxy.requests.filter(isSystemsList).length;
      await sleep(2_000);
      expect(world.proxy.requests.filter(isSystemsList).length - lists).toBeLessThanOrEqual(4);
    } finally {
      await grant(plane);
    }
    await put('two');
    await toldOf('two');
  });

  it('a token that is replaced is used from then on, and one refusal is nobody’s trouble', async () => {
    const cluster = await open();
    await put('one');
    await watch(cluster);
    const old = `Bearer ${world.token}`;
    const revoked = (request: ProxiedRequest): boolean => request.headers['authorization'] === old;
    await cluster.getLive('ManagedSystem', key('one'), ending.signal);
    world.proxy.misbehave(revoked, { kind: 'Answer', status: 401 });
    await world.put('token', await plane.serviceAccountToken('default', 'rollcall'));
    const refused = world.proxy.requests.length;
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeDefined();
    expect(world.proxy.requests.slice(refused).map((request) => revoked(request))).toEqual([true, false]);
    expect(world.proxy.accepted).toBe(1);
  });

  it('a token that nobody accepts is Unauthorized', async () => {
    const cluster = await open();
    await world.put('token', 'nonsense');
    const live = cluster.getLive('ManagedSystem', key('one'), ending.signal);
    await expect(live).rejects.toMatchObject({ code: 'Unauthorized' });
  });

  it('another file of authorities is used at once, though the old connection still works', async () => {
    const cluster = await open();
    await cluster.getLive('ManagedSystem', key('one'), ending.signal);
    const other = await createAuthority(`${world.folder}/pki`);
    await world.put('ca.crt', `${plane.authority.certificate}${other.certificate}`);
    await sleep(1_100); // what was read is remembered for a second
    await cluster.getLive('ManagedSystem', key('one'), ending.signal);
    expect(world.proxy.accepted).toBe(2);
    await vi.waitFor(() => expect(world.proxy.open).toBe(1), PATIENCE);
  });

  it('another authority of the server is believed as soon as it is in the file, over a new connection', async () => {
    const cluster = await open();
    await put('one');
    await watch(cluster);
    const other = await createAuthority(`${world.folder}/pki`);
    world.proxy.present(await other.server('api-proxy'));
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeDefined(); // the old connection
    world.proxy.cut();
    const live = cluster.getLive('ManagedSystem', key('one'), ending.signal);
    await expect(live).rejects.toMatchObject({ code: 'Unavailable' });
    await world.put('ca.crt', other.certificate);
    await vi.waitFor(
      async () => expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeDefined(),
      PATIENCE,
    );
    await put('two');
    await toldOf('two');
  });
});

describe('a call', () => {
  it('whose answer was lost is done once and answered', async () => {
    const cluster = await open();
    await put('one');
    const { uid = '' } = (await cluster.getLive('ManagedSystem', key('one'), ending.signal))?.metadata ?? {};
    const isApply = ({ method }: ProxiedRequest): boolean => method === 'PATCH';
    world.proxy.misbehave(isApply, { kind: 'LoseAnswer' }, 1);
    const owner = { kind: 'ManagedSystem', key: key('one'), uid } as const;
    await cluster.applyStatus(owner, statusOf(1, 'Fine'), ending.signal);
    expect((await world.objects.read('ManagedSystem', key('one')))?.['status']).toEqual(statusOf(1, 'Fine'));
    const [apply] = world.proxy.requests.filter(isApply);
    expect(apply?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(apply?.path).toMatch(/\/status\?fieldManager=rollcall&force=true$/);
  });

  it('writes no status to an object that was made anew, though its watch has not told so yet', async () => {
    const cluster = await open();
    await put('one');
    world.proxy.misbehave(isSystemsWatch, { kind: 'Silence' });
    await watchAll(cluster);
    const { uid = '' } = cluster.get('ManagedSystem', key('one'))?.metadata ?? {};
    const owner = { kind: 'ManagedSystem', key: key('one'), uid } as const;
    await put('one', 'robot');
    await cluster.applyStatus(owner, statusOf(1, 'Edited meanwhile'), ending.signal);
    await world.objects.remove('ManagedSystem', key('one'));
    await put('one');
    const applied = cluster.applyStatus(owner, statusOf(1, 'Gone'), ending.signal);
    await expect(applied).rejects.toMatchObject({ code: 'NotFound' });
    const status = (await world.objects.read('ManagedSystem', key('one')))?.['status'];
    expect(status).toEqual({ observedGeneration: -1 });
  });

  it('that is refused as too many waits as long as the server says', async () => {
    const cluster = await open();
    const busy = { kind: 'Answer', status: 429, headers: { 'retry-after': '1' } } as const;
    world.proxy.misbehave(() => true, busy, 1);
    const began = performance.now();
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeUndefined();
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
  });

  it.each([
    { status: 429, code: 'TooManyRequests', retryAfterMs: 60_000 },
    { status: 503, code: 'Unavailable', retryAfterMs: 60_000 },
    { status: 409, code: 'Conflict', retryAfterMs: 60_000 },
    { status: 422, code: 'Invalid', retryAfterMs: 60_000 },
    { status: 410, code: 'Expired', retryAfterMs: 60_000 },
    { status: 504, code: 'Timeout', retryAfterMs: 60_000 },
  ])('that is answered by $status is $code, and says what the server asked for', async (expected) => {
    const cluster = await open();
    const { status, code, retryAfterMs } = expected;
    const headers = { 'retry-after': '60' };
    world.proxy.misbehave(() => true, { kind: 'Answer', status, headers, body: SECRET_VALUE });
    const live = cluster.getLive('ManagedSystem', key('one'), ending.signal);
    await expect(live).rejects.toMatchObject({ name: 'ClusterError', code, retryAfterMs });
    await expect(live).rejects.not.toThrow(SECRET_VALUE);
    expect(world.proxy.requests).toHaveLength(1);
  });

  it('is tried a few times while the server has a fault, and no more', async () => {
    const cluster = await open();
    world.proxy.misbehave(() => true, { kind: 'Answer', status: 500 });
    const live = cluster.getLive('ManagedSystem', key('one'), ending.signal);
    await expect(live).rejects.toMatchObject({ code: 'Unavailable' });
    expect(world.proxy.requests).toHaveLength(4);
  });

  it('ends in time when nobody answers, and at once with its signal', async () => {
    const cluster = await open({ callTimeoutMs: 1_500 });
    world.proxy.freeze();
    const began = performance.now();
    const live = cluster.getLive('ManagedSystem', key('one'), ending.signal);
    await expect(live).rejects.toMatchObject({ code: 'Timeout' });
    expect(performance.now() - began).toBeLessThan(2_000);
    const impatient = cluster.getLive('ManagedSystem', key('one'), AbortSignal.timeout(100));
    await expect(impatient).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - began).toBeLessThan(2_500);
    world.proxy.thaw();
    expect(await cluster.getLive('ManagedSystem', key('one'), ending.signal)).toBeUndefined();
  });

  it('tells a warning of the server once', async () => {
    const cluster = await open();
    const headers = { warning: '299 - "the kind is \\"old\\"", 299 - "and so are we"' };
    world.proxy.misbehave(() => true, { kind: 'Answer', status: 404, headers });
    for (let time = 0; time < 3; time++) await cluster.getLive('ManagedSystem', key('one'), ending.signal);
    expect(world.log.lines.map(({ fields }) => fields)).toEqual([
      { warning: 'the kind is "old"' },
      { warning: 'and so are we' },
    ]);
  });

  it('is counted, with its verb and what came of it', async () => {
    const cluster = await open();
    await cluster.getLive('ManagedSystem', key('one'), ending.signal);
    world.proxy.refuse();
    world.proxy.cut();
    await cluster.getLive('ManagedSystem', key('one'), ending.signal).catch(() => undefined);
    const { host } = new URL(world.proxy.url);
    const [first, second] = world.observer.requests;
    expect(first).toMatchObject({ method: 'GET', verb: 'get', host, code: '404' });
    expect(first?.seconds).toBeLessThan(5);
    expect(second).toMatchObject({ method: 'GET', verb: 'get', host, code: '<error>' });
  });
});
