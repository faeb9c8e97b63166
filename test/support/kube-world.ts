/** Everything between a test and a real API server: an account with a token in a folder, the proxy, the client. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeClient, type KubeClientOptions } from '../../src/kube/client.ts';
import { openServiceAccount } from '../../src/kube/credentials.ts';
import { startApiProxy, type ApiProxy, type ApiProxyOptions } from './api-proxy.ts';
import type { ControlPlane } from './control-plane.ts';
import { ClusterObjects, createNamespace } from './kube-cluster-harness.ts';
import { RecordingLog, RecordingObserver } from './recording.ts';

const ACCOUNT = { namespace: 'default', name: 'rollcall' };
const ACCOUNT_USER = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;

export interface KubeWorldOptions extends Partial<
  Pick<KubeClientOptions, 'callTimeoutMs' | 'listTimeoutMs' | 'pingMs'>
> {
  readonly proxy?: Partial<ApiProxyOptions>;
}

export class KubeWorld implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly proxy: ApiProxy;
  readonly client: KubeClient;
  readonly objects: ClusterObjects;
  readonly namespace: string;
  /** With the files token and ca.crt, as in a pod. */
  readonly folder: string;
  readonly token: string;
  readonly log: RecordingLog;
  readonly observer: RecordingObserver;

  private constructor(world: Omit<KubeWorld, 'objects' | 'put' | typeof Symbol.asyncDispose>) {
    this.plane = world.plane;
    this.proxy = world.proxy;
    this.client = world.client;
    this.namespace = world.namespace;
    this.folder = world.folder;
    this.token = world.token;
    this.log = world.log;
    this.observer = world.observer;
    this.objects = new ClusterObjects(world.plane);
  }

  static async open(plane: ControlPlane, options: KubeWorldOptions = {}): Promise<KubeWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-account-'));
    const token = await plane.serviceAccountToken(ACCOUNT.namespace, ACCOUNT.name);
    const { authority } = plane;
    await writeFile(join(folder, 'token'), `${token}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'ca.crt'), authority.certificate);
    await grant(plane);
    const proxy = await startApiProxy({
      target: plane.url,
      targetCa: authority.certificate,
      authority,
      ...options.proxy,
    });
    const [log, observer] = [new RecordingLog(), new RecordingObserver()];
    const credentials = await openServiceAccount(proxy.url, folder);
    const client = new KubeClient({ ...options, credentials, version: '0.0.0-test', log, observer });
    const namespace = await createNamespace(plane);
    return new KubeWorld({ plane, proxy, client, namespace, folder, token, log, observer });
  }

  /** As the kubelet replaces a file of a mounted volume: whole, at once. */
  async put(file: 'token' | 'ca.crt', text: string): Promise<void> {
    await writeFile(join(this.folder, `.${file}`), text, { mode: 0o600 });
    await rename(join(this.folder, `.${file}`), join(this.folder, file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.proxy.stop();
    await rm(this.folder, { recursive: true });
  }
}

const BINDING = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

/** The account may do everything. */
export async function grant(plane: ControlPlane): Promise<void> {
  await plane.request('POST', BINDING, {
    metadata: { name: 'rollcall-test' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: ACCOUNT_USER }],
  });
}

export async function revoke(plane: ControlPlane): Promise<void> {
  await plane.request('DELETE', `${BINDING}/rollcall-test`);
}
