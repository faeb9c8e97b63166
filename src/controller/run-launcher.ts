/** Starts runs, and takes note of their end: retries, what the run wakes in the same chain, and who waited for it. */
import { randomUUID } from 'node:crypto';
import { reasons, type Reason } from '../api/conditions.ts';
import type { Trigger } from './due.ts';
import { startedEvent } from './mapping-events.ts';
import type { MappingOutcome } from './mapping-outcome.ts';
import type { Chain, MappingState, RunningRun } from './mapping-state.ts';
import type { Objects } from './objects.ts';
import type { DomainObserver, Log, RecordedEvent, Recorder, Runner, RunReport, Timers } from './ports.ts';
import type { Resolved } from './resolve-mapping.ts';
import type { RunSlots } from './run-slots.ts';

/** How often a mapping runs in one chain before the chain counts as not settling. */
const MAX_RUNS_IN_CHAIN = 3;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 900_000;
/** Rarely, so that no account is locked by wrong passwords. */
const REFUSED_RETRY_MS = 300_000;

export interface RunLauncherOptions {
  readonly runner: Runner;
  readonly slots: RunSlots;
  readonly states: ReadonlyMap<string, MappingState>;
  readonly objects: Objects;
  readonly recorder: Recorder;
  readonly observer: DomainObserver;
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: Log;
  /** Another process owns the state now: nothing here may go on. */
  readonly superseded: () => void;
  /** Ends every run. */
  readonly stop: AbortSignal;
  /** Look at this mapping; `dependency`: because of another one. */
  readonly wake: (key: string, why: 'Ended' | 'Dependency') => void;
  /** A run failed: this system may be the cause, and is to be asked soon. */
  readonly suspect: (system: string) => void;
}

export interface RunStart {
  readonly key: string;
  readonly state: MappingState;
  readonly resolved: Resolved;
  readonly trigger: Trigger;
  readonly mode: 'Observe' | 'Enforce';
  readonly generation: number;
  readonly request: string | undefined;
  readonly approval: string | undefined;
  readonly regarding: RecordedEvent['regarding'];
}

export class RunLauncher {
  readonly #options: RunLauncherOptions;
  readonly #running: Set<Promise<void>> = new Set();

  constructor(options: RunLauncherOptions) {
    this.#options = options;
  }

  /** False: as `start` would say; asked before anything is spent on a start. */
  mayStart(key: string, { writes }: Resolved): boolean {
    return this.#options.slots.mayTake(key, writes);
  }

