import { expect, it } from 'vitest';
import { RESPONSES } from '../../src/engine/defaults.ts';
import type { Situation } from '../../src/engine/definition.ts';
import { readPage, rowsUnder, walk } from '../support/walked-page.ts';

it('docs/matching.md: every command does what the page says', async () => {
  const walked = await walk('matching');
  expect(walked.problems).toEqual([]);
  expect(walked.commands).toBe(10);
});

it('docs/matching.md tells the defaults as they are', () => {
  const rows = rowsUnder(readPage('matching'), 'Rules').filter(
    ([, situation = '']) => situation in RESPONSES,
  );
  expect(rows).toHaveLength(5);
  for (const [, situation = '', response = ''] of rows)
    expect(response.split(' ')[0]).toBe(RESPONSES[situation as Situation].byDefault);
});
