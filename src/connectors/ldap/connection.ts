/**
 * One connection to a directory: numbers requests, gives every answer to who asked, and keeps the time. It
 * promises that once anything is wrong with it (the socket, what the server sends, a server that is silent) every
 * request fails at once and for good. It is never opened again behind somebody's back: an anonymous search that
 * finds less would look like people who have left. Whoever needs another connection opens a new one.
 */
import type { Socket } from 'node:net';

import { ConnectorError } from '../../engine/errors.ts';
import { malformed } from './ber.ts';
import { Framer } from './framing.ts';
import type { Limits } from './limits.ts';
import { Message } from './message.ts';
import { mayPrecede, type Asker, type Operation } from './operation.ts';
import { abandonMessage, unbindMessage, type Request } from './wire-request.ts';
import { resultName } from './result.ts';
import { SignalTable } from './signal-table.ts';

/** How finely silence is measured: one timer serves all requests. */
const TICKS = 8;
/** How long a peer that reads nothing more may delay the farewell. */
const CLOSE_TIMEOUT_MS = 1000;
const NO_REQUEST = 0;
const LAST_MESSAGE_ID = 2 ** 31 - 1;
/** RFC 4511 section 4.4.1. */
const NOTICE_OF_DISCONNECTION = '1.3.6.1.4.1.1466.20036';

