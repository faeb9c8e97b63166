/** The envelope of what a server sends (RFC 4511 section 4.1.1), and the result that most answers are. */
import { ProtocolOperation } from 'ldapts';

import { BerCursor, ENUMERATED, INTEGER, malformed, OCTET_STRING, SEQUENCE } from './ber.ts';
import type { Frame } from './framing.ts';

export const SEARCH_ENTRY: number = ProtocolOperation.LDAP_RES_SEARCH_ENTRY;
export const SEARCH_REFERENCE: number = ProtocolOperation.LDAP_RES_SEARCH_REF;
export const SEARCH_DONE: number = ProtocolOperation.LDAP_RES_SEARCH;
/** RFC 4511 section 4.13. ldapts does not know it. */
export const INTERMEDIATE = 0x79;

const CONTROLS: number = ProtocolOperation.LDAP_CONTROLS;
const BOOLEAN = 0x01;
const RESPONSE_NAME = 0x8a;

export interface ResponseControl {
  readonly type: string;
  /** A view, good as long as the message is. */
  readonly value: Buffer;
}

/** The part of an answer that says how it went, whatever was asked for. */
export interface Response {
  readonly status: number;
  readonly errorMessage: string;
  readonly controls: readonly ResponseControl[];
  /** What an extended response is about. */
  readonly name: string | undefined;
}

/** One message as it came. Nothing but its envelope has been looked at. */
export class Message {
  readonly id: number;
  /** The tag, which says what kind of answer it is. */
  readonly operation: number;
  readonly #frame: Frame;
  readonly #start: number;

  constructor(frame: Frame) {
    const cursor = new BerCursor(frame.bytes, frame.start, frame.end);
    cursor.enter(SEQUENCE);
    this.id = cursor.integer(INTEGER);
    this.operation = cursor.peek() ?? 0;
    this.#frame = frame;
    this.#start = cursor.at;
    cursor.skip();
  }

  get size(): number {
    return this.#frame.end - this.#frame.start;
  }

  /** Everything but the message's number: the same for the same content. A view of a buffer that others share. */
  get raw(): Uint8Array {
    return this.#frame.bytes.subarray(this.#start, this.#frame.end);
  }

  /** Stands before the operation. */
  cursor(): BerCursor {
    return new BerCursor(this.#frame.bytes, this.#start, this.#frame.end);
  }

  /** Throws InvalidData. */
  controls(): ResponseControl[] {
    const cursor = this.cursor();
    cursor.skip();
    if (cursor.peek() !== CONTROLS) return [];
    const controls: ResponseControl[] = [];
    const outer = cursor.enter(CONTROLS);
    while (!cursor.isDone) controls.push(controlAt(cursor));
    cursor.leave(outer);
    return controls;
  }

  /** Throws InvalidData. */
  result(): Response {
    const cursor = this.cursor();
    cursor.enter(this.operation);
    const status = cursor.integer(ENUMERATED);
    if (status < 0) throw malformed('a result code below zero');
    cursor.skip(); // the part of a name that matched
    const errorMessage = cursor.text();
    let name: string | undefined;
    while (!cursor.isDone) {
      if (cursor.peek() === RESPONSE_NAME) name = cursor.text(RESPONSE_NAME);
      else cursor.skip();
    }
    return { status, errorMessage, controls: this.controls(), name };
  }
}

function controlAt(cursor: BerCursor): ResponseControl {
  const outer = cursor.enter(SEQUENCE);
  const type = cursor.text();
  if (cursor.peek() === BOOLEAN) cursor.skip();
  const value = cursor.peek() === OCTET_STRING ? cursor.octets() : Buffer.alloc(0);
  cursor.leave(outer);
  return { type, value };
}
