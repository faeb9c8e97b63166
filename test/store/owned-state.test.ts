/** Who owns the state: a new owner makes the one before write nothing more, and the command line and operators keep each other out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ownership } from '../../src/store/database.ts';
import { StateError } from '../../src/store/state-error.ts';
import { joinState, openOwned, openState, openStateForReading, type State } from '../../src/store/state.ts';
import { startChild } from '../support/child.ts';

const PUT = `INSERT OR REPLACE INTO meta (name, value) VALUES ('test', ?)`;

let parent = '';
let folder = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'rollcall-owned-'));
  folder = join(parent, 'state');
});
afterEach(() => rmSync(parent, { recursive: true }));

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StateError) return error.code;
    throw error;
  }
  return 'none';
}

/** A thread of the owner of that epoch. */
function thread(epoch: number, mayWrite: Ownership['mayWrite'] = () => true): State {
  return joinState(folder, { epoch, mayWrite });
}

function own(): number {
  using state = openOwned(folder, { pid: process.pid, alone: false });
  return state.epoch;
}

function written(): string | undefined {
  using state = openStateForReading(folder);
  const value = state?.database.get(`SELECT value FROM meta WHERE name = 'test'`)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

describe('every new owner', () => {
  it('raises the epoch, from one process to the next', () => {
    expect([own(), own(), own()]).toEqual([1, 2, 3]);
  });

  it('finds the key and what was written before', () => {
    const epoch = own();
    using owner = thread(epoch);
    owner.database.run(PUT, 'kept');
    owner.database.flush();
    own();
    expect(written()).toBe('kept');
  });

  it('makes the next transaction of the one before fail as it begins', () => {
    using before = thread(own());
    before.database.run(PUT, 'mine');
    before.database.flush();
    own();
    expect(codeOf(() => before.database.run(PUT, 'late'))).toBe('Superseded');
    expect(codeOf(() => before.database.atomically(() => before.database.run(PUT, 'late')))).toBe(
      'Superseded',
    );
    expect(written()).toBe('mine');
  });

  it('does not read what the one before had begun', () => {
    let isOurs = true;
    {
      using before = thread(own(), () => isOurs);
      before.database.run(PUT, 'half');
      isOurs = false;
      expect(codeOf(() => before.database.flush())).toBe('Superseded');
    }
    own();
    expect(written()).toBeUndefined();
  });
});

describe('a lease that has run out', () => {
  it('lets no transaction begin', () => {
    using owner = thread(own(), () => false);
    expect(codeOf(() => owner.database.run(PUT, 'late'))).toBe('Superseded');
    expect(written()).toBeUndefined();
  });

  it('lets none be committed that began while it held, and leaves the store free for others', () => {
    let isOurs = true;
    using owner = thread(own(), () => isOurs);
    owner.database.run(PUT, 'late');
    isOurs = false;
    expect(codeOf(() => owner.database.flush())).toBe('Superseded');
    expect(written()).toBeUndefined();
    using next = openOwned(folder, { pid: process.pid, alone: false });
    expect(next.epoch).toBe(2);
  });

  it('closes without a word, and without what was not committed', () => {
    let isOurs = true;
    const owner = thread(own(), () => isOurs);
    owner.database.run(PUT, 'late');
    isOurs = false;
    owner[Symbol.dispose]();
    expect(written()).toBeUndefined();
  });
});

/** Opens the folder in a process of its own, and says what came of it. */
const opener = (open: string): string => `
  import { openOwned, openState } from './src/store/state.ts';
  const folder = ${JSON.stringify(folder)};
  try {
    const state = ${open};
    console.log('opened');
    setInterval(() => state, 1_000);
  } catch (error) {
    console.log('refused ' + error.code + ' ' + error.message);
  }`;
const OPERATOR = 'openOwned(folder, { pid: process.pid, alone: false })';
const ALONE = 'openOwned(folder, { pid: process.pid, alone: true })';
const COMMAND = 'openState(folder, process.pid)';

describe('real processes on one folder', { timeout: 30_000 }, () => {
  it.each([
    { first: 'an operator', holds: OPERATOR, second: 'the command line', asks: COMMAND },
    { first: 'the command line', holds: COMMAND, second: 'an operator', asks: OPERATOR },
    { first: 'rollcall up', holds: ALONE, second: 'an operator', asks: OPERATOR },
    { first: 'an operator', holds: OPERATOR, second: 'rollcall up', asks: ALONE },
    { first: 'rollcall up', holds: ALONE, second: 'rollcall up', asks: ALONE },
  ])('$first keeps $second out, by name, until it ends', async ({ holds, asks }) => {
    await using holder = startChild(opener(holds));
    await holder.line('opened');
    await using refused = startChild(opener(asks));
    const said = await refused.line('refused');
    expect(said).toContain('refused Locked');
    expect(said).toContain(`process ${holder.process.pid}`);
    holder.process.kill('SIGKILL');
    await holder.ended();
    await using next = startChild(opener(asks));
    await next.line('opened');
  });

  it('two operators may hold it at once: the lease decides between them', async () => {
    await using first = startChild(opener(OPERATOR));
    await first.line('opened');
    await using second = startChild(opener(OPERATOR));
    await second.line('opened');
    expect(readFileSync(join(folder, 'owner'), 'utf8')).toBe(`${second.process.pid}\n`);
    using state = openStateForReading(folder);
    expect(state?.database.get(`SELECT value FROM meta WHERE name = 'epoch'`)).toEqual({ value: '2' });
  });

  it('who only looks is kept out by nobody', async () => {
    await using holder = startChild(opener(OPERATOR));
    await holder.line('opened');
    expect(written()).toBeUndefined();
  });
});

/** An owner that begins a transaction, waits to be paused, and commits when it goes on. */
const paused = (): string => `
  import { openOwned, joinState } from './src/store/state.ts';
  const folder = ${JSON.stringify(folder)};
  const { epoch } = openOwned(folder, { pid: process.pid, alone: false });
  const until = process.hrtime.bigint() + 3_000_000_000n;
  const state = joinState(folder, { epoch, mayWrite: () => process.hrtime.bigint() < until });
  state.database.run(${JSON.stringify(PUT)}, 'late');
  console.log('begun');
  setTimeout(() => {
    try {
      state.database.flush();
      console.log('committed');
    } catch (error) {
      console.log('failed ' + error.code);
    }
  }, 500);`;

describe('an owner that is paused in the middle of a transaction', { timeout: 30_000 }, () => {
  it('keeps its successor out, which says so, and commits nothing when it goes on after its lease', async () => {
    await using first = startChild(paused());
    await first.line('begun');
    first.process.kill('SIGSTOP');
    await sleep(3_000);
    expect(codeOf(() => openOwned(folder, { pid: process.pid, alone: false }))).toBe('Locked');
    first.process.kill('SIGCONT');
    expect(await first.line('failed')).toBe('failed Superseded');
    using next = openOwned(folder, { pid: process.pid, alone: false });
    expect(next.epoch).toBe(2);
    expect(written()).toBeUndefined();
  });

  it('leaves the store to its successor when it is killed', async () => {
    await using first = startChild(paused());
    await first.line('begun');
    first.process.kill('SIGSTOP');
    first.process.kill('SIGKILL');
    await first.ended();
    using next = openOwned(folder, { pid: process.pid, alone: false });
    expect(next.epoch).toBe(2);
    expect(written()).toBeUndefined();
  });
});

it('a state that is opened alone takes no epoch from anybody', () => {
  using _state = openState(folder, process.pid);
  using read = openStateForReading(folder);
  expect(read?.database.get(`SELECT value FROM meta WHERE name = 'epoch'`)).toBeUndefined();
});
