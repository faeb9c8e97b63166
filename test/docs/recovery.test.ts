import { expect, it } from 'vitest';
import { walk } from '../support/walked-page.ts';

it('docs/recovery.md: every command does what the page says, on a real directory', async () => {
  const walked = await walk('recovery');
  expect(walked.problems).toEqual([]);
  expect(walked.commands).toBe(11);
}, 120_000);
