/**
 * Gives a system as much at once as it can take. A write that is answered `Busy` certainly did not happen: it is tried
 * again after a pause, and fewer writes are under way at the same time; with every whole window of writes that go
 * through it is one more again, up to the limit. An answer that was lost is never asked for again here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectorError } from '../engine/errors.ts';
import type { EntryWriter, Written } from '../engine/ports.ts';

/** Half of it at least, by chance, so that those who were refused together do not come back together. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** While nothing else goes through either. With the pauses some ten seconds: who is busy for longer wants to be left alone. */
const FRUITLESS_TRIES = 8;
/** Of a write that has bad luck, while others go through. */
const TRIES = 40;

export interface Patience {
  readonly writesInFlight: number;
  /** From 0 to 1. */
  readonly chance: () => number;
}

export function patientWriter(writer: EntryWriter, patience: Patience): EntryWriter {
  const window = new Window(patience);
  return {
    transactional: writer.transactional,
    create: (entry, signal) => window.write(() => writer.create(entry, signal), signal),
    update: (change, signal) => window.write(() => writer.update(change, signal), signal),
    delete: (entry, signal) => window.write(() => writer.delete(entry, signal), signal),
    commit: (signal) => writer.commit(signal),
  };
}

class Window {
  readonly #limit: number;
  readonly #chance: () => number;
  #size: number;
  #inFlight = 0;
  /** Went through, altogether. */
  #through = 0;
  /** Went through since the window was last changed. */
  #successes = 0;
  /** Counts how often the window was made smaller: all that a write under way meets of it is one refusal. */
  #cuts = 0;
  /** Somebody has tried for as long as may be, and nothing has gone through since: nobody else has to find out. */
  #isHopeless = false;
  /** Who came first is let in first. Empty while there is room. */
  readonly #waiting: Set<() => void> = new Set();

  constructor({ writesInFlight, chance }: Patience) {
    this.#limit = writesInFlight;
    this.#size = writesInFlight;
    this.#chance = chance;
  }

  async write(attempt: () => Promise<Written>, signal: AbortSignal): Promise<Written> {
    let fruitless = 0;
    for (let tries = 1; ; tries++) {
      const through = this.#through;
      const written = await this.#admit(attempt, signal);
      if (!isBusy(written)) return written;
      fruitless = through === this.#through ? fruitless + 1 : 1;
      if (fruitless >= FRUITLESS_TRIES) this.#isHopeless = true;
      if (this.#isHopeless || tries >= TRIES) return givenUp(written.error, tries);
      await this.#pause(fruitless, signal);
      if (signal.aborted) return written;
    }
  }

  async #admit(attempt: () => Promise<Written>, signal: AbortSignal): Promise<Written> {
    await this.#enter(signal);
    const cuts = this.#cuts;
    try {
      const written = await attempt();
      if (isBusy(written)) this.#shrink(cuts);
      else if (written.kind === 'Applied') this.#grow();
      return written;
    } finally {
      this.#inFlight--;
      this.#letIn();
    }
  }

  /** Who is told to stop waits no longer; what it then asks for is not sent any more. */
  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#inFlight < this.#size || signal.aborted) {
      this.#inFlight++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const enter = (): void => {
      if (this.#waiting.delete(enter)) this.#inFlight++;
      resolve();
    };
    this.#waiting.add(enter);
    signal.addEventListener('abort', enter);
    await promise;
    signal.removeEventListener('abort', enter);
  }

  #letIn(): void {
    for (const enter of this.#waiting) {
      if (this.#inFlight >= this.#size) return;
      enter();
    }
  }

  #shrink(cuts: number): void {
    this.#successes = 0;
    if (cuts !== this.#cuts) return;
    this.#cuts++;
    this.#size = Math.max(1, Math.floor(this.#size / 2));
  }

  #grow(): void {
    this.#through++;
    this.#isHopeless = false;
    if (this.#size === this.#limit) return;
    this.#successes++;
    if (this.#successes < this.#size) return;
    this.#successes = 0;
    this.#size++;
  }

  async #pause(fruitless: number, signal: AbortSignal): Promise<void> {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (fruitless - 1));
    const wait = most * (0.5 + 0.5 * this.#chance());
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
}

type Busy = Exclude<Written, { kind: 'Applied' }>;

function isBusy(written: Written): written is Busy {
  return written.kind === 'Refused' && written.error.code === 'Busy';
}

function givenUp(error: ConnectorError, tries: number): Written {
  const times = tries === 1 ? 'once' : `${String(tries)} times`;
  const message = `${error.message}, ${times}; run again when it has less to do, or give it less to do with limits.writesInFlight and limits.writesPerSecond of its ManagedSystem`;
  return { kind: 'Refused', error: new ConnectorError('Busy', message, { cause: error }) };
}
