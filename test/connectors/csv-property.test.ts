/** Any table, any edits: what the connector reads after its own rewrite is what a plain map would hold. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { array, assert, asyncProperty, constantFrom, integer, record, string, uniqueArray } from 'fast-check';

import type { Session } from '../../src/connectors/connector.ts';
import { csvFolder, type CsvFolder } from '../support/csv-harness.ts';
import { applied, change, readAll } from './contract.ts';

const signal = new AbortController().signal;
const value = string({
  unit: constantFrom('a', ' ', ',', '"', '\n', '\r', ';', 'ü', '🦊', '|', '#'),
  maxLength: 6,
});
const key = integer({ min: 0, max: 8 }).map((number) => `k"${String(number)},`);
const edit = record({ kind: constantFrom('create', 'update', 'delete'), key, first: value, second: value });

let folder: CsvFolder;
beforeAll(async () => {
  folder = await csvFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

type Table = Map<string, { first: string; second: string }>;

const world = record({
  rows: uniqueArray(record({ key, first: value, second: value }), {
    selector: (row) => row.key,
    maxLength: 6,
  }),
  edits: array(edit, { maxLength: 6 }),
  lineEnd: constantFrom('\n', '\r\n', '\r'),
  finalEnd: constantFrom(true, false),
  mark: constantFrom('', '\ufeff'),
  always: constantFrom(true, false),
});

function write(cell: string, always: boolean): string {
  return always || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

async function carryOut(
  session: Session,
  table: Table,
  step: { kind: string; key: string; first: string; second: string },
): Promise<void> {
  const { writer } = session;
  if (!writer) throw new Error('no writer');
  const { first, second } = step;
  if (step.kind === 'create') {
    const attributes = new Map([
      ['uid', [step.key]],
      ['first', [first]],
      ['second', [second]],
    ]);
    const written = await writer.create({ name: undefined, attributes }, signal);
    expect(written.kind).toBe(table.has(step.key) ? 'Refused' : 'Applied');
    if (written.kind === 'Applied') table.set(step.key, { first, second });
  } else if (step.kind === 'update') {
    const old = table.get(step.key);
    const changes = [change('second', [], [second])];
    const written = await writer.update(
      { id: step.key, name: undefined, newName: undefined, changes },
      signal,
    );
    expect(written.kind).toBe(old ? 'Applied' : 'Refused');
    if (old) table.set(step.key, { ...old, second });
  } else {
    applied(await writer.delete({ id: step.key, name: undefined }, signal));
    table.delete(step.key);
  }
}

it('reads back what was written', async () => {
  await assert(
    asyncProperty(world, async ({ rows, edits, lineEnd, finalEnd, mark, always }) => {
      const lines = [['uid', 'first', 'second'], ...rows.map((row) => [row.key, row.first, row.second])];
      const text = lines.map((line) => line.map((cell) => write(cell, always)).join(',')).join(lineEnd);
      await folder.write(mark + text + (finalEnd ? lineEnd : ''));
      const table: Table = new Map(rows.map((row) => [row.key, { first: row.first, second: row.second }]));
      await using session = await folder.open({ writable: true });
      for (const step of edits) await carryOut(session, table, step);
      applied((await session.writer?.commit(signal)) ?? { kind: 'Applied', id: '', name: undefined });
      const { entries, evidence } = await readAll(session, {
        attributes: ['first', 'second'],
        filter: undefined,
      });
      expect(evidence.complete).toBe('Unproved');
      const seen = entries.map(({ id, attributes }) => [
        id,
        attributes.get('first')?.[0] ?? '',
        attributes.get('second')?.[0] ?? '',
      ]);
      expect(new Set(seen.map((row) => JSON.stringify(row)))).toEqual(
        new Set([...table].map(([id, row]) => JSON.stringify([id, row.first, row.second]))),
      );
      const written = await folder.read();
      expect(written.startsWith('\ufeff')).toBe(mark !== '');
      if (edits.length === 0) expect(written).toBe(mark + text + (finalEnd ? lineEnd : ''));
    }),
    { numRuns: 300 },
  );
});
