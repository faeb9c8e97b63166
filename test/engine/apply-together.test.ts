/** A first load of what lives in the store itself: written and written down as one, many at once, or not at all. */
import { describe, expect, it } from 'vitest';
import { applyTogether, type TogetherStream } from '../../src/engine/apply-together.ts';
import type { Booking, Done } from '../../src/engine/booking.ts';
import { PassingBodies } from '../../src/engine/flow.ts';
import type { Operation, OperationBody } from '../../src/engine/operation.ts';
import type { EntryWriter, NewEntry, Written } from '../../src/engine/ports.ts';
import { PlannedSupply } from '../../src/engine/supply.ts';

interface Scene {
  readonly stream: TogetherStream;
  /** What was asked of the store, in order; entries as their number. */
  readonly told: string[];
  readonly booked: Done[];
}

/** `create`: what becomes of the entry of that number. */
function scene(count: number, create: (at: number) => Written = applied): Scene {
  const told: string[] = [];
  const booked: Done[] = [];
  const bodies = new PassingBodies();
  const operations = Array.from({ length: count }, (_, at) => {
    const entry: NewEntry = { name: undefined, attributes: new Map([['id', [String(at)]]]) };
    return { body: bodies.put({ write: { kind: 'Create', entry } } as OperationBody) } as Operation;
  });
  let asked = 0;
  const writer = {
    create: ({ attributes }: NewEntry) => {
      asked++;
      return Promise.resolve(create(Number(attributes.get('id')?.[0])));
    },
  } as unknown as EntryWriter;
  const say = (what: string) => (): void => {
    told.push(asked === 0 ? what : `${what} after ${asked}`);
  };
  const together = {
    begin: say('begin'),
    commit: () => Promise.resolve(say('commit')()),
    drop: say('drop'),
  };
  const booking = { add: (done: Done) => booked.push(done), book: () => undefined } as unknown as Booking;
  const supply = new PlannedSupply(operations);
  return { stream: { writer, together, supply, bodies, booking }, told, booked };
}

const applied = (at: number): Written => ({ kind: 'Applied', id: String(at), name: undefined });
const { signal } = new AbortController();

describe('a first load of the store', () => {
  it('is kept a thousand or so at a time, in order, each with what became of it', async () => {
    const { stream, told, booked } = scene(2_500);
    expect(await applyTogether(stream, signal)).toBeUndefined();
    expect(told).toEqual([
      'begin',
      'commit after 1024',
      'begin after 1024',
      'commit after 2048',
      'begin after 2048',
      'commit after 2500',
    ]);
    expect(booked.map(({ written }) => written)).toEqual(booked.map((_, at) => applied(at)));
    expect(booked).toHaveLength(2_500);
  });

  it('books a refusal as one, and goes on', async () => {
    const refused = { kind: 'Refused', error: new Error('taken') } as unknown as Written;
    const { stream, booked } = scene(100, (at) => (at === 40 ? refused : applied(at)));
    await applyTogether(stream, signal);
    expect(booked.filter(({ written }) => written.kind === 'Refused')).toHaveLength(1);
    expect(booked[40]?.written).toBe(refused);
  });

  it('drops what it has begun where anything throws, and keeps what was committed before', async () => {
    const { stream, told } = scene(3_000, (at) => {
      if (at === 1_100) throw new Error('the lease is lost');
      return applied(at);
    });
    await expect(applyTogether(stream, signal)).rejects.toThrow('the lease is lost');
    expect(told).toEqual(['begin', 'commit after 1024', 'begin after 1024', 'drop after 1101']);
  });

  it('stops between two of them when it is asked to', async () => {
    const stop = new AbortController();
    const { stream, told } = scene(3_000, (at) => {
      if (at === 10) stop.abort();
      return applied(at);
    });
    expect(await applyTogether(stream, stop.signal)).toBe('the run was asked to stop');
    expect(told).toEqual(['begin', 'commit after 1024']);
    expect(stream.supply.isEmpty).toBe(false);
  });
});
