/** A request on its way, and who waits for its answers. */
import { INTERMEDIATE, SEARCH_DONE, SEARCH_ENTRY, SEARCH_REFERENCE, type Message } from './message.ts';
import type { Request } from './wire-request.ts';

/** Who asked. Is called in the order of arrival, and hears nothing more after `isLast` or `fail`. */
export interface Asker {
  /** What it throws is the server's fault, and ends the connection. */
  take(message: Message, isLast: boolean): void;
  /** `wasSent`: the server may have done what it was asked for. */
  fail(error: unknown, wasSent: boolean): void;
}

/** A request on its way. */
export interface Operation {
  readonly request: Request;
  readonly asker: Asker;
  readonly signal: AbortSignal;
  /** 0 until it is sent. */
  id: number;
  /** Ticks since the last message for it. */
  silence: number;
}

/** Whether such a message may come before the one that ends the operation. */
export function mayPrecede(operation: number, answer: number): boolean {
  if (operation === INTERMEDIATE) return true;
  return answer === SEARCH_DONE && (operation === SEARCH_ENTRY || operation === SEARCH_REFERENCE);
}
