/** `rollcall history`: past runs, and the entries of one. */
import type { Database } from '../store/database.ts';
import { Records } from '../store/records.ts';
import { Runs, type StoredRun } from '../store/runs.ts';
import { HandActs, type HandAct } from '../store/hand-acts.ts';
import { openStateForReading, type State } from '../store/state.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { entryDocument, table, writeListing } from './output.ts';
import { describe, writeCsvEntries, writeCsvHeader } from './report.ts';
import type { Project } from './project.ts';
import { findMapping, mappingKey } from './roll-call.ts';
import type { RunDocument } from '../runner/run-document.ts';

export function history(project: Project, context: Context): number {
  const { mapping } = context.settings;
  const key = mapping === undefined ? undefined : findMapping(project, mapping).key;
  return historyOf(project.stateFolder, key, context);
}

/** Without manifests, as in a pod of the operator: the state folder alone is asked. */
export function historyOfState(stateFolder: string, context: Context): number {
  const { mapping } = context.settings;
  return historyOf(stateFolder, mapping === undefined ? undefined : mappingKey(mapping), context);
}

function historyOf(stateFolder: string, mapping: string | undefined, context: Context): number {
  const { settings, output } = context;
  using state = openStateForReading(stateFolder);
  if (settings.run !== undefined) return oneRun(settings.run, state?.database, context);
  const rows = state ? recent(mapping, settings.limit, state) : [];
  const header = [
    'RUN',
    'MAPPING',
    'STARTED',
    'SECONDS',
    'MODE',
    'OUTCOME',
    'APPLIED',
    'HELD',
    'FAILED',
    'PENDING',
    'BY HAND',
  ];
  writeListing({ header, rows }, settings.output, output);
  return EXIT.ok;
}

function runCells(run: StoredRun): string[] {
  const body = run.body as RunDocument | undefined;
  const count = (name: string): string => String(body?.totals[name] ?? '-');
  const seconds = run.finishedAt === undefined ? '-' : String((run.finishedAt - run.startedAt) / 1_000);
  return [
    run.id,
    run.mapping,
    new Date(run.startedAt).toISOString(),
    seconds,
    run.mode,
    run.outcome ?? 'CutOff',
    count('applied'),
    count('held'),
    count('failed'),
    count('pending'),
    '',
  ];
}

/** What was done by hand stands among the runs, so that it is seen which run came after it. */
function recent(mapping: string | undefined, limit: number, { database }: State): string[][] {
  const runs = [...new Runs(database).list(mapping, limit)].map((one) => ({
    at: one.startedAt,
    cells: runCells(one),
  }));
  const acts = [...new HandActs(database).list(mapping, limit)].map((one) => ({
    at: one.at,
    cells: actCells(one),
  }));
  const all = [...acts, ...runs].toSorted((one, other) => other.at - one.at);
  return all.slice(0, limit).map(({ cells }) => cells);
}

const DONE = { Link: 'linked', Unlink: 'unlinked', Release: 'released' } as const;

function actCells({ id, mapping, at, kind, who, what }: HandAct): string[] {
  const about =
    kind === 'Release' ? `plan ${what['plan'] ?? ''}` : `${what['source'] ?? ''} → ${what['name'] ?? ''}`;
  const when = new Date(at).toISOString();
  return [id, mapping, when, '-', '-', '-', '-', '-', '-', '-', `${who} ${DONE[kind]} ${about}`];
}

function oneRun(id: string, database: Database | undefined, { settings, output }: Context): number {
  const run = database && new Runs(database).find(id);
  if (!database || !run)
    throw new CommandFailure(EXIT.invalid, `there is no run '${id}'; rollcall history lists them`);
  if (settings.output === 'json') {
    const entries = [...new Records(database, run.sequence).all()].map(entryDocument);
    output.write(`${JSON.stringify({ ...(run.body as object), entries }, null, 2)}\n`);
  } else if (settings.output === 'csv') {
    writeCsvHeader(output);
    writeCsvEntries(run, database, output);
  } else {
    const rows = [...new Records(database, run.sequence).all()].map((record) => [
      record.situation ?? '-',
      record.row ?? '-',
      record.response ?? '-',
      record.outcome,
      describe(record),
    ]);
    output.write(table(['SITUATION', 'ROW', 'RESPONSE', 'OUTCOME', 'ENTRY'], rows));
  }
  return EXIT.ok;
}
