/** Runs in real threads, on a real database, into a Repository and into a real directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { monotonicNow, type RunReport } from '../../src/controller/ports.ts';
import type { Progress } from '../../src/engine/run-ports.ts';
import { Fence } from '../../src/runner/fence.ts';
import { plainReferences, referencesOf, type ThreadInput } from '../../src/runner/thread-messages.ts';
import { RunCrashed, ThreadRunner } from '../../src/runner/thread-runner.ts';
import { StateError } from '../../src/store/state-error.ts';
import { openOwned, type OwnedState } from '../../src/store/state.ts';
import { addUnit } from '../support/directory.ts';
import { LdapProxy } from '../support/ldap-proxy.ts';
import { jobOf, writePeople, type JobOptions } from '../support/run-job.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };

let slapd: Slapd;
let proxy: LdapProxy;
let folder = '';
let state: OwnedState;
let fence: Fence;
let units = 0;

beforeAll(async () => {
  slapd = await startSlapd();
  proxy = await LdapProxy.start(slapd.url);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await slapd.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-runner-'));
  state = openOwned(join(folder, 'state'), { pid: process.pid, alone: false });
  fence = new Fence();
  fence.extend(Infinity);
});
afterEach(() => {
  proxy.watch(() => true);
  proxy.delay(0);
  state[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function run(
  options: Omit<JobOptions, 'folder'>,
  { signal = new AbortController().signal, told = [] as Progress[], epoch = state.epoch } = {},
): Promise<RunReport> {
  const runner = new ThreadRunner({ stateFolder: join(folder, 'state'), epoch, fence });
  return runner.run(jobOf({ ...options, folder }), (progress) => told.push(progress), signal);
}

/** Into a branch of its own, through the proxy. */
async function toDirectory(
  writesPerSecond?: number,
): Promise<Pick<JobOptions, 'name' | 'bind' | 'directory'> & { readonly base: string }> {
  const unit = `unit-${++units}`;
  await addUnit(slapd, unit);
  const base = `ou=${unit},${slapd.suffix}`;
  const paced = writesPerSecond === undefined ? {} : { writesPerSecond };
  return {
    name: 'to-directory',
    base,
    directory: { url: proxy.url, base, ...paced },
    bind: { dn: slapd.adminDn, password: slapd.adminPassword },
  };
}

async function added(base: string): Promise<string[]> {
  const all = await slapd.operations();
  return all.flatMap(({ op, dn }) =>
    op === 'ADD' && dn?.startsWith('uid=') && dn.endsWith(base) ? [dn] : [],
  );
}

function count(table: string): number {
  return Number(state.database.get(`SELECT count(*) AS count FROM ${table}`)?.['count']);
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a run in a thread', () => {
  it('does its work, tells its progress and reports what it came to', async () => {
    writePeople(folder, 'people.csv', 50);
    const told: Progress[] = [];
    const report = await run({ name: 'hub' }, { told });
    expect(report.summary).toMatchObject({ mapping: 'default/hub', outcome: 'Succeeded', trigger: 'Spec' });
    expect(report.summary.result?.totals.applied).toBe(50);
    expect([count('objects'), count('links'), count('intents')]).toEqual([50, 50, 0]);
    expect(told.map(({ phase }) => phase)).toContain('Applying');
    expect(Object.keys(report.phases)).toContain('Reading');
  });

  it('writes to a directory with the password of a Secret, and nothing the second time', async () => {
    writePeople(folder, 'people.csv', 20);
    const { base, ...target } = await toDirectory();
    expect((await run(target)).summary.outcome).toBe('Succeeded');
    expect(await added(base)).toHaveLength(20);
    expect((await run(target)).summary.result?.totals.applied).toBe(0);
    expect(await added(base)).toHaveLength(20);
  });

  it('leaves the thread that started it free', async () => {
    writePeople(folder, 'people.csv', 5_000);
    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    await run({ name: 'hub' });
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(20);
  });

  it('is told apart by a refused password: the system’s fault is an outcome, no crash', async () => {
    writePeople(folder, 'people.csv', 1);
    const { base: _base, ...target } = await toDirectory();
    const { summary } = await run({ ...target, bind: { dn: slapd.adminDn, password: 'wrong-horse' } });
    expect(summary).toMatchObject({ outcome: 'Failed', code: 'AuthenticationFailed' });
    expect(inspect(summary, { depth: 9 })).not.toContain('wrong-horse');
  });
});

