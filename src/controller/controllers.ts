/**
 * The controllers of the three kinds together: what changes in the cluster becomes keys in queues, and every key is
 * looked at by its reconciler. Start reading at `start`.
 */
import { kindNames, type Kind } from '../api/names.ts';
import type { Contract } from '../api/validation.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import { runController, type Next } from './controller.ts';
import type { MappingState, RememberedRun } from './mapping-state.ts';
import { Objects } from './objects.ts';
import type {
  Cluster,
  DomainObserver,
  Log,
  ObjectKey,
  Prober,
  QueueObserver,
  QueueSizes,
  ReconcileObserver,
  Recorder,
  Runner,
  Timers,
} from './ports.ts';
import { MappingReconciler } from './reconcile-mapping.ts';
import { PolicyReconciler } from './reconcile-policy.ts';
import { SystemReconciler } from './reconcile-system.ts';
import { ReferenceIndex } from './reference-index.ts';
import { RunLauncher } from './run-launcher.ts';
import { RunSlots } from './run-slots.ts';
import { StatusWriter } from './status-writer.ts';
import { SystemRegistry } from './system-registry.ts';
import { PRIORITY, WorkQueue } from './work-queue.ts';

export interface ControllersOptions {
  readonly cluster: Cluster;
  readonly contract: Contract;
  readonly expressions: ExpressionCompiler;
  readonly runner: Runner;
  readonly prober: Prober;
  readonly recorder: Recorder;
  readonly observer: DomainObserver;
  readonly log: Log;
  readonly timers: Timers;
  readonly random: () => number;
  /** What the state folder knows of a mapping's last run; absent: only its status is asked. */
  readonly lastRun?: (mapping: string) => RememberedRun | undefined;
  /** Told when another process owns the state: whoever runs the controllers has to end them. */
  readonly superseded: () => void;
  /** Runs at once. */
  readonly concurrentRuns: number;
  readonly probeEveryMs: number;
  readonly queueObserver?: (controller: string, sizes: QueueSizes) => QueueObserver;
  readonly reconcileObserver?: (controller: string, workers: number) => ReconcileObserver;
}

/** Looks at one time; they are short, and wait for the network only. */
const WORKERS = 4;
const LOOKS_AT: Readonly<Record<Kind, string>> = {
  ManagedSystem: 'managedsystem',
  ReconMapping: 'reconmapping',
  SituationPolicy: 'situationpolicy',
};

export class Controllers {
  readonly #options: ControllersOptions;
  readonly #objects: Objects;
  readonly #index: ReferenceIndex = new ReferenceIndex();
  readonly #queues: Readonly<Record<Kind, WorkQueue>>;
  readonly #states: Map<string, MappingState> = new Map();
  readonly #systems: SystemReconciler;
  readonly #mappings: MappingReconciler;
  readonly #policies: PolicyReconciler;
  readonly #launcher: RunLauncher;
  readonly #stopRuns: AbortController = new AbortController();
  #generations: Map<string, number | undefined> = new Map();
  #isSynced = false;

