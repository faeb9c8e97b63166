/** Keeps a writer within `limits.writesPerSecond`: each write waits for its turn, and a cancelled run waits for nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntryWriter } from '../engine/ports.ts';

export function paceWriter(writer: EntryWriter, writesPerSecond: number, now: () => number): EntryWriter {
  const gap = 1_000 / writesPerSecond;
  let next = 0;
  const turn = async (signal: AbortSignal): Promise<void> => {
    const at = Math.max(next, now());
    next = at + gap;
    const wait = at - now();
    // The engine looks at the signal itself; an aborted wait only means not to wait.
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
  };
  return {
    transactional: writer.transactional,
    create: async (entry, signal) => {
      await turn(signal);
      return writer.create(entry, signal);
    },
    update: async (change, signal) => {
      await turn(signal);
      return writer.update(change, signal);
    },
    delete: async (entry, signal) => {
      await turn(signal);
      return writer.delete(entry, signal);
    },
    commit: (signal) => writer.commit(signal),
  };
}
