/** A directory that is busy for a while, or for ever: every entry is written exactly once, more slowly, and then not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Pace, paceWriter } from '../../src/connectors/paced-writer.ts';
import { patientWriter } from '../../src/connectors/patient-writer.ts';
import { ConnectorError } from '../../src/engine/errors.ts';
import type { EntryWriter, Written } from '../../src/engine/ports.ts';
import { freshBase, openOn, uidDn } from '../support/ldap-harness.ts';
import { LdapProxy, type LdapMoment, type OnMoment } from '../support/ldap-proxy.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const IN_FLIGHT = 8;
const BUSY: Written = { kind: 'Refused', error: new ConnectorError('Busy', 'add: busy') };
const APPLIED: Written = { kind: 'Applied', id: 'a', name: undefined };
const NOBODY = { name: undefined, attributes: new Map<string, readonly string[]>() };
const { signal } = new AbortController();
/** The shortest pauses. */
const patience = { writesInFlight: IN_FLIGHT, chance: () => 0 };

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(() => slapd.stop());

/** One after the other in each lane, as the engine does. */
async function inLanes<T>(
  things: readonly T[],
  lanes: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const queue = things.values();
  const lane = async (): Promise<void> => {
    for (const one of queue) await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

describe('before a directory', () => {
  /** Through a proxy that may answer in the place of the directory; what the directory itself has added is counted. */
  async function writeThrough(
    count: number,
    onAdd: (phase: LdapMoment['phase'], proxy: LdapProxy) => ReturnType<OnMoment>,
  ): Promise<{ answers: Written[]; asked: number; added: number }> {
    await using proxy = await LdapProxy.start(slapd.url);
    const base = await freshBase(slapd);
    await using session = await openOn(slapd, base, { config: { url: proxy.url } });
    if (!session.writer) throw new Error('no writer');
    const patient = patientWriter(session.writer, patience);
    let asked = 0;
    proxy.watch(({ op, phase }) => {
      if (op !== 'Add') return true;
      if (phase === 'Asked') asked++;
      return onAdd(phase, proxy);
    });
    await slapd.forget();
    const answers: Written[] = [];
    const people = Array.from({ length: count }, (_, at) => `u${String(at)}`);
    await inLanes(people, IN_FLIGHT, async (uid) => {
      const attributes = new Map(['uid', 'cn', 'sn'].map((name) => [name, [uid]]));
      answers.push(await patient.create({ name: uidDn(uid, base), attributes }, signal));
    });
    const added = (await slapd.operations()).filter(({ op }) => op === 'ADD').length;
    return { answers, asked, added };
  }

  it.each([
    { when: 'busy', answer: { code: 51 } },
    { when: 'unavailable', answer: { code: 52 } },
    { when: 'throttling', answer: { code: 11, message: 'too many requests' } },
  ])('$when for a while: everything is written exactly once', async ({ answer }) => {
    let at = 0;
    const { answers, asked, added } = await writeThrough(60, (phase) => {
      if (phase === 'Answered') return true;
      at++;
      return at > 10 && at <= 25 ? answer : true;
    });
    expect(answers.filter(({ kind }) => kind === 'Applied')).toHaveLength(60);
    expect([asked, added]).toEqual([75, 60]);
  });

  it('too much for one operation: that is no reason to try again', async () => {
    const { answers, asked } = await writeThrough(1, () => ({ code: 11, message: 'size of the request' }));
    expect(answers).toMatchObject([{ kind: 'Refused', error: { code: 'LimitExceeded' } }]);
    expect(asked).toBe(1);
  });

  it('an answer that is lost is never asked for again', async () => {
    const { answers, asked, added } = await writeThrough(1, (phase, proxy) => {
      if (phase === 'Answered') proxy.cut();
      return phase === 'Asked';
    });
    expect(answers).toMatchObject([{ kind: 'Unknown' }]);
    expect([asked, added]).toEqual([1, 1]);
  });
});

describe('the window', () => {
  /** Notes how many are under way whenever one begins; refuses whatever goes beyond `room`. */
  function system(room: () => number): { writer: EntryWriter; levels: number[]; begun: () => number } {
    const levels: number[] = [];
    let underWay = 0;
    const attempt = async (): Promise<Written> => {
      underWay++;
      levels.push(underWay);
      const isTooMuch = underWay > room();
      await new Promise((resolve) => setTimeout(resolve, 2));
      underWay--;
      return isTooMuch ? BUSY : APPLIED;
    };
    const writer = {
      transactional: false,
      create: attempt,
      update: attempt,
      delete: attempt,
      commit: () => Promise.resolve(APPLIED),
    };
    return { writer, levels, begun: () => levels.length };
  }

  const writeAll = async (writer: EntryWriter, count: number): Promise<Written[]> => {
    const answers: Written[] = [];
    await inLanes(Array.from({ length: count }), IN_FLIGHT, async () => {
      answers.push(await writer.create(NOBODY, signal));
    });
    return answers;
  };

  it('is all that is allowed, until the system is busy', async () => {
    const { writer, levels } = system(() => IN_FLIGHT);
    await writeAll(patientWriter(writer, patience), 100);
    expect(Math.max(...levels)).toBe(IN_FLIGHT);
  });

  it('is halved by a refusal, once for all that were under way, and grows again by one for each whole window', async () => {
    let isFull = false;
    const { writer, levels } = system(() => (isFull ? 0 : IN_FLIGHT));
    const patient = patientWriter(writer, patience);
    isFull = true;
    const first = writeAll(patient, IN_FLIGHT);
    await new Promise((resolve) => setTimeout(resolve, 1));
    isFull = false;
    await first;
    levels.length = 0;
    const second = await writeAll(patient, 60);
    expect(second.every(({ kind }) => kind === 'Applied')).toBe(true);
    // Eight tried again through a window of 4, which grew by one meanwhile: 4 + 4 of its 5.
    expect(levels.slice(0, 6).every((level) => level <= 5)).toBe(true);
    expect(Math.max(...levels)).toBe(IN_FLIGHT);
  });

  it('settles at what the system takes at once, and wastes little', async () => {
    const { writer, begun } = system(() => 2);
    const answers = await writeAll(patientWriter(writer, patience), 100);
    expect(answers.every(({ kind }) => kind === 'Applied')).toBe(true);
    expect(begun()).toBeLessThan(200);
  });

  it('waits for nothing any more when the run is asked to stop', async () => {
    const { writer } = system(() => 0);
    const stop = new AbortController();
    const patient = patientWriter(writer, { writesInFlight: 1, chance: () => 1 });
    const started = performance.now();
    const waiting = [1, 2, 3].map(() => patient.create(NOBODY, stop.signal));
    setTimeout(() => stop.abort(), 20);
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(['Refused', 'Refused', 'Refused']);
    expect(performance.now() - started).toBeLessThan(90);
  });

  it('counts what is tried again against the pace', async () => {
    const times: number[] = [];
    const attempt = (): Promise<Written> => {
      times.push(performance.now());
      return Promise.resolve(times.length % 3 === 0 ? BUSY : APPLIED);
    };
    const writer = {
      transactional: false,
      create: attempt,
      update: attempt,
      delete: attempt,
      commit: attempt,
    };
    const patient = patientWriter(paceWriter(writer, new Pace(50, () => performance.now())), patience);
    await writeAll(patient, 60);
    const most = Math.max(
      ...times.map((start) => times.filter((at) => at >= start && at < start + 1_000).length),
    );
    expect(times.length).toBeGreaterThan(80);
    expect(most).toBeLessThanOrEqual(50);
  });

  it(
    'busy for ever: gives up after some ten seconds, says so, and then soon',
    { timeout: 60_000 },
    async () => {
      const { writer, begun } = system(() => 0);
      const patient = patientWriter(writer, patience);
      const started = performance.now();
      const answers = await writeAll(patient, 30);
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(begun()).toBeLessThan(100);
      for (const answer of answers)
        expect(answer).toMatchObject({ kind: 'Refused', error: { code: 'Busy' } });
      const last = answers.at(-1);
      expect(last?.kind === 'Refused' ? last.error.message : '').toContain(
        'run again when it has less to do, or give it less to do with limits.writesInFlight',
      );
    },
  );
});
