/** docs/expressions.md: every example of its table is evaluated, every function has a row. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

import { celEnv } from '@bufbuild/cel';
import type { Value } from '../../src/engine/entry.ts';
import { expressionFunctions } from '../../src/expressions/functions.ts';
import { WorkMeter } from '../../src/expressions/work-meter.ts';
import { entry, SAMPLE, valueOf } from '../support/sample-entry.ts';

const PAGE = readFileSync(new URL('../../docs/expressions.md', import.meta.url), 'utf8');

interface Row {
  readonly name: string;
  readonly example: string;
  readonly result: string;
}

const table = PAGE.slice(PAGE.indexOf('## Functions'));
const ROWS: readonly Row[] = table
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, name = '', , example = '', result = ''] = line.replaceAll('\\|', '\0').split('|');
    return { name, example: codeOf(example)[0] ?? '', result: codeOf(result).join('\n') };
  });

function codeOf(cell: string): string[] {
  return [...cell.replaceAll('\0', '|').matchAll(/`([^`]*)`/g)].map(([, code = '']) => code);
}

function sampleOfPage(): ReturnType<typeof entry> {
  const block = /```json\n(.*?)```/s.exec(PAGE)?.[1] ?? '{}';
  const { uid = [], dn, ...rest } = JSON.parse(block) as Record<string, (string | { base64: string })[]>;
  const valueFrom = (value: string | { base64: string }): Value =>
    typeof value === 'string' ? value : new Uint8Array(Buffer.from(value.base64, 'base64'));
  const attributes = Object.entries(rest).map(([name, values]) => [name, values.map(valueFrom)]);
  const made = entry(
    Object.fromEntries(attributes) as Record<string, Value[]>,
    typeof uid[0] === 'string' ? uid[0] : '',
  );
  expect(made.name).toBe(dn?.[0]);
  return made;
}

it('shows the entry that the examples are evaluated on', () => {
  expect(sampleOfPage()).toEqual(SAMPLE);
});

it.each(ROWS)('$name: $example is $result', ({ example, result }) => {
  expect([valueOf(example)].flat().join('\n')).toBe(result);
});

it('has a row for every function', () => {
  expect(ROWS.length).toBeGreaterThan(60);
  const environment = celEnv({ funcs: expressionFunctions(new WorkMeter()) });
  const names = new Set(
    [...environment.funcs].map(({ name }) => name).filter((name) => /^[a-z]/i.test(name)),
  );
  const shown =
    table.slice(0, table.indexOf('| `==`')).length > 0 ? ROWS.map(({ name }) => name).join(' ') : '';
  const missing = [...names].filter(
    (name) => !new RegExp(`(^|[^\\w])${name.replace('.', '\\.')}\\(`).test(shown),
  );
  expect(missing).toEqual([]);
});
