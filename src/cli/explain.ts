/** `rollcall explain`: everything about one entry; an answer to "why did nothing happen to her?". Writes nothing. */
import type { EntryRecord } from '../engine/entry-record.ts';
import type { RunResult } from '../engine/run-ports.ts';
import { SITUATIONS } from '../engine/definition.ts';
import { openOverlay, type State } from '../store/state.ts';
import { Runs } from '../store/runs.ts';
import type { Context } from './context.ts';
import { EXIT } from './failure.ts';
import { openSide } from '../runner/open-side.ts';
import { describe } from './report.ts';
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import type { Project } from './project.ts';
import { findMapping, systemClock } from './roll-call.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import { documentOf } from '../runner/run-document.ts';
import { runMapping } from '../runner/run-mapping.ts';
import { MEANING } from './words.ts';

export async function explain(project: Project, context: Context): Promise<number> {
  const { settings, signal, output, notes } = context;
  const one = findMapping(project, settings.mapping ?? '');
  using state = await openOverlay(project.stateFolder);
  const only = await findEntry(one, project, state, context);
  const options = {
    expressions: project.expressions,
    references: project.manifests,
    state,
    clock: systemClock,
    planning: true,
    recordsAll: true,
    only,
    trigger: 'Manual',
    progress: () => undefined,
  };
  const summary = await runMapping(one, options, signal);
  const records = [...new Runs(state.database).entries(summary.sequence)];
  if (settings.output === 'json') {
    output.write(
      `${JSON.stringify({ ...documentOf(summary), message: summary.message ?? null, entries: records }, null, 2)}\n`,
    );
  } else if (summary.result) writeExplanation({ summary, result: summary.result, records, only }, context);
  if (!summary.result) notes.write(`${one.key}: ${summary.outcome}: ${summary.message ?? ''}\n`);
  return summary.result ? EXIT.ok : EXIT.failed;
}

type Only = { readonly side: 'Source' | 'Target'; readonly id: string };

/** People know a name rather than an id: what is no id may be a DN. */
async function findEntry(
  one: LinkedMapping,
  project: Project,
  state: State,
  { settings, signal }: Context,
): Promise<Only> {
  const side = settings.source === undefined ? 'Target' : 'Source';
  const asked = settings.source ?? settings.target ?? '';
  const { system, object } = side === 'Source' ? one.source : one.target;
  await using session = await openSide(
    { system, object, references: project.manifests, database: state.database, now: () => systemClock.now() },
    signal,
  );
  const request = { attributes: [], filter: undefined };
  for await (const answer of session.fetch([asked], request, signal))
    if (answer.kind === 'There') return { side, id: answer.entry.id };
  for await (const answer of session.fetchByName([asked], request, signal))
    if (answer.kind === 'There') return { side, id: answer.entry.id };
  return { side, id: asked };
}

interface Found {
  readonly summary: RunSummary;
  readonly result: RunResult;
  readonly records: readonly EntryRecord[];
  readonly only: Only;
}

function writeExplanation({ summary, result, records, only }: Found, { output }: Context): void {
  output.write(`${summary.mapping}, ${only.side.toLowerCase()} entry ${only.id}\n`);
  for (const side of ['source', 'target'] as const) {
    const { entries, evidence } = result[side];
    const why = evidence.message === undefined ? '' : `: ${evidence.reason ?? ''} ${evidence.message}`;
    output.write(`  ${side} read: ${entries} entries, complete: ${evidence.complete}${why}\n`);
  }
  if (records.length === 0) output.write('  nothing is known of it: neither listed, nor linked\n');
  for (const record of records) writeRecord(record, output);
}

function writeRecord(record: EntryRecord, output: Context['output']): void {
  const situation = SITUATIONS.find((name) => name === record.situation);
  output.write(`  ${describe({ ...record, differences: [], held: null, error: null })}\n`);
  if (situation)
    output.write(`    situation: ${situation} (row ${record.row ?? ''}): ${MEANING[situation]}\n`);
  if (record.response !== null)
    output.write(
      `    response: ${record.response}, by ${record.rule === null ? 'the default' : `rule '${record.rule}'`}\n`,
    );
  for (const note of record.passedOver) output.write(`    passed over: ${note}\n`);
  for (const difference of record.differences)
    output.write(
      `    ${describe({ ...record, source: null, target: null, sourceName: null, targetName: null, held: null, error: null, differences: [difference] })}\n`,
    );
  if (record.held) output.write(`    held by ${record.held.by}: ${record.held.reason}\n`);
  if (record.error) output.write(`    failed: ${record.error.code}: ${record.error.message}\n`);
  output.write(`    outcome: ${record.outcome}\n`);
}
