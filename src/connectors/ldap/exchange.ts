/** A request with one answer. */
import { ConnectorError } from '../../engine/errors.ts';
import type { Connection } from './connection.ts';
import type { Response } from './message.ts';
import type { Request } from './wire-request.ts';

/** NotSent: the server has certainly not heard of it. Lost: it may have done what it was asked for. */
export type Exchange =
  | { readonly kind: 'Answered'; readonly response: Response }
  | { readonly kind: 'NotSent' | 'Lost'; readonly error: unknown };

/** Never throws. */
export async function exchange(
  connection: Connection,
  request: Request,
  signal: AbortSignal,
): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  connection.start(
    request,
    {
      take(message, isLast) {
        if (isLast) resolve({ kind: 'Answered', response: message.result() });
      },
      fail(error, wasSent) {
        resolve({ kind: wasSent ? 'Lost' : 'NotSent', error });
      },
    },
    signal,
  );
  return promise;
}

/** The answer, whatever its code. Throws Unreachable, Timeout, and the reason of the signal. */
export async function ask(connection: Connection, request: Request, signal: AbortSignal): Promise<Response> {
  const exchanged = await exchange(connection, request, signal);
  if (exchanged.kind === 'Answered') return exchanged.response;
  throw toError(exchanged.error, request.action);
}

/** A signal may be given any reason. */
export function toError(cause: unknown, action: string): Error {
  return cause instanceof Error
    ? cause
    : new ConnectorError('Unreachable', `${action}: interrupted`, { cause });
}
