/**
 * One run of one mapping, start to end: read both sides, judge, plan, guard, apply, remember. Start reading
 * here. The engine is pure but for its ports: it knows no clock, no file, no network and no Kubernetes object.
 */
import type { Definition } from './definition.ts';
import type { RunPorts, RunRequest, RunResult } from './run-ports.ts';
import { Running } from './running.ts';
import { settleUnfinished, type Unfinished } from './unfinished.ts';

export async function run(
  definition: Definition,
  request: RunRequest,
  ports: RunPorts,
  signal: AbortSignal,
): Promise<RunResult> {
  const unfinished = await lookAfterUnfinished(definition, ports, signal);
  const running = new Running(definition, request, ports);
  const unknown = running.unknownAttribute();
  if (unknown !== undefined) return running.stalled(unknown);
  await running.read(signal);
  const assessment = await running.assess(unfinished, signal);
  unfinished.settle();
  const judged = await running.judged(assessment, signal);
  const carriedOut = await running.carryOut(judged, assessment, unfinished, signal);
  return running.record(carriedOut, assessment, unfinished);
}

/** Before anything is loaded: what a lost write has done may be a link more. */
function lookAfterUnfinished(
  definition: Definition,
  { source, target, memory, digest, clock }: RunPorts,
  signal: AbortSignal,
): Promise<Unfinished> {
  const readers = { Source: source, Target: target };
  return settleUnfinished({ definition, memory, digest, readers, now: clock.now() }, signal);
}
