import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { conditionTypes, reasons } from '../../src/api/conditions.ts';

const root = new URL('../../', import.meta.url).pathname;
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** The rows under a heading, without its header. */
function rows(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, cells = '']) => cells);
  return lines.slice(2).map((cells) => cells.split(' | ').map((cell) => cell.trim()));
}

it('docs/operations.md tells every reason with its meaning', () => {
  expect(rows('Reasons')).toEqual(Object.entries(reasons));
});

it('docs/operations.md tells every condition with its kinds and its meaning', () => {
  const expected = Object.entries(conditionTypes).map(([type, { kinds, meaning }]) => [
    type,
    kinds.length === 3 ? 'all' : kinds.join(', '),
    meaning,
  ]);
  expect(rows('Conditions')).toEqual(expected);
});

it('every reason is given somewhere', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'api/conditions.ts')
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
    .join('\n');
  expect(Object.keys(reasons).filter((reason) => !sources.includes(`'${reason}'`))).toEqual([]);
});
