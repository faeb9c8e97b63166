import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Backoff } from '../../src/kube/backoff.ts';
import { Deadline } from '../../src/kube/deadline.ts';
import { microTime } from '../../src/kube/micro-time.ts';
import { collectionPath, objectPath, splitKey } from '../../src/kube/resources.ts';
import { TokenBucket } from '../../src/kube/token-bucket.ts';
import { readEvents, type WatchEvent } from '../../src/kube/watch-events.ts';
import { warningsOf } from '../../src/kube/warnings.ts';

describe('the events of a watch', () => {
  const events: WatchEvent[] = [
    { type: 'ADDED', object: { name: 'Jörg 🦊' } },
    { type: 'MODIFIED', object: { text: 'x'.repeat(200) } },
    { type: 'BOOKMARK', object: {} },
  ];
  const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));

  async function read(parts: readonly Uint8Array[]): Promise<WatchEvent[]> {
    const found: WatchEvent[] = [];
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield* parts;
    };
    for await (const event of readEvents(body(), () => undefined)) found.push(event);
    return found;
  }

  it('are the same however the stream is cut', async () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const sorted = [0, ...places.toSorted((one, other) => one - other), bytes.length];
        const parts = sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end));
        expect(await read(parts)).toEqual(events);
      }),
    );
  });

  it('are as many as there are whole lines', async () => {
    expect(await read([bytes.subarray(0, bytes.length - 5)])).toEqual(events.slice(0, 2));
  });
});

describe('a token bucket', () => {
  it('gives its burst at once, and then so many a second', () => {
    let now = 0;
    const bucket = new TokenBucket(20, 30, () => now);
    const take = (): number => Array.from({ length: 100 }).filter(() => bucket.tryTake()).length;
    expect(take()).toBe(30);
    now += 1_000;
    expect(take()).toBe(20);
    now += 60_000;
    expect(bucket.isFull()).toBe(true);
    expect(take()).toBe(30);
  });

  it('lets each wait for its turn, and gives the turn of who left to the next', async () => {
    const bucket = new TokenBucket(20, 1, () => performance.now());
    const leaving = new AbortController();
    const began = performance.now();
    await bucket.take(leaving.signal);
    const left = bucket.take(leaving.signal);
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await bucket.take(new AbortController().signal);
    expect(performance.now() - began).toBeGreaterThan(40);
    expect(performance.now() - began).toBeLessThan(95);
  });
});

describe('a deadline', () => {
  it('ends with the other signal, for its reason', () => {
    const outer = new AbortController();
    using deadline = new Deadline(outer.signal, 10_000);
    outer.abort(new Error('enough'));
    expect(deadline.signal.reason).toEqual(new Error('enough'));
    expect(deadline.expired).toBe(false);
  });

  it('ends with its time, unless it is extended', async () => {
    using deadline = new Deadline(new AbortController().signal, 100);
    deadline.extend(200);
    await new Promise((resolve) => setTimeout(resolve, 130));
    expect(deadline.signal.aborted).toBe(false);
    await vi.waitFor(() => expect(deadline.expired).toBe(true));
    expect(deadline.signal.aborted).toBe(true);
  });
});

describe('a back-off', () => {
  it('doubles up to its bound, is never exact, and begins anew', () => {
    const backoff = new Backoff(100, 1_000);
    const pauses = Array.from({ length: 12 }, () => backoff.nextMs());
    for (const [at, pause] of pauses.entries()) {
      const due = Math.min(1_000, 100 * 2 ** at);
      expect(pause).toBeGreaterThanOrEqual(due / 2);
      expect(pause).toBeLessThanOrEqual(due);
    }
    expect(new Set(pauses).size).toBe(12);
    backoff.reset();
    expect(backoff.nextMs()).toBeLessThanOrEqual(100);
  });
});

it.each([
  { header: undefined, texts: [] },
  { header: '299 - "one"', texts: ['one'] },
  { header: '299 - "one, \\"two\\"", 299 kube "three"', texts: ['one, "two"', 'three'] },
  { header: ['299 - "one"', '299 - "two"'], texts: ['one', 'two'] },
  { header: 'nonsense', texts: [] },
])('the warnings in $header are $texts', ({ header, texts }) => {
  expect(warningsOf(header)).toEqual(texts);
});

it('a time has exactly six digits after the point', () => {
  expect(microTime(Date.UTC(2026, 10, 22, 1, 2, 3, 4))).toBe('2026-11-22T01:02:03.004000Z');
});

it('paths are those of the API', () => {
  expect(collectionPath('Secret', undefined)).toBe('/api/v1/secrets');
  expect(collectionPath('Lease', 'here')).toBe('/apis/coordination.k8s.io/v1/namespaces/here/leases');
  expect(objectPath('ReconMapping', 'here/a.b')).toBe(
    '/apis/rollcall.dev/v1alpha1/namespaces/here/reconmappings/a.b',
  );
  expect(objectPath('Secret', 'here/a?b')).toBe('/api/v1/namespaces/here/secrets/a%3Fb');
});

it.each(['', 'name', '/name', 'namespace/', 'namespace/..', '../name', 'namespace/name/status'])(
  '%j is no key',
  (key) => {
    expect(() => splitKey(key)).toThrow('not a key');
  },
);
