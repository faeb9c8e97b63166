import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRecord } from '../../src/api/schema.ts';
import { monotonicNow } from '../../src/controller/ports.ts';
import { LeaseLeadership, type LeaseTimings } from '../../src/kube/lease.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { KubeWorld } from '../support/kube-world.ts';

/** Leases count whole seconds. */
const QUICK: LeaseTimings = { durationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300, safetyMarginMs: 500 };
const PATIENCE = { timeout: 10_000, interval: 20 };

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(() => plane.stop());

class Stage implements AsyncDisposable {
  readonly #worlds: KubeWorld[] = [];
  readonly #electors: LeaseLeadership[] = [];

  /** Each with a proxy and a client of its own, as in a pod of its own. */
  async elector(
    holder: string,
    namespace?: string,
    timings = QUICK,
  ): Promise<{ world: KubeWorld; leadership: LeaseLeadership }> {
    const world = await KubeWorld.open(plane);
    this.#worlds.push(world);
    const { client, observer, log } = world;
    const place = { namespace: namespace ?? world.namespace, name: 'rollcall' };
    const leadership = new LeaseLeadership({ client, ...place, holder, observer, log, timings });
    this.#electors.push(leadership);
    return { world, leadership };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const world of this.#worlds) world.proxy.thaw();
    await Promise.all(this.#electors.map((elector) => elector.release()));
    for (const world of this.#worlds) await world[Symbol.asyncDispose]();
  }
}

function patience(): AbortSignal {
  return AbortSignal.timeout(15_000);
}

async function specOf(world: KubeWorld, namespace = world.namespace): Promise<Record<string, unknown>> {
  const lease = await world.objects.read('Lease', `${namespace}/rollcall`);
  return isRecord(lease?.['spec']) ? { ...lease['spec'] } : {};
}

async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe.concurrent('leadership by a Lease', () => {
  it('is written as other controllers write it', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    expect(leadership.validUntil()).toBeLessThan(monotonicNow());
    const before = monotonicNow();
    await leadership.acquire(patience());
    expect(leadership.validUntil()).toBeGreaterThanOrEqual(before + 2_500);
    expect(leadership.validUntil()).toBeLessThanOrEqual(monotonicNow() + 2_500);
    const six = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) as unknown;
    expect(await specOf(world)).toEqual({
      holderIdentity: expect.stringMatching(/^pod-a_[-0-9a-f]{36}$/) as unknown,
      leaseDurationSeconds: 3,
      acquireTime: six,
      renewTime: six,
      leaseTransitions: 0,
    });
    expect(world.observer.leads).toBe(true);
    expect(await plane.kubectl(['-n', world.namespace, 'get', 'lease', 'rollcall'])).toContain('pod-a_');
  });

  it('is renewed for as long as it is held, and its validity with it', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    await leadership.acquire(patience());
    const [first, validUntil] = [await specOf(world), leadership.validUntil()];
    await sleep(3_500);
    const later = await specOf(world);
    expect(later).toEqual({ ...first, renewTime: later['renewTime'] });
    expect(String(later['renewTime']) > String(first['renewTime'])).toBe(true);
    expect(leadership.validUntil()).toBeGreaterThan(validUntil + 2_500);
    expect(leadership.lost.aborted).toBe(false);
  });

