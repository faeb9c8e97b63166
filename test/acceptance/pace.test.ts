/**
 * What a directory sees of `limits`, measured where requests arrive and not where they are sent: no second brings more
 * writes than are allowed, what is allowed is used, and whoever is busy is asked for less at once, for a while.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Company, csv, lastRunOf, mappingOf, people, type Person } from '../support/acceptance.ts';
import { ANSWERS, cutRequests, OPERATIONS, partAt, result } from '../support/ldap-messages.ts';
import { carriedOut } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

/** A password is set by an extended operation; without TLS there is no other. */
const WRITES: readonly string[] = ['Add', 'Modify', 'Delete', 'Rename', 'Extended'];
const WRITE_ANSWERS = new Set(WRITES.map((op) => ANSWERS[op]));
const BUSY = 51;
const PER_SECOND = 50;
const IN_FLIGHT = 8;
/** How many the busy directory takes at once, and how long it takes for each. */
const ROOM = 3;
const HELD_MS = 100;

interface Arrival {
  readonly op: string;
  readonly at: number;
  /** How many are under way, this one included. */
  readonly level: number;
}

/** What becomes of a write that has arrived: once resolved it is passed on, or answered in the directory's place. */
type OnWrite = (arrival: Arrival, relay: Relay) => Promise<'Pass' | 'Busy'>;

/** Stands before a directory and notes every write when it arrives. Its process is not that of the program. */
class Relay implements AsyncDisposable {
  readonly arrivals: Arrival[] = [];
  onWrite: OnWrite = () => Promise.resolve('Pass');
  readonly #port: number;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #lines: Set<Socket> = new Set();
  #level = 0;

  private constructor(target: string) {
    this.#port = Number(new URL(target).port);
  }

