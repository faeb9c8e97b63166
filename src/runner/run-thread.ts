/** The thread of one run: opens the state as the owner's, runs the mapping, says what came of it, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { approvePlanAnnotation } from '../api/names.ts';
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import type { RunReport } from '../controller/ports.ts';
import type { Progress } from '../engine/run-ports.ts';
import { CelExpressions } from '../expressions/cel.ts';
import { Approvals, SPECIFIED } from '../store/approvals.ts';
import { findMapping } from '../store/mappings.ts';
import { attributesWritten, Records } from '../store/records.ts';
import { StateError } from '../store/state-error.ts';
import { joinState, type State } from '../store/state.ts';
import { Fence } from './fence.ts';
import { PhaseClock } from './phase-clock.ts';
import { ToldRules } from './told-rules.ts';
import { runMapping } from './run-mapping.ts';
import { referencesOf, STOP, type ThreadInput, type ThreadMessage } from './thread-messages.ts';

/** Progress is for people: more often would only wake the other side. */
const PROGRESS_EVERY_MS = 500;

const clock = { now: (): number => Date.now() };

async function work(input: ThreadInput, say: (message: ThreadMessage) => void): Promise<RunReport> {
  const stopping = new AbortController();
  const fence = new Fence(input.fence);
  parentPort?.on('message', (message) => {
    if (message === STOP) stopping.abort();
  });
  const { epoch, stateFolder, linked } = input;
  using state = joinState(stateFolder, { epoch, mayWrite: () => fence.mayWrite() });
  const approved = input.approve !== undefined && release(input.approve, linked, state);
  const phases = new PhaseClock(performance.now());
  let last = 0;
  const progress = (_mapping: string, step: Progress): void => {
    const now = performance.now();
    const isNew = phases.enter(step.phase, now);
    if (!isNew && now - last < PROGRESS_EVERY_MS) return;
    last = now;
    say({ kind: 'Progress', progress: step });
  };
  const summary = await runMapping(
    linked,
    {
      id: input.id,
      expressions: new CelExpressions(),
      references: referencesOf(input),
      state,
      clock,
      trigger: input.trigger,
      planning: false,
      recordsAll: false,
      only: undefined,
      progress,
      mayWrite: () => fence.mayWrite(),
    },
    stopping.signal,
  );
  phases.end(performance.now());
  const told = new ToldRules(linked.policy?.object.spec.rules ?? []);
  const kinds = [...new Records(state.database, summary.sequence).kinds()];
  for (const kind of kinds) told.count(kind);
  return { summary, approved, wrote: attributesWritten(kinds), told: told.all(), phases: phases.seconds };
}

function release(digest: string, { key, mapping }: LinkedMapping, { database }: State): boolean {
  const row = findMapping(database, key);
  const who = mapping.object.spec.approvedPlan === digest ? SPECIFIED : approvePlanAnnotation;
  return row !== undefined && new Approvals(database, row).approve(digest, who, clock.now());
}

/** Where it happened, without the message: that may hold what was being worked on. */
function placesOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const places = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...places].join('\n');
}

function crashed(error: unknown): ThreadMessage {
  if (!(error instanceof StateError)) return { kind: 'Crashed', code: undefined, stack: placesOf(error) };
  if (error.code === 'Superseded') return { kind: 'Superseded' };
  return { kind: 'Crashed', code: error.code, stack: placesOf(error) };
}

const port = parentPort;
if (port) {
  const say = (message: ThreadMessage): void => port.postMessage(message);
  try {
    say({ kind: 'Ended', report: await work(workerData as ThreadInput, say) });
  } catch (error) {
    say(crashed(error));
  }
  // Else the listener keeps the thread.
  port.close();
}
