/** The operator as it runs in a cluster: the chart installed by helm, the program under the chart's own account, a folder as its volume. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import type { ControlPlane } from './control-plane.ts';
import { helm, type Values } from './helm.ts';
import { PROGRAM } from './rollcall.ts';

export const SYSTEM_NAMESPACE = 'rollcall-system';

/** Definitions, account and rights as the chart makes them; no pod runs here. */
export async function installChart(plane: ControlPlane, values: Values = {}): Promise<void> {
  await plane.request('POST', '/api/v1/namespaces', { metadata: { name: SYSTEM_NAMESPACE } });
  await helm('install', { kubeconfig: plane.kubeconfig, namespace: SYSTEM_NAMESPACE }, values);
  await plane.kubectl([
    'wait',
    '--for=condition=Established',
    'crd',
    '-l',
    'app.kubernetes.io/part-of=rollcall',
  ]);
}

export interface OperatorOptions {
  /** Another way to the API server, such as a proxy. */
  readonly url?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The volume of an operator before. */
  readonly folder?: string;
  /** The built program instead of the sources. */
  readonly program?: string;
  readonly podName?: string;
}

export class Operator implements AsyncDisposable {
  readonly folder: string;
  readonly process: ChildProcess;
  readonly metricsUrl: string;
  readonly healthUrl: string;
  #log = '';
  readonly #ended: Promise<unknown>;
  readonly #ownFolder: boolean;

  private constructor(
    child: ChildProcess,
    folder: string,
    ports: readonly [number, number],
    ownFolder: boolean,
  ) {
    this.process = child;
    this.folder = folder;
    this.#ownFolder = ownFolder;
    this.metricsUrl = `http://127.0.0.1:${ports[0]}/metrics`;
    this.healthUrl = `http://127.0.0.1:${ports[1]}`;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#ended = once(child, 'close');
  }

  static async start(plane: ControlPlane, options: OperatorOptions = {}): Promise<Operator> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'rollcall-operator-'));
    const ports = [await freePort(), await freePort()] as const;
    const kubeconfig = await accountKubeconfig(plane, folder, options.url ?? plane.url);
    const flags = [
      `--state=${join(folder, 'state')}`,
      `--data=${join(folder, 'data')}`,
      `--metrics-address=127.0.0.1:${ports[0]}`,
      `--health-address=127.0.0.1:${ports[1]}`,
      `--lease-namespace=${SYSTEM_NAMESPACE}`,
      `--kubeconfig=${kubeconfig}`,
      ...(options.flags ?? []),
    ];
    const child = spawn(process.execPath, [options.program ?? PROGRAM, 'operator', ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, POD_NAME: options.podName ?? 'rollcall-0', ...options.env },
    });
    return new Operator(child, folder, ports, options.folder === undefined);
  }

  /** Everything that it has logged, a line of JSON each. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** A file of a CSV system of a namespace. */
  writeData(namespace: string, name: string, text: string): void {
    const file = join(this.folder, 'data', namespace, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  async metrics(): Promise<string> {
    return (await fetch(this.metricsUrl)).text();
  }

  /** Resolves with the exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.process.kill(signal);
    await this.#ended;
    return this.process.exitCode ?? this.process.signalCode;
  }

  ended(): Promise<unknown> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of the chart's service account. */
async function accountKubeconfig(plane: ControlPlane, folder: string, server: string): Promise<string> {
  const token = await plane.serviceAccountToken(SYSTEM_NAMESPACE, 'rollcall');
  const file = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'operator',
    clusters: [
      {
        name: 'plane',
        cluster: {
          server,
          'certificate-authority-data': Buffer.from(plane.authority.certificate).toString('base64'),
        },
      },
    ],
    users: [{ name: 'operator', user: { token } }],
    contexts: [{ name: 'operator', context: { cluster: 'plane', user: 'operator' } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
