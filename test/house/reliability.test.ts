/** docs/reliability.md tells of faults that a test injects, and leaves none out. `npm run test:faults` writes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FaultRow } from '../support/fault-report.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);
const TESTS = ['faults', 'crash-points', 'two-owners'].map(
  (name) => new URL(`../operator/${name}.test.ts`, import.meta.url),
);

const faultsOf = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, fault = '']) => fault).toSorted();

it('every row of the page is a fault of a test, and every fault has its row', () => {
  const tests = TESTS.map((file) => readFileSync(file, 'utf8')).join('\n');
  const tested = faultsOf(tests, /^ +fault: '([^']+)'/gm);
  expect(faultsOf(readFileSync(PAGE, 'utf8'), /^\| (?!Fault |---)([^|]+?) +\|/gm)).toEqual(tested);
  expect(tested.length).toBeGreaterThan(15);
});

const ROWS = process.env['ROLLCALL_FAULT_ROWS'];

function writePage(folder: string): void {
  const rows = readdirSync(folder).map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as FaultRow,
  );
  const lines = rows
    .toSorted((one, other) => one.fault.localeCompare(other.fault))
    .map(
      ({ fault, injected, holds, seconds }) =>
        `| ${fault} | ${injected} | ${holds} | ${seconds === undefined ? '' : `${seconds.toFixed(1)} s`} |`,
    );
  const page = `# Reliability

What was done to a whole operator, on a real API server, with a real directory, and what came of it. The table is written
by \`npm run test:faults\` from what its tests have found; a row stands here only if its test has passed. Seconds are counted from the end of the
fault until everything was as it should be, on two busy cores.

| Fault | How it is injected | What holds | Recovered in |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
  writeFileSync(PAGE, page);
  expect(rows.length).toBeGreaterThan(15);
}

if (ROWS !== undefined) it('the page is written from what was found', () => writePage(ROWS));