  constructor(options: ControllersOptions) {
    this.#options = options;
    const { cluster, contract, recorder, observer, timers, expressions } = options;
    this.#objects = new Objects(cluster, contract);
    this.#queues = {
      ManagedSystem: this.#queue('ManagedSystem'),
      ReconMapping: this.#queue('ReconMapping'),
      SituationPolicy: this.#queue('SituationPolicy'),
    };
    const statuses = new StatusWriter(cluster);
    const shared = { objects: this.#objects, statuses, recorder, observer, timers };
    const registry = new SystemRegistry((key) => this.#wakeUsers({ kind: 'ManagedSystem', key }, false));
    const slots = new RunSlots(options.concurrentRuns, (key) => this.#queues.ReconMapping.add(key));
    this.#launcher = new RunLauncher({
      ...options,
      slots,
      states: this.#states,
      objects: this.#objects,
      stop: this.#stopRuns.signal,
      wake: (key, why) =>
        this.#queues.ReconMapping.add(key, {
          priority: why === 'Ended' ? PRIORITY.asked : PRIORITY.dependency,
        }),
      suspect: (key) => this.#suspect(key),
    });
    this.#mappings = new MappingReconciler({
      ...shared,
      cluster,
      expressions,
      systems: registry,
      states: this.#states,
      launcher: this.#launcher,
      lastRun: options.lastRun,
      refersTo: (key, used) => this.#refersTo({ kind: 'ReconMapping', key }, used),
    });
    this.#systems = new SystemReconciler({
      ...shared,
      cluster,
      prober: options.prober,
      systems: registry,
      probeEveryMs: options.probeEveryMs,
      usedBy: (key) => this.#mappingsUsing({ kind: 'ManagedSystem', key }),
      refersTo: (key, used) => this.#index.set({ kind: 'ManagedSystem', key }, used),
    });
    this.#policies = new PolicyReconciler({
      ...shared,
      usedBy: (key) => this.#mappingsUsing({ kind: 'SituationPolicy', key }),
    });
  }

  /** Goes on until the signal ends it; runs that go on are stopped then, after the write in flight. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stopRuns.abort(), { once: true });
    for (const kind of kindNames)
      for (const { metadata } of this.#options.cluster.list(kind))
        this.changed({ kind, key: `${metadata.namespace}/${metadata.name}` });
    this.#isSynced = true;
    await Promise.all(kindNames.map((kind) => this.#work(kind, signal)));
    await this.#launcher.idle();
  }

  /** Something was added, changed or removed. */
  changed({ kind, key }: ObjectKey): void {
    this.#objects.changed();
    if (kind === 'Secret' || kind === 'ConfigMap') {
      this.#wakeUsers({ kind, key }, true);
      return;
    }
    const priority = this.#isSynced ? PRIORITY.asked : PRIORITY.due;
    this.#queues[kind].add(key, { priority });
    if (kind !== 'ReconMapping') this.#wakeUsers({ kind, key }, this.#isOtherSpec(kind, key));
  }

  #isOtherSpec(kind: Kind, key: string): boolean {
    const name = `${kind} ${key}`;
    const generation = this.#options.cluster.get(kind, key)?.metadata.generation;
    const isOther = this.#generations.get(name) !== generation;
    this.#generations.set(name, generation);
    return isOther;
  }

  /** `runs`: what they refer to has changed, so they are due; else they only look again. */
  #wakeUsers(used: ObjectKey, runs: boolean): void {
    if (!this.#isSynced) return;
    for (const { kind, key } of this.#index.usersOf(used)) {
      const state = kind === 'ReconMapping' ? this.#states.get(key) : undefined;
      if (state) state.checkedGeneration = undefined;
      if (state && runs) state.woken.add('Dependency');
      if (kind === 'ManagedSystem') this.#systems.probeSoon(key);
      this.#queues[kind].add(key, { priority: PRIORITY.dependency });
    }
  }

  /** It is asked soon, whenever its next probe would be due. */
  #suspect(system: string): void {
    this.#systems.probeSoon(system);
    this.#queues.ManagedSystem.add(system, { priority: PRIORITY.dependency });
  }

  /** Its systems and its policy tell how many use them. */
  #refersTo(
    owner: { readonly kind: 'ReconMapping'; readonly key: string },
    used: readonly ObjectKey[],
  ): void {
    const before = new Set(
      used.filter((one) => !this.#index.usersOf(one).some(({ key }) => key === owner.key)),
    );
    const dropped = this.#index.usedBy(owner).filter((one) => !used.some((other) => sameObject(one, other)));
    this.#index.set(owner, used);
    for (const one of [...before, ...dropped])
      if (one.kind === 'ManagedSystem' || one.kind === 'SituationPolicy') this.#queues[one.kind].add(one.key);
  }

  #mappingsUsing(used: ObjectKey): number {
    return this.#index.usersOf(used).filter(({ kind }) => kind === 'ReconMapping').length;
  }

  #queue(kind: Kind): WorkQueue {
    const { timers, random, queueObserver } = this.#options;
    const observer = queueObserver?.(LOOKS_AT[kind], {
      depth: () => this.#queues[kind].depth(),
      oldestActiveMs: () => this.#queues[kind].oldestActive(),
      activeMs: () => this.#queues[kind].activeTime(),
    });
    return new WorkQueue({ timers, random, ...(observer && { observer }) });
  }

  #work(kind: Kind, signal: AbortSignal): Promise<void> {
    const name = LOOKS_AT[kind];
    const observer = this.#options.reconcileObserver?.(name, WORKERS);
    const reconcile = (key: string): Promise<Next> => this.#reconcile(kind, key, signal);
    const { log } = this.#options;
    return runController(
      { name, queue: this.#queues[kind], workers: WORKERS, reconcile, log, ...(observer && { observer }) },
      signal,
    );
  }

  #reconcile(kind: Kind, key: string, signal: AbortSignal): Promise<Next> {
    switch (kind) {
      case 'ManagedSystem':
        return this.#systems.reconcile(key, signal);
      case 'ReconMapping':
        return this.#mappings.reconcile(key, signal);
      case 'SituationPolicy':
        return this.#policies.reconcile(key, signal);
    }
  }
}

function sameObject(one: ObjectKey, other: ObjectKey): boolean {
  return one.kind === other.kind && one.key === other.key;
}
