/**
 * Keeps a writer within `limits.writesPerSecond`. It promises that in no second more writes begin than that, however
 * late a timer or this process is; writes that are waiting come as evenly as can be, and a rest is not saved up for
 * later. A cancelled run waits for nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntryWriter } from '../engine/ports.ts';

/** What begins evenly may arrive unevenly: a ninth is left unused, so that the system too never sees more in a second. */
const SPAN_MS = 1_125;

export function paceWriter(writer: EntryWriter, pace: Pace): EntryWriter {
  return {
    transactional: writer.transactional,
    create: async (entry, signal) => {
      await pace.turn(signal);
      return writer.create(entry, signal);
    },
    update: async (change, signal) => {
      await pace.turn(signal);
      return writer.update(change, signal);
    },
    delete: async (entry, signal) => {
      await pace.turn(signal);
      return writer.delete(entry, signal);
    },
    commit: (signal) => writer.commit(signal),
  };
}

/** A writer that asks a system more than once for one write takes a turn for each further time itself. */
export class Pace {
  readonly #now: () => number;
  readonly #gap: number;
  /** When the last so many began, in a ring: the one at #at began longest ago. */
  readonly #began: Float64Array;
  #at = 0;
  /** When the next one would begin if everybody were punctual. */
  #next = -Infinity;
  #last: Promise<void> = Promise.resolve();

  constructor(writesPerSecond: number, now: () => number) {
    this.#now = now;
    this.#gap = SPAN_MS / writesPerSecond;
    this.#began = new Float64Array(Math.max(1, Math.floor(writesPerSecond))).fill(-Infinity);
  }

  /** One after the other, in the order in which they were asked for. */
  turn(signal: AbortSignal): Promise<void> {
    const asked = this.#now();
    this.#last = this.#last.then(() => this.#wait(asked, signal));
    return this.#last;
  }

  async #wait(asked: number, signal: AbortSignal): Promise<void> {
    const oldest = this.#began[this.#at] ?? -Infinity;
    const due = Math.max(this.#next, oldest + SPAN_MS);
    // A timer may be early. The engine looks at the signal itself; an aborted wait only means not to wait.
    for (let wait = due - this.#now(); wait > 0 && !signal.aborted; wait = due - this.#now())
      await sleep(Math.ceil(wait), undefined, { signal }).catch(() => undefined);
    this.#began[this.#at] = this.#now();
    this.#at = (this.#at + 1) % this.#began.length;
    this.#next = Math.max(this.#next, asked) + this.#gap;
  }
}
