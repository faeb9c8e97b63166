import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectMetadata } from '../../src/api/names.ts';
import { isRecord } from '../../src/api/schema.ts';
import type { RecordedEvent } from '../../src/controller/ports.ts';
import { KubeRecorder, type RecorderTimings } from '../../src/kube/events.ts';
import { collectionPath } from '../../src/kube/resources.ts';
import { systemSpec } from '../support/cluster-contract.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { KubeWorld } from '../support/kube-world.ts';

type EventObject = Readonly<Record<string, unknown>>;

const PATIENCE = { timeout: 10_000, interval: 20 };

let plane: ControlPlane;
let world: KubeWorld;
let metadata: ObjectMetadata;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.applyDefinitions();
});

afterAll(() => plane.stop());

beforeEach(async () => {
  world = await KubeWorld.open(plane);
  metadata = await makeSystem('directory');
});

afterEach(() => world[Symbol.asyncDispose]());

async function makeSystem(name: string): Promise<ObjectMetadata> {
  await world.objects.apply('ManagedSystem', `${world.namespace}/${name}`, { spec: systemSpec() });
  const found = await world.objects.read('ManagedSystem', `${world.namespace}/${name}`);
  return found?.['metadata'] as ObjectMetadata;
}

function recorder(timings: Partial<RecorderTimings> = {}): KubeRecorder {
  const { client, log } = world;
  return new KubeRecorder({ client, instance: 'rollcall-0', log, timings });
}

function event(more: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    regarding: { kind: 'ManagedSystem', metadata },
    type: 'Warning',
    reason: 'SystemUnreachable',
    action: 'Probe',
    note: 'no answer from the directory',
    ...more,
  };
}

async function events(): Promise<EventObject[]> {
  const { body } = await plane.request('GET', collectionPath('Event', world.namespace));
  return isRecord(body) && Array.isArray(body['items']) ? body['items'].filter(isRecord) : [];
}

async function onlyEvent(): Promise<EventObject> {
  const found = await events();
  expect(found).toHaveLength(1);
  return found[0] ?? {};
}

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

