/** Stands before a directory and sees every byte and every message, so that a test can act at exactly one of them. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { ANSWERS, element, OPERATIONS, partAt } from './ldap-messages.ts';

const RESPONSES = new Map(Object.entries(ANSWERS).map(([op, tag]) => [tag, op]));
/** Moments are of what is answered. */
const UNANSWERED: readonly string[] = ['Unbind', 'Abandon'];

export interface LdapMoment {
  readonly op: string;
  /** Asked: the server has not heard of it. Answered: it is done, and the client does not know. */
  readonly phase: 'Asked' | 'Answered';
}

/** An answer in place of the server's. */
export interface ForgedAnswer {
  /** RFC 4511, section 4.1.9. */
  readonly code: number;
  readonly message?: string;
  readonly referral?: string;
}

/** True: it is passed on; false: nobody hears of it; an answer: the server does not hear of it, the client gets that. */
export type OnMoment = (moment: LdapMoment) => boolean | ForgedAnswer;

/** What befalls the bytes of one direction, once so many of them have passed. */
export interface ByteFault {
  readonly phase: LdapMoment['phase'];
  readonly afterBytes: number;
  /** `inject`: these bytes come in between, and soon after the connection ends. */
  readonly fault: 'Cut' | 'Stall' | 'Drip' | { readonly inject: Buffer };
}

const DRIP_EVERY_MS = 1;
/** Time enough to be understood, or misunderstood. */
const SOON_MS = 200;
/** So many bytes are dripped, then the rest flows: it shall be slow, not endless. */
const DRIPPED_BYTES = 300;

export class LdapProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets: Set<Socket> = new Set();
  #onMoment: OnMoment = () => true;
  #delayMs = 0;
  #fault: ByteFault | undefined;
  readonly #passed = { Asked: 0, Answered: 0 };

  constructor(target: string) {
    this.#target = new URL(target);
  }

  static async start(target: string): Promise<LdapProxy> {
    const proxy = new LdapProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Of the scheme of the target; bytes of LDAPS pass as they are. */
  get url(): string {
    const host = this.#target.protocol === 'ldaps:' ? 'localhost' : '127.0.0.1';
    return `${this.#target.protocol}//${host}:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Asked of every message from now on. */
  watch(onMoment: OnMoment): void {
    this.#onMoment = onMoment;
  }

  /** Every answer comes so much later. */
  delay(milliseconds: number): void {
    this.#delayMs = milliseconds;
  }

  /** Counts from here; undefined: all is well from now on. */
  befall(fault: ByteFault | undefined): void {
    this.#fault = fault;
    this.#passed.Asked = this.#passed.Answered = 0;
  }

  /** Since the last `befall`. */
  passed(phase: LdapMoment['phase']): number {
    return this.#passed[phase];
  }

  /** As if a cable were pulled. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const { hostname, port } = this.#target;
    const server = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
    this.#pass(client, server, 'Asked');
    this.#pass(server, client, 'Answered');
  }

  #pass(from: Socket, to: Socket, phase: LdapMoment['phase']): void {
    let rest = Buffer.alloc(0);
    this.#sockets.add(from);
    from.on('data', (data) => {
      if (this.#target.protocol === 'ldaps:') {
        this.#send(data, to, phase);
        return;
      }
      rest = Buffer.concat([rest, data]);
      for (let next = partAt(rest, 0); next && next.end <= rest.length; next = partAt(rest, 0)) {
        const message = rest.subarray(0, next.end);
        rest = rest.subarray(next.end);
        this.#judge(message, { from, to, phase });
      }
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  #judge(
    message: Buffer,
    { from, to, phase }: { from: Socket; to: Socket; phase: LdapMoment['phase'] },
  ): void {
    const op = operationOf(message, phase);
    const verdict = op === undefined || this.#onMoment({ op, phase });
    if (verdict === false) return;
    if (verdict !== true) {
      if (phase === 'Asked' && op !== undefined) this.#send(answer(message, op, verdict), from, 'Answered');
    } else if (phase === 'Asked' || this.#delayMs === 0) this.#send(message, to, phase);
    else setTimeout(() => this.#send(message, to, phase), this.#delayMs);
  }

  #inject(strange: Buffer, rest: Buffer, to: Socket): void {
    to.write(Buffer.concat([strange, rest]));
    this.#fault = undefined;
    setTimeout(() => to.destroy(), SOON_MS);
  }

  #send(bytes: Buffer, to: Socket, phase: LdapMoment['phase']): void {
    const before = this.#passed[phase];
    this.#passed[phase] += bytes.length;
    const fault = this.#fault;
    if (fault?.phase !== phase || before + bytes.length <= fault.afterBytes) {
      to.write(bytes);
      return;
    }
    const healthy = bytes.subarray(0, Math.max(0, fault.afterBytes - before));
    const rest = bytes.subarray(healthy.length);
    to.write(healthy);
    if (fault.fault === 'Cut') this.cut();
    else if (fault.fault === 'Drip') drip(rest, to, before + healthy.length - fault.afterBytes);
    else if (fault.fault !== 'Stall') this.#inject(fault.fault.inject, rest, to);
  }
}

/** One byte after the other, until enough have been dripped; a socket keeps their order. */
function drip(bytes: Buffer, to: Socket, dripped: number): void {
  const slow = Math.min(bytes.length, Math.max(0, DRIPPED_BYTES - dripped));
  const pending = (to as Socket & { dripping?: Promise<void> }).dripping ?? Promise.resolve();
  const flow = async (): Promise<void> => {
    await pending;
    for (let at = 0; at < slow; at++) {
      to.write(bytes.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, DRIP_EVERY_MS));
    }
    to.write(bytes.subarray(slow));
  };
  (to as Socket & { dripping?: Promise<void> }).dripping = flow();
}

/** The message's number, and what stands behind it. */
function numberOf(message: Buffer): { readonly octets: Buffer; readonly end: number } {
  const outer = partAt(message, 0);
  const number = outer && partAt(message, outer.from);
  if (!number) throw new Error('a message without a number');
  return { octets: message.subarray(outer.from, number.end), end: number.end };
}

function operationOf(message: Buffer, phase: LdapMoment['phase']): string | undefined {
  const tag = message[numberOf(message).end] ?? 0;
  const op = phase === 'Asked' ? OPERATIONS[tag] : RESPONSES.get(tag);
  return op === undefined || UNANSWERED.includes(op) ? undefined : op;
}

/** An LDAPResult (RFC 4511, section 4.1.9) under the number of the request. */
function answer(request: Buffer, op: string, { code, message = '', referral }: ForgedAnswer): Buffer {
  const result = [
    element(0x0a, Buffer.of(code)),
    element(0x04),
    element(0x04, message),
    ...(referral === undefined ? [] : [element(0xa3, element(0x04, referral))]),
  ];
  return element(0x30, numberOf(request).octets, element(ANSWERS[op] ?? 0, ...result));
}
