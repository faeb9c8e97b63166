/** One connection with many requests on it: numbers, the window, the time, giving up, and what is passed on. */
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { LdapConfig } from '../../src/connectors/ldap/config.ts';
import type { Connection } from '../../src/connectors/ldap/connection.ts';
import { ask, exchange, type Exchange } from '../../src/connectors/ldap/exchange.ts';
import { LIMITS, type Limits } from '../../src/connectors/ldap/limits.ts';
import { INTERMEDIATE, SEARCH_ENTRY } from '../../src/connectors/ldap/message.ts';
import { openConnection } from '../../src/connectors/ldap/open-connection.ts';
import { list, search, type Search } from '../../src/connectors/ldap/search.ts';
import { deleteRequest } from '../../src/connectors/ldap/wire-request.ts';
import { Secret } from '../../src/lib/secret.ts';
import { FaultPeer, type Line } from '../support/fault-peer.ts';
import {
  control,
  entry,
  intermediate,
  pageControl,
  result,
  type PeerRequest,
} from '../support/ldap-messages.ts';
import { collect } from './contract.ts';

const SILENCE_MS = 160;
const signal = (): AbortSignal => new AbortController().signal;
const ANYTHING: Search = { base: 'dc=x', scope: 'Subtree', filter: '(uid=*)', attributes: ['cn'] };

interface Held {
  readonly request: PeerRequest;
  readonly line: Line;
}

/** Keeps every Delete and Search for the test to answer. */
async function holdingPeer(held: Held[]): Promise<FaultPeer> {
  return FaultPeer.start((request, line) => {
    if (!['Delete', 'Search', 'Extended'].includes(request.op)) return false;
    held.push({ request, line });
    return true;
  });
}

async function connect(
  peer: FaultPeer,
  limits: Partial<Limits> = {},
  tls: LdapConfig['tls'] = { mode: 'Disabled' },
): Promise<Connection> {
  const bind = { dn: 'cn=admin', password: new Secret('hush') };
  return openConnection({ url: peer.url, tls, bind }, signal(), { ...LIMITS, ...limits });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(2);
}

function told(exchanged: Exchange): string {
  if (exchanged.kind === 'Answered') return String(exchanged.response.status);
  return `${exchanged.kind} ${exchanged.error instanceof Error ? exchanged.error.message : ''}`;
}

describe('the window', () => {
  it('is never exceeded, and answers go to who asked, in whatever order they come', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer, { window: 4 });
    const during = signal();
    const asked = Array.from({ length: 20 }, (_, index) =>
      ask(connection, deleteRequest(`uid=${String(index)}`), during),
    );
    for (let answered = 0; answered < 20; answered += 1) {
      await until(() => held.length === Math.min(4, 20 - answered));
      await delay(5);
      expect(held.length).toBeLessThanOrEqual(4);
      const [next] = held.splice(answered % held.length, 1);
      await next?.line.send(result(next.request, Number(next.request.dn.slice(4))));
    }
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('tells what was sent from what was not when the connection breaks', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer, { window: 2 });
    const asked = [1, 2, 3].map((index) =>
      exchange(connection, deleteRequest(`uid=${String(index)}`), signal()),
    );
    await until(() => held.length === 2);
    held[0]?.line.socket.destroy();
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    expect(kinds).toEqual(['Lost', 'Lost', 'NotSent']);
    expect(connection.usable).toBe(false);
    expect((await exchange(connection, deleteRequest('uid=4'), signal())).kind).toBe('NotSent');
    expect(peer.lines).toHaveLength(1);
  });
});

