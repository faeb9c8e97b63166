/** Controllers over any Cluster, with real runs in threads on real files, time that can be turned, and every status kept. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { Kind } from '../../src/api/names.ts';
import type { ReconMappingStatus } from '../../src/api/recon-mapping.ts';
import { loadContract } from '../../src/api/validation.ts';
import { Controllers } from '../../src/controller/controllers.ts';
import type { Cluster, DomainObserver, RecordedEvent, Timers } from '../../src/controller/ports.ts';
import { CelExpressions } from '../../src/expressions/cel.ts';
import { Fence } from '../../src/runner/fence.ts';
import { SystemProber } from '../../src/runner/system-prober.ts';
import { ThreadRunner } from '../../src/runner/thread-runner.ts';
import { Database } from '../../src/store/database.ts';
import { openOwned } from '../../src/store/state.ts';
import type { ClusterHarness } from './cluster-contract.ts';
import { statusProblems, type Observed } from './kstatus.ts';
import { RecordingLog } from './recording.ts';

export interface ControllerHarness extends ClusterHarness {
  /** Where relative paths of its objects start from. */
  readonly files: string;
}

const PATIENCE = { timeout: 15_000, interval: 25 };
/** So long nothing may happen, where nothing is to happen. */
const SILENCE_MS = 500;
export const PROBE_EVERY_MS = 300_000;

