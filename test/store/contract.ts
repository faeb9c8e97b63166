/**
 * What every store promises to the engine, as one suite: the ports Memory and Links. A harness opens a store;
 * whoever opens the same store again sees what was flushed, and nothing else.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { HeldPlan, Memory, Since } from '../../src/engine/ports.ts';
import { intent, link, NOW, record, spending } from '../support/store-values.ts';
import { A, B, ELSEWHERE, type StoreOfContract, type Suite } from './contract-suite.ts';
import { linkPages } from './link-pages-contract.ts';
import { links } from './links-contract.ts';
import { unlinkedPages } from './unlinked-pages-contract.ts';

const DAY = 86_400_000;

export function storeContract(name: string, open: () => Promise<StoreOfContract>): void {
  describe(`the store contract: ${name}`, () => {
    let opened: StoreOfContract | undefined;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => opened?.[Symbol.asyncDispose]());
    const store = (): StoreOfContract => {
      if (!opened) throw new Error('the store is not open');
      return opened;
    };
    const suite: Suite = {
      store,
      memory: (mapping = A, now = NOW) => store().memory(mapping, now),
      async reopened(memory, mapping = A) {
        memory.flush();
        await store().crash();
        return store().memory(mapping, NOW);
      },
    };
    describe('links', () => links(suite));
    describe('pages of links', () => linkPages(suite));
    describe('pages of unlinked entries', () => unlinkedPages(suite));
    describe('what is remembered of entries', () => remembered(suite));
    describe('the journal', () => journal(suite));
    describe('budgets', () => budgets(suite));
    describe('held plans', () => heldPlans(suite));
    describe('what others hold and want', () => others(suite));
    describe('runs and records', () => runs(suite));
  });
}

function remembered({ memory, reopened }: Suite): void {
  const since = (key: string, more: Partial<Since> = {}): Since => ({
    side: 'Source',
    key,
    situation: 'Missing',
    at: NOW,
    run: 3,
    ...more,
  });

  it('since when: per side, entry and situation; put replaces, drop forgets one', async () => {
    const first = memory();
    first.putSince(since('k'));
    first.putSince(since('k', { at: NOW + 1, run: 4 }));
    first.putSince(since('k', { side: 'Target' }));
    first.putSince(since('k', { situation: 'Absent' }));
    first.dropSince({ side: 'Source', key: 'k', situation: 'Absent' });
    first.dropSince({ side: 'Source', key: 'nobody', situation: 'Absent' });
    const again = await reopened(first);
    const all = [...again.since()].toSorted((one, other) => one.side.localeCompare(other.side));
    expect(all).toEqual([since('k', { at: NOW + 1, run: 4 }), since('k', { side: 'Target' })]);
    expect([...memory(B).since()]).toEqual([]);
  });

  it('marks: of the object, so every mapping with the same object sees them', async () => {
    const first = memory(A);
    first.putMark('Target', 'k');
    first.putMark('Target', 'k');
    first.putMark('Source', 'k2');
    await reopened(first);
    expect([...memory(B).marks('Target')]).toEqual(['k']);
    expect([...memory(B).marks('Source')]).toEqual([]);
    expect([...memory(ELSEWHERE).marks('Target')]).toEqual([]);
    expect([...memory(ELSEWHERE).marks('Source')]).toEqual(['k2']);
    memory(B).dropMark('Target', 'k');
    expect([...memory(A).marks('Target')]).toEqual([]);
  });

  it('marks: a system and an object are two things', () => {
    const tricky = { ...A, source: 'a b', target: 'a b' };
    memory(tricky).putMark('Target', 'k');
    expect([...memory({ ...tricky, name: 'default/d', target: 'a b2' }).marks('Target')]).toEqual([]);
  });

  it('baselines: per mapping and side, replaced as a whole', async () => {
    const first = memory();
    expect(first.baseline('Source')).toBeUndefined();
    first.putBaseline('Source', { inScope: 1, valueCounts: { mail: 1, old: 2 } });
    first.putBaseline('Source', { inScope: 5, valueCounts: { mail: 4, 'ä.🦊': 1 } });
    const again = await reopened(first);
    expect(again.baseline('Source')).toEqual({ inScope: 5, valueCounts: { mail: 4, 'ä.🦊': 1 } });
    expect(again.baseline('Target')).toBeUndefined();
    expect(memory(B).baseline('Source')).toBeUndefined();
  });
}

function journal({ store, memory, reopened }: Suite): void {
  it('is durable when begin returns, without a flush', async () => {
    const intents = ['1', '2', '3'].map((id) => intent(id));
    memory().begin(intents);
    await store().crash();
    expect(memory().unfinished()).toEqual(intents);
  });

  it('takes what was buffered before along', async () => {
    const first = memory();
    first.links.put(link('s', 't'));
    first.begin([intent('1')]);
    await store().crash();
    expect(memory().links.count()).toBe(1);
  });

  it('forgets what was applied or refused; Unknown stays', async () => {
    const first = memory();
    first.begin(['1', '2', '3', '4'].map((id) => intent(id)));
    first.settle([
      { intent: '1', outcome: 'Applied' },
      { intent: '2', outcome: 'Refused' },
      { intent: '3', outcome: 'Unknown' },
    ]);
    const again = await reopened(first);
    expect(again.unfinished().map(({ id }) => id)).toEqual(['3', '4']);
  });

  it('forgets any of very many, bit by bit, and keeps the others in their order', async () => {
    const all = Array.from({ length: 100 }, (_, at) => intent(`i${at}`));
    memory().begin(all);
    for (const part of [0, 1]) {
      const gone = all.filter((_, at) => at % 4 === part);
      (await reopened(memory())).settle(gone.map(({ id }) => ({ intent: id, outcome: 'Applied' })));
    }
    expect((await reopened(memory())).unfinished()).toEqual(all.filter((_, at) => at % 4 > 1));
  });

  it('holds a settlement and what belongs to it together: a crash before the flush loses both', async () => {
    const first = memory();
    first.begin([intent('1')]);
    first.links.put(link('s', 't'));
    first.settle([{ intent: '1', outcome: 'Applied' }]);
    first.spend(NOW, [spending('Create', 1)]);
    await store().crash();
    const again = memory();
    expect(again.unfinished()).toHaveLength(1);
    expect(again.links.count()).toBe(0);
    expect(again.spent(0)).toEqual([]);
  });

  it('lists intents in the order they were begun, of this mapping only, across restarts', async () => {
    memory().begin([intent('z'), intent('y')]);
    memory(B).begin([intent('b')]);
    await store().crash();
    memory().begin([intent('a')]);
    expect(
      memory()
        .unfinished()
        .map(({ id }) => id),
    ).toEqual(['z', 'y', 'a']);
  });

  it('begins and settles nothing without complaint', () => {
    memory().begin([]);
    memory().settle([]);
    memory().settle([{ intent: 'never begun', outcome: 'Applied' }]);
    expect(memory().unfinished()).toEqual([]);
  });
}

function budgets({ memory, reopened }: Suite): void {
  it('sums what was applied since, by side, effect and attribute', async () => {
    const first = memory();
    first.spend(NOW - 100, [spending('Delete', 9)]);
    first.spend(NOW, [spending('Delete', 1), spending('Delete', 2), spending('Clear', 1, 'mail')]);
    first.spend(NOW + 5, [spending('Delete', 4), { ...spending('Delete', 8), side: 'Source' }]);
    first.spend(NOW + 5, []);
    const again = await reopened(first);
    const told = again.spent(NOW).map((one) => `${one.side} ${one.effect} ${one.attribute} ${one.count}`);
    expect(told.toSorted()).toEqual(['Source Delete  8', 'Target Clear mail 1', 'Target Delete  7']);
    expect(again.spent(NOW + 6)).toEqual([]);
    expect(memory(B).spent(0)).toEqual([]);
  });

  it('still knows what was applied a month ago, the longest window', () => {
    const one = memory();
    one.spend(NOW, [spending('Delete', 1)]);
    one.spend(NOW + 30 * DAY, [spending('Delete', 2)]);
    expect(one.spent(NOW)).toMatchObject([{ count: 3 }]);
  });
}

function heldPlans({ store, memory, reopened }: Suite): void {
  const plan = (digest: string, operations: readonly string[], days = 7): HeldPlan => ({
    digest,
    operations,
    expiresAt: NOW + days * DAY,
  });
  const released = (one: Memory, now = NOW, approved?: string): string[] =>
    [...one.released(now, approved)].toSorted();

  it('release nothing until somebody approves them', () => {
    const one = memory();
    expect(one.putHeldPlan(plan('p', ['x', 'y']), NOW)).toEqual(plan('p', ['x', 'y']));
    expect(released(one)).toEqual([]);
    expect(released(one, NOW, 'another')).toEqual([]);
  });

  it.each([
    {
      by: 'the command',
      approve: (s: StoreOfContract, m: Memory) => s.approve(m, 'p', NOW),
      named: undefined,
    },
    { by: 'approvedPlan', approve: () => true, named: 'p' },
  ])('approved by $by release each operation once', async ({ approve, named }) => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x', 'y']), NOW);
    one.flush();
    expect(approve(store(), one)).toBe(true);
    expect(released(one, NOW, named)).toEqual(['x', 'y']);
    one.useRelease('x');
    const again = await reopened(one);
    expect(released(again, NOW, named)).toEqual(['y']);
    again.putHeldPlan(plan('p', ['x', 'y']), NOW + 1);
    expect(released(again, NOW, named)).toEqual(['y']);
  });

  it('keep their first expiry while it lasts, and get a new one after it', () => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x'], 7), NOW);
    expect(one.putHeldPlan(plan('p', ['x'], 9), NOW + 2 * DAY).expiresAt).toBe(NOW + 7 * DAY);
    expect(one.putHeldPlan(plan('p', ['x'], 15), NOW + 8 * DAY).expiresAt).toBe(NOW + 15 * DAY);
  });

  it('release nothing once they have expired, and an approval does not outlive them', () => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x']), NOW);
    store().approve(one, 'p', NOW);
    expect(released(one, NOW + 7 * DAY)).toEqual(['x']);
    expect(released(one, NOW + 7 * DAY + 1)).toEqual([]);
    one.putHeldPlan(plan('p', ['x'], 15), NOW + 8 * DAY);
    expect(released(one, NOW + 8 * DAY)).toEqual([]);
  });

  it.each([
    { when: 'no plan has the digest', digest: 'other', at: NOW, of: A },
    { when: 'it has expired', digest: 'p', at: NOW + 8 * DAY, of: A },
    { when: "it is another mapping's", digest: 'p', at: NOW, of: B },
  ])('cannot be approved when $when', ({ digest, at, of }) => {
    const one = memory(A);
    one.putHeldPlan(plan('p', ['x']), NOW);
    one.flush();
    expect(store().approve(memory(of), digest, at)).toBe(false);
    expect(released(one)).toEqual([]);
  });

  it('may be approved again, and then release what was used once more', () => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x']), NOW);
    store().approve(one, 'p', NOW);
    one.useRelease('x');
    expect(released(one)).toEqual([]);
    store().approve(one, 'p', NOW + 1);
    expect(released(one)).toEqual(['x']);
  });

  it('share what was used: an operation in two plans is released once', () => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x', 'y']), NOW);
    one.putHeldPlan(plan('q', ['x', 'z']), NOW);
    store().approve(one, 'p', NOW);
    one.useRelease('x');
    expect(released(one, NOW, 'q')).toEqual(['y', 'z']);
  });

  it('are durable with an approval at once', async () => {
    const one = memory();
    one.putHeldPlan(plan('p', ['x']), NOW);
    store().approve(one, 'p', NOW);
    await store().crash();
    expect(released(memory())).toEqual(['x']);
  });
}

function others({ memory, reopened }: Suite): void {
  it('names the mapping that links or wants a target entry of the same object', async () => {
    const b = memory(B);
    b.links.put(link('s', 'linked'));
    b.putWants(['wanted', 'linked', 'wanted']);
    const again = await reopened(b, B);
    expect(memory(A).holder('linked')).toBe('default/b');
    expect(memory(A).holder('wanted')).toBe('default/b');
    expect(memory(A).holder('nobody')).toBeUndefined();
    expect(again.holder('linked')).toBeUndefined();
  });

  it('replaces what is wanted as a whole', () => {
    const b = memory(B);
    b.putWants(['one', 'two']);
    b.putWants(['two', 'three']);
    expect(['one', 'two', 'three'].map((key) => memory(A).holder(key))).toEqual([
      undefined,
      'default/b',
      'default/b',
    ]);
    b.putWants([]);
    expect(memory(A).holder('two')).toBeUndefined();
  });

  it('does not see mappings with another target object', () => {
    memory(ELSEWHERE).links.put(link('s', 't'));
    expect(memory(A).holder('t')).toBeUndefined();
  });

  it('does not see mappings that no call has known for 30 days', () => {
    memory(B, NOW).links.put(link('s', 't'));
    expect(memory(A, NOW + 30 * DAY).holder('t')).toBe('default/b');
    expect(memory(A, NOW + 30 * DAY + 1).holder('t')).toBeUndefined();
    memory(B, NOW + 31 * DAY);
    expect(memory(A, NOW + 31 * DAY).holder('t')).toBe('default/b');
  });
}

function runs({ store, memory }: Suite): void {
  it('know the last finished run with a source read that was not No', () => {
    expect(memory(B).lastReadRun(A.name)).toBeUndefined();
    const first = memory(A);
    expect(memory(B).lastReadRun(A.name)).toBeUndefined();
    store().finish(first, { outcome: 'Succeeded', sourceComplete: 'Unproved', at: NOW });
    const second = memory(A);
    store().finish(second, { outcome: 'Failed', sourceComplete: 'No', at: NOW });
    memory(A);
    expect(memory(B).lastReadRun(A.name)).toBe(store().sequenceOf(first));
    expect(memory(B).lastReadRun('default/nobody')).toBeUndefined();
  });

  it('count the enforced runs that went through', () => {
    const outcomes = ['Succeeded', 'Degraded', 'Held', 'Failed', 'Stalled'];
    for (const outcome of outcomes) store().finish(memory(), { outcome, sourceComplete: 'Yes', at: NOW });
    expect(memory().enforcedRuns()).toBe(3);
    expect(memory(B).enforcedRuns()).toBe(0);
  });

  it('number runs upwards, whatever the clock says', () => {
    const numbers = [NOW, NOW - 90 * DAY, 0, NOW + 9_999 * DAY, NOW].map((at) => {
      const one = memory(A, at);
      store().finish(one, { outcome: 'Succeeded', sourceComplete: 'Yes', at });
      return store().sequenceOf(one);
    });
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('repeat what an earlier run has found and left alone, and nothing that it has done', () => {
    const earlier = memory();
    earlier.record(record('b', null, { outcome: 'Reported' }));
    earlier.record(record('a', null, { outcome: 'Ignored' }));
    earlier.record(record('c', null, { outcome: 'Applied' }));
    store().finish(earlier, { outcome: 'Succeeded', sourceComplete: 'Yes', at: NOW });
    const later = memory();
    later.repeatRecords(store().sequenceOf(earlier));
    store().finish(later, { outcome: 'Succeeded', sourceComplete: 'Yes', at: NOW });
    expect(
      store()
        .records(later)
        .map(({ source }) => source),
    ).toEqual(['a', 'b']);
    expect(store().records(earlier)).toHaveLength(3);
  });

  it('list records by source id, then target id, bytewise, as they were', () => {
    const one = memory();
    const records = [
      record('b', null),
      record('ä', 't'),
      record('Z', 't'),
      record('b', 't2', { outcome: 'Held', held: { by: 'Budget', reason: 'much' } }),
      record('b', 't10'),
      record(null, '🦊'),
      record(null, '\uffff'),
      record('b', 't2', { response: 'UpdateSource' }),
    ];
    for (const each of records) one.record(each);
    const listed = store().records(one);
    expect(
      listed.map(({ source, target, response }) => `${source ?? ''}/${target ?? ''}/${response ?? ''}`),
    ).toEqual([
      '/\uffff/CreateTarget',
      '/🦊/CreateTarget',
      'Z/t/CreateTarget',
      'b//CreateTarget',
      'b/t10/CreateTarget',
      'b/t2/CreateTarget',
      'b/t2/UpdateSource',
      'ä/t/CreateTarget',
    ]);
    expect(new Set(listed.map((each) => JSON.stringify(each)))).toEqual(
      new Set(records.map((each) => JSON.stringify(each))),
    );
  });

  it('keep the records of a run that ends after the clock jumped', () => {
    const one = memory();
    one.record(record('a', null));
    store().finish(one, { outcome: 'Succeeded', sourceComplete: 'Yes', at: NOW + 365 * DAY });
    expect(store().records(one)).toHaveLength(1);
  });
}
