/** The journal ahead of the writes, and the count of answers to a commit. */
import { describe, expect, it } from 'vitest';
import { Countdown } from '../../src/engine/countdown.ts';
import { JournalAhead, type Started } from '../../src/engine/journal-ahead.ts';
import { PlannedSupply } from '../../src/engine/supply.ts';
import type { Operation } from '../../src/engine/operation.ts';

/** Each batch with what was still to be handed out when it was begun. */
interface Begun {
  readonly size: number;
  readonly left: number;
}

const intend = (operation: Operation): Started => ({ operation }) as Started;

/** Takes everything, one every so many milliseconds, and begins more when it is time. */
function takeAll(count: number, everyMs: number): { begun: Begun[]; taken: number } {
  const begun: Begun[] = [];
  let now = 1_000_000;
  let taken = 0;
  let known = 0;
  const operations = Array.from({ length: count }, () => ({}) as Operation);
  const ahead = new JournalAhead(new PlannedSupply(operations), {
    now: () => now,
    intend,
    begin: (batch) => {
      begun.push({ size: batch.length, left: known - taken });
      known += batch.length;
    },
  });
  while (ahead.take()) {
    taken++;
    now += everyMs;
    if (ahead.isLow) ahead.more();
  }
  return { begun, taken };
}

describe('the journal ahead', () => {
  it('hands everything out, and begins more before anybody has to wait', () => {
    const { begun, taken } = takeAll(10_000, 0.2);
    expect(taken).toBe(10_000);
    expect(begun[0]).toEqual({ size: 64, left: 0 });
    for (const { left } of begun.slice(1)) expect(left).toBeGreaterThanOrEqual(32);
  });

  it('begins as much at once as a fast system writes in a while, and no more of a slow one than it must', () => {
    const fast = takeAll(100_000, 0.01).begun.map(({ size }) => size);
    expect(Math.max(...fast)).toBeLessThanOrEqual(2_048);
    expect(fast.length).toBeLessThan(200);
    expect(Math.max(...takeAll(1_000, 50).begun.map(({ size }) => size))).toBe(64);
  });

  it('begins less again when the system slows down', () => {
    let pace = 0.1;
    let now = 1_000_000;
    const sizes: number[] = [];
    const operations = Array.from({ length: 40_000 }, () => ({}) as Operation);
    const ahead = new JournalAhead(new PlannedSupply(operations), {
      now: () => now,
      intend,
      begin: (batch) => void sizes.push(batch.length),
    });
    for (let taken = 0; ahead.take(); taken++) {
      now += pace;
      if (taken === 10_000) pace = 20;
      if (ahead.isLow) ahead.more();
    }
    expect(Math.max(...sizes)).toBeGreaterThan(500);
    expect(sizes.at(-2)).toBe(64);
  });

  it('tells what is begun and not handed out, and leaves what is not begun', () => {
    const operations = Array.from({ length: 100 }, () => ({}) as Operation);
    const supply = new PlannedSupply(operations);
    const ahead = new JournalAhead(supply, { now: () => 0, intend, begin: () => undefined });
    ahead.take();
    ahead.prepare();
    const left = [ahead.left().length, ahead.intended().length, supply.take(100).length];
    expect([...left, supply.isEmpty]).toEqual([63, 4, 32, true]);
  });
});

describe('the journal while a system works', () => {
  it('prepares a batch and no more, which is begun whole and in order', () => {
    const operations = Array.from({ length: 300 }, (_, at) => ({ body: at }) as Operation);
    const batches: number[][] = [];
    const ahead = new JournalAhead(new PlannedSupply(operations), {
      now: () => 0,
      intend,
      begin: (batch) => void batches.push(batch.map(({ operation }) => operation.body)),
    });
    const taken: (number | undefined)[] = [];
    for (let next = ahead.take(); next; next = ahead.take()) {
      taken.push(next.operation.body);
      for (let turn = 0; turn < 100; turn++) ahead.prepare();
      if (ahead.isLow) ahead.more();
    }
    expect(taken).toEqual(operations.map(({ body }) => body));
    expect(batches.flat()).toEqual(taken);
    expect(batches.map(({ length }) => length)).toEqual([64, 128, 108]);
    expect([ahead.intended(), ahead.left()]).toEqual([[], []]);
  });
});

describe('the countdown', () => {
  it('ends with the last answer', async () => {
    const answers = new Countdown(2);
    const taken: number[] = [];
    void answers.await(Promise.resolve(1), (value) => taken.push(value));
    const late = Promise.withResolvers<number>();
    void answers.await(late.promise, (value) => taken.push(value));
    setTimeout(() => late.resolve(2), 5);
    await answers.done();
    expect(taken).toEqual([1, 2]);
  });

  it('throws what went wrong first, and not before the others have answered', async () => {
    const answers = new Countdown(3);
    const taken: number[] = [];
    void answers.await(Promise.reject(new Error('first')), () => undefined);
    void answers.await(Promise.reject(new Error('second')), () => undefined);
    void answers.await(Promise.resolve(3), (value) => taken.push(value));
    await expect(answers.done()).rejects.toThrow('first');
    expect(taken).toEqual([3]);
  });

  it('does not wait for nothing', async () => {
    await expect(new Countdown(0).done()).resolves.toBeUndefined();
  });
});
