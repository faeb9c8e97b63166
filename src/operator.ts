/** The in-cluster process, and the only file that knows every layer: reads like its life, from flags to the last flush. */
import { hostname } from 'node:os';
import { VERSION } from './cli/version.ts';
import type { ClusterObserver, Log, ObjectKey } from './controller/ports.ts';
import { KubeClient } from './kube/client.ts';
import { KubeCluster } from './kube/cluster.ts';
import { findCredentials } from './kube/credentials.ts';
import { KubeRecorder } from './kube/events.ts';
import { LeaseLeadership } from './kube/lease.ts';
import { DomainMetrics } from './observe/domain-metrics.ts';
import { openLog } from './observe/log.ts';
import { Metrics } from './observe/metrics.ts';
import { serve, type Answer } from './observe/server.ts';
import { runControllers, storeBytes } from './run-controllers.ts';
import type { OperatorSettings } from './service-settings.ts';

/** A watch is ended by the server after ten minutes at the latest, and begun again: longer silence is staleness. */
const STALE_AFTER_MS = 900_000;

const EXIT = { ok: 0, failed: 1 } as const;

export async function operate(settings: OperatorSettings, signal: AbortSignal): Promise<number> {
  const log = openLog(settings.logLevel, (line) => void process.stderr.write(line));
  try {
    return await lead(settings, log, signal);
  } catch (error) {
    log.error({ err: error }, 'Operator cannot go on');
    return EXIT.failed;
  }
}

async function lead(settings: OperatorSettings, log: Log, signal: AbortSignal): Promise<number> {
  const { leaseName, state: stateFolder, kubeconfig, namespaces, data } = settings;
  const metrics = new Metrics({ version: VERSION, leaseName });
  const domain = new DomainMetrics(() => storeBytes(stateFolder));
  const observer = new Hearing(metrics.cluster);
  const credentials = await findCredentials({ environment: process.env, kubeconfig });
  using client = new KubeClient({ credentials, version: VERSION, log, observer });
  const cluster = new KubeCluster({ client, namespaces, dataFolder: data, observer, log });
  const holder = process.env['POD_NAME'] ?? hostname();
  const recorder = new KubeRecorder({ client, instance: holder, log });
  const namespace = settings.leaseNamespace ?? credentials.namespace ?? 'default';
  const leadership = new LeaseLeadership({ client, namespace, name: leaseName, holder, observer, log });
  await using _servers = await listen(settings, {
    readiness: () => observer.readiness(),
    metrics: async () => `${await metrics.text()}${await domain.text()}`,
  });
  log.info({ version: VERSION, namespaces, lease: `${namespace}/${leaseName}` }, 'Operator started');
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);
  let changed = (_object: ObjectKey): void => undefined;
  // A standby knows everything already when its time comes.
  const synced = cluster.watch((object) => changed(object), stop).then(() => observer.synced());
  const connect = (listener: typeof changed): Promise<void> => {
    changed = listener;
    return synced;
  };
  const parts = {
    settings,
    stateFolder,
    alone: false,
    cluster,
    recorder,
    leadership,
    observer: domain,
    metrics,
    log,
  };
  try {
    await Promise.all([leadership.acquire(stop), synced]);
    await runControllers({ ...parts, connect }, stop);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
    await leadership.release();
  }
  log.info({ isLost: leadership.lost.aborted }, 'Operator ended');
  return leadership.lost.aborted ? EXIT.failed : EXIT.ok;
}

interface Told {
  readonly readiness: () => Answer;
  readonly metrics: () => Promise<string>;
}

async function listen(
  { healthAddress, metricsAddress }: OperatorSettings,
  { readiness, metrics }: Told,
): Promise<AsyncDisposable> {
  const type = 'text/plain; version=0.0.4; charset=utf-8';
  const health = await serve(healthAddress, { '/healthz': () => OK, '/readyz': readiness });
  const scraped = await serve(metricsAddress, {
    '/metrics': async () => ({ status: 200, type, body: await metrics() }),
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const server of [health, scraped]) {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      }
    },
  };
}

const OK: Answer = { status: 200, body: 'ok\n' };

/** Passes on what the rim tells, and remembers when it last told of anything: who hears nothing is not ready. */
class Hearing implements ClusterObserver {
  readonly #next: ClusterObserver;
  readonly #heard: Map<string, number> = new Map();
  #isSynced = false;

  constructor(next: ClusterObserver) {
    this.#next = next;
  }

  requested: ClusterObserver['requested'] = (request) => this.#next.requested(request);
  listed: ClusterObserver['listed'] = (kind, cause) => this.#next.listed(kind, cause);
  led: ClusterObserver['led'] = (leads) => this.#next.led(leads);

  watchEnded: ClusterObserver['watchEnded'] = (kind, reason) => {
    this.#next.watchEnded(kind, reason);
    if (reason === 'Closed') this.#heard.set(kind, Date.now());
  };

  heard: ClusterObserver['heard'] = (kind) => {
    this.#heard.set(kind, Date.now());
    this.#next.heard(kind);
  };

  synced(): void {
    this.#isSynced = true;
  }

  /** Leader or standby: whoever knows the objects as they are. */
  readiness(): Answer {
    if (!this.#isSynced) return { status: 503, body: 'not all objects have been listed yet\n' };
    const stale = [...this.#heard].filter(([, at]) => Date.now() - at > STALE_AFTER_MS).map(([kind]) => kind);
    return stale.length === 0
      ? OK
      : { status: 503, body: `nothing was heard for long of ${stale.join(', ')}\n` };
  }
}