  it('is valid from before it was asked for, however late the answer', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    const late = Promise.withResolvers<void>();
    let arrivedAt = 0;
    const isAskedFor = ({ method }: { readonly method: string }): boolean => {
      if (method !== 'POST') return false;
      if (arrivedAt === 0) setTimeout(late.resolve, 700);
      arrivedAt ||= monotonicNow();
      return true;
    };
    world.proxy.misbehave(isAskedFor, { kind: 'Delay', until: late.promise });
    await leadership.acquire(patience());
    expect(monotonicNow() - arrivedAt).toBeGreaterThanOrEqual(600);
    // Had it counted from the answer, it would be valid for longer by all that the answer was late.
    expect(leadership.validUntil()).toBeLessThanOrEqual(arrivedAt + 2_500);
  });

  it('belongs to one only, and is handed over at once by who leaves', async () => {
    await using stage = new Stage();
    const { world, leadership: first } = await stage.elector('pod-a');
    const { leadership: second } = await stage.elector('pod-b', world.namespace);
    await first.acquire(patience());
    let isSecondLeading = false;
    const taken = second.acquire(patience()).then(() => (isSecondLeading = true));
    await sleep(3_500);
    expect(isSecondLeading).toBe(false);
    const began = monotonicNow();
    await first.release();
    expect(first.validUntil()).toBeLessThan(began);
    await taken;
    expect(monotonicNow() - began).toBeLessThan(1_500);
    expect(await specOf(world)).toMatchObject({ leaseTransitions: 2 - 1 });
    expect(world.observer.leads).toBe(false);
    expect(first.lost.aborted).toBe(false);
  });

  it('is lost by who cannot renew it, before anybody else can have it', async () => {
    await using stage = new Stage();
    const { world: one, leadership: first } = await stage.elector('pod-a');
    const { world: other, leadership: second } = await stage.elector('pod-b', one.namespace);
    await first.acquire(patience());
    const taken = second.acquire(patience());
    await sleep(1_000);
    one.proxy.freeze();
    const until = first.validUntil();
    let lostAt = Infinity;
    first.lost.addEventListener('abort', () => (lostAt = monotonicNow()));
    await taken;
    const takenAt = monotonicNow();
    expect(lostAt).toBeLessThan(takenAt);
    expect(until).toBeLessThan(takenAt);
    expect(first.validUntil()).toBeLessThan(takenAt);
    expect(one.observer.leads).toBe(false);
    expect(await specOf(other, one.namespace)).toMatchObject({ leaseTransitions: 1 });
    one.proxy.thaw();
    await sleep(1_000);
    expect((await specOf(other, one.namespace))['holderIdentity']).toMatch(/^pod-b/);
  });

  it('survives a connection that died silently', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a', undefined, {
      ...QUICK,
      durationMs: 6_000,
      renewDeadlineMs: 4_000,
    });
    await leadership.acquire(patience());
    world.proxy.blackhole();
    await sleep(6_000);
    expect(leadership.lost.aborted).toBe(false);
    expect(leadership.validUntil()).toBeGreaterThan(monotonicNow());
    expect(world.proxy.accepted).toBe(2);
  });

  it('survives a renewal whose answer was lost', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    await leadership.acquire(patience());
    world.proxy.misbehave(({ method }) => method === 'PUT', { kind: 'LoseAnswer' }, 1);
    const before = leadership.validUntil();
    await vi.waitFor(() => expect(leadership.validUntil()).toBeGreaterThan(before), PATIENCE);
    await sleep(1_000);
    expect(leadership.lost.aborted).toBe(false);
    expect(await specOf(world)).toMatchObject({ leaseTransitions: 0 });
  });

  it('survives a Lease that somebody removed', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    await leadership.acquire(patience());
    await world.objects.remove('Lease', `${world.namespace}/rollcall`);
    await vi.waitFor(async () => expect(await specOf(world)).toHaveProperty('holderIdentity'), PATIENCE);
    expect(leadership.lost.aborted).toBe(false);
  });

  it('is lost at once to somebody who took it by force', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    await leadership.acquire(patience());
    await world.objects.apply('Lease', `${world.namespace}/rollcall`, {
      spec: { holderIdentity: 'somebody' },
    });
    await vi.waitFor(() => expect(leadership.lost.aborted).toBe(true), { timeout: 1_500 });
    expect(leadership.validUntil()).toBeLessThan(monotonicNow());
    expect((await specOf(world))['holderIdentity']).toBe('somebody');
  });

  it.each([
    { clock: 'far behind', renewTime: '2001-01-01T00:00:00.000000Z' },
    { clock: 'far ahead', renewTime: '2099-01-01T00:00:00.000000Z' },
  ])('waits as long as a holder may be alive whose clock is $clock, and no longer', async ({ renewTime }) => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    const spec = { holderIdentity: 'somebody', leaseDurationSeconds: 2, renewTime, acquireTime: renewTime };
    await world.objects.apply('Lease', `${world.namespace}/rollcall`, { spec });
    const began = monotonicNow();
    await leadership.acquire(patience());
    expect(monotonicNow() - began).toBeGreaterThanOrEqual(2_000);
    expect(monotonicNow() - began).toBeLessThan(4_000);
  });

  it('waits for the permission, and says once that it lacks it', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    const undo = world.proxy.misbehave(() => true, { kind: 'Answer', status: 403 });
    const acquired = leadership.acquire(patience());
    await sleep(1_500);
    undo();
    await acquired;
    expect(world.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('ends waiting with the signal', async () => {
    await using stage = new Stage();
    const { world, leadership: first } = await stage.elector('pod-a');
    const { leadership: second } = await stage.elector('pod-b', world.namespace);
    await first.acquire(patience());
    const ending = new AbortController();
    const waiting = second.acquire(ending.signal);
    setTimeout(() => ending.abort(new Error('enough')), 500);
    await expect(waiting).rejects.toThrow('enough');
  });

  it('is not held back by the rate limit', async () => {
    await using stage = new Stage();
    const { world, leadership } = await stage.elector('pod-a');
    await leadership.acquire(patience());
    const flood = Array.from({ length: 120 }, () =>
      world.client.call({ verb: 'get', path: '/version', timeoutMs: 20_000 }, patience()),
    );
    await Promise.all(flood);
    expect(leadership.lost.aborted).toBe(false);
    expect(leadership.validUntil()).toBeGreaterThan(monotonicNow() + 1_000);
  });
});

it('leadership survives an API server that is killed and comes back', async () => {
  await using stage = new Stage();
  const { leadership } = await stage.elector('pod-a', undefined, {
    ...QUICK,
    durationMs: 20_000,
    renewDeadlineMs: 15_000,
  });
  await leadership.acquire(patience());
  const before = leadership.validUntil();
  await plane.stopApiServer();
  await plane.startApiServer();
  await vi.waitFor(() => expect(leadership.validUntil()).toBeGreaterThan(before + 1_000), PATIENCE);
  expect(leadership.lost.aborted).toBe(false);
});