describe('a run that is stopped', () => {
  it(
    'ends within 5 s, after the write in flight, and the next one goes on',
    { timeout: 30_000 },
    async () => {
      writePeople(folder, 'people.csv', 60);
      const { base, ...target } = await toDirectory(10);
      const stop = new AbortController();
      const running = run(target, { signal: stop.signal });
      await vi.waitFor(async () => expect((await added(base)).length).toBeGreaterThan(4), PATIENCE);
      const at = performance.now();
      stop.abort();
      const { summary } = await running;
      expect(performance.now() - at).toBeLessThan(5_000);
      expect(summary).toMatchObject({ outcome: 'Failed', code: 'Stopped' });
      const done = await added(base);
      await sleep(300);
      expect(await added(base)).toEqual(done);
      expect([count('links'), count('intents')]).toEqual([done.length, 0]);
      const { directory, ...rest } = target;
      const { writesPerSecond: _pace, ...quick } = directory ?? { url: '', base: '' };
      expect((await run({ ...rest, directory: quick })).summary.outcome).toBe('Succeeded');
      const all = await added(base);
      expect([all.length, new Set(all).size]).toEqual([60, 60]);
    },
  );

  it('before it has begun does nothing', async () => {
    writePeople(folder, 'people.csv', 5);
    await failureOf(run({ name: 'hub' }, { signal: AbortSignal.abort() }));
    expect(count('objects')).toBe(0);
  });

  it('ends within 5 s though the directory does not answer', { timeout: 30_000 }, async () => {
    writePeople(folder, 'people.csv', 20);
    const { base: _base, ...target } = await toDirectory();
    let asked = 0;
    proxy.watch(({ op, phase }) => {
      if (op === 'Add' && phase === 'Asked') asked++;
      return op !== 'Add';
    });
    const stop = new AbortController();
    const running = run(target, { signal: stop.signal });
    await vi.waitFor(() => expect(asked).toBeGreaterThan(0), PATIENCE);
    const at = performance.now();
    stop.abort();
    await failureOf(running);
    expect(performance.now() - at).toBeLessThan(5_000);
  });

  it(
    'ends within 5 s though it waits for the store, which another process holds',
    { timeout: 30_000 },
    async () => {
      writePeople(folder, 'people.csv', 5);
      using held = new DatabaseSync(state.database.path);
      held.exec('BEGIN IMMEDIATE');
      const stop = new AbortController();
      const running = failureOf(run({ name: 'hub' }, { signal: stop.signal }));
      await sleep(1_500);
      const at = performance.now();
      stop.abort();
      expect(await running).toMatchObject({ name: 'RunCrashed', code: 'Stopped' });
      expect(performance.now() - at).toBeLessThan(5_000);
      held.exec('ROLLBACK');
    },
  );
});

describe('a run whose lease runs out', () => {
  it('writes nothing more, to the directory or to the store', { timeout: 30_000 }, async () => {
    writePeople(folder, 'people.csv', 60);
    const { base, ...target } = await toDirectory(10);
    const running = failureOf(run(target));
    await vi.waitFor(async () => expect((await added(base)).length).toBeGreaterThan(4), PATIENCE);
    fence.extend(monotonicNow());
    const failure = await running;
    expect(failure).toBeInstanceOf(StateError);
    expect(failure).toMatchObject({ code: 'Superseded' });
    const [done, links] = [await added(base), count('links')];
    await sleep(300);
    expect(await added(base)).toEqual(done);
    expect(count('links')).toBe(links);
    expect(count('intents')).toBeGreaterThan(0);
    fence.extend(Infinity);
    const { directory, ...rest } = target;
    const { writesPerSecond: _pace, ...quick } = directory ?? { url: '', base: '' };
    expect((await run({ ...rest, directory: quick })).summary.outcome).toBe('Succeeded');
    const all = await added(base);
    expect([all.length, new Set(all).size]).toEqual([60, 60]);
    expect(count('intents')).toBe(0);
  });

  it('does not begin at all', async () => {
    writePeople(folder, 'people.csv', 5);
    fence.extend(monotonicNow() - 1);
    expect(await failureOf(run({ name: 'hub' }))).toMatchObject({ code: 'Superseded' });
    expect([count('objects'), count('runs')]).toEqual([0, 0]);
  });

  it('is what a run of an owner before finds, whatever its fence says', async () => {
    writePeople(folder, 'people.csv', 5);
    expect(await failureOf(run({ name: 'hub' }, { epoch: state.epoch - 1 }))).toMatchObject({
      code: 'Superseded',
    });
    expect([count('objects'), count('runs')]).toEqual([0, 0]);
  });
});

