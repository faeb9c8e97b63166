/** Metrics of mappings and systems: what the last run found and did, how old it is, how near the limits it was. */
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { DomainObserver, RunReport } from '../controller/ports.ts';
import { Instruments, LONG_SECONDS } from './instruments.ts';

const MAPPING = ['namespace', 'name'];

type Labels = Readonly<Record<string, string>>;

export class DomainMetrics implements DomainObserver {
  readonly #make: Instruments = new Instruments();
  readonly #entries: Gauge = this.#make.gauge('rollcall_entries', 'Entries that the last run read', [
    ...MAPPING,
    'side',
  ]);
  readonly #situations: Gauge = this.#make.gauge(
    'rollcall_situations',
    'Pairs in each situation in the last run',
    [...MAPPING, 'situation'],
  );
  readonly #operations: Gauge = this.#make.gauge('rollcall_operations', 'Operations of the last run', [
    ...MAPPING,
    'effect',
    'state',
  ]);
  readonly #operationsTotal: Counter = this.#make.counter(
    'rollcall_operations_total',
    'Operations of all runs',
    [...MAPPING, 'effect', 'state'],
  );
  readonly #runs: Counter = this.#make.counter('rollcall_runs_total', 'Runs by outcome', [
    ...MAPPING,
    'outcome',
  ]);
  readonly #runSeconds: Histogram = this.#make.histogram(
    'rollcall_run_seconds',
    'Duration of runs by phase',
    [...MAPPING, 'phase'],
    LONG_SECONDS,
  );
  readonly #completeReadAge: Gauge = this.#make.gauge(
    'rollcall_complete_read_age_seconds',
    'How long ago a read of that side was complete',
    [...MAPPING, 'side'],
  );
  readonly #evidenceFailures: Counter = this.#make.counter(
    'rollcall_evidence_failures_total',
    'Reads that were not complete',
    [...MAPPING, 'side', 'reason'],
  );
  readonly #budgetUse: Gauge = this.#make.gauge(
    'rollcall_budget_use_ratio',
    'What the last run planned and the window had spent, of the limit',
    [...MAPPING, 'side', 'effect'],
  );
  readonly #nextRun: Gauge = this.#make.gauge(
    'rollcall_next_run_timestamp_seconds',
    'When the next run is due',
    MAPPING,
  );
  readonly #suspended: Gauge = this.#make.gauge(
    'rollcall_suspended',
    '1 while the mapping is suspended',
    MAPPING,
  );
  readonly #systemUp: Gauge = this.#make.gauge('rollcall_system_up', '1 while the last probe succeeded', [
    ...MAPPING,
    'type',
  ]);
  readonly #probeSeconds: Histogram = this.#make.histogram(
    'rollcall_probe_seconds',
    'Duration of probes',
    ['type'],
    LONG_SECONDS,
  );
  readonly #store: Gauge = this.#make.gauge('rollcall_store_bytes', 'Size of the database', []);
  readonly #storeBytes: () => number;
  /** Mapping and side → when a read of it was last complete. */
  readonly #completeReads: Map<string, { readonly labels: Labels; readonly at: number }> = new Map();
  /** Of each mapping and system, what was set, so that it goes with it. */
  readonly #set: Map<string, Map<Gauge, Map<string, Labels>>> = new Map();

  /** `storeBytes`: asked at every scrape. */
  constructor(storeBytes: () => number) {
    this.#storeBytes = storeBytes;
  }

  /** As Prometheus reads it. */
  text(): Promise<string> {
    this.#store.set(this.#storeBytes());
    for (const { labels, at } of this.#completeReads.values())
      this.#completeReadAge.set(labels, (Date.now() - at) / 1_000);
    return this.#make.registry.metrics();
  }

  ran(key: string, { summary, phases }: RunReport): void {
    const mapping = labelsOf(key);
    this.#runs.inc({ ...mapping, outcome: summary.outcome });
    for (const [phase, seconds] of Object.entries(phases))
      this.#runSeconds.observe({ ...mapping, phase }, seconds);
    const { result } = summary;
    if (!result) return;
    for (const side of ['source', 'target'] as const) this.#read(key, side, summary);
    for (const gauge of [this.#situations, this.#operations, this.#budgetUse]) this.#clear(key, gauge);
    for (const { name, count } of result.situations)
      this.#put(key, this.#situations, { ...mapping, situation: name }, count);
    for (const { effect, ...counts } of result.effects)
      for (const [state, count] of Object.entries(counts)) {
        this.#put(key, this.#operations, { ...mapping, effect, state }, count);
        this.#operationsTotal.inc({ ...mapping, effect, state }, count);
      }
    for (const { side, effect, count, limit } of result.budgets)
      this.#put(key, this.#budgetUse, { ...mapping, side, effect }, count / Math.max(1, limit));
  }

  #read(key: string, side: 'source' | 'target', { result, startedAt }: RunReport['summary']): void {
    if (!result) return;
    const { entries, evidence } = result[side];
    const labels = { ...labelsOf(key), side };
    this.#put(key, this.#entries, labels, entries);
    if (evidence.complete === 'No')
      this.#evidenceFailures.inc({ ...labels, reason: evidence.reason ?? 'Unknown' });
    else this.#completeReads.set(`${key} ${side}`, { labels, at: startedAt });
  }

  crashed(key: string): void {
    this.#runs.inc({ ...labelsOf(key), outcome: 'Crashed' });
  }

  scheduled(key: string, nextRunAt: number | undefined, isSuspended: boolean): void {
    const mapping = labelsOf(key);
    this.#put(key, this.#suspended, mapping, isSuspended ? 1 : 0);
    if (nextRunAt === undefined) this.#clear(key, this.#nextRun);
    else this.#put(key, this.#nextRun, mapping, nextRunAt / 1_000);
  }

  probed(
    key: string,
    type: string,
    { isUp, seconds }: { readonly isUp: boolean; readonly seconds: number },
  ): void {
    this.#put(`ManagedSystem ${key}`, this.#systemUp, { ...labelsOf(key), type }, isUp ? 1 : 0);
    this.#probeSeconds.observe({ type }, seconds);
  }

  forgotten(kind: string, key: string): void {
    const owner = kind === 'ManagedSystem' ? `ManagedSystem ${key}` : key;
    for (const gauge of this.#set.get(owner)?.keys() ?? []) this.#clear(owner, gauge);
    this.#set.delete(owner);
    if (kind !== 'ReconMapping') return;
    for (const side of ['source', 'target']) {
      this.#completeReads.delete(`${key} ${side}`);
      this.#completeReadAge.remove({ ...labelsOf(key), side });
    }
  }

  #put(owner: string, gauge: Gauge, labels: Labels, value: number): void {
    gauge.set(labels, value);
    const gauges = this.#set.get(owner) ?? new Map<Gauge, Map<string, Labels>>();
    const set = gauges.get(gauge) ?? new Map<string, Labels>();
    this.#set.set(owner, gauges.set(gauge, set.set(JSON.stringify(labels), labels)));
  }

  #clear(owner: string, gauge: Gauge): void {
    const set = this.#set.get(owner)?.get(gauge);
    for (const labels of set?.values() ?? []) gauge.remove(labels);
    set?.clear();
  }
}

function labelsOf(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}