describe('time', () => {
  it('that passes without any answer abandons the request and ends the connection', async () => {
    await using peer = await holdingPeer([]);
    await using connection = await connect(peer, { silenceMs: SILENCE_MS });
    const other = exchange(connection, deleteRequest('uid=b'), signal());
    const one = await exchange(connection, deleteRequest('uid=a'), signal());
    expect(told(one)).toMatch(/^Lost delete: 127\.0\.0\.1:\d+ did not answer in 0\.16 s; is it overloaded/);
    expect(one).toMatchObject({ error: { code: 'Timeout' } });
    expect((await other).kind).toBe('Lost');
    expect(connection.usable).toBe(false);
    const [first] = await peer.heard('Delete');
    const abandoned = (await peer.heard('Abandon', 2)).map(({ abandons }) => abandons);
    expect(abandoned).toContain(first?.id);
  });

  it('that passes while others are answered ends that one request, and its late answer is passed over', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer, { silenceMs: SILENCE_MS });
    const slow = exchange(connection, deleteRequest('uid=slow'), signal());
    let isOver = false;
    void slow.then(() => {
      isOver = true;
    });
    while (!isOver) {
      const quick = ask(connection, deleteRequest('uid=quick'), signal());
      await until(() => held.length === 2);
      const next = held.pop();
      await next?.line.send(result(next.request));
      await quick;
      await delay(10);
    }
    expect(await slow).toMatchObject({ kind: 'Lost', error: { code: 'Timeout' } });
    const [late] = held;
    expect((await peer.heard('Abandon'))[0]?.abandons).toBe(late?.request.id);
    const asked = ask(connection, deleteRequest('uid=next'), signal());
    await until(() => held.length === 2);
    await late?.line.send(result(late.request), ...held.slice(1).map(({ request }) => result(request)));
    expect((await asked).status).toBe(0);
    expect(connection.usable).toBe(true);
  });

  it('counts for an answer that drips in and never ends', async () => {
    await using peer = await FaultPeer.start(async (request, line) => {
      if (request.op !== 'Delete') return false;
      line.pieceBytes = 1;
      line.pauseMs = 30;
      await line.send(result(request));
      return true;
    });
    await using connection = await connect(peer, { silenceMs: SILENCE_MS });
    const dripped = await exchange(connection, deleteRequest('uid=a'), signal());
    expect(dripped).toMatchObject({ kind: 'Lost', error: { code: 'Timeout' } });
  });

  it.each([
    ['entries keep coming', LIMITS.heldBytes, [80, 80, 80, 80, 80]],
    ['nobody takes them', 2000, [50, 0, 0, 0, 4 * SILENCE_MS]],
  ])('does not count while %s', async (_, heldBytes, pauses) => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer, { silenceMs: SILENCE_MS, heldBytes });
    const reading = list(connection, ANYTHING, 100, signal());
    const first = reading.next();
    await until(() => held.length === 1);
    const { request, line } = held[0] ?? {};
    if (!request || !line) throw new Error('no search');
    for (const pauseMs of pauses) {
      await line.send(entry(request.id, 'uid=a', { cn: ['x'.repeat(3000)] }));
      await delay(pauseMs);
    }
    await line.send(result(request, 0, pageControl('')));
    const batches = [(await first).value ?? []];
    for await (const batch of reading) batches.push(batch);
    expect(batches.flat().map(({ operation }) => operation)).toEqual([
      ...pauses.map(() => SEARCH_ENTRY),
      0x65,
    ]);
  });

  it('is not given to a server that accepts and says nothing, not even for TLS', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    const opening = connect(peer, { connectMs: 50 }, { mode: 'StartTLS' });
    await until(() => held.length === 1);
    await held[0]?.line.send(result({ id: 1, op: 'Extended' }));
    await expect(opening).rejects.toMatchObject({
      code: 'Unreachable',
      message: expect.stringMatching(/^no answer from 127\.0\.0\.1:\d+ \(not within 0\.05 s\)$/) as string,
    });
  });
});

describe('giving up', () => {
  it('tells the server, and leaves the connection to others', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer);
    const controller = new AbortController();
    const asked = ask(connection, deleteRequest('uid=a'), controller.signal);
    await until(() => held.length === 1);
    controller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    expect((await peer.heard('Abandon'))[0]?.abandons).toBe(held[0]?.request.id);
    const other = ask(connection, deleteRequest('uid=b'), signal());
    await until(() => held.length === 2);
    await held[0]?.line.send(result(held[0].request), result(held[1]?.request ?? held[0].request));
    expect((await other).status).toBe(0);
  });

  it('before it was sent sends nothing', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer, { window: 1 });
    const controller = new AbortController();
    const first = ask(connection, deleteRequest('uid=a'), signal());
    const second = exchange(connection, deleteRequest('uid=b'), controller.signal);
    controller.abort();
    expect((await second).kind).toBe('NotSent');
    expect((await exchange(connection, deleteRequest('uid=c'), controller.signal)).kind).toBe('NotSent');
    await until(() => held.length === 1);
    await held[0]?.line.send(result(held[0].request));
    await first;
    expect(peer.requests.map(({ op }) => op)).toEqual(['Bind', 'Delete']);
  });

  it('on a search that was left early is told to the server too', async () => {
    await using peer = await FaultPeer.start(async (request, line) => {
      if (request.op !== 'Search') return false;
      await line.send(entry(request.id, 'uid=a', { cn: ['a'] }));
      return true;
    });
    await using connection = await connect(peer);
    for await (const batch of list(connection, ANYTHING, 100, signal())) {
      expect(batch).toHaveLength(1);
      break;
    }
    const [searched] = await peer.heard('Search');
    expect((await peer.heard('Abandon'))[0]?.abandons).toBe(searched?.id);
    expect(connection.usable).toBe(true);
  });

  it('closing says goodbye, and lets nobody wait', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    const connection = await connect(peer);
    const asked = exchange(connection, deleteRequest('uid=a'), signal());
    await until(() => held.length === 1);
    await connection[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
    expect(told(await asked)).toMatch(/^Lost the connection to 127\.0\.0\.1:\d+ was closed$/);
    await peer.heard('Unbind');
  });
});

