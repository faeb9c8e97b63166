/** Stands before a directory and sees every message, so that a test can act at exactly one of them. */
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

export interface LdapMoment {
  readonly op: string;
  /** Asked: the server has not heard of it. Answered: it is done, and the client does not know. */
  readonly phase: 'Asked' | 'Answered';
}

/** Whether it is passed on. */
export type OnMoment = (moment: LdapMoment) => boolean;

export class LdapProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets: Set<Socket> = new Set();
  #onMoment: OnMoment = () => true;
  #delayMs = 0;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  static async start(target: string): Promise<LdapProxy> {
    const proxy = new LdapProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `ldap://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Asked of every message from now on. */
  watch(onMoment: OnMoment): void {
    this.#onMoment = onMoment;
  }

  /** Every answer comes so much later. */
  delay(milliseconds: number): void {
    this.#delayMs = milliseconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    this.#pass(client, server, 'Asked');
    this.#pass(server, client, 'Answered');
  }

  #pass(from: Socket, to: Socket, phase: LdapMoment['phase']): void {
    const names = phase === 'Asked' ? REQUESTS : RESPONSES;
    let rest = Buffer.alloc(0);
    this.#sockets.add(from);
    from.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (let size = sizeOf(rest); size !== undefined && size <= rest.length; size = sizeOf(rest)) {
        const message = rest.subarray(0, size);
        rest = rest.subarray(size);
        const op = names[operationOf(message)];
        if (op !== undefined && !this.#onMoment({ op, phase })) continue;
        if (phase === 'Asked' || this.#delayMs === 0) to.write(message);
        else setTimeout(() => to.write(message), this.#delayMs);
      }
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
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