export class Connection implements AsyncDisposable {
  /** For people. */
  readonly host: string;
  readonly #limits: Limits;
  readonly #framer: Framer = new Framer();
  readonly #pending: Map<number, Operation> = new Map();
  readonly #waiting: Set<Operation> = new Set();
  /** Numbers whose answers nobody wants any more. */
  readonly #abandoned: Set<number> = new Set();
  readonly #signals: SignalTable<Operation> = new SignalTable((operation) => {
    this.cancel(operation, operation.signal.reason);
  });
  /** Set once, never cleared: why nothing can be sent any more. */
  #broken: ConnectorError | undefined;
  #socket: Socket;
  #lastId = 0;
  #held = 0;
  #paused = false;
  /** Runs while something is pending. */
  #timer: NodeJS.Timeout | undefined;
  /** Ticks since the last octet of any kind. */
  #silence = 0;

  constructor(socket: Socket, host: string, limits: Limits) {
    this.#socket = socket;
    this.host = host;
    this.#limits = limits;
    this.#listen(socket);
  }

  /** False for ever once anything was wrong. */
  get usable(): boolean {
    return this.#broken === undefined;
  }

  /** Sends as soon as the window allows. An abort, like `cancel`, tells the server that nobody waits any more. */
  start(request: Request, asker: Asker, signal: AbortSignal): Operation {
    const operation: Operation = { request, asker, signal, id: NO_REQUEST, silence: 0 };
    if (signal.aborted) asker.fail(signal.reason, false);
    else if (this.#broken) asker.fail(this.#broken, false);
    else {
      this.#waiting.add(operation);
      this.#signals.add(signal, operation);
      this.#sendWaiting();
    }
    return operation;
  }

  /** Does nothing where the operation is over. */
  cancel(operation: Operation, reason: unknown): void {
    const wasSent = this.#pending.has(operation.id);
    if (!wasSent && !this.#waiting.has(operation)) return;
    this.#forget(operation);
    if (wasSent) {
      this.#abandoned.add(operation.id);
      this.#socket.write(abandonMessage(this.#nextId(), operation.id));
    }
    operation.asker.fail(reason, wasSent);
    this.#sendWaiting();
  }

  /** Octets that were received and are kept; less than zero when they are taken. */
  hold(bytes: number): void {
    this.#held += bytes;
    if (!this.#paused && this.#held > this.#limits.heldBytes) {
      this.#paused = true;
      this.#socket.pause();
    } else if (this.#paused && this.#held <= this.#limits.heldBytes / 2) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  /** Puts another socket around this one, as StartTLS does. Nothing may be pending. */
  async secure(wrap: (socket: Socket) => Promise<Socket>): Promise<void> {
    // RFC 4513 section 3.1.1: what comes before the handshake could be anybody's.
    if (!this.#framer.isEmpty) throw this.#break('it sent something in the clear after it had agreed to TLS');
    this.#socket.removeAllListeners('data');
    const safe = await wrap(this.#socket);
    this.#socket = safe;
    this.#listen(safe);
    if (!this.#broken) return;
    safe.destroy();
    throw this.#broken;
  }

  /** Ends everything that is on its way. */
  destroy(why: string): void {
    this.#break(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broken) return;
    const farewell = unbindMessage(this.#nextId());
    this.#end(new ConnectorError('Unreachable', `the connection to ${this.host} was closed`));
    const { promise, resolve } = Promise.withResolvers<void>();
    // The server learns of it from the closed socket at the latest.
    const patience = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    this.#socket.once('close', resolve).end(farewell, resolve);
    await promise;
    clearTimeout(patience);
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on('error', (error) => {
      this.#break(error.message, error);
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#break('the other end closed it');
      });
    }
  }

  #receive(chunk: Buffer): void {
    this.#silence = 0;
    try {
      this.#framer.push(chunk);
      for (let frame = this.#framer.next(); frame && !this.#broken; frame = this.#framer.next()) {
        this.#dispatch(new Message(frame));
      }
    } catch (cause) {
      const what = cause instanceof ConnectorError ? cause.message : 'something that cannot be understood';
      this.#break(`it sent ${what}; is it a directory, and does the url fit its port?`, cause);
    }
  }

  #dispatch(message: Message): void {
    if (message.id === NO_REQUEST) {
      this.#notice(message);
      return;
    }
    const operation = this.#pending.get(message.id);
    if (!operation) {
      if (this.#abandoned.has(message.id)) return;
      throw malformed('an answer to something that was not asked');
    }
    const isLast = message.operation === operation.request.answer;
    if (!isLast && !mayPrecede(message.operation, operation.request.answer)) {
      throw malformed(`an answer of the wrong kind to '${operation.request.action}'`);
    }
    operation.silence = 0;
    operation.asker.take(message, isLast);
    if (!isLast) return;
    this.#forget(operation);
    this.#sendWaiting();
  }

  /** RFC 4511 section 4.4: what is not known is passed over. */
  #notice(message: Message): void {
    const { name, status } = message.result();
    if (name === NOTICE_OF_DISCONNECTION) this.#break(`it said ${resultName(status)} and hung up`);
  }

  #sendWaiting(): void {
    for (const operation of this.#waiting) {
      if (this.#broken || this.#pending.size >= this.#limits.window) return;
      this.#send(operation);
    }
  }

  #send(operation: Operation): void {
    const { request, asker } = operation;
    this.#waiting.delete(operation);
    const id = this.#nextId();
    let bytes: Uint8Array;
    try {
      bytes = request.encode(id);
    } catch (cause) {
      this.#forget(operation);
      const message = `${request.action}: what is to be sent to ${this.host} does not fit into a message`;
      asker.fail(new ConnectorError('InvalidData', message, { cause }), false);
      return;
    }
    operation.id = id;
    this.#pending.set(id, operation);
    if (!this.#timer) {
      this.#silence = 0;
      this.#timer = setInterval(() => {
        this.#tick();
      }, this.#limits.silenceMs / TICKS);
    }
    this.#sendTogether();
    this.#socket.write(bytes);
  }

  /** Answers come several at a time, and so do the requests that take their places: one packet for all of a turn. */
  #sendTogether(): void {
    const socket = this.#socket;
    if (socket.writableCorked > 0) return;
    socket.cork();
    process.nextTick(() => {
      socket.uncork();
    });
  }

  /** A server that is not being read cannot be late. */
  #tick(): void {
    if (this.#paused) return;
    this.#silence += 1;
    const late: Operation[] = [];
    for (const operation of this.#pending.values()) {
      operation.silence += 1;
      if (operation.silence > TICKS) late.push(operation);
    }
    if (late.length === 0) return;
    const seconds = String(this.#limits.silenceMs / 1000);
    for (const operation of late) {
      const message = `${operation.request.action}: ${this.host} did not answer in ${seconds} s; is it overloaded, or an index missing?`;
      this.cancel(operation, new ConnectorError('Timeout', message));
    }
    if (this.#silence > TICKS) this.#break(`it did not answer in ${seconds} s`);
  }

  /** It is over, however it ends. */
  #forget(operation: Operation): void {
    this.#signals.remove(operation.signal, operation);
    this.#waiting.delete(operation);
    this.#pending.delete(operation.id);
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #nextId(): number {
    this.#lastId += 1;
    if (this.#lastId >= LAST_MESSAGE_ID) throw this.#break('all numbers for requests are used up');
    return this.#lastId;
  }

  #break(why: string, cause?: unknown): ConnectorError {
    const message = `the connection to ${this.host} was lost: ${why}`;
    this.#end(new ConnectorError('Unreachable', message, { cause }));
    this.#socket.destroy();
    return this.#broken ?? new ConnectorError('Unreachable', message);
  }

  #end(reason: ConnectorError): void {
    if (this.#broken) return;
    this.#broken = reason;
    for (const operation of [...this.#pending.values(), ...this.#waiting]) {
      const wasSent = operation.id !== NO_REQUEST;
      this.#forget(operation);
      operation.asker.fail(reason, wasSent);
    }
  }
}
