/**
 * Runs in threads of their own, which end with the run: whatever a run computes, leases, probes and watches go on
 * beside it.
 */
import { Worker } from 'node:worker_threads';
import type { RunJob, Runner, RunReport } from '../controller/ports.ts';
import type { Progress } from '../engine/run-ports.ts';
import { StateError } from '../store/state-error.ts';
import type { Fence } from './fence.ts';
import { plainReferences, STOP, type ThreadInput, type ThreadMessage } from './thread-messages.ts';

/** A thread that does not end by then is ended; what it had begun is in the journal. */
const GRACE_MS = 4_000;

export interface ThreadRunnerOptions {
  readonly stateFolder: string;
  readonly epoch: number;
  readonly fence: Fence;
}

export class ThreadRunner implements Runner {
  readonly #options: ThreadRunnerOptions;

  constructor(options: ThreadRunnerOptions) {
    this.#options = options;
  }

  /** Rejects with StateError (Superseded) where the state is not ours any more, and with RunCrashed for faults of ours. */
  async run(job: RunJob, progress: (progress: Progress) => void, signal: AbortSignal): Promise<RunReport> {
    const { stateFolder, epoch, fence } = this.#options;
    const { id, linked, trigger, approve } = job;
    const workerData: ThreadInput = {
      id,
      linked,
      trigger,
      approve,
      stateFolder,
      epoch,
      fence: fence.shared,
      ...plainReferences(job.references),
    };
    const worker = new Worker(threadFile(), { workerData });
    let grace: NodeJS.Timeout | undefined;
    const stop = (): void => {
      worker.postMessage(STOP);
      grace = setTimeout(() => void worker.terminate(), GRACE_MS);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await reportOf(worker, progress);
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(grace);
    }
  }
}

/** The same file in both forms of this program: as it is written, and as it is built. */
function threadFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./run-thread.${extension}`, import.meta.url);
}

/** A fault of this program, not of a system. The message names places, no data. */
export class RunCrashed extends Error {
  readonly code: string | undefined;

  constructor(code: string | undefined, places: string) {
    super(places);
    this.name = 'RunCrashed';
    this.code = code;
  }
}

function reportOf(worker: Worker, progress: (progress: Progress) => void): Promise<RunReport> {
  return new Promise((resolve, reject) => {
    let report: RunReport | undefined;
    let failure: Error | undefined;
    worker.on('message', (message: ThreadMessage) => {
      switch (message.kind) {
        case 'Progress':
          progress(message.progress);
          break;
        case 'Ended':
          report = message.report;
          break;
        case 'Superseded':
          failure = new StateError('Superseded', 'the state belongs to another process now');
          break;
        case 'Crashed':
          failure = new RunCrashed(message.code, message.stack);
          break;
      }
    });
    worker.on('error', () => {
      failure ??= new RunCrashed(undefined, 'the thread could not start');
    });
    worker.on('exit', () => {
      if (report) resolve(report);
      else reject(failure ?? new RunCrashed('Stopped', 'the thread was ended'));
    });
  });
}
