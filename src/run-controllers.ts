/** What `up` and `operator` have in common: the state as its owner, and the controllers over whichever cluster it is. */
import { statSync } from 'node:fs';
import { loadContract } from './api/validation.ts';
import { Controllers } from './controller/controllers.ts';
import type { RememberedRun } from './controller/mapping-state.ts';
import type { Cluster, DomainObserver, Leadership, Log, ObjectKey, Recorder } from './controller/ports.ts';
import { CelExpressions } from './expressions/cel.ts';
import { realTimers } from './lib/timers.ts';
import type { Metrics } from './observe/metrics.ts';
import { Fence } from './runner/fence.ts';
import { SystemProber } from './runner/system-prober.ts';
import { ThreadRunner } from './runner/thread-runner.ts';
import type { ServiceSettings } from './service-settings.ts';
import { Runs } from './store/runs.ts';
import { StateError } from './store/state-error.ts';
import { openOwned, type State } from './store/state.ts';

/** The lease is renewed every two seconds; threads have to know of it well before it ends. */
const FENCE_EVERY_MS = 500;

export interface RunControllersOptions {
  readonly settings: ServiceSettings;
  readonly stateFolder: string;
  /** Nobody else may hold the state folder meanwhile. */
  readonly alone: boolean;
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  readonly leadership: Leadership;
  readonly observer: DomainObserver;
  readonly metrics?: Metrics;
  readonly log: Log;
  /** Gives who is to be told of changes; resolves when the cluster knows everything. */
  readonly connect: (changed: (object: ObjectKey) => void) => Promise<void>;
}

/** Leads already. Ends when the signal does, or when the lease is lost: with what was begun in the journal. */
export async function runControllers(options: RunControllersOptions, signal: AbortSignal): Promise<void> {
  const { settings, stateFolder, alone, leadership, metrics, cluster, recorder, observer, log } = options;
  using state = openOwned(stateFolder, { pid: process.pid, alone });
  log.info({ state: stateFolder, epoch: state.epoch }, 'State opened');
  const fence = new Fence();
  fence.extend(leadership.validUntil());
  const extending = setInterval(() => fence.extend(leadership.validUntil()), FENCE_EVERY_MS);
  const superseded = new AbortController();
  const controllers = new Controllers({
    cluster,
    recorder,
    observer,
    log,
    contract: loadContract(),
    expressions: new CelExpressions(),
    runner: new ThreadRunner({ stateFolder, epoch: state.epoch, fence }),
    prober: new SystemProber(state),
    lastRun: (mapping) => lastRunOf(state, mapping),
    superseded: () => superseded.abort(),
    timers: realTimers,
    random: Math.random,
    concurrentRuns: settings.concurrentRuns,
    probeEveryMs: settings.probeEveryMs,
    ...(metrics && {
      queueObserver: (name, sizes) => metrics.queue(name, sizes),
      reconcileObserver: (name, workers) => metrics.reconciles(name, workers),
    }),
  });
  try {
    await options.connect((object) => controllers.changed(object));
    await controllers.run(AbortSignal.any([signal, leadership.lost, superseded.signal]));
  } finally {
    clearInterval(extending);
    await recorder.flush();
  }
  if (superseded.signal.aborted && !leadership.lost.aborted) throw shared(stateFolder);
}

function shared(folder: string): StateError {
  const message = `the state in ${folder} was taken over by another process; two operators must not share a state folder`;
  return new StateError('Superseded', message);
}

function lastRunOf({ database }: State, mapping: string): RememberedRun | undefined {
  const [last] = new Runs(database).list(mapping, 1);
  return last && { id: last.id, isWhole: last.outcome !== undefined && last.outcome !== 'Failed' };
}

/** Of the database and its log. */
export function storeBytes(stateFolder: string): number {
  return ['rollcall.db', 'rollcall.db-wal'].reduce(
    (sum, file) => sum + (statSync(`${stateFolder}/${file}`, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
