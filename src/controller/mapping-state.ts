/** What the controller remembers of a mapping between two looks. What has to outlive the process is in its status. */
import type { ReconMappingStatus } from '../api/recon-mapping.ts';
import type { Progress } from '../engine/run-ports.ts';
import type { MappingOutcome, StartedRun } from './mapping-outcome.ts';
import type { ClusterObject } from './ports.ts';

/** Runs that cause each other: how often each mapping has had its turn. */
export type Chain = Map<string, number>;

export interface RunningRun {
  readonly started: StartedRun;
  readonly generation: number;
  /** The request that it answers, and the approval that it uses. */
  readonly request: string | undefined;
  readonly approval: string | undefined;
  readonly chain: Chain;
  readonly stop: AbortController;
  progress: Progress | undefined;
  /** When status last told of the progress, and of which. */
  toldAt: number | undefined;
}

export interface EndedRun {
  readonly run: RunningRun;
  readonly outcome: Extract<MappingOutcome, { kind: 'Ran' | 'Crashed' }>;
}

export class MappingState {
  readonly uid: string;
  firstSeenAt: number;
  status: ReconMappingStatus;
  running: RunningRun | undefined;
  ended: EndedRun | undefined;
  /** The generation of the last run, however it ended. */
  ranGeneration: number | undefined;
  lastStart: number | undefined;
  /** What it refers to was found and fits together, in this generation and since its last change. */
  checkedGeneration: number | undefined;
  failures = 0;
  retryAt: number | undefined;
  readonly woken: Set<'Dependency' | 'Chain'> = new Set();
  /** Why it is to run once more, where another run has caused it. */
  chain: Chain | undefined;
  /** The sequence number of its last run, and whether something of it waits for other mappings. */
  lastSequence = 0;
  waits = false;
  /** It was due too often in one chain; for people. */
  notSettling: string | undefined;
  toldUnknownApproval: string | undefined;

  /** Taken up from the status that an earlier process left. */
  constructor({ metadata, object }: ClusterObject, now: number) {
    this.uid = metadata.uid ?? '';
    this.firstSeenAt = now;
    this.status = (object['status'] ?? {}) as ReconMappingStatus;
    const { lastRun, observedGeneration } = this.status;
    if (lastRun?.startedAt === undefined) return;
    this.lastStart = Date.parse(lastRun.startedAt);
    // A run that nobody ended was cut off: it is taken up again at once.
    if (lastRun.outcome === undefined) this.retryAt = now;
    else this.ranGeneration = observedGeneration;
  }

  /** A clock that was set back: what it had shown before counts as now, once, else nothing would ever be due. */
  notAfter(now: number): number {
    if (this.firstSeenAt > now) this.firstSeenAt = now;
    if (this.lastStart !== undefined && this.lastStart > now) this.lastStart = now;
    return now;
  }
}