describe('an Event', () => {
  it('is written at once, with all that the API asks for', async () => {
    const recording = recorder();
    recording.record(event());
    await recording.flush();
    expect(await onlyEvent()).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^directory\.[0-9a-f]{15,}$/) as unknown,
        namespace: world.namespace,
      },
      eventTime: expect.stringMatching(MICRO_TIME) as unknown,
      type: 'Warning',
      reason: 'SystemUnreachable',
      action: 'Probe',
      note: 'no answer from the directory',
      reportingController: 'rollcall.dev/rollcall',
      reportingInstance: 'rollcall-0',
      regarding: {
        apiVersion: 'rollcall.dev/v1alpha1',
        kind: 'ManagedSystem',
        name: 'directory',
        namespace: world.namespace,
        uid: metadata.uid,
      },
    });
  });

  it('is what kubectl describe and kubectl events show', async () => {
    const recording = recorder();
    recording.record(event());
    recording.record(event({ type: 'Normal', reason: 'SystemConnected', note: 'answers again' }));
    await recording.flush();
    const described = await plane.kubectl(['-n', world.namespace, 'describe', 'msys', 'directory']);
    expect(described).toMatch(/Warning\s+SystemUnreachable\s+.*no answer from the directory/);
    expect(described).toMatch(/Normal\s+SystemConnected\s+.*answers again/);
    const listed = await plane.kubectl(['-n', world.namespace, 'events', '--for', 'msys/directory']);
    expect(listed).toContain('ManagedSystem/directory');
  });

  it.each([
    { what: 'of many characters', note: 'x'.repeat(3_000) },
    { what: 'of characters of two bytes', note: 'ü'.repeat(1_000) },
    { what: 'of characters of four bytes', note: `x${'🦊'.repeat(600)}` },
  ])('with a note $what is cut between two of them', async ({ note }) => {
    const recording = recorder();
    recording.record(event({ note }));
    await recording.flush();
    const written = String((await onlyEvent())['note']);
    expect(Buffer.byteLength(written)).toBeLessThanOrEqual(1_024);
    expect(Buffer.byteLength(written)).toBeGreaterThan(1_015);
    expect(written.isWellFormed()).toBe(true);
    expect(note.startsWith(written.slice(0, -1))).toBe(true);
  });

  it('about an object with the longest possible name has a name that the API takes', async () => {
    metadata = await makeSystem(`${'a'.repeat(235)}-${'b'.repeat(17)}`);
    const recording = recorder();
    recording.record(event());
    await recording.flush();
    expect(await onlyEvent()).toHaveProperty('regarding.uid', metadata.uid);
  });

  it('that repeats is counted on the first', async () => {
    const recording = recorder({ repeatMs: 200 });
    for (let time = 0; time < 30; time++) recording.record(event());
    await vi.waitFor(async () => expect(await onlyEvent()).toHaveProperty('series.count', 30), PATIENCE);
    const written = await onlyEvent();
    expect(written).toHaveProperty('series.lastObservedTime', expect.stringMatching(MICRO_TIME));
    expect(world.proxy.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
  });

  it('that repeats within the minute is written once, and the rest when there is a flush', async () => {
    const recording = recorder();
    for (let time = 0; time < 5; time++) recording.record(event());
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await onlyEvent()).not.toHaveProperty('series');
    await recording.flush();
    expect(await onlyEvent()).toHaveProperty('series.count', 5);
    await recording.flush();
    expect(world.proxy.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
  });

  it.each([
    { differs: 'type', more: { type: 'Normal' as const } },
    { differs: 'reason', more: { reason: 'CredentialsRejected' } },
    { differs: 'action', more: { action: 'Reconcile' } },
    { differs: 'note', more: { note: 'the directory is busy' } },
  ])('that differs in its $differs is another', async ({ more }) => {
    const recording = recorder();
    recording.record(event());
    recording.record(event(more));
    await recording.flush();
    expect(await events()).toHaveLength(2);
  });

  it('about another object is another', async () => {
    const recording = recorder();
    recording.record(event());
    recording.record(event({ regarding: { kind: 'ManagedSystem', metadata: await makeSystem('other') } }));
    await recording.flush();
    expect(await events()).toHaveLength(2);
  });

  it('that comes again after a long time is another', async () => {
    const recording = recorder({ forgottenAfterMs: 100 });
    recording.record(event());
    await new Promise((resolve) => setTimeout(resolve, 150));
    recording.record(event());
    await recording.flush();
    expect(await events()).toHaveLength(2);
  });

  it('is dropped when there were 25 about the same object, and others are not', async () => {
    const recording = recorder();
    for (let at = 0; at < 40; at++) recording.record(event({ reason: `Reason${'x'.repeat(at)}` }));
    const other = await makeSystem('other');
    recording.record(event({ regarding: { kind: 'ManagedSystem', metadata: other } }));
    await recording.flush();
    const names = (await events()).map((one) => (one['regarding'] as ObjectMetadata).name);
    expect(names.filter((name) => name === 'directory')).toHaveLength(25);
    expect(names.filter((name) => name === 'other')).toHaveLength(1);
  });

  it('that the server keeps no longer is written anew, with its count', async () => {
    const recording = recorder();
    recording.record(event());
    await recording.flush();
    const name = String(((await onlyEvent())['metadata'] as ObjectMetadata).name);
    await world.objects.remove('Event', `${world.namespace}/${name}`);
    recording.record(event());
    await recording.flush();
    expect(await onlyEvent()).toHaveProperty('series.count', 2);
  });

  it('whose answer was lost is there once', async () => {
    world.proxy.misbehave(({ method }) => method === 'POST', { kind: 'LoseAnswer' }, 1);
    const recording = recorder();
    recording.record(event());
    await recording.flush();
    expect(world.proxy.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
    await onlyEvent();
    expect(world.log.lines).toEqual([]);
  });

  it('that may not be written is dropped and logged, without its note', async () => {
    world.proxy.misbehave(() => true, { kind: 'Answer', status: 403 });
    const recording = recorder();
    recording.record(event());
    await expect(recording.flush()).resolves.toBeUndefined();
    expect(world.log.lines).toMatchObject([{ level: 'warn', fields: { reason: 'SystemUnreachable' } }]);
    expect(world.log.text()).not.toContain('no answer from the directory');
  });
});
