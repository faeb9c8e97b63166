/** Sockets that are ready to be spoken on: connected and, where TLS is asked for, with a certificate that was checked. */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

import { ConnectorError } from '../../engine/errors.ts';
import type { Target } from './target.ts';

/** A peer that vanished without a word is noticed, also while nothing is asked. */
const KEEP_ALIVE_MS = 30_000;

export interface Patience {
  readonly label: string;
  readonly connectMs: number;
  readonly signal: AbortSignal;
}

/** Throws Unreachable. */
export async function openSocket(address: Target['address'], patience: Patience): Promise<Socket> {
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  return ready(connectPlain({ ...address, ...options }), 'connect', patience);
}

/** TLS on a socket that is connected, and goes where TLS cannot be had. Throws Unreachable. */
export async function wrapInTls(socket: Socket, tls: ConnectionOptions, patience: Patience): Promise<Socket> {
  // What goes wrong beneath is told by what is around it.
  socket.on('error', () => undefined);
  try {
    return await ready(connectTls({ ...tls, socket }), 'secureConnect', patience);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function ready(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { label, connectMs, signal }: Patience,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const interrupt = (): void => {
    reject(signal.reason);
  };
  const hungUp = (): void => {
    reject(new Error('the other end closed it'));
  };
  const late = setTimeout(() => {
    reject(new Error(`not within ${String(connectMs / 1000)} s`));
  }, connectMs);
  socket.once(event, resolve).on('error', reject).once('close', hungUp);
  signal.addEventListener('abort', interrupt);
  try {
    signal.throwIfAborted();
    await promise;
    socket.off('error', reject).off('close', hungUp);
    return socket;
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    throw new ConnectorError('Unreachable', `no answer from ${label} (${describe(cause)})`, { cause });
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', interrupt);
  }
}

/** What went wrong has a word in Node, such as ECONNREFUSED or CERT_HAS_EXPIRED, that people look for. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  const message = cause.message.split('\n').at(-1) ?? '';
  return 'code' in cause && typeof cause.code === 'string' ? `${cause.code}: ${message}` : message;
}
