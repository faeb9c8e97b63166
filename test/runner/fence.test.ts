/** The fence, and the writer behind it: what may not be written any more does not reach the system. */
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/controller/ports.ts';
import { Pace, paceWriter } from '../../src/connectors/paced-writer.ts';
import type { EntryWriter, Written } from '../../src/engine/ports.ts';
import { Fence } from '../../src/runner/fence.ts';
import { fenceWriter } from '../../src/runner/fenced-writer.ts';
import { startChild } from '../support/child.ts';

const APPLIED: Written = { kind: 'Applied', id: 'x', name: undefined };
const { signal } = new AbortController();

function recording(): { readonly writer: EntryWriter; readonly calls: string[] } {
  const calls: string[] = [];
  const call = (name: string) => (): Promise<Written> => {
    calls.push(name);
    return Promise.resolve(APPLIED);
  };
  const writer = {
    transactional: false,
    create: call('create'),
    update: call('update'),
    delete: call('delete'),
    commit: call('commit'),
    together: {
      begin: () => undefined,
      commit: async () => {
        await call('commit together')();
      },
      drop: () => undefined,
    },
  };
  return { writer, calls };
}

const WRITES: readonly {
  readonly name: string;
  readonly write: (writer: EntryWriter) => Promise<Written>;
}[] = [
  { name: 'create', write: (writer) => writer.create({ name: undefined, attributes: new Map() }, signal) },
  {
    name: 'update',
    write: (writer) => writer.update({ id: 'x', name: undefined, newName: undefined, changes: [] }, signal),
  },
  { name: 'delete', write: (writer) => writer.delete({ id: 'x', name: undefined }, signal) },
  { name: 'commit', write: (writer) => writer.commit(signal) },
  {
    name: 'commit together',
    write: async (writer) => {
      await writer.together?.commit(signal);
      return APPLIED;
    },
  },
];

describe('a fenced writer', () => {
  it.each(WRITES)('passes $name on while it may write, and nothing after', async ({ name, write }) => {
    const { writer, calls } = recording();
    let isOurs = true;
    const fenced = fenceWriter(writer, () => isOurs);
    expect(await write(fenced)).toEqual(APPLIED);
    isOurs = false;
    await expect(write(fenced)).rejects.toMatchObject({ code: 'Superseded' });
    expect(calls).toEqual([name]);
  });

  it('asks after the pace has let the write through, not before', async () => {
    const { writer, calls } = recording();
    let isOurs = true;
    const paced = paceWriter(
      fenceWriter(writer, () => isOurs),
      new Pace(10, () => performance.now()),
    );
    const [create] = WRITES;
    if (!create) throw new Error('no write');
    await create.write(paced);
    const waiting = create.write(paced);
    isOurs = false;
    await expect(waiting).rejects.toMatchObject({ code: 'Superseded' });
    expect(calls).toEqual(['create']);
  });
});

describe('the fence', () => {
  it('is closed until it is extended', () => {
    expect(new Fence().mayWrite()).toBe(false);
  });

  it('is open until its time, and for ever where nobody can take over', async () => {
    const fence = new Fence();
    fence.extend(monotonicNow() + 50);
    expect(fence.mayWrite()).toBe(true);
    await sleep(60);
    expect(fence.mayWrite()).toBe(false);
    fence.extend(Infinity);
    expect(fence.mayWrite()).toBe(true);
  });

  it('is taken back at once', () => {
    const fence = new Fence();
    fence.extend(Infinity);
    fence.extend(0);
    expect(fence.mayWrite()).toBe(false);
  });

  it('is the same in every thread', async () => {
    const fence = new Fence();
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.on('message', async () => {
        const { Fence } = await import(workerData.file);
        parentPort.postMessage(new Fence(workerData.shared).mayWrite());
      });`;
    const file = new URL('../../src/runner/fence.ts', import.meta.url).href;
    const worker = new Worker(program, { eval: true, workerData: { file, shared: fence.shared } });
    const ask = async (): Promise<unknown> => {
      worker.postMessage('ask');
      return ((await once(worker, 'message')) as unknown[])[0];
    };
    expect(await ask()).toBe(false);
    fence.extend(Infinity);
    expect(await ask()).toBe(true);
    fence.extend(monotonicNow());
    expect(await ask()).toBe(false);
    await worker.terminate();
  });

  it('is over for a process that was paused beyond its time', async () => {
    const program = `
      import { Fence } from './src/runner/fence.ts';
      import { monotonicNow } from './src/controller/ports.ts';
      const fence = new Fence();
      fence.extend(monotonicNow() + 1_000);
      console.log('open ' + fence.mayWrite());
      process.on('SIGCONT', () => undefined);
      setInterval(() => console.log('now ' + fence.mayWrite()), 400);`;
    await using child = startChild(program);
    expect(await child.line('open')).toBe('open true');
    child.process.kill('SIGSTOP');
    await sleep(1_200);
    child.process.kill('SIGCONT');
    expect(await child.line('now')).toBe('now false');
  });
});
