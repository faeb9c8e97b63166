/** Stands before a directory and sees every byte and every message, so that a test can act at exactly one of them. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const REQUESTS: Readonly<Record<number, string>> = {
  0x60: 'Bind',
  0x63: 'Search',
  0x66: 'Modify',
  0x68: 'Add',
  0x4a: 'Delete',
  0x6c: 'Rename',
  0x77: 'Extended',
};
const RESPONSES: Readonly<Record<number, string>> = {
  0x61: 'Bind',
  0x65: 'Search',
  0x67: 'Modify',
  0x69: 'Add',
  0x6b: 'Delete',
  0x6d: 'Rename',
  0x78: 'Extended',
};
const ANSWER_TAGS = new Map(Object.entries(RESPONSES).map(([tag, op]) => [op, Number(tag)]));

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
      for (let size = sizeOf(rest); size !== undefined && size <= rest.length; size = sizeOf(rest)) {
        const message = rest.subarray(0, size);
        rest = rest.subarray(size);
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
    const op = (phase === 'Asked' ? REQUESTS : RESPONSES)[operationOf(message)];
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

/** An LDAPResult (RFC 4511, section 4.1.9) under the number of the request. */
function answer(request: Buffer, op: string, { code, message = '', referral }: ForgedAnswer): Buffer {
  const outer = lengthAt(request, 1);
  const number = outer && lengthAt(request, outer.at + 1);
  if (!outer || !number) throw new Error('the request has no number');
  const id = request.subarray(outer.at, number.at + number.value);
  const text = Buffer.from(message);
  const result = [
    Buffer.from([0x0a, 1, code, 0x04, 0, 0x04, text.length]),
    text,
    ...(referral === undefined ? [] : [wrap(0xa3, wrap(0x04, Buffer.from(referral)))]),
  ];
  return wrap(0x30, Buffer.concat([id, wrap(ANSWER_TAGS.get(op) ?? 0, Buffer.concat(result))]));
}

/** Tag, short length, content. */
function wrap(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** Of the message that the bytes begin with; undefined: too few to say. */
function sizeOf(bytes: Buffer): number | undefined {
  const length = lengthAt(bytes, 1);
  return length && length.at + length.value;
}

/** The tag behind the message's number. */
function operationOf(message: Buffer): number {
  const outer = lengthAt(message, 1);
  const number = outer && lengthAt(message, outer.at + 1);
  return number ? (message[number.at + number.value] ?? 0) : 0;
}

/** BER: short, or the number of bytes that the length takes. */
function lengthAt(bytes: Buffer, at: number): { readonly value: number; readonly at: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, at: at + 1 };
  const count = first & 0x7f;
  if (bytes.length < at + 1 + count) return undefined;
  return { value: bytes.readUIntBE(at + 1, count), at: at + 1 + count };
}
