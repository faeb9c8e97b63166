/** A kubeconfig, with all that it may refer to: certificates, tokens, files, programs, identity providers. */
import { KubeConfig } from '@kubernetes/client-node';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { FILES_MEMORY_MS, type Access, type Credentials } from './access.ts';
import { tokenFileOf } from './token-file.ts';

export interface KubeConfigCredentialsOptions {
  /** At least one; the first that has a current context decides it. */
  readonly files: readonly string[];
  readonly context?: string | undefined;
}

/** The library reads certificate files at every call; a rotated one is seen this late. */
const MEMORY_MS = 10_000;

export class KubeConfigCredentials implements Credentials {
  readonly namespace: string | undefined;
  readonly #options: KubeConfigCredentialsOptions;
  readonly #tokenFile: string | undefined;
  #config: KubeConfig | undefined;
  #remembered: { readonly access: Promise<Access>; readonly until: number } | undefined;

  /** Throws where there is no such file or context. */
  constructor(options: KubeConfigCredentialsOptions) {
    this.#options = options;
    const config = load(options);
    this.#config = config;
    this.#tokenFile = tokenFileOf(config.getCurrentUser()?.name ?? '', options.files);
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  }

  access(): Promise<Access> {
    const remembered = this.#remembered;
    if (remembered !== undefined && performance.now() < remembered.until) return remembered.access;
    // Remembered before it is known, so that a program is run once for many who ask at once.
    const access = this.#read();
    const memoryMs = this.#tokenFile === undefined ? MEMORY_MS : FILES_MEMORY_MS;
    this.#remembered = { access, until: performance.now() + memoryMs };
    access.catch(() => (this.#remembered = undefined));
    return access;
  }

  refused(): void {
    this.#remembered = undefined;
    this.#config = undefined; // the library keeps tokens; a new one keeps none
  }

  async #read(): Promise<Access> {
    this.#config ??= load(this.#options);
    const access = await accessOf(this.#config);
    if (this.#tokenFile === undefined) return access;
    const token = (await readFile(this.#tokenFile, 'utf8')).trim();
    return { ...access, headers: { ...access.headers, Authorization: `Bearer ${token}` } };
  }
}

function load({ files, context }: KubeConfigCredentialsOptions): KubeConfig {
  const config = new KubeConfig();
  for (const file of files) {
    const one = new KubeConfig();
    one.loadFromFile(file);
    config.mergeConfig(one, Boolean(config.getCurrentContext()));
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null || config.getCurrentUser() === null) {
    throw new Error(`the kubeconfig has no context ${config.getCurrentContext()} with a cluster and a user`);
  }
  return config;
}

async function accessOf(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig names no cluster');
  if (cluster.proxyUrl?.startsWith('socks')) throw new Error('a SOCKS proxy is not supported');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { auth } = options;
  const basic = auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: tlsOf(options),
    ...(cluster.proxyUrl ? { proxy: cluster.proxyUrl } : {}),
    headers: { ...textHeaders(options.headers), ...basic },
  };
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): Access['tls'] {
  return {
    ...(ca ? { ca: single(ca) } : {}),
    ...(cert ? { cert: single(cert) } : {}),
    ...(typeof key === 'string' || key instanceof Buffer ? { key } : {}),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

function single(pem: string | Buffer | (string | Buffer)[]): string | Buffer {
  return Array.isArray(pem) ? pem.map(String).join('\n') : pem;
}

function textHeaders(headers: RequestOptions['headers']): Record<string, string> {
  const pairs = Object.entries(headers ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value)]));
}
