/**
 * A real Kubernetes control plane for tests: etcd and kube-apiserver, and on demand a controller manager, as plain
 * processes on free ports of loopback, in a temporary folder that ends with it. It ends only the processes it started.
 * Some 300 MB and 3 s each: one for a test file, in few files.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, closeSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createAuthority, type Authority, type Identity } from './authority.ts';
import { freePort } from './free-port.ts';
import { goProgram, type GoProgram } from './go-programs.ts';

export interface ControlPlaneOptions {
  /** Further flags of kube-apiserver; one given here replaces the default of the same name. */
  readonly flags?: readonly string[];
  /** Every request is written down, for `auditLog`. */
  readonly audit?: boolean;
}

export interface Answer {
  readonly status: number;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
}

export interface ControlPlane extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly port: number;
  /** Signs servers and users. */
  readonly authority: Authority;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** A kubeconfig of a user by client certificate; `url`: another way to the API server. */
  user(
    name: string,
    options?: { readonly groups?: readonly string[]; readonly url?: string },
  ): Promise<string>;
  /** As the administrator; throws with what kubectl said. */
  kubectl(args: readonly string[], input?: unknown): Promise<string>;
  /** As the administrator, without anything of ours between. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
  /** What `crds/` defines, established. */
  applyDefinitions(): Promise<void>;
  /** A token of a service account, which is made where it is missing. */
  serviceAccountToken(namespace: string, name: string, seconds?: number): Promise<string>;
  /** SIGKILL: requests are lost; SIGTERM: they are finished, watches end cleanly. */
  stopApiServer(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** On the same port, with the same data; resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Connections stay, nobody answers. */
  pauseApiServer(): void;
  resumeApiServer(): void;
  /** Deletion of namespaces and garbage collection. After the definitions: it looks for new kinds every 30 s only. */
  startControllers(): Promise<void>;
  /**
   * Forgets history. A watch of an older version gets 410 where no watch cache answers first: start with the flag
   * `--watch-cache-sizes=PLURAL.GROUP#0`, or restart the API server. The newest version is never forgotten: write twice.
   */
  compact(): Promise<void>;
  /** Since the start; with the option `audit` only. */
  auditLog(): Promise<readonly AuditedRequest[]>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const CRDS = new URL('../../crds/', import.meta.url).pathname;

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  // Somebody else may take a port between our look and the server's.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options);
    } catch (error) {
      if (attempt === 3 || !String(error).includes('address already in use')) throw error;
    }
  }
}

