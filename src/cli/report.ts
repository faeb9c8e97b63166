/** What `run` and `plan` print for people: a table of situations, then what needs a person, with the way out. */
import type { EntryRecord, RecordedValue } from '../engine/entry-record.ts';
import { SITUATIONS } from '../engine/definition.ts';
import type { Database } from '../store/database.ts';
import { Records } from '../store/records.ts';
import type { State } from '../store/state.ts';
import { adviceOf } from './advice.ts';
import { closingLines } from './closing.ts';
import type { Context } from './context.ts';
import { csvLine, table, type Output, type ReportedProblem } from './output.ts';
import type { Project } from './project.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import { documentOf } from '../runner/run-document.ts';
import { MEANING } from './words.ts';

/** Examples of each group; `-o wide` shows all. */
const EXAMPLES = 3;

export interface Report {
  readonly project: Project;
  readonly runs: readonly RunSummary[];
  readonly problems: readonly ReportedProblem[];
  readonly state: State;
}

export function writeReport({ runs, problems, state, project }: Report, context: Context): void {
  const { settings, output, notes } = context;
  if (settings.output === 'csv') {
    writeCsvHeader(output);
    for (const summary of runs) writeCsvEntries(summary, state.database, output);
    return;
  }
  const writer = new ReportWriter({ project, state }, context);
  for (const summary of runs) writer.run(summary);
  for (const { rule, message, mapping } of problems)
    notes.write(
      `${mapping ?? project.directory}: ${message.startsWith(rule) ? '' : `${rule}: `}${message}\n`,
    );
}

class ReportWriter {
  readonly #project: Project;
  readonly #state: State;
  readonly #output: Output;
  readonly #planning: boolean;
  readonly #examples: number;

  constructor({ project, state }: Pick<Report, 'project' | 'state'>, { settings, output }: Context) {
    this.#project = project;
    this.#state = state;
    this.#output = output;
    this.#planning = settings.command === 'plan';
    this.#examples = settings.output === 'wide' ? Number.POSITIVE_INFINITY : EXAMPLES;
  }

  run(summary: RunSummary): void {
    const document = documentOf(summary);
    const observes = summary.mode === 'Observe' ? ', mode: Observe' : '';
    this.#output.write(`${summary.mapping}: ${summary.outcome}${observes}\n`);
    const { result } = summary;
    if (!result) {
      this.#output.write('\n');
      return;
    }
    for (const [name, side] of [
      ['source', document.source],
      ['target', document.target],
    ] as const) {
      const proof = side.proof === null ? '' : ` (${side.proof})`;
      this.#output.write(
        `  ${name}: ${side.entries} entries, complete: ${side.complete}${proof}${side.reason === null ? '' : `, ${side.reason}`}\n`,
      );
    }
    this.#situations(summary);
    this.#groups(summary);
    this.#closing(summary);
    this.#output.write('\n');
  }

  #situations({ result }: RunSummary): void {
    if (!result || result.situations.length === 0) return;
    const rows = result.situations.map((one) => [
      `  ${one.name}`,
      ...[one.count, one.planned, one.applied, one.held, one.failed].map(String),
      MEANING[one.name],
    ]);
    this.#output.write(
      table(['  SITUATION', 'COUNT', 'PLANNED', 'APPLIED', 'HELD', 'FAILED', 'MEANING'], rows),
    );
  }

  /** Entries grouped by situation, response and outcome, with examples. */
  #groups({ sequence, mapping }: RunSummary): void {
    const groups = new Records(this.#state.database, sequence).groups(groupOf, this.#examples);
    for (const { key, count, examples } of groups.toSorted(
      (one, other) => orderOf(one.key) - orderOf(other.key),
    )) {
      this.#output.write(`  ${key}: ${count}\n`);
      for (const record of examples) this.#output.write(`    ${describe(record)}\n`);
      if (count > examples.length)
        this.#output.write(`    … and ${count - examples.length} more (-o wide shows all)\n`);
      this.#advise(mapping, examples[0]);
    }
  }

  #advise(mapping: string, example: EntryRecord | undefined): void {
    const one = this.#project.mappings.find(({ key }) => key === mapping);
    const advice = one && example && adviceOf(example, { project: this.#project, one });
    if (advice !== undefined) this.#output.write(`    next: ${advice}\n`);
  }

  #closing(summary: RunSummary): void {
    const context = {
      project: this.#project,
      isPublic: this.#state.isPublic,
      planning: this.#planning,
    };
    for (const line of closingLines(summary, context)) this.#output.write(`  ${line}\n`);
  }
}

function groupOf({ situation, response, outcome, row, error }: EntryRecord): string {
  const code = error === null ? '' : `, ${error.code}`;
  return `${situation ?? 'Not judged'}${row === null ? '' : ` (${row})`}, ${response ?? 'no response'}, ${outcome}${code}`;
}

function orderOf(group: string): number {
  const at = SITUATIONS.findIndex((name) => group.startsWith(`${name} `));
  return at === -1 ? SITUATIONS.length : at;
}

export function describe(record: EntryRecord): string {
  const source = record.sourceName ?? record.source;
  const target = record.targetName ?? record.target;
  const pair = [source, target].filter((one) => one !== null).join(' → ');
  const changes = record.differences.map(({ attribute, from, to, author }) => {
    const by = author === null ? '' : ` (${author})`;
    return `${attribute}: ${shown(from)} → ${shown(to)}${by}`;
  });
  const held = record.held ? [`held by ${record.held.by}: ${record.held.reason}`] : [];
  const error = record.error ? [`${record.error.code}: ${record.error.message}`] : [];
  return [pair, ...changes, ...held, ...error].join('; ');
}

export function shown(values: readonly RecordedValue[]): string {
  if (values.length === 0) return '–';
  return values
    .map((value) =>
      typeof value === 'string' ? value : `${Math.floor((value.base64.length * 3) / 4)} bytes`,
    )
    .join(' | ');
}

type Column = readonly [string, (record: EntryRecord) => string | null | undefined];

const COLUMNS: readonly Column[] = [
  ['situation', (record) => record.situation],
  ['row', (record) => record.row],
  ['response', (record) => record.response],
  ['rule', (record) => record.rule],
  ['source', (record) => record.source],
  ['target', (record) => record.target],
  ['sourceName', (record) => record.sourceName],
  ['targetName', (record) => record.targetName],
  ['outcome', (record) => record.outcome],
  ['held', (record) => record.held?.by],
  ['attributes', (record) => record.differences.map((one) => one.attribute).join(' ')],
  ['error', (record) => record.error?.code],
];

/** Entries of a run as lines of CSV, without values: they would be data of people in somebody's mail. */
export function writeCsvEntries(
  { mapping, id, sequence }: { readonly mapping: string; readonly id: string; readonly sequence: number },
  database: Database,
  output: Output,
): void {
  for (const record of new Records(database, sequence).all()) {
    output.write(csvLine([mapping, id, ...COLUMNS.map(([, cell]) => cell(record) ?? '')]));
  }
}

export function writeCsvHeader(output: Output): void {
  output.write(csvLine(['mapping', 'run', ...COLUMNS.map(([name]) => name)]));
}
