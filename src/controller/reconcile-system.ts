/**
 * One look at one system: what it refers to, and, on its own schedule and after errors, whether it answers. Mappings
 * wait for it, and are woken when it is ready.
 */
import type { Condition, Reason } from '../api/conditions.ts';
import type { ManagedSystem, ManagedSystemStatus } from '../api/managed-system.ts';
import { ConnectorError } from '../engine/errors.ts';
import type { References } from './linked-mapping.ts';
import { conditionsOf, findingOf, timestamp, type Findings } from './condition-list.ts';
import type { Next } from './controller.ts';
import { faultOf } from './fault.ts';
import { describeProblems, type Objects } from './objects.ts';
import type {
  Cluster,
  ClusterObject,
  DomainObserver,
  ObjectKey,
  Prober,
  ProbeReport,
  RecordedEvent,
  Recorder,
  Timers,
} from './ports.ts';
import { neededBySystem, readReferences } from './references.ts';
import type { StatusWriter } from './status-writer.ts';
import type { SystemRegistry } from './system-registry.ts';

/** So that no account is locked by wrong passwords. */
const REFUSED_RETRY_MS = 300_000;
const FIRST_RETRY_MS = 1_000;

export interface SystemReconcilerOptions {
  readonly cluster: Cluster;
  readonly objects: Objects;
  readonly prober: Prober;
  readonly systems: SystemRegistry;
  readonly statuses: StatusWriter;
  readonly recorder: Recorder;
  readonly observer: DomainObserver;
  readonly timers: Timers;
  readonly probeEveryMs: number;
  /** Number of mappings that use it. */
  readonly usedBy: (key: string) => number;
  readonly refersTo: (key: string, used: readonly ObjectKey[]) => void;
}

interface State {
  readonly uid: string;
  status: ManagedSystemStatus;
  probedGeneration: number | undefined;
  probeAt: number;
  failures: number;
}

interface Look {
  readonly key: string;
  readonly seen: ClusterObject;
  readonly state: State;
  readonly signal: AbortSignal;
}

type Probed =
  | { readonly kind: 'Up'; readonly report: ProbeReport; readonly milliseconds: number }
  | {
      readonly kind: 'Down';
      readonly reason: Reason;
      readonly message: string;
      readonly milliseconds: number;
    };

export class SystemReconciler {
  readonly #options: SystemReconcilerOptions;
  readonly #states: Map<string, State> = new Map();

  constructor(options: SystemReconcilerOptions) {
    this.#options = options;
  }

  /** Probes at the next look, whenever the next probe would be due. */
  probeSoon(key: string): void {
    const state = this.#states.get(key);
    if (state) state.probeAt = 0;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const { objects, timers, refersTo, cluster } = this.#options;
    const valid = objects.get('ManagedSystem', key);
    if (valid.kind === 'Gone') return this.#forget(key);
    const look = { key, seen: valid.seen, state: this.#stateOf(key, valid.seen), signal };
    if (valid.kind === 'Invalid') {
      const message = describeProblems(valid.problems);
      await this.#tell(look, refusal('InvalidSpec', message), {});
      return { kind: 'Done' };
    }
    const needed = neededBySystem(valid.located);
    refersTo(key, needed);
    const { state } = look;
    const isCurrent = state.probedGeneration === valid.seen.metadata.generation;
    if (isCurrent && state.probeAt > timers.now()) {
      await this.#tell(look, keep(state.status), {});
      return { kind: 'After', milliseconds: state.probeAt - timers.now() };
    }
    const read = await readReferences(needed, cluster, signal);
    if (read.kind === 'Missing') {
      state.probeAt = 0;
      await this.#tell(look, unresolved(read.reason, read.message), {});
      return { kind: 'Done' };
    }
    return this.#probe(look, valid.located.object, read.references);
  }

  #forget(key: string): Next {
    const { systems, refersTo, observer, statuses } = this.#options;
    const state = this.#states.get(key);
    if (state) statuses.forget('ManagedSystem', state.uid);
    this.#states.delete(key);
    systems.remove(key);
    refersTo(key, []);
    observer.forgotten('ManagedSystem', key);
    return { kind: 'Done' };
  }