async function start(options: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-control-plane-'));
  const authority = await createAuthority(join(folder, 'pki'));
  const admin = await authority.client('admin', ['system:masters']);
  const plane = new RunningPlane(folder, authority, admin, [await freePort(), await freePort()]);
  try {
    await plane.prepare(options);
    await plane.startApiServer();
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

class RunningPlane implements ControlPlane {
  readonly folder: string;
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  readonly kubeconfig: string;
  readonly #etcdUrl: string;
  readonly #agent: Agent;
  readonly #children: Set<ChildProcess> = new Set();
  #apiServer: ChildProcess | undefined;
  #flags: readonly string[] = [];

  constructor(folder: string, authority: Authority, admin: Identity, ports: readonly [number, number]) {
    this.folder = folder;
    this.authority = authority;
    this.kubeconfig = join(folder, 'admin.kubeconfig');
    this.port = ports[0];
    this.url = `https://127.0.0.1:${String(ports[0])}`;
    this.#etcdUrl = `http://127.0.0.1:${String(ports[1])}`;
    this.#agent = new Agent({ ca: authority.certificate, cert: admin.certificate, key: admin.key });
  }

  async prepare(options: ControlPlaneOptions): Promise<void> {
    const server = await this.authority.server('apiserver');
    const signing = await this.authority.key('service-accounts');
    await this.user('admin', { groups: ['system:masters'] });
    this.#flags = withOwn(this.#defaultFlags(server, signing), [
      ...(options.audit ? await this.#auditFlags() : []),
      ...(options.flags ?? []),
    ]);
    await this.#run('etcd', [
      `--data-dir=${join(this.folder, 'etcd')}`,
      `--listen-client-urls=${this.#etcdUrl}`,
      `--advertise-client-urls=${this.#etcdUrl}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
  }

  #defaultFlags(server: Identity, signing: string): string[] {
    return [
      `--etcd-servers=${this.#etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1', // else it looks for a default route, which a sandbox may not have
      `--secure-port=${String(this.port)}`,
      `--tls-cert-file=${server.certificateFile}`,
      `--tls-private-key-file=${server.keyFile}`,
      `--client-ca-file=${this.authority.file}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      `--service-account-issuer=${this.url}`,
      `--service-account-key-file=${signing}`,
      `--service-account-signing-key-file=${signing}`,
      '--disable-admission-plugins=ServiceAccount', // nobody makes the account `default` of a namespace
      '--shutdown-watch-termination-grace-period=1s', // else SIGTERM waits a minute for an open watch
    ];
  }

  async #auditFlags(): Promise<string[]> {
    const policy = join(this.folder, 'audit-policy.yaml');
    const omitted = 'omitStages: [RequestReceived, ResponseStarted]';
    const rule = 'rules: [{ level: Metadata }]';
    await writeFile(policy, `apiVersion: audit.k8s.io/v1\nkind: Policy\n${omitted}\n${rule}\n`);
    return [
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${this.#auditFile}`,
      '--audit-log-mode=blocking',
    ];
  }

  get #auditFile(): string {
    return join(this.folder, 'audit.log');
  }

  async user(name: string, options: { groups?: readonly string[]; url?: string } = {}): Promise<string> {
    const identity = await this.authority.client(name, options.groups ?? []);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const cluster = {
      server: options.url ?? this.url,
      'certificate-authority-data': base64(this.authority.certificate),
    };
    const user = {
      'client-certificate-data': base64(identity.certificate),
      'client-key-data': base64(identity.key),
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name, user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name, namespace: 'default' } }],
    };
    const file = join(this.folder, `${name}.kubeconfig`);
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  async kubectl(args: readonly string[], input?: unknown): Promise<string> {
    const kubectl = await goProgram('kubectl');
    const running = promisify(execFile)(kubectl, [`--kubeconfig=${this.kubeconfig}`, ...args]);
    running.child.stdin?.on('error', () => undefined); // it may end before it has read everything
    running.child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
    return (await running).stdout.trim();
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<Answer> {
    const headers = body === undefined ? {} : { 'Content-Type': contentType };
    const request = httpsRequest(this.url + path, { method, agent: this.#agent, headers, timeout: 10_000 });
    request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer`)));
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const text: string[] = [];
    const status = await new Promise<number>((resolve, reject) => {
      request.once('error', reject).once('response', (response) => {
        response.setEncoding('utf8').on('data', (part: string) => text.push(part));
        response.once('error', reject).once('end', () => resolve(response.statusCode ?? 0));
      });
    });
    const answer = text.join('');
    return { status, body: answer.startsWith('{') ? (JSON.parse(answer) as unknown) : answer };
  }

  async applyDefinitions(): Promise<void> {
    await this.kubectl(['apply', '--server-side', '-k', CRDS]);
    await this.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
  }

  async serviceAccountToken(namespace: string, name: string, seconds = 3600): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.request('POST', accounts, { metadata: { name } });
    const asked = { spec: { expirationSeconds: seconds } };
    const { status, body } = await this.request('POST', `${accounts}/${name}/token`, asked);
    if (status !== 201) throw new Error(`no token for ${namespace}/${name}: ${JSON.stringify(body)}`);
    return (body as { status: { token: string } }).status.token;
  }

  async stopApiServer(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (this.#apiServer !== undefined) await end(this.#apiServer, signal);
    this.#apiServer = undefined;
  }

  async startApiServer(): Promise<void> {
    const child = await this.#run('kube-apiserver', this.#flags);
    this.#apiServer = child;
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answer = await this.request('GET', '/readyz').catch(() => undefined);
      if (answer?.status === 200) return;
      if (hasEnded(child) || this.#children.size < 2 || Date.now() > deadline)
        throw new Error(`the control plane does not start:\n${await this.#lastWords()}`);
      await sleep(50);
    }
  }

  pauseApiServer(): void {
    this.#apiServer?.kill('SIGSTOP');
  }

  resumeApiServer(): void {
    this.#apiServer?.kill('SIGCONT');
  }

  async startControllers(): Promise<void> {
    const kubeconfig = await this.user('system:kube-controller-manager', { groups: ['system:masters'] });
    await this.#run('kube-controller-manager', [
      `--kubeconfig=${kubeconfig}`,
      '--controllers=namespace-controller,garbage-collector-controller',
      '--leader-elect=false',
      '--secure-port=0',
      '--use-service-account-credentials=false',
    ]);
  }

  async compact(): Promise<void> {
    const etcd = async (call: string, body: object): Promise<unknown> => {
      const answer = await fetch(`${this.#etcdUrl}/v3/kv/${call}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return answer.json();
    };
    const found = await etcd('range', { key: 'AA==', keys_only: true, limit: 1 });
    const { revision } = (found as { header: { revision: string } }).header;
    await etcd('compaction', { revision, physical: true });
  }

  async auditLog(): Promise<readonly AuditedRequest[]> {
    const lines = (await readFile(this.#auditFile, 'utf8')).split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as AuditedRequest);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children].map((child) => end(child, 'SIGKILL')));
    this.#agent.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(name: GoProgram, args: readonly string[]): Promise<ChildProcess> {
    // Where the system can do it, the server dies with us even when we are killed.
    const wrapper = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
    const path = await goProgram(name);
    const [command = path, ...rest] = [...wrapper, path, ...args];
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(command, rest, { stdio: ['ignore', log, log], cwd: this.folder });
    closeSync(log);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async #lastWords(): Promise<string> {
    const logs = ['etcd', 'kube-apiserver'].map((name) => readFile(join(this.folder, `${name}.log`), 'utf8'));
    return (await Promise.all(logs)).map((log) => log.slice(-3_000)).join('\n');
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(impatience);
}

function withOwn(defaults: readonly string[], own: readonly string[]): string[] {
  const nameOf = (flag: string): string => flag.split('=')[0] ?? flag;
  const names = new Set(own.map(nameOf));
  return [...defaults.filter((flag) => !names.has(nameOf(flag))), ...own];
}
