import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITY, WorkQueue } from '../../src/controller/work-queue.ts';
import { TurnedTimers } from '../support/turned-timers.ts';

function make(random = (): number => 1): { timers: TurnedTimers; queue: WorkQueue; signal: AbortSignal } {
  const timers = new TurnedTimers();
  return { timers, queue: new WorkQueue({ timers, random }), signal: new AbortController().signal };
}

describe('a queue of keys', () => {
  it('ten additions while nobody looks are one look', async () => {
    const { queue, signal } = make();
    for (let at = 0; at < 10; at++) queue.add('a');
    expect(queue.depth()).toBe(1);
    expect(await queue.take(signal)).toBe('a');
    queue.done('a');
    expect(queue.depth()).toBe(0);
  });

  it('ten additions while it is looked at are one more look, and never two at once', async () => {
    const { queue, signal } = make();
    queue.add('a');
    await queue.take(signal);
    for (let at = 0; at < 10; at++) queue.add('a');
    let second: string | undefined;
    const taking = queue.take(signal).then((key) => (second = key));
    await Promise.resolve();
    expect(second).toBeUndefined();
    queue.done('a');
    await taking;
    expect(second).toBe('a');
  });

  it('what somebody asked for comes first, then what depends, then what is due, the oldest of each', async () => {
    const { queue, signal } = make();
    queue.add('due 1');
    queue.add('due 2');
    queue.add('depends', { priority: PRIORITY.dependency });
    queue.add('asked', { priority: PRIORITY.asked });
    queue.add('due 2', { priority: PRIORITY.asked });
    const order = [];
    for (let at = 0; at < 4; at++) order.push(await queue.take(signal));
    expect(order).toEqual(['due 2', 'asked', 'depends', 'due 1']);
  });

  it('a delayed key comes when its time has come, and at once where somebody asks', async () => {
    const { queue, timers, signal } = make();
    queue.add('later', { delayMs: 5_000 });
    timers.turn(4_999);
    expect(queue.depth()).toBe(0);
    timers.turn(1);
    expect(await queue.take(signal)).toBe('later');
    queue.done('later');
    queue.add('soon', { delayMs: 5_000 });
    queue.add('soon');
    expect(await queue.take(signal)).toBe('soon');
    expect(timers.waiting).toBe(0);
  });

  it('of two delays the shorter one counts', () => {
    const { queue, timers } = make();
    queue.add('a', { delayMs: 9_000 });
    queue.add('a', { delayMs: 1_000 });
    queue.add('a', { delayMs: 5_000 });
    timers.turn(1_000);
    expect(queue.depth()).toBe(1);
    expect(timers.waiting).toBe(0);
  });

  it('failures in a row wait longer and longer, from a second to a quarter of an hour, and success forgets them', () => {
    const { queue } = make();
    const pauses = Array.from({ length: 12 }, () => queue.retry('a'));
    expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(pauses.at(-1)).toBe(900_000);
    queue.forget('a');
    expect(queue.retry('a')).toBe(1_000);
    expect(queue.retry('b', 300_000)).toBe(300_000);
  });

  it('jitter takes up to half of a pause', () => {
    const { queue } = make(() => 0);
    expect([queue.retry('a'), queue.retry('a')]).toEqual([500, 1_000]);
  });

  it('whoever waits is let go when the signal ends', async () => {
    const { queue } = make();
    const ending = new AbortController();
    const taking = queue.take(ending.signal);
    ending.abort();
    expect(await taking).toBeUndefined();
  });

  it('closed, it leaves no timer behind', () => {
    const { queue, timers } = make();
    queue.add('a', { delayMs: 5_000 });
    queue.close();
    expect(timers.waiting).toBe(0);
  });

  it('whatever happens, no key is with two workers, and no addition is lost', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        delayMs: fc.constantFrom(0, 0, 500),
      }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('done' as const), nth: fc.nat(3) }),
      fc.record({ kind: fc.constant('turn' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue, timers, signal } = make();
        const held: string[] = [];
        const wanted = new Set<string>();
        for (const one of steps) {
          if (one.kind === 'add') {
            queue.add(one.key, { delayMs: one.delayMs });
            wanted.add(one.key);
          } else if (one.kind === 'turn') timers.turn(600);
          else if (one.kind === 'done') {
            const [key] = held.splice(one.nth % Math.max(1, held.length), 1);
            if (key !== undefined) queue.done(key);
          } else await takeReady(queue, held, wanted, signal);
        }
        for (const key of held.splice(0)) queue.done(key);
        timers.turn(600);
        while (queue.depth() > 0) {
          const key = (await queue.take(signal)) ?? '';
          wanted.delete(key);
          queue.done(key);
        }
        expect([...wanted]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Takes where a key is free: one that is only marked to be looked at again would keep us waiting. */
async function takeReady(
  queue: WorkQueue,
  held: string[],
  wanted: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  const taking = queue.take(AbortSignal.any([signal, ending.signal]));
  await new Promise((resolve) => setImmediate(resolve));
  ending.abort();
  const key = await taking;
  if (key === undefined) return;
  expect(held).not.toContain(key);
  held.push(key);
  wanted.delete(key);
}
