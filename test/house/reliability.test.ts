/** docs/reliability.md tells of faults that a test injects, and leaves none out. `npm run test:faults` writes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FaultRow } from '../support/fault-report.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);
const TESTS = [
  'operator/faults',
  'operator/crash-points',
  'operator/two-owners',
  'acceptance/misbehaving-directory',
  'acceptance/misbehaving-files',
  'acceptance/killed-anywhere',
].map((name) => new URL(`../${name}.test.ts`, import.meta.url));

/** Literal names as they are, what is filled in stands for anything. */
function namesIn(text: string): RegExp[] {
  return [...text.matchAll(/^ +fault: ['`]([^'`]+)['`]/gm)].map(([, name = '']) => {
    const parts = name.split(/\$\{[^}]+\}/).map((part) => part.replaceAll(/[.()]/g, String.raw`\$&`));
    return new RegExp(`^${parts.join('.+')}$`);
  });
}

it('every row of the page is a fault of a test, and every fault has its row', () => {
  const tested = TESTS.flatMap((file) => namesIn(readFileSync(file, 'utf8')));
  const page = readFileSync(PAGE, 'utf8');
  const rows = [...page.matchAll(/^\| (?!Fault |---)([^|]+?) +\|/gm)].map(([, fault = '']) => fault);
  expect(rows.filter((row) => !tested.some((name) => name.test(row)))).toEqual([]);
  expect(tested.filter((name) => !rows.some((row) => name.test(row)))).toEqual([]);
  expect(rows.length).toBeGreaterThan(50);
});

const ROWS = process.env['ROLLCALL_FAULT_ROWS'];

function writePage(folder: string): void {
  const rows = readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as FaultRow)
    .toSorted((one, other) => one.fault.localeCompare(other.fault));
  const lines = (isTimed: boolean): string =>
    rows
      .filter(({ seconds, timed = seconds !== undefined }) => timed === isTimed)
      .map(({ fault, injected, holds, seconds }) => {
        const time = isTimed ? ` ${seconds === undefined ? '' : `${seconds.toFixed(1)} s`} |` : '';
        return `| ${fault} | ${injected} | ${holds} |${time}`;
      })
      .join('\n');
  const page = `# Reliability

What was done to the program, and what came of it. The tables are written by \`npm run test:faults\` from what its tests have
found; a row stands here only if its test has passed.

## The operator

A whole operator on a real API server, with a real directory. Seconds are counted from the end of the fault until everything was as it should
be, on two busy cores.

| Fault | How it is injected | What holds | Recovered in |
| --- | --- | --- | --- |
${lines(true)}

## A run on the command line

Real files, a real directory behind a proxy. After each fault the program is run again, and has to come to the end that it would have come to
undisturbed; the directory's own log says what was done how often, and all output and the store are searched for passwords.

| Fault | How it is injected | What holds |
| --- | --- | --- |
${lines(false)}
`;
  writeFileSync(PAGE, page);
  expect(rows.length).toBeGreaterThan(50);
}

if (ROWS !== undefined) it('the page is written from what was found', () => writePage(ROWS));
