/** The cluster as the controllers see it: an API server, watched and asked. */
import { join } from 'node:path';
import { kindNames, type Kind, type ObjectMetadata } from '../api/names.ts';
import { parseConfigMap, parseSecret } from '../api/references.ts';
import {
  ClusterError,
  type Cluster,
  type ClusterObject,
  type ClusterObserver,
  type Log,
  type ObjectKey,
  type StatusOwner,
  type WatchedKind,
} from '../controller/ports.ts';
import type { Secret } from '../lib/secret.ts';
import type { KubeClient, KubeObject } from './client.ts';
import { keepObject, keepVersion, readObject, type HeldObject } from './cluster-object.ts';
import { Reflector, type ReflectorTimings } from './reflector.ts';
import { objectPath, resources, splitKey } from './resources.ts';

export interface KubeClusterOptions {
  readonly client: KubeClient;
  readonly namespaces: readonly string[] | 'All';
  /** Relative paths of an object start from the folder in it that is named for the object's namespace. */
  readonly dataFolder: string;
  readonly observer: ClusterObserver;
  readonly log: Log;
  readonly timings?: Partial<ReflectorTimings>;
}

const FIELD_MANAGER = 'rollcall';
/** Somebody else changed the object between our look and our write; rarely twice. */
const MOST_ATTEMPTS = 4;
const VALUES = ['Secret', 'ConfigMap'] as const;

export class KubeCluster implements Cluster {
  readonly #options: KubeClusterOptions;
  /** By kind, then by namespace; the one for all namespaces is at `undefined`. */
  #objects: ReadonlyMap<Kind, ReadonlyMap<string | undefined, Reflector<HeldObject>>> = new Map();

  constructor(options: KubeClusterOptions) {
    this.#options = options;
  }

  /** Once only. */
  async watch(changed: (object: ObjectKey) => void, signal: AbortSignal): Promise<void> {
    const { namespaces } = this.#options;
    const scopes = namespaces === 'All' ? [undefined] : [...new Set(namespaces)];
    const reflect = <T>(
      kind: WatchedKind,
      namespace: string | undefined,
      keep: (object: KubeObject) => { key: string; value: T; mark: string },
    ): Reflector<T> =>
      new Reflector({
        ...this.#options,
        kind,
        namespace,
        keep,
        metadataOnly: kind === 'Secret' || kind === 'ConfigMap',
        changed: (key) => changed({ kind, key }),
      });
    const objects = kindNames.map(
      (kind) => [kind, new Map(scopes.map((scope) => [scope, reflect(kind, scope, keepObject)]))] as const,
    );
    const values = VALUES.flatMap((kind) => scopes.map((scope) => reflect(kind, scope, keepVersion)));
    this.#objects = new Map(objects);
    const all = [...objects.flatMap(([, scoped]) => [...scoped.values()]), ...values];
    // They return when the signal ends and throw nothing.
    for (const reflector of all) void reflector.run(signal);
    await Promise.all(all.map((reflector) => reflector.synced));
  }

  get(kind: Kind, key: string): ClusterObject | undefined {
    const scoped = this.#objects.get(kind);
    const held = (scoped?.get(undefined) ?? scoped?.get(splitKey(key).namespace))?.get(key);
    return held === undefined ? undefined : this.#object(held);
  }

  list(kind: Kind): readonly ClusterObject[] {
    const scoped = [...(this.#objects.get(kind)?.values() ?? [])];
    return scoped.flatMap((reflector) => reflector.list()).map((held) => this.#object(held));
  }

  async getLive(kind: Kind, key: string, signal: AbortSignal): Promise<ClusterObject | undefined> {
    const found = await this.#read(kind, key, signal);
    return found === undefined ? undefined : this.#object(readObject(found));
  }

  async readSecret(key: string, signal: AbortSignal): Promise<ReadonlyMap<string, Secret> | undefined> {
    const found = await this.#read('Secret', key, signal);
    return found === undefined ? undefined : parseSecret(found).values;
  }

  async readConfigMap(
    key: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | Uint8Array> | undefined> {
    const found = await this.#read('ConfigMap', key, signal);
    return found === undefined ? undefined : parseConfigMap(found).values;
  }

  async applyStatus(
    owner: StatusOwner,
    status: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    // The version that we know is enough as a rule. An object that was made anew under the same name has another one
    // and must not get the status of its predecessor: this path of the API would overlook a uid in what is applied.
    const seen = this.get(owner.kind, owner.key)?.metadata;
    let known = seen?.uid === owner.uid ? seen : await this.#present(owner, signal);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#apply(owner.kind, known, status, signal);
        return;
      } catch (error) {
        const isChanged = error instanceof ClusterError && error.code === 'Conflict';
        if (!isChanged || attempt === MOST_ATTEMPTS) throw error;
      }
      known = await this.#present(owner, signal);
    }
  }

  async #present({ kind, key, uid }: StatusOwner, signal: AbortSignal): Promise<ObjectMetadata> {
    const live = await this.getLive(kind, key, signal);
    if (live?.metadata.uid === uid) return live.metadata;
    throw new ClusterError('NotFound', `the ${kind} ${key} that was meant is gone`);
  }

  async #apply(
    kind: Kind,
    { namespace, name, resourceVersion }: ObjectMetadata,
    status: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `${objectPath(kind, `${namespace}/${name}`)}/status`;
    const { apiVersion } = resources[kind];
    const body = { apiVersion, kind, metadata: { namespace, name, resourceVersion }, status };
    const query = { fieldManager: FIELD_MANAGER, force: 'true' };
    await this.#options.client.call({ verb: 'apply', path, query, body }, signal);
  }

  async #read(kind: WatchedKind, key: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await this.#options.client.call({ verb: 'get', path: objectPath(kind, key) }, signal);
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'NotFound') return undefined;
      throw error;
    }
  }

  #object({ metadata, object }: HeldObject): ClusterObject {
    return { metadata, object, folder: join(this.#options.dataFolder, metadata.namespace) };
  }
}
