/** What `init` tells people: what it saw, what it made of it, and what to do next. No value of anybody is shown. */
import { repeated } from './columns.ts';
import type { Proposal } from './proposal.ts';
import type { CsvSample } from '../../connectors/csv/sample.ts';
import { nextCommand } from '../next-command.ts';
import { table } from '../output.ts';

const DELIMITERS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab' };
/** Lines that are named, of those that need a hand. */
const LINES = 5;

export function csvText(proposal: Proposal, sample: CsvSample): string {
  const { csv, columns, id, rows } = proposal;
  const counted = sample.whole ? `${rows} rows` : `the first ${rows} rows`;
  const delimiter = DELIMITERS[csv.delimiter] ?? csv.delimiter;
  const lines = columns.map(({ name, filled, distinct }) => [
    `  ${name}`,
    String(filled),
    String(distinct),
    goal(name, proposal),
  ]);
  return [
    `${csv.path}: ${counted}, ${columns.length} columns, ${delimiter}, ${csv.encoding}\n`,
    table(['  COLUMN', 'FILLED', 'DIFFERENT', 'GOES TO'], lines),
    ...faultLines(sample),
    ...repeated(
      id,
      sample.rows.map(({ line }) => line),
    )
      .map(
        (places) =>
          `  lines ${some(places.map(String))} have the same '${id.name}': they fail until one of them goes\n`,
      )
      .slice(0, LINES),
    ...emptyLines(proposal, sample),
  ].join('');
}

function goal(column: string, { id, attributes, correlation, name }: Proposal): string {
  const copied = attributes.filter(
    ({ origin, isOff }) => !isOff && 'from' in origin && origin.from === column,
  );
  const matched = correlation.rules
    .filter((rule) => rule.column === column)
    .map(({ attribute }) => attribute);
  const parts = [
    ...(column === id.name ? ['the id'] : []),
    ...copied.map(({ target }) => target),
    ...(matched.length > 0 ? [`matches by ${matched.join(', ')}`] : []),
    ...(name.expression.includes(column) && copied.length === 0 && column !== id.name
      ? ['the name of new accounts']
      : []),
  ];
  return parts.length === 0 ? '-' : parts.join(', ');
}

function faultLines({ faults }: CsvSample): string[] {
  const [first] = faults;
  if (!first) return [];
  const more = faults.length > 1 ? `, and ${faults.length - 1} more rows` : '';
  return [
    `  line ${first.line} cannot be read: ${first.problem}${more}; while that is so, nobody is taken for gone\n`,
  ];
}

function emptyLines({ id }: Proposal, { rows }: CsvSample): string[] {
  const empty = rows.filter((_, at) => id.values[at] === '').map(({ line }) => String(line));
  return empty.length === 0 ? [] : [`  lines ${some(empty)} have no '${id.name}': they cannot be read\n`];
}

function some(all: readonly string[]): string {
  const more = all.length > LINES ? ` and ${all.length - LINES} more` : '';
  return `${all.slice(0, LINES).join(', ')}${more}`;
}

export function directoryText(proposal: Proposal, vendor: string, accounts: number): string {
  const { ldap, correlation, rows, name, classes, missing } = proposal;
  const counted = ldap.whole ? `${accounts} accounts` : `the first ${accounts} accounts`;
  const rules = correlation.rules.map(
    ({ attribute, expression, column, hits }) =>
      `  ${column ?? expression} = ${attribute}: ${hits} of ${rows} people have one account\n`,
  );
  const none =
    '  no column and attribute hold the same values: nobody can be matched (spec.correlate in mappings.yaml)\n';
  const off = proposal.attributes.filter(({ isOff }) => isOff).map(({ target }) => target);
  return [
    `${vendor}: ${counted} below ${ldap.base} ${ldap.filter}\n`,
    ...(rules.length === 0 ? [none] : rules),
    `  ${correlation.pairs.size} people matched, ${rows - correlation.pairs.size} without an account, ${accounts - new Set(correlation.pairs.values()).size} accounts of nobody\n`,
    `  new accounts: ${name.attribute} = ${name.expression}, below ${name.parent}, as ${classes.join(', ')}\n`,
    ...(name.clashes > 0
      ? [`  ${name.clashes} people would get the name of somebody else: look at target dn in mappings.yaml\n`]
      : []),
    ...(missing.length > 0
      ? [
          `  new accounts need ${missing.join(', ')} as well, and no column holds it: give it a value in mappings.yaml\n`,
        ]
      : []),
    ...(off.length > 0
      ? [`  left out, because accounts hold something else: ${off.join(', ')} (comments in mappings.yaml)\n`]
      : []),
  ].join('');
}

export function nextText(directory: string, files: readonly string[]): string {
  const [first, ...others] = ['validate', 'plan'].map((command) => nextCommand(command, directory));
  return `Wrote ${files.join(', ')} to ${directory}. The mapping is in Observe mode: nothing is written to the directory yet.

Next, read mappings.yaml, and see what would happen:
  ${first ?? ''}
${others.map((line) => `  ${line}\n`).join('')}`;
}
