import { expect, it } from 'vitest';

import { paceWriter } from '../../src/connectors/paced-writer.ts';
import type { EntryWriter, Written } from '../../src/engine/ports.ts';

const APPLIED: Written = { kind: 'Applied', id: 'a', name: undefined };

/** Notes when it was asked. */
function recorder(): {
  readonly writer: EntryWriter;
  readonly asked: { readonly what: string; readonly at: number }[];
} {
  const asked: { what: string; at: number }[] = [];
  const note = (what: string) => (): Promise<Written> => {
    asked.push({ what, at: performance.now() });
    return Promise.resolve(APPLIED);
  };
  const writer = {
    transactional: false,
    create: note('create'),
    update: note('update'),
    delete: note('delete'),
    commit: note('commit'),
  };
  return { writer, asked };
}

const entry = { name: undefined, attributes: new Map<string, readonly string[]>() };
const changeOf = { id: 'a', name: undefined, newName: undefined, changes: [] };

it('spreads writes of every kind that are asked for at once, in their order', async () => {
  const { writer, asked } = recorder();
  const paced = paceWriter(writer, 50, () => performance.now());
  const { signal } = new AbortController();
  const started = performance.now();
  await Promise.all([
    paced.create(entry, signal),
    paced.update(changeOf, signal),
    paced.delete({ id: 'a', name: undefined }, signal),
    paced.create(entry, signal),
  ]);
  expect(asked.map(({ what }) => what)).toEqual(['create', 'update', 'delete', 'create']);
  expect(asked[0]?.at).toBeLessThan(started + 15);
  // Three gaps of 20 ms; a timer may fire a millisecond early.
  expect((asked[3]?.at ?? 0) - started).toBeGreaterThanOrEqual(57);
});

it('lets a rest pass without saving it up for later', async () => {
  let now = 0;
  const { writer, asked } = recorder();
  const paced = paceWriter(writer, 100, () => now);
  const { signal } = new AbortController();
  await paced.create(entry, signal);
  now = 60_000;
  const started = performance.now();
  await paced.create(entry, signal);
  const second = paced.create(entry, signal);
  now += 10;
  await second;
  expect(asked).toHaveLength(3);
  expect((asked[2]?.at ?? 0) - started).toBeGreaterThanOrEqual(8);
});

it('waits for nothing once the run was asked to stop', async () => {
  const { writer, asked } = recorder();
  const paced = paceWriter(writer, 0.01, () => performance.now());
  const stop = new AbortController();
  await paced.create(entry, stop.signal);
  const waiting = paced.create(entry, stop.signal);
  stop.abort();
  await waiting;
  await paced.delete({ id: 'a', name: undefined }, stop.signal);
  expect(asked).toHaveLength(3);
});

it('passes on what the writer is and answers, and never makes a commit wait', async () => {
  const { writer } = recorder();
  const paced = paceWriter({ ...writer, transactional: true }, 0.01, () => performance.now());
  expect(paced.transactional).toBe(true);
  await paced.create(entry, new AbortController().signal);
  expect(await paced.commit(new AbortController().signal)).toBe(APPLIED);
});
