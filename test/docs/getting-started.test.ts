import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { walk } from '../support/walked-page.ts';

const ldif = readFileSync(
  new URL('../../examples/adopting-a-directory/directory.ldif', import.meta.url),
  'utf8',
);

it('docs/getting-started.md: every command does what the page says, on a real directory', async () => {
  const walked = await walk('getting-started', { ldif });
  expect(walked.problems).toEqual([]);
  expect(walked.commands).toBe(8);
});
