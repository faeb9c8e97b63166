import { expect, it } from 'vitest';

import { Pace, paceWriter } from '../../src/connectors/paced-writer.ts';
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
  const paced = paceWriter(writer, new Pace(50, () => performance.now()));
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
  let rest = 0;
  const { writer, asked } = recorder();
  const paced = paceWriter(writer, new Pace(100, () => performance.now() + rest));
  const { signal } = new AbortController();
  await paced.create(entry, signal);
  rest = 60_000;
  await Promise.all([paced.create(entry, signal), paced.create(entry, signal)]);
  expect((asked[2]?.at ?? 0) - (asked[1]?.at ?? 0)).toBeGreaterThanOrEqual(9);
});

it('waits for nothing once the run was asked to stop', async () => {
  const { writer, asked } = recorder();
  const paced = paceWriter(writer, new Pace(0.01, () => performance.now()));
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
  const paced = paceWriter({ ...writer, transactional: true }, new Pace(0.01, () => performance.now()));
  expect(paced.transactional).toBe(true);
  await paced.create(entry, new AbortController().signal);
  expect(await paced.commit(new AbortController().signal)).toBe(APPLIED);
});

/** The most that began within any second, and how much of what is allowed was used. */
function measured(times: readonly number[], writesPerSecond: number): { most: number; used: number } {
  const within = (start: number): number => times.filter((at) => at >= start && at < start + 1_000).length;
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const seconds = (last - first) / 1_000;
  return { most: Math.max(...times.map(within)), used: (times.length - 1) / seconds / writesPerSecond };
}

it.each([50, 200, 1_000])(
  'at %i a second, with eight in flight: never more in any second, and four fifths at least',
  { timeout: 30_000 },
  async (writesPerSecond) => {
    const { writer, asked } = recorder();
    const paced = paceWriter(writer, new Pace(writesPerSecond, () => performance.now()));
    const { signal } = new AbortController();
    const until = performance.now() + 3_200;
    let blocked = false;
    const work = async (): Promise<void> => {
      while (performance.now() < until) {
        await paced.create(entry, signal);
        // Once this process stands still for a while: those that are late then must not come on top of the others.
        if (blocked || performance.now() < until - 2_000) continue;
        blocked = true;
        for (const end = performance.now() + 100; performance.now() < end;);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    const { most, used } = measured(
      asked.map(({ at }) => at),
      writesPerSecond,
    );
    expect(most).toBeLessThanOrEqual(writesPerSecond);
    expect(used).toBeGreaterThanOrEqual(0.8);
  },
);
