/**
 * How the API server is reached and who we are there: the account of a pod, read anew while it is rotated, or a
 * kubeconfig. Only the latter loads the client library, for the many ways in which a kubeconfig can say it.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ClusterError } from '../controller/ports.ts';
import { FILES_MEMORY_MS, type Access, type Credentials } from './access.ts';

export interface CredentialsOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file, and a context in it. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Where a pod finds its account, and a user the kubeconfig. */
  readonly serviceAccountFolder?: string;
  readonly homeFolder?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What was named, else KUBECONFIG, else the account of the pod, else the user's own kubeconfig. */
export async function findCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { environment, kubeconfig, context, serviceAccountFolder = SERVICE_ACCOUNT } = options;
  const named = kubeconfig === undefined ? listOf(environment['KUBECONFIG']) : [kubeconfig];
  const server = serverOfPod(environment);
  if (named.length === 0 && server !== undefined && existsSync(join(serviceAccountFolder, 'token')))
    return openServiceAccount(server, serviceAccountFolder);
  const own = join(options.homeFolder ?? homedir(), '.kube', 'config');
  if (named.length === 0 && !existsSync(own))
    throw new ClusterError(
      'Unavailable',
      'no cluster is known: run in a pod, set KUBECONFIG or name a kubeconfig',
    );
  const { KubeConfigCredentials } = await import('./kube-config.ts');
  return new KubeConfigCredentials({ files: named.length === 0 ? [own] : named, context });
}

function serverOfPod(environment: CredentialsOptions['environment']): string | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  return host && `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function listOf(files: string | undefined): string[] {
  return (files ?? '').split(delimiter).filter((file) => file !== '');
}

/** `folder`: with the files token, ca.crt and namespace, as they are mounted into a pod. */
export async function openServiceAccount(server: string, folder: string): Promise<Credentials> {
  const namespace = await readFile(join(folder, 'namespace'), 'utf8').catch(() => '');
  return new ServiceAccountCredentials(server, folder, namespace.trim() || undefined);
}

class ServiceAccountCredentials implements Credentials {
  readonly namespace: string | undefined;
  readonly #server: string;
  readonly #folder: string;
  #remembered: { readonly access: Access; readonly until: number } | undefined;

  constructor(server: string, folder: string, namespace: string | undefined) {
    this.#server = server;
    this.#folder = folder;
    this.namespace = namespace;
  }

  async access(): Promise<Access> {
    const remembered = this.#remembered;
    if (remembered !== undefined && performance.now() < remembered.until) return remembered.access;
    const [token, ca] = await Promise.all([
      readFile(join(this.#folder, 'token'), 'utf8'),
      readFile(join(this.#folder, 'ca.crt'), 'utf8'),
    ]);
    const access = {
      server: this.#server,
      tls: { ca },
      headers: { Authorization: `Bearer ${token.trim()}` },
    };
    this.#remembered = { access, until: performance.now() + FILES_MEMORY_MS };
    return access;
  }

  refused(): void {
    this.#remembered = undefined;
  }
}