  static async start(target: string): Promise<Relay> {
    const relay = new Relay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    return `ldap://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** No answer goes through for so long; requests do. */
  async stall(milliseconds: number): Promise<void> {
    for (const line of this.#lines) line.pause();
    await sleep(milliseconds);
    for (const line of this.#lines) line.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) line.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const directory = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    this.#lines.add(directory);
    onMessages(client, (message, tag) => {
      const op = OPERATIONS[tag] ?? '';
      if (WRITES.includes(op)) void this.#take(message, op, { client, directory });
      else directory.write(message);
    });
    onMessages(directory, (message, tag) => {
      if (WRITE_ANSWERS.has(tag)) this.#level--;
      client.write(message);
    });
    for (const [one, other] of [
      [client, directory],
      [directory, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    directory.on('close', () => this.#lines.delete(directory));
  }

  async #take(
    message: Buffer,
    op: string,
    { client, directory }: { client: Socket; directory: Socket },
  ): Promise<void> {
    const arrival = { op, at: performance.now(), level: ++this.#level };
    this.arrivals.push(arrival);
    if ((await this.onWrite(arrival, this)) === 'Pass') {
      directory.write(message);
      return;
    }
    this.#level--;
    for (const request of cutRequests(message).requests) client.write(result(request, BUSY));
  }
}

/** Whole messages, however they are cut into segments, and the tag of the operation of each. */
function onMessages(socket: Socket, take: (message: Buffer, tag: number) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (let next = partAt(rest, 0); next && next.end <= rest.length; next = partAt(rest, 0)) {
      const message = rest.subarray(0, next.end);
      const number = partAt(message, next.from);
      rest = rest.subarray(next.end);
      take(message, message[number?.end ?? 0] ?? 0);
    }
  });
}

let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd();
}, 60_000);
afterAll(() => slapd.stop());

interface Scene extends AsyncDisposable {
  readonly relay: Relay;
  readonly company: Company;
  /** A process of its own runs until the file is carried out, and the writes that arrived meanwhile. */
  run(rows: readonly Person[]): Promise<readonly Arrival[]>;
}

async function sceneWith(writesPerSecond: number): Promise<Scene> {
  const relay = await Relay.start(slapd.url);
  const guards = `guards: { budgets: [ ${['Create', 'Update', 'Rename', 'Delete'].map((effect) => `{ effect: ${effect}, maxPercent: 100, minCount: 9999 }`).join(', ')} ] }`;
  const mappings = ({ base }: { base: string }): string =>
    mappingOf({ name: 'accounts', more: guards }, base);
  const company = await Company.open(slapd, { url: relay.url, mappings });
  const limits = `  limits: { writesPerSecond: ${String(writesPerSecond)}, writesInFlight: ${String(IN_FLIGHT)} }`;
  company.folder.edit('manifests.yaml', (text) =>
    text.replace('  access: ReadWrite\n', `  access: ReadWrite\n${limits}\n`),
  );
  return {
    relay,
    company,
    async run(rows) {
      relay.arrivals.length = 0;
      company.folder.write('people.csv', csv(rows));
      const { outcome, totals } = lastRunOf(await company.document());
      expect([outcome, totals.failed, totals.held]).toEqual(['Succeeded', 0, 0]);
      return [...relay.arrivals];
    },
    async [Symbol.asyncDispose]() {
      company[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** The most that arrived within any second, and how many a second from the first to the last. */
function measured(arrivals: readonly Arrival[]): { most: number; rate: number } {
  let most = 0;
  let from = 0;
  for (const [to, { at }] of arrivals.entries()) {
    while (at - (arrivals[from]?.at ?? at) >= 1_000) from++;
    most = Math.max(most, to - from + 1);
  }
  const [first = 0, last = 0] = [arrivals[0]?.at, arrivals.at(-1)?.at];
  return { most, rate: ((arrivals.length - 1) * 1_000) / (last - first) };
}

const named = (rows: readonly Person[], more: string): Person[] =>
  rows.map((row) => ({ ...row, name: `${row.name} ${more}` }));
const opsOf = (arrivals: readonly Arrival[]): string[] =>
  [...new Set(arrivals.map(({ op }) => op))].toSorted();
const mean = (arrivals: readonly Arrival[]): number =>
  arrivals.reduce((sum, { level }) => sum + level, 0) / arrivals.length;

describe('at fifty a second', { timeout: 90_000 }, () => {
  it('never more arrive in any second, and four fifths are used; nor to catch up after no answer came', async () => {
    await using scene = await sceneWith(PER_SECOND);
    const created = await scene.run(people(250));
    expect([created.length, opsOf(created)]).toEqual([250, ['Add']]);
    expect(scene.company.writes().ADD).toBe(250);
    const { most, rate } = measured(created);
    expect(most).toBeLessThanOrEqual(PER_SECOND);
    expect(rate).toBeGreaterThanOrEqual(0.8 * PER_SECOND);

    scene.relay.onWrite = (_, { arrivals }) => {
      if (arrivals.length === 70) void scene.relay.stall(400);
      return Promise.resolve('Pass');
    };
    const changed = await scene.run(named(people(240), 'x'));
    expect([changed.length, opsOf(changed)]).toEqual([250, ['Delete', 'Modify']]);
    // As many were waiting for an answer as may.
    expect(Math.max(...changed.map(({ level }) => level))).toBe(IN_FLIGHT);
    expect(measured(changed).most).toBeLessThanOrEqual(PER_SECOND);
  });

  it('counts every request of an entry that takes two', async () => {
    await using scene = await sceneWith(PER_SECOND);
    const { base, folder } = scene.company;
    const unit = `dn: ou=moved,ou=people,${base}\nobjectClass: organizationalUnit\nou: moved\n`;
    await slapd.run('ldapadd', [], unit);
    folder.edit('manifests.yaml', (text) =>
      text.replace(
        '    - { target: cn,',
        `    - { target: userPassword, expression: "'Quarrow-' + source.id" }\n$&`,
      ),
    );
    const created = await scene.run(people(70));
    folder.edit('manifests.yaml', (text) =>
      text.replace(`'ou=people,${base}'"`, `'ou=moved,ou=people,${base}'"`),
    );
    const moved = await scene.run(named(people(70), 'x'));
    expect([opsOf(created), opsOf(moved)]).toEqual([
      ['Add', 'Extended'],
      ['Modify', 'Rename'],
    ]);
    for (const arrivals of [created, moved]) {
      expect(arrivals).toHaveLength(140);
      const { most, rate } = measured(arrivals);
      expect(most).toBeLessThanOrEqual(PER_SECOND);
      expect(rate).toBeGreaterThanOrEqual(0.8 * PER_SECOND);
    }
  });
});

it(
  'a directory that is busy for a while has less to do at once, then as much as before, and everything once',
  { timeout: 90_000 },
  async () => {
    await using scene = await sceneWith(10 * PER_SECOND);
    const isBusy = (nth: number): boolean => nth > 80 && nth <= 200;
    scene.relay.onWrite = async ({ level }, { arrivals }) => {
      const nth = arrivals.length;
      await sleep(HELD_MS);
      return isBusy(nth) && level > ROOM ? 'Busy' : 'Pass';
    };
    const arrivals = await scene.run(people(300));
    expect(arrivals.length).toBeGreaterThan(300);
    const added = carriedOut(slapd.folder, 'ADD').filter((dn) =>
      dn.endsWith(`ou=people,${scene.company.base}`),
    );
    expect(added.filter((dn) => dn.startsWith('uid='))).toHaveLength(300);

    expect(Math.max(...arrivals.slice(0, 80).map(({ level }) => level))).toBe(IN_FLIGHT);
    // The first of them were on their way before anybody knew.
    expect(mean(arrivals.slice(100, 200))).toBeLessThanOrEqual(ROOM + 1);
    const last = arrivals.slice(-40);
    expect(Math.max(...last.map(({ level }) => level))).toBe(IN_FLIGHT);
    expect(mean(last)).toBeGreaterThan(ROOM + 1);
  },
);
