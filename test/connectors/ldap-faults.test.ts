/** Directories that break off, lie, stall or say too little: a read is whole and proved, or it says that it is not. */
import { describe, expect, it } from 'vitest';

import type { Session } from '../../src/connectors/connector.ts';
import { openLdap } from '../../src/connectors/ldap/open-ldap.ts';
import type { Entry } from '../../src/engine/entry.ts';
import { ConnectorError } from '../../src/engine/errors.ts';
import type { Evidence } from '../../src/engine/ports.ts';
import { Secret } from '../../src/lib/secret.ts';
import { FaultPeer, type Answer, type FaultPeerOptions, type Line } from '../support/fault-peer.ts';
import {
  element,
  entry,
  intermediate,
  message,
  notice,
  pageControl,
  reference,
  result,
  type PeerRequest,
} from '../support/ldap-messages.ts';
import { codeOf } from './contract.ts';

const BASE = 'ou=people,dc=x';
const SEGMENT_BYTES = 1460;
const REQUEST = { attributes: ['cn', 'member'], filter: undefined };
const signal = (): AbortSignal => new AbortController().signal;

function uidEntry(id: number, number: number, cn = `Jörg ${String(number)}`): Buffer {
  return entry(id, `uid=${String(number)},${BASE}`, { entryUUID: [`id-${String(number)}`], cn: [cn] });
}

/** A page of two entries, and a second one. */
function page(request: PeerRequest): Buffer[] {
  const first = request.cookie === '' ? 0 : 2;
  const cookie = request.cookie === '' ? 'more' : '';
  return [
    uidEntry(request.id, first),
    uidEntry(request.id, first + 1),
    result(request, 0, pageControl(cookie)),
  ];
}

/** What is done with each search of the base. */
type OnSearch = (request: PeerRequest, line: Line) => Promise<void> | void;

async function peerWith(onSearch: OnSearch, options: FaultPeerOptions = {}): Promise<FaultPeer> {
  const answer: Answer = async (request, line) => {
    if (request.op !== 'Search' || !request.dn.endsWith(BASE)) return false;
    await onSearch(request, line);
    return true;
  };
  return FaultPeer.start(answer, options);
}

async function openOn(peer: FaultPeer): Promise<Session> {
  const bind = { dn: 'cn=admin', password: new Secret('hush') };
  const object = { name: 'a', id: 'entryUUID', base: BASE, scope: 'Subtree', filter: '(uid=*)' } as const;
  const config = { url: peer.url, tls: { mode: 'Disabled' }, bind } as const;
  return openLdap(config, object, { writable: true })(signal());
}

interface Read {
  readonly entries: Entry[];
  readonly evidence: Evidence;
}

async function readFrom(peer: FaultPeer): Promise<Read> {
  await using session = await openOn(peer);
  const entries: Entry[] = [];
  const reading = session.read(REQUEST, signal());
  let step = await reading.next();
  for (; !step.done; step = await reading.next()) entries.push(...step.value);
  return { entries, evidence: step.value };
}

async function readWith(onSearch: OnSearch, options: FaultPeerOptions = {}): Promise<Read> {
  await using peer = await peerWith(onSearch, options);
  const read = await readFrom(peer);
  return read;
}

