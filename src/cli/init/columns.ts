/** What the rows of a file say about its columns, and which of them tells people apart. */
import type { CsvSample } from '../../connectors/csv/sample.ts';
import { fold, usualNames } from './usual-names.ts';

export interface Column {
  readonly name: string;
  /** Row by row; empty where there is none. */
  readonly values: readonly string[];
  readonly filled: number;
  readonly distinct: number;
}

export function columnsOf({ header, rows }: Pick<CsvSample, 'header' | 'rows'>): Column[] {
  return header.map((name, at) =>
    columnOf(
      name,
      rows.map(({ cells }) => cells[at] ?? ''),
    ),
  );
}

function columnOf(name: string, values: readonly string[]): Column {
  const filled = values.filter((value) => value !== '');
  return { name, values, filled: filled.length, distinct: new Set(filled).size };
}

/** Rows that may share an id, or have none, by mistake; the run then reports them one by one. */
const TOLERATED = 0.02;

/** Nobody's id: they change, or may be somebody else's one day. */
const CHANGES = ['mail', 'givenName', 'sn', 'cn', 'telephoneNumber', 'mobile'];

/** The column that never changes and tells everybody apart, or undefined where none does. */
export function idColumn(columns: readonly Column[]): Column | undefined {
  const fits = columns.filter((one) => isNearlyUnique(one));
  const scored = fits.map((one) => ({ one, score: scoreOf(one) })).toSorted((a, b) => b.score - a.score);
  return scored[0]?.one;
}

function isNearlyUnique({ values, distinct }: Column): boolean {
  return values.length > 0 && distinct > 0 && distinct >= Math.floor(values.length * (1 - TOLERATED)) - 1;
}

function scoreOf(column: Column): number {
  const { name, values, distinct } = column;
  const known = usualNames(name);
  const named = known.includes('employeeNumber') || known.includes('uid') ? 10 : 0;
  const called =
    /(^|[^a-z])(id|key|nr|no|number|nummer)$/.test(name.toLowerCase()) || fold(name) === 'id' ? 5 : 0;
  const changes = known.some((one) => CHANGES.includes(one)) ? -20 : 0;
  const number = known.includes('employeeNumber') ? 3 : 0;
  const long = values.some((value) => value.length > 64) ? -5 : 0;
  return named + called + changes + number + long + (distinct === values.length ? 2 : 0);
}

/** Values that stand in more than one row, with their lines. */
export function repeated(column: Column, lines: readonly number[]): (readonly number[])[] {
  const places = new Map<string, number[]>();
  for (const [at, value] of column.values.entries()) {
    if (value === '') continue;
    const known = places.get(value) ?? [];
    known.push(lines[at] ?? 0);
    places.set(value, known);
  }
  return [...places.values()].filter((one) => one.length > 1);
}