export class ControllerWorld implements AsyncDisposable {
  readonly harness: ControllerHarness;
  readonly log: RecordingLog = new RecordingLog();
  readonly events: RecordedEvent[] = [];
  readonly runs: string[] = [];
  timesSuperseded = 0;
  readonly timers: ShiftedTimers = new ShiftedTimers();
  /** Every status that was written, in order, by `Kind name`. */
  readonly statuses: Map<string, Observed[]> = new Map();
  readonly #state: string = mkdtempSync(join(tmpdir(), 'rollcall-world-'));
  #ending: AbortController = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(harness: ControllerHarness) {
    this.harness = harness;
    mkdirSync(harness.files, { recursive: true });
  }

  /** As a process begins: on the state of the one before. */
  async start(concurrentRuns = 2): Promise<void> {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    const state = openOwned(this.#state, { pid: process.pid, alone: true });
    const fence = new Fence();
    fence.extend(Infinity);
    const cluster = this.#recording(this.harness.cluster);
    const controllers = new Controllers({
      cluster,
      contract: loadContract(),
      expressions: new CelExpressions(),
      runner: new ThreadRunner({ stateFolder: this.#state, epoch: state.epoch, fence }),
      prober: new SystemProber(state),
      recorder: { record: (event) => void this.events.push(event), flush: () => Promise.resolve() },
      observer: this.#observer(),
      log: this.log,
      timers: this.timers,
      random: () => 0.5,
      concurrentRuns,
      superseded: () => void this.timesSuperseded++,
      probeEveryMs: PROBE_EVERY_MS,
    });
    await this.harness.cluster.watch((object) => {
      if (object.key.startsWith(`${this.harness.namespace}/`)) controllers.changed(object);
    }, signal);
    this.#ended = controllers.run(signal).finally(() => state[Symbol.dispose]());
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** As another process does that takes the state over. */
  takeOver(): void {
    const database = new Database(join(this.#state, 'rollcall.db'));
    database.run(`UPDATE meta SET value = value + 1 WHERE name = 'epoch'`);
    database.close();
  }

  key(name: string): string {
    return `${this.harness.namespace}/${name}`;
  }

  put(
    kind: Kind,
    name: string,
    spec: object,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    return this.harness.put({ kind, key: this.key(name), spec: { ...spec }, annotations });
  }

  writeFile(name: string, text: string): void {
    writeFileSync(join(this.harness.files, name), text);
  }

  readFile(name: string): string {
    return readFileSync(join(this.harness.files, name), 'utf8');
  }

  removeFile(name: string): void {
    rmSync(join(this.harness.files, name));
  }

  /** The status that was written last. */
  last(kind: Kind, name: string): Observed['status'] {
    return this.statuses.get(`${kind} ${name}`)?.at(-1)?.status;
  }

  mapping(name: string): ReconMappingStatus {
    return (this.last('ReconMapping', name) ?? {}) as ReconMappingStatus;
  }

  /** `Ready=True Succeeded`, by type. */
  condition(kind: Kind, name: string, type: string): string {
    const found = this.last(kind, name)?.conditions?.find((one) => one.type === type);
    return found ? `${found.status} ${found.reason}` : 'none';
  }

  async until(check: () => void): Promise<void> {
    await vi.waitFor(check, PATIENCE);
  }

  async untilReady(kind: Kind, name: string, expected = 'True Succeeded'): Promise<void> {
    await this.until(() => expect(this.condition(kind, name, 'Ready')).toBe(expected));
  }

  /** Resolves when the mapping has had that many runs since the start. */
  async untilRuns(name: string, count: number): Promise<void> {
    await this.until(() => expect(this.runsOf(name)).toBe(count));
  }

  runsOf(name: string): number {
    return this.runs.filter((one) => one === this.key(name)).length;
  }

  /** Nothing is written and nothing runs. */
  async expectSilence(): Promise<void> {
    const before = this.#activity();
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    expect(this.#activity()).toEqual(before);
  }

  /** Resolves when what goes on has come to an end. */
  async untilSilent(): Promise<void> {
    await vi.waitFor(() => this.expectSilence(), PATIENCE);
  }

  /** How much was written, and how many runs there were. */
  #activity(): readonly [written: number, runs: number] {
    const written = [...this.statuses.values()].reduce((sum, list) => sum + list.length, 0);
    return [written, this.runs.length];
  }

  told(reason: string): RecordedEvent[] {
    return this.events.filter((one) => one.reason === reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.harness[Symbol.asyncDispose]();
    rmSync(this.#state, { recursive: true, force: true });
    expect(this.#problems()).toEqual([]);
    expect(this.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  }

  /** The rules that hold at every moment, in every test. */
  #problems(): string[] {
    return [...this.statuses].flatMap(([name, list]) =>
      list.flatMap((one, at) =>
        statusProblems(
          one,
          list.slice(0, at).findLast(({ metadata }) => metadata.uid === one.metadata.uid),
        ).map((problem) => `${name}, status ${at}: ${problem}: ${JSON.stringify(one)}`),
      ),
    );
  }

  #recording(cluster: Cluster): Cluster {
    const own = (key: string): boolean => key.startsWith(`${this.harness.namespace}/`);
    return {
      watch: (changed, signal) => cluster.watch(changed, signal),
      get: (kind, key) => cluster.get(kind, key),
      list: (kind) => cluster.list(kind).filter(({ metadata }) => own(`${metadata.namespace}/`)),
      getLive: (kind, key, signal) => cluster.getLive(kind, key, signal),
      readSecret: (key, signal) => cluster.readSecret(key, signal),
      readConfigMap: (key, signal) => cluster.readConfigMap(key, signal),
      applyStatus: async (object, status, signal) => {
        await cluster.applyStatus(object, status, signal);
        const name = `${object.kind} ${object.key.split('/')[1] ?? ''}`;
        const metadata = {
          name,
          uid: object.uid,
          generation: cluster.get(object.kind, object.key)?.metadata.generation ?? 0,
        };
        this.statuses.set(name, [
          ...(this.statuses.get(name) ?? []),
          { kind: object.kind, metadata, status },
        ]);
      },
    };
  }

  #observer(): DomainObserver {
    return {
      ran: (key) => void this.runs.push(key),
      crashed: (key) => void this.runs.push(key),
      scheduled: () => undefined,
      probed: () => undefined,
      forgotten: () => undefined,
    };
  }
}

/** Real time, and as much more as it was turned by. */
export class ShiftedTimers implements Timers {
  #shift = 0;
  readonly #waiting: Set<{ readonly at: number; readonly wake: () => void; timer: NodeJS.Timeout }> =
    new Set();

  now(): number {
    return Date.now() + this.#shift;
  }

  after(milliseconds: number, wake: () => void): () => void {
    const one = { at: this.now() + milliseconds, wake, timer: setTimeout(() => undefined) };
    this.#set(one);
    this.#waiting.add(one);
    return () => {
      clearTimeout(one.timer);
      this.#waiting.delete(one);
    };
  }

  turn(milliseconds: number): void {
    this.#shift += milliseconds;
    for (const one of this.#waiting) this.#set(one);
  }

  #set(one: { readonly at: number; readonly wake: () => void; timer: NodeJS.Timeout }): void {
    clearTimeout(one.timer);
    one.timer = setTimeout(
      () => {
        this.#waiting.delete(one);
        one.wake();
      },
      Math.max(0, one.at - this.now()),
    );
  }
}
