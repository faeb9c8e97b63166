/** What `run` and `plan` print for people: a table of situations, then what needs a person, with the way out. */
import type { EntryRecord, RecordedValue } from '../engine/entry-record.ts';
import { SITUATIONS, type Situation } from '../engine/definition.ts';
import { Runs } from '../store/runs.ts';
import type { State } from '../store/state.ts';
import type { Context } from './context.ts';
import { csvLine, table, type Output, type ReportedProblem } from './output.ts';
import type { Project } from './project.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import { documentOf } from '../runner/run-document.ts';
import { MEANING, NEXT_STEP } from './words.ts';

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
    for (const summary of runs) writeCsvEntries(summary, new Runs(state.database), output);
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
  #groups({ sequence }: RunSummary): void {
    const groups = new Map<string, { count: number; examples: EntryRecord[] }>();
    for (const record of new Runs(this.#state.database).entries(sequence)) {
      const key = groupOf(record);
      const group = groups.get(key) ?? { count: 0, examples: [] };
      group.count++;
      if (group.examples.length < this.#examples) group.examples.push(record);
      groups.set(key, group);
    }
    for (const [key, { count, examples }] of [...groups].toSorted(
      ([one], [other]) => orderOf(one) - orderOf(other),
    )) {
      this.#output.write(`  ${key}: ${count}\n`);
      for (const record of examples) this.#output.write(`    ${describe(record)}\n`);
      if (count > examples.length)
        this.#output.write(`    … and ${count - examples.length} more (-o wide shows all)\n`);
      const [first] = examples;
      const hint = first?.outcome === 'Reported' ? nextStep(first) : undefined;
      if (hint !== undefined) this.#output.write(`    next: ${hint}\n`);
    }
  }

  /** Only a Repository can be planned through: mappings behind another system would follow, and are not shown. */
  #followers(mapping: string): string {
    const { mappings } = this.#project;
    const written = mappings.find((one) => one.key === mapping)?.target.system.object;
    if (!written || written.spec.type === 'Repository') return '';
    const follow = mappings.filter((one) => one.source.system.object === written).map((one) => one.key);
    return follow.length === 0 ? '' : `; ${follow.join(', ')} would follow`;
  }

  #closing({ result, mapping, mode }: RunSummary): void {
    if (!result) return;
    const { plan, totals } = result;
    if (plan) {
      const until = new Date(plan.expiresAt).toISOString().slice(0, 16).replace('T', ' ');
      const way = this.#state.isPublic
        ? 'made without state: its digest cannot be approved, run decides'
        : `release it with: rollcall approve DIR --mapping ${mapping} --plan ${plan.digest} (until ${until} UTC)`;
      this.#output.write(`  held plan of ${result.heldOperations} operations; ${way}\n`);
    }
    if (mode === 'Observe' && totals.pending > 0) {
      this.#output.write(
        `  nothing was written; set spec.mode: Enforce in ReconMapping ${mapping} to apply it\n`,
      );
    } else if (this.#planning && totals.pending > 0) {
      this.#output.write(`  nothing was written; rollcall run applies it${this.#followers(mapping)}\n`);
    }
  }
}

function groupOf({ situation, response, outcome, row }: EntryRecord): string {
  return `${situation ?? 'Not judged'}${row === null ? '' : ` (${row})`}, ${response ?? 'no response'}, ${outcome}`;
}

function orderOf(group: string): number {
  const at = SITUATIONS.findIndex((name) => group.startsWith(`${name} `));
  return at === -1 ? SITUATIONS.length : at;
}

function nextStep({ situation }: EntryRecord): string | undefined {
  const known = SITUATIONS.find((name): name is Situation => name === situation);
  return known && NEXT_STEP[known];
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

function shown(values: readonly RecordedValue[]): string {
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
  runs: Runs,
  output: Output,
): void {
  for (const record of runs.entries(sequence)) {
    output.write(csvLine([mapping, id, ...COLUMNS.map(([, cell]) => cell(record) ?? '')]));
  }
}

export function writeCsvHeader(output: Output): void {
  output.write(csvLine(['mapping', 'run', ...COLUMNS.map(([name]) => name)]));
}
