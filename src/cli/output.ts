/** Results on standard output: tables that people compare, and the JSON document that programs read. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { apiVersion } from '../api/names.ts';
import type { EntryRecord } from '../engine/entry-record.ts';
import type { ManifestProblem } from '../local/manifests.ts';
import type { Settings } from '../settings.ts';
import { Records } from '../store/records.ts';
import type { State } from '../store/state.ts';
import type { RunSummary } from '../controller/run-summary.ts';
import { documentOf } from '../runner/run-document.ts';

const PIECE_CHARACTERS = 65_536;

export interface Output {
  write(text: string): void;
}

/** What is wrong, as the document says it; a run's failure names its mapping instead of a file. */
export interface ReportedProblem {
  readonly file: string | null;
  readonly line: number | null;
  readonly path: string | null;
  readonly rule: string;
  readonly message: string;
  readonly mapping: string | null;
}

export function reported({ file, line, path, rule, message }: ManifestProblem): ReportedProblem {
  return { file, line, path, rule, message, mapping: null };
}

export function runProblem({ mapping, code, outcome, message }: RunSummary): ReportedProblem | undefined {
  if (outcome === 'Succeeded' || message === undefined) return undefined;
  return { file: null, line: null, path: null, rule: code ?? outcome, message, mapping };
}

/** Columns as wide as their widest cell, three spaces apart, as kubectl prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, at) => Math.max(...all.map((row) => width(row[at] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(cell))))
      .join('   ')
      .trimEnd();
  return all.map((row) => `${line(row)}\n`).join('');
}

/** Characters as people count them. */
function width(text: string): number {
  // The segmenter takes 10 ms to get going.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return [...new Intl.Segmenter().segment(text)].length;
}

/** RFC 4180, with a defence against formulas where a spreadsheet opens it. */
export function csvLine(cells: readonly string[]): string {
  const cell = (text: string): string => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${cells.map(cell).join(',')}\r\n`;
}

export interface Listing {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table for people, or the same rows as JSON objects or CSV. */
export function writeListing({ header, rows }: Listing, format: Settings['output'], output: Output): void {
  if (format === 'json') {
    const names = header.map((name) =>
      name.toLowerCase().replace(/[ -](.)/g, (_match, letter: string) => letter.toUpperCase()),
    );
    output.write(
      `${JSON.stringify(
        rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? '']))),
        null,
        2,
      )}\n`,
    );
  } else if (format === 'csv') for (const row of [header, ...rows]) output.write(csvLine(row));
  else output.write(rows.length === 0 ? 'nothing found\n' : table(header, rows));
}

export interface Document {
  readonly exitCode: number;
  readonly problems: readonly ReportedProblem[];
  readonly runs: readonly RunSummary[];
}

/** What never came to a run. */
export function writeDocument(document: Document, output: Output): void {
  for (const piece of piecesOf(document, undefined)) output.write(piece);
}

/**
 * Entries are written as they come from the store: a document can be larger than memory. Between two pieces others
 * have a turn, among them whoever takes the last piece from us.
 */
export async function streamDocument(document: Document, state: State, output: Output): Promise<void> {
  let gathered = '';
  for (const piece of piecesOf(document, state)) {
    gathered += piece;
    if (gathered.length < PIECE_CHARACTERS) continue;
    output.write(gathered);
    gathered = '';
    await nextTurn();
  }
  output.write(gathered);
}

function* piecesOf(
  { exitCode, problems, runs }: Document,
  state: State | undefined,
): Generator<string, undefined> {
  yield `{"apiVersion":${JSON.stringify(apiVersion)},"exitCode":${exitCode},"problems":${JSON.stringify(problems)},"runs":[`;
  for (const [at, summary] of runs.entries()) {
    const body = JSON.stringify(documentOf(summary));
    yield `${at === 0 ? '' : ','}\n${body.slice(0, -1)},"entries":[`;
    let first = true;
    for (const record of state ? new Records(state.database, summary.sequence).all() : []) {
      yield `${first ? '' : ','}\n  ${JSON.stringify(entryDocument(record))}`;
      first = false;
    }
    yield ']}';
  }
  yield ']}\n';
}

/** A record without what only `explain` tells. */
export function entryDocument(record: EntryRecord): Omit<EntryRecord, 'passedOver'> {
  return { ...record, passedOver: undefined } as Omit<EntryRecord, 'passedOver'>;
}
