/**
 * A request with many answers, in batches. What arrives while the consumer is busy is kept, up to the limit of the
 * connection; beyond that the socket is not read, so the server waits and memory stays flat. A consumer must
 * therefore not wait for another request on the same connection while it has not taken everything.
 */
import type { Connection } from './connection.ts';
import { toError } from './exchange.ts';
import type { Message } from './message.ts';
import type { Asker, Operation } from './operation.ts';
import type { Request } from './wire-request.ts';

/** A batch is handed out when it has grown to this, or is this old: a directory sends entries one by one. */
const BATCH_BYTES = 128 * 1024;
const BATCH_MS = 5;

/** Asked as soon as a result arrives, so that the server need not wait for the consumer. Undefined: that was all. */
export type Next = (result: Message) => Request | undefined;

/**
 * Every message in the order of arrival, results included. Leaving early tells the server. Throws Unreachable,
 * Timeout, and the reason of the signal, at once and without what was still to be handed out.
 */
export async function* stream(
  connection: Connection,
  first: Request,
  next: Next,
  signal: AbortSignal,
): AsyncGenerator<readonly Message[], void> {
  const inbox = new Inbox(connection, next, signal);
  inbox.start(first);
  try {
    for (let batch = await inbox.batch(); batch.length > 0; batch = await inbox.batch()) yield batch;
  } finally {
    inbox.leave();
  }
}

class Inbox implements Asker {
  readonly #connection: Connection;
  readonly #next: Next;
  readonly #signal: AbortSignal;
  #operation: Operation | undefined;
  #messages: Message[] = [];
  #bytes = 0;
  #state: 'Open' | 'Ended' | { readonly error: Error } = 'Open';
  /** Set while the consumer waits. */
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, next: Next, signal: AbortSignal) {
    this.#connection = connection;
    this.#next = next;
    this.#signal = signal;
  }

  start(request: Request): void {
    this.#operation = this.#connection.start(request, this, this.#signal);
  }

  take(message: Message, isLast: boolean): void {
    if (isLast) {
      const more = this.#next(message);
      if (more) this.start(more);
      else this.#state = 'Ended';
    }
    this.#messages.push(message);
    this.#bytes += message.size;
    this.#connection.hold(message.size);
    if (this.#wake) this.#rouse();
  }

  fail(error: unknown): void {
    const action = this.#operation?.request.action ?? 'search';
    this.#state = { error: toError(error, action) };
    this.#wake?.();
  }

  /** Empty: that was all. */
  async batch(): Promise<readonly Message[]> {
    if (!this.#isDue) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      if (this.#messages.length > 0) this.#rouse();
      await promise;
      this.#wake = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (typeof this.#state === 'object') throw this.#state.error;
    const messages = this.#messages;
    this.#release();
    return messages;
  }

  leave(): void {
    this.#release();
    if (this.#operation) this.#connection.cancel(this.#operation, new Error('nobody waits any more'));
  }

  get #isDue(): boolean {
    return this.#state !== 'Open' || this.#bytes >= BATCH_BYTES;
  }

  #rouse(): void {
    if (this.#isDue) this.#wake?.();
    else {
      this.#timer ??= setTimeout(() => {
        this.#wake?.();
      }, BATCH_MS);
    }
  }

  #release(): void {
    this.#connection.hold(-this.#bytes);
    this.#messages = [];
    this.#bytes = 0;
  }
}
