/** A real API server as the Cluster contract wants it: a namespace for each test, changed past the Cluster. */
import { randomBytes } from 'node:crypto';
import { KubeClient } from '../../src/kube/client.ts';
import { KubeCluster } from '../../src/kube/cluster.ts';
import type { Credentials } from '../../src/kube/access.ts';
import { objectPath, resources, splitKey, type ResourceKind } from '../../src/kube/resources.ts';
import { isRecord } from '../../src/api/schema.ts';
import type { ClusterHarness } from './cluster-contract.ts';
import type { ControlPlane } from './control-plane.ts';
import { RecordingLog, RecordingObserver } from './recording.ts';

export async function createNamespace(plane: ControlPlane): Promise<string> {
  const name = `test-${randomBytes(5).toString('hex')}`;
  const { status } = await plane.request('POST', '/api/v1/namespaces', { metadata: { name } });
  if (status !== 201) throw new Error(`no namespace ${name}: ${String(status)}`);
  return name;
}

export interface KubeHarnessOptions {
  readonly plane: ControlPlane;
  readonly credentials: Credentials;
  /** Only the namespace of the test is watched; else all. */
  readonly namespaced: boolean;
  readonly dataFolder?: string;
}

export async function openKubeCluster(options: KubeHarnessOptions): Promise<ClusterHarness> {
  const { plane, credentials, namespaced, dataFolder = '/var/lib/rollcall/data' } = options;
  const namespace = await createNamespace(plane);
  const [log, observer] = [new RecordingLog(), new RecordingObserver()];
  const client = new KubeClient({ credentials, version: '0.0.0-test', log, observer });
  const cluster = new KubeCluster({
    client,
    namespaces: namespaced ? [namespace] : 'All',
    dataFolder,
    observer,
    log,
  });
  const objects = new ClusterObjects(plane);
  return {
    cluster,
    namespace,
    put: ({ kind, key, spec, annotations = {} }) => objects.apply(kind, key, { spec }, annotations),
    remove: (kind, key) => objects.remove(kind, key),
    putSecret: (key, values) => objects.replace('Secret', key, { data: encoded(values) }),
    putConfigMap: (key, data, binary = {}) =>
      objects.replace('ConfigMap', key, { data, binaryData: encoded(binary) }),
    read: (kind, key) => objects.read(kind, key),
    [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
  };
}

/** Objects as people and their tools change them: past everything of ours. */
export class ClusterObjects {
  readonly #plane: ControlPlane;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  async apply(
    kind: ResourceKind,
    key: string,
    content: object,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { namespace, name } = splitKey(key);
    const { apiVersion } = resources[kind];
    const body = { apiVersion, kind, metadata: { namespace, name, annotations }, ...content };
    const path = `${objectPath(kind, key)}?fieldManager=person&force=true`;
    await this.#expect('PATCH', path, body, 'application/apply-patch+yaml');
  }

  async replace(kind: ResourceKind, key: string, content: object): Promise<void> {
    await this.apply(kind, key, content);
  }

  async remove(kind: ResourceKind, key: string): Promise<void> {
    await this.#expect('DELETE', objectPath(kind, key));
  }

  async read(kind: ResourceKind, key: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { status, body } = await this.#plane.request('GET', objectPath(kind, key));
    return status === 200 && isRecord(body) ? body : undefined;
  }

  async #expect(method: string, path: string, body?: unknown, contentType?: string): Promise<void> {
    const answer = await this.#plane.request(method, path, body, contentType);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
}

function encoded(values: Readonly<Record<string, string | Uint8Array>>): Record<string, string> {
  const pairs = Object.entries(values).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
