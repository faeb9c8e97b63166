/** The explanation in sentences: the answer first, then what it rests on. */
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import { SITUATIONS } from '../engine/definition.ts';
import type { EntryOutcome, EntryRecord, RecordedDifference } from '../engine/entry-record.ts';
import type { RunResult } from '../engine/run-ports.ts';
import { adviceOf } from './advice.ts';
import type { Candidates } from './candidates.ts';
import type { EntryFacts, Facts } from './explain-facts.ts';
import { nameOf } from './find-entry.ts';
import { table } from './output.ts';
import type { Project } from './project.ts';
import { shown } from './report.ts';
import { MEANING } from './words.ts';

export interface ExplanationInput {
  readonly project: Project;
  readonly one: LinkedMapping;
  readonly facts: Facts;
  readonly foreseen: { readonly result: RunResult; readonly records: readonly EntryRecord[] };
}

export function* explanation({ project, one, facts, foreseen }: ExplanationInput): Generator<string> {
  const { result, records } = foreseen;
  const { mode, suspend } = one.mapping.object.spec;
  yield `${one.key}, ${facts.side.toLowerCase()} entry ${facts.id}`;
  if (records.length === 0) yield `  ${withoutRecord(facts)}`;
  for (const text of new Set(records.map((record) => answer(record, mode)))) yield `  ${text}`;
  if (suspend) yield '  the mapping is suspended (spec.suspend): no run looks at anybody';
  yield '  facts:';
  for (const entry of facts.entries) yield `    ${factLine(entry)}`;
  yield `    ${linkLine(facts)}`;
  if (facts.candidates) yield `    ${candidatesLine(facts.candidates)}`;
  for (const side of ['source', 'target'] as const) {
    const { entries, evidence } = result[side];
    const why = evidence.message === undefined ? '' : `: ${evidence.reason ?? ''} ${evidence.message}`;
    yield `    ${side} read: ${entries} entries, complete: ${evidence.complete}${why}`;
  }
  for (const record of records) yield* recordLines(record, { project, one });
}

function withoutRecord({ entries, side }: Facts): string {
  const own = entries.find((entry) => entry.side === side);
  const isThere = own?.is.startsWith('is there') === true;
  return isThere
    ? `Nothing happens: the entry ${own.is}, and it is linked to nobody.`
    : 'Nothing happens: nothing is known of it: neither listed, nor linked.';
}

/** Why something happens to the entry, or why nothing does. */
function answer(record: EntryRecord, mode: string): string {
  return ANSWERS[record.outcome](record, mode).replace(/[.;]?\.$/, '.');
}

const saysOf = ({ rule }: EntryRecord): string => (rule === null ? 'the default' : `rule '${rule}'`);

function because({ situation }: EntryRecord): string {
  const known = SITUATIONS.find((name) => name === situation);
  return known === undefined ? '' : `: ${MEANING[known]}`;
}

/** Responses that can have been carried out for good. */
const WHOLE_ENTRY: ReadonlySet<string> = new Set([
  'DisableTarget',
  'EnableTarget',
  'DisableSource',
  'EnableSource',
]);

const ANSWERS: Readonly<Record<EntryOutcome, (record: EntryRecord, mode: string) => string>> = {
  InSync: (record) =>
    record.response !== null && WHOLE_ENTRY.has(record.response)
      ? `Nothing happens${because(record)}; ${saysOf(record)} says ${record.response}, and it is so already.`
      : 'Nothing happens: both sides are linked, and every attribute that is mapped is as it should be.',
  Ignored: (record) => `Nothing happens${because(record)}; ${saysOf(record)} says Ignore.`,
  Reported: (record) => `Nothing happens${because(record)}; ${saysOf(record)} says Report.`,
  Linked: () => 'The pair is linked, and nothing else is written.',
  Planned: (record, mode) =>
    mode === 'Observe'
      ? `Nothing happens in Observe mode${because(record)}; ${saysOf(record)} says ${record.response ?? ''}, and Enforce would do it.`
      : `The next run does it: ${record.response ?? ''}${because(record)}; ${saysOf(record)} says so.`,
  Applied: (record) => `It is done: ${record.response ?? ''}${because(record)}.`,
  Held: ({ response, held }) =>
    `Nothing happens: ${response ?? ''} is held by ${held?.by ?? ''}: ${held?.reason ?? ''}.`,
  Refused: ({ response, error }) =>
    `Nothing happens: the system refuses ${response ?? ''}: ${error?.message ?? ''}.`,
  Unknown: ({ response }) =>
    `Nobody knows yet: the answer to ${response ?? 'a write'} was lost, and the next run looks.`,
  Failed: ({ error }) => `Nothing happens: the entry cannot be judged: ${error?.message ?? ''}.`,
};

function factLine({ side, id, name, is }: EntryFacts): string {
  const called = name === undefined ? id : `${name} (${id})`;
  return `the ${side.toLowerCase()} entry ${called} ${is}`;
}

function linkLine({ link }: Facts): string {
  if (!link) return 'there is no link';
  return `linked: source ${link.sourceId} and target ${link.targetId}, since ${new Date(link.linkedAt).toISOString()}`;
}

function candidatesLine({ rule, entries, more }: Candidates): string {
  if (rule === undefined) return 'no rule of spec.correlate finds an account';
  const others = more === 0 ? '' : ` and ${more} more`;
  return `spec.correlate finds by ${rule}: ${entries.map(nameOf).join('; ')}${others}`;
}

function* recordLines(
  record: EntryRecord,
  context: { readonly project: Project; readonly one: LinkedMapping },
): Generator<string> {
  const { situation, row, response, differences, outcome } = record;
  if (situation !== null) yield `  situation: ${situation} (row ${row ?? ''})${because(record)}`;
  for (const note of record.passedOver) yield `    passed over: ${note}`;
  if (response !== null) yield `    response: ${response}, by ${saysOf(record)}`;
  if (differences.length > 0) yield differenceTable(differences);
  yield* verdictLines(record);
  yield `    outcome: ${outcome}`;
  const advice = adviceOf(record, context);
  if (advice !== undefined) yield `    next: ${advice}`;
}

function* verdictLines({ held, error, outcome }: EntryRecord): Generator<string> {
  if (held) yield `    held by ${held.by}: ${held.reason}`;
  if (outcome === 'Planned') yield '    guards: nothing holds it';
  if (error) yield `    failed: ${error.code}: ${error.message}`;
}

const AUTHORS: Readonly<Record<string, string>> = {
  SourceChanged: 'the source, or the mapping, has changed',
  TargetDrifted: 'somebody changed the target',
  Conflict: 'both sides have changed',
  NeverAgreed: 'both sides never agreed yet',
};

function differenceTable(differences: readonly RecordedDifference[]): string {
  const rows = differences.map(({ attribute, from, to, author }) => [
    `    ${attribute}`,
    shown(from),
    shown(to),
    author === null ? '-' : `${author}: ${AUTHORS[author] ?? ''}`,
  ]);
  return table(['    ATTRIBUTE', 'IS', 'SHALL BE', 'WHY IT DIFFERS'], rows).trimEnd();
}