describe('a directory in pieces', () => {
  it.each([1, 2, 3, 7, 100])('of %i octets is read as a whole', async (pieceBytes) => {
    const { entries, evidence } = await readWith((request, line) => line.send(...page(request)), {
      pieceBytes,
    });
    expect(entries.map(({ id }) => id)).toEqual(['id-0', 'id-1', 'id-2', 'id-3']);
    expect(evidence).toMatchObject({ complete: 'Yes', proof: 'LastPage' });
  });

  it('with an entry of 4 MB in segments is read in no time', async () => {
    const member = Array.from(
      { length: 60_000 },
      (_, index) => `uid=member-number-${String(index)},ou=people,dc=example,dc=org`,
    );
    const large = (id: number): Buffer => entry(id, `cn=g,${BASE}`, { entryUUID: ['g'], member });
    expect(large(1).length).toBeGreaterThan(3 << 20);
    const started = performance.now();
    const { entries } = await readWith(
      (request, line) => line.send(large(request.id), result(request, 0, pageControl(''))),
      { pieceBytes: SEGMENT_BYTES },
    );
    expect(entries[0]?.attributes.get('member')).toEqual(member);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a directory that breaks off', () => {
  const whole = Buffer.concat(page({ id: 4, op: 'Search', dn: BASE, cookie: '', abandons: undefined }));

  it.each(Array.from({ length: 24 }, (_, index) => Math.floor((whole.length * index) / 24)))(
    'after %i octets of a page has not been read',
    async (octets) => {
      const reading = readWith((request, line) => line.end(Buffer.concat(page(request)).subarray(0, octets)));
      await expect(reading).rejects.toMatchObject({ code: 'Unreachable' });
    },
  );

  it('after a whole page that was not the last has not been read, and is not read on by nobody', async () => {
    await using peer = await peerWith((request, line) => line.end(...page(request)));
    await expect(readFrom(peer)).rejects.toMatchObject({ code: 'Unreachable' });
    expect(peer.lines).toHaveLength(2);
    const asked = peer.requests.filter(({ op, dn }) => op === 'Search' && dn === BASE);
    expect(asked.every(({ line }) => line === 1)).toBe(true);
  });

  it('while nothing is asked is opened again, and logged in to, before anything else', async () => {
    await using peer = await peerWith((request, line) => line.send(uidEntry(request.id, 0), result(request)));
    await using session = await openOn(peer);
    peer.lines[0]?.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    for await (const answer of session.fetch(['id-0'], REQUEST, signal())) expect(answer.kind).toBe('There');
    expect(peer.requests.filter(({ line }) => line === 1).map(({ op }) => op)).toEqual(['Bind', 'Search']);
  });

  it('saying why is quoted, but for what it says in words', async () => {
    const reading = readWith((_, line) => line.end(notice(52)));
    await expect(reading).rejects.toThrow(/127\.0\.0\.1:\d+ was lost: it said unavailable and hung up$/);
  });
});

describe('a directory that makes no sense', () => {
  const nonsense: readonly (readonly [string, (request: PeerRequest) => Buffer, RegExp])[] = [
    ['text', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /no LDAP message; is it a directory/],
    ['a TLS alert', () => Buffer.of(0x15, 3, 3, 0, 2, 2, 70), /does the url fit its port/],
    [
      'a length of 2 GB',
      () => Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff),
      /a message of 2147483653 bytes/,
    ],
    ['a length of 4 GB', () => Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0, 0), /at most 134217728/],
    ['an endless length', () => Buffer.of(0x30, 0x80, 0, 0), /a length in a form/],
    ['an answer to nobody', () => result({ id: 4711, op: 'Search' }), /something that was not asked/],
    ['an answer to what is over', () => result({ id: 1, op: 'Search' }), /something that was not asked/],
    ['an answer of the wrong kind', ({ id }) => result({ id, op: 'Modify' }), /of the wrong kind/],
    ['an answer without a code', ({ id }) => message(id, element(0x65)), /breaks off/],
    ['a message without a number', () => element(0x30, element(0x04, 'x')), /another kind/],
    ['a negative number', () => message(-1, element(0x65)), /not asked/],
    ['an empty message', () => element(0x30), /breaks off/],
    ['a broken entry', ({ id }) => message(id, element(0x64, Buffer.of(4, 99))), /longer than/],
    ['a broken control', (request) => result(request, 0, element(0x30, Buffer.of(4, 9))), /longer than/],
  ];
  it.each(nonsense)('by %s has not been read', async (_, answer, why) => {
    const reading = readWith((request, line) => line.send(uidEntry(request.id, 0), answer(request)));
    const error: unknown = await reading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectorError);
    expect((error as ConnectorError).message).toMatch(why);
  });

  it('before anybody has logged in is not logged in to', async () => {
    await using peer = await FaultPeer.start(async (request, line) => {
      await line.send(result({ id: request.id + 1, op: 'Bind' }));
      return true;
    });
    await expect(openOn(peer)).rejects.toMatchObject({ code: 'Unreachable' });
    await expect(openOn(peer)).rejects.not.toThrow(/hush/);
  });

  it('may say what is not known, to nobody and in between', async () => {
    const { entries, evidence } = await readWith((request, line) =>
      line.send(notice(0, '1.2.3.4'), intermediate(request.id, '1.2.3', 'x'), ...page(request)),
    );
    expect(entries).toHaveLength(4);
    expect(evidence.complete).toBe('Yes');
  });
});

