/** What the controller remembers of a mapping between two looks. What has to outlive the process is in its status. */
import type { LastRun, ReconMappingStatus } from '../api/recon-mapping.ts';
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

/** What the state folder knows of the last run of a mapping, which a status may not have been told any more. */
export interface RememberedRun {
  readonly id: string;
  /** False: it was cut off, or could not be done. */
  readonly isWhole: boolean;
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
  /** A run was cut off: whoever reads what it may have written is to look, whatever the next run still has to write. */
  owesChain: boolean;
  /** It was due too often in one chain; for people. */
  notSettling: string | undefined;
  toldUnknownApproval: string | undefined;

  /** Taken up from the status that an earlier process left. */
  constructor({ metadata, object }: ClusterObject, now: number, last?: RememberedRun) {
    this.uid = metadata.uid ?? '';
    this.firstSeenAt = now;
    this.status = (object['status'] ?? {}) as ReconMappingStatus;
    const { lastRun } = this.status;
    this.owesChain = last !== undefined && isUntold(last, lastRun);
    if (lastRun?.startedAt === undefined) return;
    this.lastStart = Date.parse(lastRun.startedAt);
    if (lastRun.outcome !== undefined) this.ranGeneration = this.status.observedGeneration;
    if (this.owesChain || isOpen(lastRun)) this.retryAt = now;
  }

  /** A clock that was set back: what it had shown before counts as now, once, else nothing would ever be due. */
  notAfter(now: number): number {
    if (this.firstSeenAt > now) this.firstSeenAt = now;
    if (this.lastStart !== undefined && this.lastStart > now) this.lastStart = now;
    return now;
  }
}

/** It may have written, and ended before anybody was told of it. */
function isUntold({ id, isWhole }: RememberedRun, lastRun: LastRun | undefined): boolean {
  return !isWhole || id !== lastRun?.id;
}

/** A run that failed is tried again, and one that nobody ended was cut off: it is taken up at once. */
function isOpen({ outcome }: LastRun): boolean {
  return outcome === undefined || outcome === 'Failed';
}
