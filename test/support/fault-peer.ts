/**
 * A directory that does what no directory should. A test says, request by request, what goes over the line; what it
 * leaves alone is answered as a small but decent server would: logging in, and what the server says of itself.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { cutRequests, entry, result, type PeerRequest, type Values } from './ldap-messages.ts';

const ROOT_DSE: Values = { vendorName: ['Fault peer'], supportedControl: ['1.2.840.113556.1.4.319'] };

/** One connection, seen from the server. */
export class Line {
  readonly socket: Socket;
  /** Every write is cut into pieces of at most so many octets, each a segment of its own. */
  pieceBytes: number;
  pauseMs = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(socket: Socket, pieceBytes: number) {
    this.socket = socket;
    this.pieceBytes = pieceBytes;
  }

  /** In the order of the calls. Resolves when the socket has taken it all, which a full one does not. */
  send(...messages: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(messages);
    this.#last = this.#last.then(() => this.#write(bytes));
    return this.#last;
  }

  /** Sends, and hangs up. */
  async end(...messages: readonly Buffer[]): Promise<void> {
    await this.send(...messages);
    this.socket.end();
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.once('drain', resolve).once('close', resolve);
    await promise;
    this.socket.off('drain', resolve).off('close', resolve);
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && this.socket.writable; at += this.pieceBytes) {
      const isTaken = this.socket.write(bytes.subarray(at, at + this.pieceBytes));
      if (!isTaken) await this.#drained();
      if (this.pieceBytes < bytes.length) await pause(this.pauseMs);
    }
  }
}

/** Whether it has dealt with the request. */
export type Answer = (request: PeerRequest, line: Line) => boolean | Promise<boolean>;

export interface FaultPeerOptions {
  /** What is said of itself; else that it knows pages. */
  readonly rootDse?: Values;
  readonly pieceBytes?: number;
}

export class FaultPeer implements AsyncDisposable {
  /** In the order of arrival, over all lines. */
  readonly requests: (PeerRequest & { readonly line: number })[] = [];
  readonly lines: Line[] = [];
  readonly #answer: Answer;
  readonly #options: FaultPeerOptions;
  readonly #server = createServer((socket) => this.#accept(socket));

  private constructor(answer: Answer, options: FaultPeerOptions) {
    this.#answer = answer;
    this.#options = options;
  }

  static async start(answer: Answer, options: FaultPeerOptions = {}): Promise<FaultPeer> {
    const peer = new FaultPeer(answer, options);
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get url(): string {
    return `ldap://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Waits until such a request has come. */
  async heard(op: string, count = 1): Promise<PeerRequest[]> {
    const matching = (): PeerRequest[] => this.requests.filter((request) => request.op === op);
    while (matching().length < count) await pause(2);
    return matching();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.lines) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    const line = new Line(socket, this.#options.pieceBytes ?? Number.MAX_SAFE_INTEGER);
    const number = this.lines.push(line) - 1;
    let rest: Buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const cut = cutRequests(Buffer.concat([rest, chunk]));
      rest = cut.rest;
      for (const request of cut.requests) {
        this.requests.push({ ...request, line: number });
        void this.#serve(request, line);
      }
    });
  }

  async #serve(request: PeerRequest, line: Line): Promise<void> {
    if (await this.#answer(request, line)) return;
    const { op, id, dn } = request;
    if (op === 'Unbind' || op === 'Abandon') return;
    const root = op === 'Search' && dn === '' ? [entry(id, '', this.#options.rootDse ?? ROOT_DSE)] : [];
    await line.send(...root, result(request));
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    if (milliseconds > 0) setTimeout(resolve, milliseconds);
    else setImmediate(resolve);
  });
}