  #stateOf(key: string, { metadata, object }: ClusterObject): State {
    const known = this.#states.get(key);
    const uid = metadata.uid ?? '';
    if (known?.uid === uid) return known;
    const status = (object['status'] ?? {}) as ManagedSystemStatus;
    const fresh: State = { uid, status, probedGeneration: undefined, probeAt: 0, failures: 0 };
    this.#states.set(key, fresh);
    return fresh;
  }

  async #probe(look: Look, system: ManagedSystem, references: References): Promise<Next> {
    const { timers, observer, probeEveryMs } = this.#options;
    const { state, key, seen } = look;
    // A system that was never reached is told to be looked at before it answers, which may take long.
    if (state.status.observedGeneration !== seen.metadata.generation) await this.#tell(look, CONNECTING, {});
    const probed = await this.#ask({ object: system, folder: seen.folder }, references, look.signal);
    observer.probed(key, system.spec.type, {
      isUp: probed.kind === 'Up',
      seconds: probed.milliseconds / 1_000,
    });
    state.probedGeneration = seen.metadata.generation;
    const isUp = probed.kind === 'Up';
    const pause = isUp ? probeEveryMs : this.#pauseAfter(probed.reason, state.failures);
    state.failures = isUp ? 0 : state.failures + 1;
    state.probeAt = timers.now() + pause;
    await this.#tell(look, isUp ? CONNECTED : down(probed), probeFields(probed, timers.now(), state.status));
    return { kind: 'After', milliseconds: pause };
  }

  #pauseAfter(reason: Reason, failures: number): number {
    const growing = Math.min(FIRST_RETRY_MS * 2 ** failures, this.#options.probeEveryMs);
    return reason === 'AuthenticationFailed' ? Math.max(growing, REFUSED_RETRY_MS) : growing;
  }

  async #ask(
    system: { readonly object: ManagedSystem; readonly folder: string },
    references: References,
    signal: AbortSignal,
  ): Promise<Probed> {
    const started = performance.now();
    const milliseconds = (): number => Math.round(performance.now() - started);
    try {
      const report = await this.#options.prober.probe(system, references, signal);
      return { kind: 'Up', report, milliseconds: milliseconds() };
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      return { kind: 'Down', ...faultOf(error.code, error.message), milliseconds: milliseconds() };
    }
  }

  async #tell(look: Look, findings: Findings, fields: Partial<ManagedSystemStatus>): Promise<void> {
    const { key, seen, state, signal } = look;
    const { statuses, systems, timers, usedBy, recorder } = this.#options;
    const generation = seen.metadata.generation ?? 0;
    const before = state.status.conditions ?? [];
    const settled = findings.Ready?.status === 'True' || findings.Stalled !== undefined;
    const status: ManagedSystemStatus = {
      ...state.status,
      ...fields,
      mappings: usedBy(key),
      observedGeneration: settled ? generation : (state.status.observedGeneration ?? -1),
      conditions: conditionsOf(findings, before, { generation, now: timers.now() }),
    };
    state.status = status;
    for (const event of systemEvents(findings, before)) {
      recorder.record({ ...event, regarding: { kind: 'ManagedSystem', metadata: seen.metadata } });
    }
    const { Ready } = findings;
    if (Ready && Ready.status !== 'Unknown') {
      const { reason, message } = Ready;
      systems.set(key, { uid: state.uid, generation, isReady: Ready.status === 'True', reason, message });
    }
    await statuses.write('ManagedSystem', seen, status, signal);
  }
}

const RESOLVED = {
  status: 'True',
  reason: 'ResolvedRefs',
  message: 'everything referred to was found',
} as const;

const CONNECTING: Findings = {
  Ready: { status: 'Unknown', reason: 'Progressing', message: 'the system is asked for the first time' },
  Reconciling: { status: 'True', reason: 'Progressing', message: 'the system is asked for the first time' },
  Reachable: { status: 'Unknown', reason: 'Progressing', message: 'not asked yet' },
  ResolvedRefs: RESOLVED,
};

const CONNECTED: Findings = {
  Ready: { status: 'True', reason: 'Connected', message: 'the system answers, and its schema could be read' },
  Reachable: { status: 'True', reason: 'Connected', message: 'the last probe succeeded' },
  ResolvedRefs: RESOLVED,
};

/** As it was found last. */
function keep({ conditions = [] }: ManagedSystemStatus): Findings {
  return Object.fromEntries(conditions.map(({ type }) => [type, findingOf(conditions, type)]));
}

function down({ reason, message }: Extract<Probed, { kind: 'Down' }>): Findings {
  // What is wrong in the manifest is not mended by asking again.
  if (reason === 'InvalidSpec' || reason === 'SchemaMismatch')
    return { ...refusal(reason, message), ResolvedRefs: RESOLVED };
  return {
    Ready: { status: 'False', reason, message },
    Reconciling: { status: 'True', reason: 'ProgressingWithRetry', message: `it is tried again: ${message}` },
    Reachable: { status: 'False', reason, message },
    ResolvedRefs: RESOLVED,
  };
}

function refusal(reason: Reason, message: string): Findings {
  return {
    Ready: { status: 'False', reason, message },
    Stalled: { status: 'True', reason, message },
    Reachable: { status: 'Unknown', reason, message },
  };
}

function unresolved(reason: Reason, message: string): Findings {
  return {
    Ready: { status: 'False', reason, message },
    Reconciling: { status: 'True', reason, message: `it waits: ${message}` },
    Reachable: { status: 'Unknown', reason, message },
    ResolvedRefs: { status: 'False', reason, message },
  };
}

/** A probe that finds what the one before has found is not told of: a status that only lasts is not written. */
function probeFields(
  probed: Probed,
  now: number,
  { lastProbe: known, schemaDigest: knownDigest, conditions = [] }: ManagedSystemStatus,
): Partial<ManagedSystemStatus> {
  const { milliseconds } = probed;
  const outcome = probed.kind === 'Up' ? 'Succeeded' : 'Failed';
  const fresh = { finishedAt: timestamp(now), outcome, durationMilliseconds: milliseconds } as const;
  const before = probed.kind === 'Up' ? knownDigest : findingOf(conditions, 'Ready')?.reason;
  const found = probed.kind === 'Up' ? probed.report.schemaDigest : probed.reason;
  const lastProbe = known?.outcome === outcome && before === found ? known : fresh;
  if (probed.kind === 'Down') return { lastProbe };
  const { vendor, capabilities, schemaDigest } = probed.report;
  return { lastProbe, vendor, capabilities: [...capabilities], schemaDigest };
}

/** What has changed; an outage is told again while it lasts, which the recorder merges. */
function systemEvents({ Ready }: Findings, before: readonly Condition[]): Omit<RecordedEvent, 'regarding'>[] {
  const last = before.find(({ type }) => type === 'Ready');
  if (!Ready || Ready.status === 'Unknown') return [];
  const { reason, message: note } = Ready;
  if (Ready.status === 'True')
    return last?.status === 'True'
      ? []
      : [{ type: 'Normal', reason: 'SystemConnected', action: 'Probe', note }];
  const isSame = last?.reason === reason && last.message === note;
  return isSame ? [] : [{ type: 'Warning', reason, action: 'Probe', note }];
}
