/**
 * One look at one mapping: what asks for a run, what stands in its way, what the last run has come to. Runs happen
 * elsewhere and only leave their end here; this never waits for one. Deleting a mapping touches no account.
 */
import { approvePlanAnnotation, runRequestedAtAnnotation } from '../api/names.ts';
import type { ReconMapping, ReconMappingStatus } from '../api/recon-mapping.ts';
import { approvalOf, unknownApproval } from './approval.ts';
import type { Next } from './controller.ts';
import { keyOf } from './definition-side.ts';
import { dueOf, type Due, type Trigger } from './due.ts';
import { mappingEvents, regarding } from './mapping-events.ts';
import type { MappingOutcome } from './mapping-outcome.ts';
import { isChainOwed } from './owed-chain.ts';
import { MappingState, type RememberedRun } from './mapping-state.ts';
import { mappingStatus } from './mapping-status.ts';
import type { RunLauncher } from './run-launcher.ts';
import { describeProblems, type Objects } from './objects.ts';
import type { Cluster, ClusterObject, DomainObserver, ObjectKey, Recorder, Timers } from './ports.ts';
import { resolveMapping, type Resolved } from './resolve-mapping.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import type { StatusWriter } from './status-writer.ts';
import type { SystemRegistry } from './system-registry.ts';

/** Progress is told that often at most, and a run that is over before is not told of at all. */
const PROGRESS_EVERY_MS = 10_000;
/** The cache has not seen yet what the server has. */
const STALE_RETRY_MS = 1_000;
const QUEUED_RETRY_MS = 30_000;
/** Timers do not notice that the clock was set, or that the machine has slept. A look costs no request. */
const LOOK_AGAIN_MS = 60_000;

export interface MappingReconcilerOptions {
  readonly cluster: Cluster;
  readonly objects: Objects;
  readonly expressions: ExpressionCompiler;
  readonly systems: SystemRegistry;
  readonly statuses: StatusWriter;
  readonly recorder: Recorder;
  readonly observer: DomainObserver;
  readonly timers: Timers;
  readonly states: Map<string, MappingState>;
  readonly launcher: RunLauncher;
  readonly refersTo: (key: string, used: readonly ObjectKey[]) => void;
  /** Of the state folder. */
  readonly lastRun?: ((key: string) => RememberedRun | undefined) | undefined;
}

interface Look {
  readonly key: string;
  readonly seen: ClusterObject;
  readonly state: MappingState;
  readonly signal: AbortSignal;
}

type Mapped = Look & { readonly mapping: ReconMapping; readonly resolved?: Resolved };

export class MappingReconciler {
  readonly #options: MappingReconcilerOptions;

  constructor(options: MappingReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const { objects } = this.#options;
    const valid = objects.get('ReconMapping', key);
    if (valid.kind === 'Gone') return this.#forget(key);
    const state = this.#stateOf(key, valid.seen);
    const look = { key, seen: valid.seen, state, signal };
    if (state.ended) return this.#conclude(look);
    if (valid.kind === 'Invalid') {
      const unknown = valid.problems.some(({ rule }) => rule === 'enum');
      const reason = unknown ? 'UnsupportedValue' : 'InvalidSpec';
      return this.#settle(look, { kind: 'Invalid', reason, message: describeProblems(valid.problems) });
    }
    const mapping = valid.located.object;
    if (mapping.spec.suspend) {
      state.running?.stop.abort();
      this.#options.observer.scheduled(key, undefined, true);
      return state.running ? { kind: 'Done' } : this.#settle(look, { kind: 'Suspended' });
    }
    if (state.running) return this.#watch({ ...look, mapping });
    return this.#decide({ ...look, mapping });
  }

