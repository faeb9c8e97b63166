/**
 * What can be counted of an operator, as Prometheus text. What every controller has is named as controller-runtime
 * names it, so that existing dashboards fit; what is ours begins with `rollcall_`. No label names an entry.
 */
import { collectDefaultMetrics, type Counter, type Gauge, type Histogram } from 'prom-client';
import type { ClusterObserver, QueueObserver, QueueSizes, ReconcileObserver } from '../controller/ports.ts';
import { Instruments, SHORT_SECONDS } from './instruments.ts';

/** The event loop is looked at this often; more would cost an idle operator more than all else. */
const LOOP_LOOK_MS = 500;
const QUEUE = ['name', 'controller'];
const CONTROLLER = ['controller'];

export class Metrics {
  readonly #make: Instruments = new Instruments();
  readonly #leaseName: string;
  readonly #queues: Map<string, QueueSizes> = new Map();
  readonly #requests: Counter = this.#make.counter(
    'rest_client_requests_total',
    'Requests to the API server',
    ['code', 'method', 'host'],
  );
  readonly #requestSeconds: Histogram = this.#make.histogram(
    'rest_client_request_duration_seconds',
    'Duration of requests to the API server',
    ['verb', 'host'],
    SHORT_SECONDS,
  );
  readonly #lists: Counter = this.#make.counter(
    'rollcall_reflector_lists_total',
    'Full lists of a kind, by cause',
    ['kind', 'cause'],
  );
  readonly #watches: Counter = this.#make.counter(
    'rollcall_reflector_watches_total',
    'Watches that ended, by reason',
    ['kind', 'reason'],
  );
  readonly #heard: Gauge = this.#make.gauge(
    'rollcall_reflector_last_event_timestamp_seconds',
    'When a kind was last heard of',
    ['kind'],
  );
  readonly #leads: Gauge = this.#make.gauge('leader_election_master_status', '1 while this process leads', [
    'name',
  ]);
  readonly #reconciles: Counter = this.#make.counter(
    'controller_runtime_reconcile_total',
    'Looks at objects',
    ['controller', 'result'],
  );
  readonly #reconcileErrors: Counter = this.#make.counter(
    'controller_runtime_reconcile_errors_total',
    'Looks at objects that failed',
    CONTROLLER,
  );
  readonly #reconcileSeconds: Histogram = this.#make.histogram(
    'controller_runtime_reconcile_time_seconds',
    'Duration of looks at objects',
    CONTROLLER,
    SHORT_SECONDS,
  );
  readonly #workers: Gauge = this.#make.gauge(
    'controller_runtime_active_workers',
    'Workers that look at an object now',
    CONTROLLER,
  );
  readonly #mostWorkers: Gauge = this.#make.gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Workers that may look at objects at one time',
    CONTROLLER,
  );
  readonly #queueAdds: Counter = this.#make.counter('workqueue_adds_total', 'Keys added', QUEUE);
  readonly #queueRetries: Counter = this.#make.counter(
    'workqueue_retries_total',
    'Keys added again after a failure',
    QUEUE,
  );
  readonly #queueSeconds: Histogram = this.#make.histogram(
    'workqueue_queue_duration_seconds',
    'How long a key waited for a worker',
    QUEUE,
    SHORT_SECONDS,
  );
  readonly #workSeconds: Histogram = this.#make.histogram(
    'workqueue_work_duration_seconds',
    'How long a key was with a worker',
    QUEUE,
    SHORT_SECONDS,
  );
  readonly #depth: Gauge = this.#make.gauge('workqueue_depth', 'Keys that wait for a worker', QUEUE);
  readonly #oldest: Gauge = this.#make.gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the oldest key has been with a worker',
    QUEUE,
  );
  readonly #unfinished: Gauge = this.#make.gauge(
    'workqueue_unfinished_work_seconds',
    'How long all keys that are with workers have been there, together',
    QUEUE,
  );

  constructor({ version, leaseName }: { readonly version: string; readonly leaseName: string }) {
    this.#leaseName = leaseName;
    this.#leads.set({ name: leaseName }, 0);
    this.#make
      .gauge('rollcall_build_info', 'The version that runs; always 1', ['version'])
      .set({ version }, 1);
    collectDefaultMetrics({ register: this.#make.registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
  }

  /** As Prometheus reads it. */
  async text(): Promise<string> {
    for (const [controller, sizes] of this.#queues) {
      const labels = { name: controller, controller };
      this.#depth.set(labels, sizes.depth());
      this.#oldest.set(labels, sizes.oldestActiveMs() / 1_000);
      this.#unfinished.set(labels, sizes.activeMs() / 1_000);
    }
    return this.#make.registry.metrics();
  }

  readonly cluster: ClusterObserver = {
    requested: ({ method, verb, host, code, seconds }) => {
      this.#requests.inc({ code, method, host });
      // A watch lasts as long as it is wanted.
      if (verb !== 'watch') this.#requestSeconds.observe({ verb, host }, seconds);
    },
    listed: (kind, cause) => this.#lists.inc({ kind, cause }),
    watchEnded: (kind, reason) => this.#watches.inc({ kind, reason }),
    heard: (kind) => this.#heard.set({ kind }, Date.now() / 1_000),
    led: (leads) => this.#leads.set({ name: this.#leaseName }, leads ? 1 : 0),
  };

  queue(controller: string, sizes: QueueSizes): QueueObserver {
    const labels = { name: controller, controller };
    this.#queues.set(controller, sizes);
    return {
      added: () => this.#queueAdds.inc(labels),
      retried: () => this.#queueRetries.inc(labels),
      taken: (waitedMs) => this.#queueSeconds.observe(labels, waitedMs / 1_000),
      finished: (workedMs) => this.#workSeconds.observe(labels, workedMs / 1_000),
    };
  }

  reconciles(controller: string, workers: number): ReconcileObserver {
    this.#mostWorkers.set({ controller }, workers);
    return {
      reconciled: (result, seconds) => {
        this.#reconciles.inc({ controller, result });
        if (result === 'error') this.#reconcileErrors.inc({ controller });
        this.#reconcileSeconds.observe({ controller }, seconds);
      },
      working: (workers) => this.#workers.set({ controller }, workers),
    };
  }
}