describe('a listing', () => {
  const cut: readonly (readonly [string, number, string])[] = [
    ['the size limit', 4, 'SizeLimit'],
    ['the time limit', 3, 'TimeLimit'],
    ['the administrator', 11, 'AdminLimit'],
    ['a busy server', 51, 'Busy'],
    ['an unavailable server', 52, 'Busy'],
    ['a referral', 10, 'Referral'],
  ];
  it.each(cut)('cut short by %s is not whole', async (_, status, reason) => {
    const read = await readWith((request, line) =>
      line.send(...page(request).slice(0, 2), result(request, status, pageControl('more'))),
    );
    expect(read.entries).toHaveLength(2);
    expect(read.evidence).toMatchObject({ complete: 'No', reason });
  });

  it('with a reference in the middle is not whole', async () => {
    const { entries, evidence } = await readWith((request, line) =>
      line.send(reference(request.id), ...page(request)),
    );
    expect(entries).toHaveLength(4);
    expect(evidence).toMatchObject({ complete: 'No', reason: 'Referral' });
  });

  it('of empty pages goes on as long as there is a cookie', async () => {
    let pages = 0;
    const { entries, evidence } = await readWith((request, line) => {
      pages += 1;
      if (pages < 5) return line.send(result(request, 0, pageControl(`cookie ${String(pages)}`)));
      return line.send(uidEntry(request.id, 1), result(request, 0, pageControl('')));
    });
    expect([pages, entries.length, evidence.complete]).toEqual([5, 1, 'Yes']);
  });

  it('that fails on its second page has not been read', async () => {
    const reading = readWith((request, line) =>
      request.cookie === '' ? line.send(...page(request)) : line.send(result(request, 80)),
    );
    await expect(reading).rejects.toMatchObject({ code: 'Refused' });
  });

  it('that does not say whether it is over is not proved by a server that knows pages', async () => {
    const { evidence } = await readWith((request, line) =>
      line.send(uidEntry(request.id, 0), result(request)),
    );
    expect(evidence).toMatchObject({ complete: 'No', reason: 'PageWithoutCookie' });
  });

  it.each([
    ['does not know pages', { supportedControl: ['1.2.3'] }, undefined],
    ['does not say what it knows', {}, ''],
  ] as const)('of a server that %s comes in one piece', async (_, rootDse, cookie) => {
    const cookies: (string | undefined)[] = [];
    const { entries, evidence } = await readWith(
      (request, line) => {
        cookies.push(request.cookie);
        return line.send(uidEntry(request.id, 0), result(request));
      },
      { rootDse },
    );
    expect(entries).toHaveLength(1);
    expect(evidence).toMatchObject({ complete: 'Yes', proof: 'LastPage' });
    expect(cookies).toEqual([cookie]);
  });

  it('in one piece that claims to go on is not whole', async () => {
    const { entries, evidence } = await readWith(
      (request, line) => line.send(uidEntry(request.id, 0), result(request, 0, pageControl('more'))),
      { rootDse: { supportedControl: ['1.2.3'] } },
    );
    expect(entries).toHaveLength(1);
    expect(evidence).toMatchObject({ complete: 'No', reason: 'MissingPage' });
  });

  it('waits for who reads it, and takes no more memory than that', async () => {
    const [count, bytes] = [400, 256 * 1024];
    let sent = 0;
    await using peer = await peerWith(async (request, line) => {
      for (; sent < count; sent += 1) {
        await line.send(uidEntry(request.id, sent, 'x'.repeat(bytes)));
      }
      await line.send(result(request, 0, pageControl('')));
    });
    await using session = await openOn(peer);
    const reading = session.read(REQUEST, signal());
    let step = await reading.next();
    let seen = step.done ? 0 : step.value.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    // What two kernels keep between them is no more than some megabytes.
    expect(sent).toBeLessThan(count / 2);
    for (step = await reading.next(); !step.done; step = await reading.next()) seen += step.value.length;
    expect(seen).toBe(count);
    expect(step.value.complete).toBe('Yes');
  });
});

describe('fetching', () => {
  it('that is broken off while answers are still taken fails once, and opens nothing', async () => {
    let searches = 0;
    // Four of the first look, and one of the second, which looks anywhere: enough for the first fifty ids.
    await using peer = await peerWith(async (request, line) => {
      searches += 1;
      if (searches <= 5) await line.send(result(request));
    });
    await using session = await openOn(peer);
    const ids = Array.from({ length: 400 }, (_, index) => `id-${String(index)}`);
    const answers: string[] = [];
    const fetching = (async () => {
      for await (const { kind } of session.fetch(ids, REQUEST, signal())) {
        answers.push(kind);
        if (answers.length > 1) continue;
        peer.lines[0]?.socket.destroy();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    await expect(fetching).rejects.toMatchObject({ code: 'Unreachable' });
    expect(answers).toHaveLength(50);
    expect(peer.lines).toHaveLength(1);
  });
});

describe('a write', () => {
  const update = { id: 'a', name: `uid=a,${BASE}`, newName: undefined, changes: [] };
  const changed = {
    ...update,
    changes: [{ attribute: 'cn', values: ['geheim'], add: ['geheim'], remove: [] }],
  };
  it.each([
    ['is hung up on', (line: Line) => line.end()],
    ['is answered half', (line: Line) => line.end(Buffer.of(0x30, 0x0c, 0x02))],
    ['is answered by nonsense', (line: Line) => line.send(Buffer.from('nonsense'))],
    ['is answered under another number', (line: Line) => line.send(result({ id: 99, op: 'Modify' }))],
  ])('that %s is Unknown, and the next one is made on another connection', async (_, answer) => {
    let times = 0;
    await using peer = await FaultPeer.start(async ({ op }, line) => {
      if (op !== 'Modify') return false;
      times += 1;
      if (times > 1) return false;
      await answer(line);
      return true;
    });
    await using session = await openOn(peer);
    const written = await session.writer?.update(changed, signal());
    expect(written && codeOf(written)).toBe('Unknown Unreachable');
    expect(JSON.stringify(written)).not.toContain('geheim');
    const again = await session.writer?.update(changed, signal());
    expect(again?.kind).toBe('Applied');
    expect(peer.requests.filter(({ line }) => line === 1).map(({ op }) => op)).toEqual(['Bind', 'Modify']);
  });
});
