/** Ways to make a name of a person from the columns of a row, each as CEL and as what it gives for the sampled rows. */
import { toAscii } from '../../expressions/ascii.ts';
import type { Column } from './columns.ts';
import { columnExpression } from './expression-text.ts';
import { usualNames } from './usual-names.ts';

export interface Formula {
  readonly expression: string;
  /** Set where it copies a column. */
  readonly column: string | undefined;
  readonly values: readonly string[];
}

/** The first column that usually holds the attribute. */
export function columnFor(attribute: string, columns: readonly Column[]): Column | undefined {
  return columns.find(({ name, filled }) => filled > 0 && usualNames(name)[0] === attribute);
}

function copyOf(column: Column | undefined): Formula[] {
  if (!column) return [];
  return [{ expression: columnExpression(column.name), column: column.name, values: column.values }];
}

/** What people are called: a column that says it, or given name and surname in one of the usual orders. */
export function fullNames(columns: readonly Column[]): Formula[] {
  const given = columnFor('givenName', columns);
  const family = columnFor('sn', columns);
  const own = [...copyOf(columnFor('cn', columns)), ...copyOf(columnFor('displayName', columns))];
  if (!given || !family) return [...own, ...copyOf(family)];
  return [...own, joined(given, family, ' '), joined(family, given, ', '), joined(family, given, ' ')];
}

/** One of the two may be empty, which is no reason to fail. */
function joined(first: Column, second: Column, separator: string): Formula {
  const [one, two] = [columnExpression(first.name), columnExpression(second.name)];
  const values = first.values.map((value, row) =>
    [value, second.values[row] ?? ''].filter((part) => part !== '').join(separator),
  );
  const isWhole = first.filled === first.values.length && second.filled === second.values.length;
  const expression = isWhole
    ? `${one} + '${separator}' + ${two}`
    : `[${one}, ${two}].filter(part, part != null).join('${separator}')`;
  return { expression, column: undefined, values };
}

/** What accounts are usually named by. */
export function accountNames(columns: readonly Column[], id: Column): Formula[] {
  const mail = columnFor('mail', columns);
  const local = mail && {
    expression: `${columnExpression(mail.name)}.extract('^[^@]+').lower()`,
    column: undefined,
    values: mail.values.map((value) => (value.split('@')[0] ?? '').toLowerCase()),
  };
  const given = columnFor('givenName', columns);
  const family = columnFor('sn', columns);
  const made = given && family ? madeOf(given, family) : [];
  return [
    ...copyOf(columnFor('uid', columns)),
    ...copyOf(id),
    ...(local ? [local] : []),
    ...fullNames(columns),
    ...made,
  ];
}

function madeOf(given: Column, family: Column): Formula[] {
  const plain = (column: Column): { text: string; values: string[] } => ({
    text: `${columnExpression(column.name)}.lower().ascii('de')`,
    values: column.values.map((value) => toAscii(value.toLowerCase(), 'de')),
  });
  const [one, two] = [plain(given), plain(family)];
  const initial = {
    text: `${one.text}.substring(0, 1)`,
    values: one.values.map((value) => value.slice(0, 1)),
  };
  const combine = (first: typeof one, separator: string, second: typeof one): Formula => ({
    expression: `${first.text} + ${separator === '' ? '' : `'${separator}' + `}${second.text}`,
    column: undefined,
    values: first.values.map((value, row) => {
      const other = second.values[row] ?? '';
      return value === '' || other === '' ? '' : value + separator + other;
    }),
  });
  return [
    combine(one, '.', two),
    combine(initial, '.', two),
    combine(initial, '', two),
    combine(two, '.', one),
    combine(two, '', initial),
    combine(one, '', two),
  ];
}