describe('two runs at once on one database', { timeout: 60_000 }, () => {
  it('both finish, and nothing is lost', async () => {
    writePeople(folder, 'first.csv', 3_000);
    writePeople(folder, 'second.csv', 2_000);
    const reports = await Promise.all([
      run({ name: 'one', file: 'first.csv' }),
      run({ name: 'two', file: 'second.csv' }),
    ]);
    expect(reports.map(({ summary }) => summary.outcome)).toEqual(['Succeeded', 'Succeeded']);
    expect([count('objects'), count('links'), count('intents')]).toEqual([5_000, 5_000, 0]);
    expect(new Set(reports.map(({ summary }) => summary.sequence)).size).toBe(2);
  });

  it('the one that reads what the store holds goes on while the other writes', async () => {
    writePeople(folder, 'first.csv', 4_000);
    writePeople(folder, 'second.csv', 4_000);
    await run({ name: 'one', file: 'first.csv' });
    const reports = await Promise.all([
      run({ name: 'copy', from: 'one' }),
      run({ name: 'two', file: 'second.csv' }),
    ]);
    expect(reports.map(({ summary }) => summary.outcome)).toEqual(['Succeeded', 'Succeeded']);
    expect(count('objects')).toBe(12_000);
  });

  it('the one does not wait for the directory of the other', async () => {
    writePeople(folder, 'people.csv', 30);
    const { base, ...target } = await toDirectory(5);
    let isSlowOver = false;
    const slow = run(target).finally(() => (isSlowOver = true));
    await vi.waitFor(async () => expect((await added(base)).length).toBeGreaterThan(2), PATIENCE);
    const quick = await run({ name: 'hub' });
    expect(quick.summary.outcome).toBe('Succeeded');
    expect(isSlowOver).toBe(false);
    expect((await slow).summary.outcome).toBe('Succeeded');
    expect(await added(base)).toHaveLength(30);
    expect([count('links'), count('intents')]).toEqual([60, 0]);
  });

  it('nor for one that does not answer at all, nor for a look at what was lost', async () => {
    writePeople(folder, 'people.csv', 30);
    const { base, ...target } = await toDirectory();
    // Sent, and the answers are lost: intents stay open.
    proxy.watch(({ op, phase }) => !(op === 'Add' && phase === 'Answered'));
    const stop = new AbortController();
    const cut = failureOf(run(target, { signal: stop.signal }));
    await vi.waitFor(async () => expect((await added(base)).length).toBeGreaterThan(2), PATIENCE);
    stop.abort();
    await cut;
    expect(count('intents')).toBeGreaterThan(0);
    proxy.watch(() => true);
    proxy.delay(700);
    let isLookOver = false;
    const looking = run(target).finally(() => (isLookOver = true));
    await sleep(1_500);
    expect((await run({ name: 'hub' })).summary.outcome).toBe('Succeeded');
    expect(isLookOver).toBe(false);
    expect((await looking).summary.outcome).toBe('Succeeded');
    const all = await added(base);
    expect([all.length, new Set(all).size]).toEqual([30, 30]);
  });
});

describe('a thread that crashes', () => {
  it('is reported by places in the program, without data', async () => {
    writePeople(folder, 'people.csv', 5);
    await run({ name: 'hub' });
    state.database.run(`UPDATE links SET agreed = 'no JSON: Person 0' WHERE source_key LIKE '%p000000%'`);
    state.database.flush();
    writePeople(folder, 'people.csv', 6);
    state.database.run('DROP TABLE since');
    state.database.flush();
    const failure = await failureOf(run({ name: 'hub' }));
    expect(failure).toBeInstanceOf(RunCrashed);
    const said = inspect(failure, { depth: 9 });
    expect(said).toMatch(/src\/store\//);
    expect(said).not.toMatch(/Person|p00000/);
  });

  it('names what is wrong with the state by its code', async () => {
    writePeople(folder, 'people.csv', 5);
    rmSync(join(folder, 'state', 'key'));
    expect(await failureOf(run({ name: 'hub' }))).toMatchObject({ name: 'RunCrashed', code: 'KeyMissing' });
  });
});

describe('what a thread is given', () => {
  it('brings the values of Secrets, which do not print on either side', () => {
    const { references } = jobOf({ folder, name: 'hub', bind: { dn: 'cn=x', password: 'correct-horse' } });
    const input = structuredClone(plainReferences(references));
    const arrived = referencesOf(input as unknown as ThreadInput);
    expect(arrived.secrets.get('default/bind')?.get('password')?.reveal()).toBe('correct-horse');
    for (const printed of [
      inspect(arrived, { depth: 9 }),
      JSON.stringify([...arrived.secrets.values()].map((one) => [...one])),
    ])
      expect(printed).not.toContain('correct-horse');
  });
});
