/** Asks before every single write whether this process may still write: a lease that was lost is lost at once. */
import type { EntryWriter } from '../engine/ports.ts';
import { StateError } from '../store/state-error.ts';

export function askFence(mayWrite: () => boolean): void {
  if (mayWrite()) return;
  throw new StateError('Superseded', 'the lease is lost; nothing more is written');
}

/** Throws StateError (Superseded) instead of writing: the run ends, and the next owner looks after what was begun. */
export function fenceWriter(writer: EntryWriter, mayWrite: () => boolean): EntryWriter {
  const ask = (): void => askFence(mayWrite);
  const { together } = writer;
  return {
    transactional: writer.transactional,
    create: async (entry, signal) => {
      ask();
      return writer.create(entry, signal);
    },
    update: async (change, signal) => {
      ask();
      return writer.update(change, signal);
    },
    delete: async (entry, signal) => {
      ask();
      return writer.delete(entry, signal);
    },
    commit: async (signal) => {
      ask();
      return writer.commit(signal);
    },
    ...(together && {
      together: {
        begin: () => together.begin(),
        commit: async (signal) => {
          ask();
          await together.commit(signal);
        },
        drop: () => together.drop(),
      },
    }),
  };
}