  #forget(key: string): Next {
    const { states, observer, statuses, refersTo } = this.#options;
    const state = states.get(key);
    state?.running?.stop.abort();
    if (state) statuses.forget('ReconMapping', state.uid);
    states.delete(key);
    refersTo(key, []);
    observer.forgotten('ReconMapping', key);
    return { kind: 'Done' };
  }

  #stateOf(key: string, seen: ClusterObject): MappingState {
    const { states, timers, lastRun } = this.#options;
    const known = states.get(key);
    if (known && known.uid === (seen.metadata.uid ?? '')) return known;
    known?.running?.stop.abort();
    const fresh = new MappingState(seen, timers.now(), lastRun?.(key));
    if (isChainOwed(key, this.#options)) fresh.woken.add('Chain');
    states.set(key, fresh);
    return fresh;
  }

  /** No run goes on, none has ended: is one due, and may it begin? */
  async #decide(look: Mapped): Promise<Next> {
    const { key, state, seen, mapping } = look;
    const due = this.#due(look);
    this.#options.observer.scheduled(key, due.kind === 'At' ? due.at : undefined, false);
    if (state.notSettling !== undefined && due.kind !== 'Now')
      return this.#settle(look, { kind: 'NotSettling', message: state.notSettling });
    const generation = seen.metadata.generation ?? 0;
    if (due.kind !== 'Now' && state.checkedGeneration === generation) return this.#rest(look, due);
    const resolved = await resolveMapping(
      { object: mapping, folder: seen.folder },
      this.#options,
      look.signal,
    );
    if (resolved.kind !== 'Resolved') return this.#settle(look, resolved, due);
    state.checkedGeneration = generation;
    if (due.kind !== 'Now') return this.#rest(look, due);
    return this.#start({ ...look, resolved }, due.trigger);
  }

  #due({ mapping, state, seen }: Mapped): Due {
    const annotations = seen.metadata.annotations ?? {};
    return dueOf({
      uid: state.uid,
      schedule: mapping.spec,
      now: state.notAfter(this.#options.timers.now()),
      lastStart: state.lastStart,
      since: state.firstSeenAt,
      request: annotations[runRequestedAtAnnotation],
      handledRequest: state.status.lastHandledRequest,
      approval: approvalOf(mapping, state),
      generationRan: state.ranGeneration === (seen.metadata.generation ?? 0),
      woken: state.woken,
      retryAt: state.retryAt,
    });
  }

  /** Nothing is due: the status stays as it is, where it tells of this generation. */
  #rest(look: Mapped, due: Due): Promise<Next> {
    const { state, seen, mapping } = look;
    const ignored = unknownApproval(mapping, state);
    if (ignored) this.#options.recorder.record({ ...ignored, regarding: regarding(seen) });
    const { conditions = [] } = state.status;
    const ready = conditions.find(({ type }) => type === 'Ready');
    const isOpen = conditions.some(({ type }) => type === 'Reconciling');
    const isOfNow = ready?.observedGeneration === seen.metadata.generation;
    const isTold = isOfNow && ready?.reason !== 'Suspended' && !isOpen;
    const retries = state.retryAt !== undefined;
    if (!isTold && !retries) return this.#settle(look, { kind: 'Idle' }, due);
    return this.#write(look, state.status).then(() => this.#next(due));
  }

  async #start(look: Mapped & { readonly resolved: Resolved }, trigger: Trigger): Promise<Next> {
    const { key, seen, state, mapping, resolved, signal } = look;
    const { cluster, launcher } = this.#options;
    const notReady = this.#notReady(resolved);
    if (notReady === 'Unknown') return { kind: 'Done' };
    if (notReady) return this.#settle(look, notReady);
    if (!launcher.mayStart(key, resolved)) return this.#queue(look);
    // What is about to be written by must be what stands there now, not what a slow watch has last told of.
    const live = await cluster.getLive('ReconMapping', key, signal);
    const isCurrent =
      live?.metadata.uid === state.uid && live.metadata.generation === seen.metadata.generation;
    if (!isCurrent) return { kind: 'After', milliseconds: STALE_RETRY_MS };
    const request = seen.metadata.annotations?.[runRequestedAtAnnotation];
    const started = launcher.start({
      key,
      state,
      resolved,
      trigger,
      mode: mapping.spec.mode,
      generation: seen.metadata.generation ?? 0,
      request,
      approval: approvalOf(mapping, state),
      regarding: regarding(seen),
    });
    return started ? this.#watch(look) : this.#queue(look);
  }

  /** A slot that becomes free wakes it; should the one that was woken not take it, it looks by itself. */
  async #queue(look: Look): Promise<Next> {
    await this.#settle(look, { kind: 'Queued' });
    return { kind: 'After', milliseconds: QUEUED_RETRY_MS };
  }

  /** Unknown: nobody has asked the system yet; it will wake the mapping. */
  #notReady({ linked }: Resolved): MappingOutcome | 'Unknown' | undefined {
    for (const { system } of [linked.source, linked.target]) {
      const key = keyOf(system.object);
      const known = this.#options.systems.get(key);
      if (
        !known ||
        known.uid !== system.object.metadata.uid ||
        known.generation !== system.object.metadata.generation
      )
        return 'Unknown';
      if (known.isReady) continue;
      const message = `ManagedSystem ${key} is not ready: ${known.reason}: ${known.message}`;
      return { kind: 'Waiting', reason: 'SystemNotReady', message, resolved: true };
    }
    return undefined;
  }

  /** A run goes on: a first one is told of at once, progress every now and then. */
  async #watch(look: Mapped): Promise<Next> {
    const { running } = look.state;
    if (!running) return { kind: 'Done' };
    const { started, progress } = running;
    const now = this.#options.timers.now();
    const isFirst =
      look.state.status.observedGeneration !== running.generation && running.toldAt === undefined;
    const isTime = now - (running.toldAt ?? started.startedAt) >= PROGRESS_EVERY_MS;
    if (!isFirst && !isTime) return { kind: 'After', milliseconds: PROGRESS_EVERY_MS };
    running.toldAt = now;
    const outcome = { kind: 'Running', run: started, progress } as const;
    await this.#write(look, this.#statusOf(look, outcome, undefined));
    return { kind: 'After', milliseconds: PROGRESS_EVERY_MS };
  }

  /** A run has ended: its outcome is told, and whoever waited for it is woken. */
  async #conclude(look: Look): Promise<Next> {
    const { state, key } = look;
    const { ended } = state;
    if (!ended) return { kind: 'Done' };
    const { outcome, run } = ended;
    const valid = this.#options.objects.validate('ReconMapping', look.seen);
    const due = valid.kind === 'Valid' ? this.#due({ ...look, mapping: valid.located.object }) : undefined;
    const nextRunAt = due?.kind === 'At' ? due.at : undefined;
    const before = state.status.conditions ?? [];
    const told = this.#statusOf(look, outcome, nextRunAt, run);
    const isAnnotated = look.seen.metadata.annotations?.[approvePlanAnnotation] === run.approval;
    const isUsed = run.approval !== undefined && isAnnotated;
    state.status = isUsed ? { ...told, lastHandledApproval: run.approval } : told;
    state.ended = undefined;
    for (const event of mappingEvents(outcome, before))
      this.#options.recorder.record({ ...event, regarding: regarding(look.seen) });
    await this.#write(look, state.status);
    this.#options.observer.scheduled(key, nextRunAt, false);
    return { kind: 'After', milliseconds: 1 };
  }

  /** Tells the outcome of a look. */
  async #settle(look: Look, outcome: MappingOutcome, due?: Due): Promise<Next> {
    const { state, seen } = look;
    const before = state.status.conditions ?? [];
    const at = due?.kind === 'At' ? due.at : undefined;
    const status = this.#statusOf(look, outcome, at);
    // When what it waits for is there, it runs, whenever it would be due.
    if (outcome.kind === 'Waiting') state.woken.add('Dependency');
    for (const event of mappingEvents(outcome, before))
      this.#options.recorder.record({ ...event, regarding: regarding(seen) });
    await this.#write(look, status);
    return due ? this.#next(due) : { kind: 'Done' };
  }

  #statusOf(
    { state, seen }: Look,
    outcome: MappingOutcome,
    nextRunAt: number | undefined,
    run = state.running,
  ): ReconMappingStatus {
    return mappingStatus(outcome, state.status, {
      generation: seen.metadata.generation ?? 0,
      ranGeneration: run?.generation ?? state.ranGeneration ?? -1,
      now: this.#options.timers.now(),
      nextRunAt,
      request: run?.request,
    });
  }

  async #write({ seen, state, signal }: Look, status: ReconMappingStatus): Promise<void> {
    state.status = status;
    await this.#options.statuses.write('ReconMapping', seen, status, signal);
  }

  /** What is due and cannot be done waits for a change of what is in its way. */
  #next(due: Due): Next {
    if (due.kind !== 'At') return { kind: 'Done' };
    const milliseconds = due.at - this.#options.timers.now();
    return { kind: 'After', milliseconds: Math.min(milliseconds, LOOK_AGAIN_MS) };
  }
}
