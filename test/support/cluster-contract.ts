/**
 * What every Cluster promises, as one suite. A harness brings a place up where objects live, changes them past the
 * Cluster as people do, and shows what is there.
 */
import { isAbsolute } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Kind } from '../../src/api/names.ts';
import { isRecord } from '../../src/api/schema.ts';
import {
  ClusterError,
  type Cluster,
  type ClusterObject,
  type StatusOwner,
} from '../../src/controller/ports.ts';

export interface ContractObject {
  readonly kind: Kind;
  readonly key: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ClusterHarness extends AsyncDisposable {
  readonly cluster: Cluster;
  /** Empty at first, and for this test alone. */
  readonly namespace: string;
  /** Makes the object, or changes its spec and its annotations; its status stays. */
  put(object: ContractObject): Promise<void>;
  remove(kind: Kind | 'Secret' | 'ConfigMap', key: string): Promise<void>;
  putSecret(key: string, values: Readonly<Record<string, string>>): Promise<void>;
  putConfigMap(
    key: string,
    values: Readonly<Record<string, string>>,
    binary?: Readonly<Record<string, Uint8Array>>,
  ): Promise<void>;
  /** What is there now, past the Cluster; undefined: nothing. */
  read(kind: Kind, key: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

export function systemSpec(object = 'person'): Readonly<Record<string, unknown>> {
  const attributes = [{ name: 'userName' }];
  return {
    type: 'Repository',
    repository: {},
    objects: [{ name: object, type: 'User', id: 'uid', attributes }],
  };
}

export function statusOf(generation: number, message: string): Readonly<Record<string, unknown>> {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Connected',
    message,
    observedGeneration: generation,
    lastTransitionTime: '2026-11-22T10:00:00Z',
  };
  return { observedGeneration: generation, conditions: [condition] };
}

/** Longer than any Cluster may take to hear of a change. */
const PATIENCE = { timeout: 10_000, interval: 20 };
/** So long nothing may be told, where nothing is to be told. */
const SILENCE_MS = 400;

/** How often each `Kind namespace/name` was told. */
type Told = Map<string, number>;

export function clusterContract(name: string, open: () => Promise<ClusterHarness>): void {
  describe(`${name} keeps the promises of a Cluster`, () => {
    let harness: ClusterHarness;
    let ending: AbortController;
    let told: Told;

    beforeEach(async () => {
      harness = await open();
      ending = new AbortController();
      told = new Map();
    });

    afterEach(async () => {
      ending.abort();
      await harness[Symbol.asyncDispose]();
    });

    const key = (object: string): string => `${harness.namespace}/${object}`;
    const signal = (): AbortSignal => AbortSignal.timeout(10_000);
    const watch = (): Promise<void> =>
      harness.cluster.watch((changed) => {
        const what = `${changed.kind} ${changed.key}`;
        told.set(what, (told.get(what) ?? 0) + 1);
      }, ending.signal);
    const timesTold = (what: string): number => told.get(what) ?? 0;
    const putSystem = (object: string, type?: string, annotations = {}): Promise<void> =>
      harness.put({ kind: 'ManagedSystem', key: key(object), spec: systemSpec(type), annotations });
    const get = (object: string): ClusterObject | undefined =>
      harness.cluster.get('ManagedSystem', key(object));
    const live = async (object: string): Promise<ClusterObject> => {
      const found = await harness.cluster.getLive('ManagedSystem', key(object), signal());
      if (found === undefined) throw new Error(`${object} is not there`);
      return found;
    };
    const ownerOf = async (object: string): Promise<StatusOwner> => {
      const { uid = '' } = (await live(object)).metadata;
      return { kind: 'ManagedSystem', key: key(object), uid };
    };
    const read = (object: string): Promise<Readonly<Record<string, unknown>> | undefined> =>
      harness.read('ManagedSystem', key(object));
    const toldAgain = async (what: string, action: () => Promise<void>): Promise<void> => {
      const before = timesTold(what);
      await action();
      await vi.waitFor(() => expect(timesTold(what)).toBeGreaterThan(before), PATIENCE);
    };

    describe('watch', () => {
      it('resolves when everything that is there has been told, and get and list answer from it', async () => {
        await putSystem('one');
        await putSystem('two');
        await harness.putSecret(key('password'), { value: 'x' });
        await harness.putConfigMap(key('names'), { value: 'x' });
        await watch();
        const expected = ['ManagedSystem one', 'ManagedSystem two', 'Secret password', 'ConfigMap names'];
        for (const what of expected)
          expect([...told.keys()]).toContain(what.replace(' ', ` ${harness.namespace}/`));
        const listed = harness.cluster.list('ManagedSystem').map(({ metadata }) => metadata);
        const ours = listed.filter(({ namespace }) => namespace === harness.namespace);
        expect(ours.map((metadata) => metadata.name).toSorted()).toEqual(['one', 'two']);
        expect(get('one')?.metadata).toMatchObject({ name: 'one', namespace: harness.namespace });
        expect(get('one')?.object['spec']).toMatchObject(systemSpec());
      });

      it('tells of an object that comes, changes and goes, and get says the same', async () => {
        await watch();
        const what = `ManagedSystem ${key('later')}`;
        await toldAgain(what, () => putSystem('later'));
        expect(get('later')?.object['spec']).toMatchObject(systemSpec());
        await toldAgain(what, () => putSystem('later', 'robot'));
        expect(get('later')?.object['spec']).toMatchObject(systemSpec('robot'));
        await toldAgain(what, () => harness.remove('ManagedSystem', key('later')));
        expect(get('later')).toBeUndefined();
        expect(harness.cluster.list('ManagedSystem').map(({ metadata }) => metadata.name)).not.toContain(
          'later',
        );
      });

      it('tells of every kind of ours', async () => {
        await watch();
        const rules = [{ name: 'leavers', situations: ['SourceMissing'], response: 'Report' }];
        await toldAgain(`SituationPolicy ${key('policy')}`, () =>
          harness.put({ kind: 'SituationPolicy', key: key('policy'), spec: { rules } }),
        );
        const side = { systemRef: { name: 'one' }, object: 'person' };
        const target = { systemRef: { name: 'two' }, object: 'person' };
        const correlate = [{ source: 'uid', target: 'uid' }];
        await toldAgain(`ReconMapping ${key('mapping')}`, () =>
          harness.put({
            kind: 'ReconMapping',
            key: key('mapping'),
            spec: { source: side, target, correlate },
          }),
        );
        expect(harness.cluster.get('SituationPolicy', key('policy'))?.object['spec']).toMatchObject({
          rules,
        });
        expect(harness.cluster.get('ReconMapping', key('mapping'))?.object['kind']).toBe('ReconMapping');
      });

      it('tells of an annotation of ours', async () => {
        await putSystem('one');
        await watch();
        await toldAgain(`ManagedSystem ${key('one')}`, () =>
          putSystem('one', 'person', { 'rollcall.dev/run-requested-at': 'now' }),
        );
        expect(get('one')?.metadata.annotations).toMatchObject({ 'rollcall.dev/run-requested-at': 'now' });
      });

      it('tells of Secrets and ConfigMaps that come, change and go', async () => {
        await watch();
        const [secret, map] = [`Secret ${key('password')}`, `ConfigMap ${key('names')}`];
        await toldAgain(secret, () => harness.putSecret(key('password'), { value: 'one' }));
        await toldAgain(secret, () => harness.putSecret(key('password'), { value: 'two' }));
        await toldAgain(secret, () => harness.remove('Secret', key('password')));
        await toldAgain(map, () => harness.putConfigMap(key('names'), { value: 'one' }));
        await toldAgain(map, () => harness.putConfigMap(key('names'), { value: 'two' }));
        await toldAgain(map, () => harness.remove('ConfigMap', key('names')));
      });

      it('does not tell of a status, so that writing one wakes nobody, but get shows it', async () => {
        await putSystem('one');
        await watch();
        const before = timesTold(`ManagedSystem ${key('one')}`);
        await harness.cluster.applyStatus(await ownerOf('one'), statusOf(1, 'Fine'), signal());
        await vi.waitFor(
          () => expect(get('one')?.object['status']).toMatchObject(statusOf(1, 'Fine')),
          PATIENCE,
        );
        await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
        expect(timesTold(`ManagedSystem ${key('one')}`)).toBe(before);
      });

      it('tells of an object that was removed and made anew, with another uid', async () => {
        await putSystem('one');
        await watch();
        const first = get('one')?.metadata.uid;
        await toldAgain(`ManagedSystem ${key('one')}`, async () => {
          await harness.remove('ManagedSystem', key('one'));
          await putSystem('one');
        });
        await vi.waitFor(() => expect(get('one')?.metadata.uid).not.toBe(first), PATIENCE);
        await vi.waitFor(() => expect(get('one')?.metadata.uid).toEqual(expect.any(String)), PATIENCE);
      });

      it('rejects when the signal has ended before, and tells nothing once it has ended', async () => {
        const ended = AbortSignal.abort(new Error('enough'));
        await expect(harness.cluster.watch(() => undefined, ended)).rejects.toThrow('enough');
      });

      it('tells nothing once the signal has ended', async () => {
        await watch();
        ending.abort();
        await putSystem('late');
        await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
        expect(timesTold(`ManagedSystem ${key('late')}`)).toBe(0);
      });
    });

    describe('reading', () => {
      it('getLive shows an object as it is now, without a watch', async () => {
        await putSystem('one');
        expect((await live('one')).object['spec']).toMatchObject(systemSpec());
        await putSystem('one', 'robot');
        expect((await live('one')).object['spec']).toMatchObject(systemSpec('robot'));
      });

      it('what is not there is undefined', async () => {
        await watch();
        expect(get('nobody')).toBeUndefined();
        expect(await harness.cluster.getLive('ManagedSystem', key('nobody'), signal())).toBeUndefined();
        expect(await harness.cluster.readSecret(key('nobody'), signal())).toBeUndefined();
        expect(await harness.cluster.readConfigMap(key('nobody'), signal())).toBeUndefined();
      });

      it('every object says where its relative paths start from', async () => {
        await putSystem('one');
        await watch();
        expect(isAbsolute(get('one')?.folder ?? '')).toBe(true);
        expect((await live('one')).folder).toBe(get('one')?.folder);
      });

      it('generation grows with the spec and with nothing else', async () => {
        await putSystem('one');
        const first = (await live('one')).metadata.generation ?? NaN;
        await putSystem('one', 'person', { 'rollcall.dev/run-requested-at': 'now' });
        await harness.cluster.applyStatus(await ownerOf('one'), statusOf(1, 'Fine'), signal());
        expect((await live('one')).metadata.generation).toBe(first);
        await putSystem('one', 'robot');
        expect((await live('one')).metadata.generation).toBeGreaterThan(first);
      });

      it('readSecret reads the values as they are now, and none of them prints', async () => {
        await harness.putSecret(key('password'), { value: 'correct horse', empty: '' });
        const values = await harness.cluster.readSecret(key('password'), signal());
        expect(values?.get('value')?.reveal()).toBe('correct horse');
        expect(values?.get('empty')?.reveal()).toBe('');
        expect(values?.size).toBe(2);
        expect(inspect(values, { depth: 9 }) + JSON.stringify([...(values ?? [])])).not.toContain('horse');
        await harness.putSecret(key('password'), { value: 'battery staple' });
        const later = await harness.cluster.readSecret(key('password'), signal());
        expect(later?.get('value')?.reveal()).toBe('battery staple');
        expect(later?.has('empty')).toBe(false);
      });

      it('readConfigMap reads text and bytes', async () => {
        const bytes = new Uint8Array([0xff, 0x00, 0xc3]);
        await harness.putConfigMap(key('names'), { text: 'Grüße\n' }, { bytes });
        const values = await harness.cluster.readConfigMap(key('names'), signal());
        expect(values?.get('text')).toBe('Grüße\n');
        const found = values?.get('bytes');
        expect(found instanceof Uint8Array ? [...found] : found).toEqual([...bytes]);
      });

      it('an ended signal rejects', async () => {
        const ended = AbortSignal.abort(new Error('enough'));
        await expect(harness.cluster.getLive('ManagedSystem', key('one'), ended)).rejects.toThrow('enough');
      });
    });

    describe('applyStatus', () => {
      it('replaces the whole status: what is left out is gone', async () => {
        await putSystem('one');
        const owner = await ownerOf('one');
        const first = { ...statusOf(1, 'Fine'), vendor: 'Acme', capabilities: ['Search'] };
        await harness.cluster.applyStatus(owner, first, signal());
        expect((await read('one'))?.['status']).toEqual(first);
        await harness.cluster.applyStatus(owner, statusOf(1, 'Less'), signal());
        expect((await read('one'))?.['status']).toEqual(statusOf(1, 'Less'));
        const [condition] = statusOf(1, 'Other')['conditions'] as Record<string, unknown>[];
        const other = { observedGeneration: 1, conditions: [{ ...condition, type: 'Reachable' }] };
        await harness.cluster.applyStatus(owner, other, signal());
        expect((await read('one'))?.['status']).toEqual(other);
      });

      it('leaves spec and annotations as they are', async () => {
        await putSystem('one', 'robot', { 'rollcall.dev/run-requested-at': 'now' });
        const before = await read('one');
        await harness.cluster.applyStatus(await ownerOf('one'), statusOf(1, 'Fine'), signal());
        const after = await read('one');
        expect(after?.['spec']).toEqual(before?.['spec']);
        expect(annotationsOf(after)).toEqual(annotationsOf(before));
      });

      it('makes no new version where nothing changes', async () => {
        await putSystem('one');
        const owner = await ownerOf('one');
        await harness.cluster.applyStatus(owner, statusOf(1, 'Fine'), signal());
        const { resourceVersion } = (await live('one')).metadata;
        await harness.cluster.applyStatus(owner, statusOf(1, 'Fine'), signal());
        expect((await live('one')).metadata.resourceVersion).toBe(resourceVersion);
      });

      it('is written although the object was edited a moment ago', async () => {
        await putSystem('one');
        await watch();
        const owner = await ownerOf('one');
        await putSystem('one', 'robot');
        await harness.cluster.applyStatus(owner, statusOf(1, 'Fine'), signal());
        expect((await read('one'))?.['status']).toEqual(statusOf(1, 'Fine'));
        expect((await read('one'))?.['spec']).toMatchObject(systemSpec('robot'));
      });

      it('is refused where the object is gone', async () => {
        await putSystem('one');
        const owner = await ownerOf('one');
        await harness.remove('ManagedSystem', key('one'));
        const applied = harness.cluster.applyStatus(owner, statusOf(1, 'Fine'), signal());
        await expect(applied).rejects.toMatchObject({ name: 'ClusterError', code: 'NotFound' });
        await expect(applied).rejects.toBeInstanceOf(ClusterError);
        expect(await read('one')).toBeUndefined();
      });

      it('is refused where the object was made anew under the same name', async () => {
        await putSystem('one');
        const owner = await ownerOf('one');
        await harness.remove('ManagedSystem', key('one'));
        await putSystem('one');
        const before = await read('one');
        const applied = harness.cluster.applyStatus(owner, statusOf(1, 'Fine'), signal());
        await expect(applied).rejects.toMatchObject({ name: 'ClusterError', code: 'NotFound' });
        expect((await read('one'))?.['status']).toEqual(before?.['status']);
      });
    });
  });
}

function annotationsOf(object: Readonly<Record<string, unknown>> | undefined): unknown {
  const metadata = object?.['metadata'];
  return isRecord(metadata) ? metadata['annotations'] : undefined;
}