  /** False: no slot is free; the mapping is woken when one is. */
  start(start: RunStart): boolean {
    const { slots, timers, recorder } = this.#options;
    const { key, state, resolved, trigger, mode } = start;
    const slot = slots.take(key, resolved.writes);
    if (!slot) return false;
    const chain: Chain = state.chain ?? new Map();
    chain.set(key, (chain.get(key) ?? 0) + 1);
    const started = { id: randomUUID(), mode, trigger, startedAt: timers.now() };
    const { generation, request, approval } = start;
    const run: RunningRun = {
      started,
      generation,
      request,
      approval,
      chain,
      stop: new AbortController(),
      progress: undefined,
      toldAt: undefined,
    };
    state.running = run;
    state.chain = undefined;
    state.woken.clear();
    state.retryAt = undefined;
    state.notSettling = undefined;
    state.ranGeneration = generation;
    state.lastStart = started.startedAt;
    recorder.record({ ...startedEvent(started), regarding: start.regarding });
    const ended = this.#run(start, run).finally(() => {
      this.#running.delete(ended);
      slot.free();
      this.#options.wake(key, 'Ended');
    });
    this.#running.add(ended);
    return true;
  }

  /** Resolves when no run goes on. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #run({ key, state, resolved }: RunStart, run: RunningRun): Promise<void> {
    const { runner, log, stop } = this.#options;
    const { id, trigger, mode } = run.started;
    const job = {
      id,
      linked: resolved.linked,
      references: resolved.references,
      trigger,
      approve: run.approval,
    };
    log.info({ mapping: key, run: id, trigger, mode }, 'Run started');
    const outcome = await runner
      .run(job, (progress) => void (run.progress = progress), AbortSignal.any([stop, run.stop.signal]))
      .then((report): MappingOutcome & { kind: 'Ran' } => ({ kind: 'Ran', report }))
      .catch((error: unknown) => this.#crashed(key, run, error));
    if (state.running !== run) return;
    state.running = undefined;
    // A process that ends leaves the run as it is: whoever comes next takes it up again.
    if (stop.aborted) return;
    if (outcome === 'Superseded') {
      this.#options.superseded();
      return;
    }
    state.ended = { run, outcome };
    if (outcome.kind === 'Crashed') this.#retry(state, FIRST_RETRY_MS);
    else this.#concluded(key, state, run, outcome.report);
  }

  #crashed(
    key: string,
    run: RunningRun,
    error: unknown,
  ): Extract<MappingOutcome, { kind: 'Crashed' }> | 'Superseded' {
    const { log, observer } = this.#options;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'Superseded') return code;
    log.error({ mapping: key, run: run.started.id, code, err: error }, 'Run crashed');
    observer.crashed(key);
    const reason: Reason = code === 'KeyMissing' ? 'KeyMissing' : 'RunFailed';
    return { kind: 'Crashed', run: run.started, reason, message: reasons[reason] };
  }

  #concluded(key: string, state: MappingState, run: RunningRun, report: RunReport): void {
    const { log, observer } = this.#options;
    const { summary, phases } = report;
    const { outcome, code, result } = summary;
    log.info(
      {
        mapping: key,
        run: summary.id,
        outcome,
        code,
        seconds: (summary.finishedAt - summary.startedAt) / 1_000,
        phases,
        totals: result?.totals,
      },
      'Run ended',
    );
    observer.ran(key, report);
    state.lastSequence = summary.sequence;
    state.waits = result?.waits ?? false;
    if (outcome === 'Failed') {
      this.#retry(state, code === 'AuthenticationFailed' ? REFUSED_RETRY_MS : FIRST_RETRY_MS);
      if (code !== 'Stopped') this.#suspectSystems(key);
    } else state.failures = 0;
    this.#wakeChain(key, run.chain, report, state.owesChain);
    if (outcome !== 'Failed') state.owesChain = false;
    this.#wakeWaiting(key);
  }

  #suspectSystems(key: string): void {
    const { objects, suspect } = this.#options;
    const own = objects.linkedBeside(key).find((one) => one.key === key);
    for (const side of own ? [own.source, own.target] : []) {
      const { namespace, name } = side.system.object.metadata;
      suspect(`${namespace}/${name}`);
    }
  }

  #retry(state: MappingState, leastMs: number): void {
    const { timers, random } = this.#options;
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** state.failures++);
    state.retryAt = timers.now() + Math.max(leastMs, Math.round(longest * (0.5 + random() / 2)));
  }

  /** Who reads what was written is due at once, until the same chain has had it often enough. */
  #wakeChain(key: string, chain: Chain, { summary: { result }, wrote }: RunReport, isOwed: boolean): void {
    const all = this.#options.objects.linkedBeside(key);
    const own = all.find((one) => one.key === key);
    if (!own || !result) return;
    const sides = [
      result.wrote.Target || isOwed ? own.target : undefined,
      result.wrote.Source ? own.source : undefined,
    ];
    const written = sides.map((side) => side?.system.object);
    for (const other of all) {
      const reads = written.includes(other.source.system.object);
      if (reads && !other.mapping.object.spec.suspend) this.#wakeReader(key, other.key, { chain, wrote });
    }
  }

  #wakeReader(
    writer: string,
    reader: string,
    { chain, wrote }: { readonly chain: Chain; readonly wrote: readonly string[] },
  ): void {
    const state = this.#options.states.get(reader);
    if (!state) return;
    if ((chain.get(reader) ?? 0) >= MAX_RUNS_IN_CHAIN) state.notSettling = notSettling(writer, reader, wrote);
    else {
      state.chain = chain;
      state.woken.add('Chain');
    }
    this.#options.wake(reader, 'Dependency');
  }

  /** Mappings whose withdrawals waited until all others with their target object had looked. */
  #wakeWaiting(key: string): void {
    const { objects, states, wake } = this.#options;
    for (const other of objects.linkedBeside(key)) {
      const state = states.get(other.key);
      if (!state?.waits || !other.siblings.includes(key)) continue;
      const looked = other.siblings.every((one) => (states.get(one)?.lastSequence ?? 0) > state.lastSequence);
      if (!looked) continue;
      state.waits = false;
      state.woken.add('Dependency');
      wake(other.key, 'Dependency');
    }
  }
}

function notSettling(writer: string, reader: string, attributes: readonly string[]): string {
  const which = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  return `the chain does not settle: ${reader} was due a fourth time, after ${writer} had written again${which}; two mappings write against each other, decide which one owns the attribute`;
}