describe('a search', () => {
  it('passes on everything in its order, with controls and what comes in between', async () => {
    const state = control('1.3.6.1.4.1.4203.1.9.1.2', Buffer.from('state'));
    await using peer = await FaultPeer.start(async (request, line) => {
      if (request.op !== 'Search') return false;
      await line.send(
        entry(request.id, 'uid=a', { cn: ['a'] }, state),
        intermediate(request.id, '1.3.6.1.4.1.4203.1.9.1.4', 'cookie'),
        entry(request.id, 'uid=b', { cn: ['b'] }),
        result(request, 0, state, pageControl('')),
      );
      return true;
    });
    await using connection = await connect(peer);
    const messages = (await collect(list(connection, ANYTHING, 100, signal()))).flat();
    expect(messages.map(({ operation }) => operation)).toEqual([
      SEARCH_ENTRY,
      INTERMEDIATE,
      SEARCH_ENTRY,
      0x65,
    ]);
    expect(messages[0]?.controls()[0]?.value.toString()).toBe('state');
    expect(messages[2]?.controls()).toEqual([]);
    expect(messages[3]?.result().controls).toHaveLength(2);
  });

  it('does not wait for a full batch while the server is silent', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    await using connection = await connect(peer);
    const reading = list(connection, ANYTHING, undefined, signal());
    const first = reading.next();
    await until(() => held.length === 1);
    const { request, line } = held[0] ?? {};
    if (!request || !line) throw new Error('no search');
    await line.send(entry(request.id, 'uid=a', { cn: ['a'] }));
    expect((await first).value).toHaveLength(1);
    await line.send(result(request));
    expect((await reading.next()).value).toHaveLength(1);
    expect((await reading.next()).done).toBe(true);
  });

  it('asks for the next page before the last one is taken', async () => {
    await using peer = await FaultPeer.start(async (request, line) => {
      if (request.op !== 'Search') return false;
      const cookie = request.cookie === '' ? 'more' : '';
      await line.send(entry(request.id, 'uid=a', { cn: ['a'] }), result(request, 0, pageControl(cookie)));
      return true;
    });
    await using connection = await connect(peer);
    const reading = list(connection, ANYTHING, 1, signal());
    await reading.next();
    expect((await peer.heard('Search', 2))[1]?.cookie).toBe('more');
    await reading.return();
  });

  it('counts references and keeps the code', async () => {
    await using peer = await FaultPeer.start(async (request, line) => {
      if (request.op !== 'Search') return false;
      await line.send(entry(request.id, 'uid=a', { cn: ['a'] }), result(request, 4));
      return true;
    });
    await using connection = await connect(peer);
    expect(await search(connection, ANYTHING, signal())).toMatchObject({ status: 4, references: 0 });
  });
});

describe('TLS on a plain connection', () => {
  it('is not begun when something was slipped in before it', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    const opening = connect(peer, {}, { mode: 'StartTLS' });
    await until(() => held.length === 1);
    await held[0]?.line.send(result({ id: 1, op: 'Extended' }), Buffer.of(0x30));
    await expect(opening).rejects.toThrow(/in the clear after it had agreed to TLS/);
    expect(peer.requests.map(({ op }) => op)).not.toContain('Bind');
  });

  it('that is refused is not gone without', async () => {
    const held: Held[] = [];
    await using peer = await holdingPeer(held);
    const opening = connect(peer, {}, { mode: 'StartTLS' });
    await until(() => held.length === 1);
    await held[0]?.line.send(result({ id: 1, op: 'Extended' }, 52));
    await expect(opening).rejects.toThrow(
      /start TLS at 127\.0\.0\.1:\d+: the directory answered unavailable/,
    );
    expect(peer.requests.map(({ op }) => op)).not.toContain('Bind');
  });
});
