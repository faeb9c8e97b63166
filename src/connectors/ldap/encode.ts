/**
 * Requests that carry the values of entries. ldapts' writer moves what it has written to make room for a long
 * length, and loses an octet of a value when that happens at the very end of its buffer; here a message is written
 * from its end, so that every length is known when its turn comes and nothing is ever moved.
 */
import { ProtocolOperation, type Attribute, type Change } from 'ldapts';

import { ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET } from './ber.ts';
import type { Request } from './wire-request.ts';

const INITIAL_BYTES = 1024;
const OPERATIONS = { add: 0, delete: 1, replace: 2 } as const;

/** `controls`: as `encodeControls` has them. */
export function addRequest(
  dn: string,
  attributes: readonly Attribute[],
  controls: Uint8Array | undefined,
): Request {
  return {
    action: 'add',
    answer: ProtocolOperation.LDAP_RES_ADD,
    encode(messageId) {
      const writer = new BackwardWriter();
      if (controls) writer.around(ProtocolOperation.LDAP_CONTROLS, () => writer.raw(controls));
      writer.around(ProtocolOperation.LDAP_REQ_ADD, () => {
        writer.around(SEQUENCE, () => {
          for (const attribute of attributes.toReversed()) writeAttribute(writer, attribute);
        });
        writer.text(dn);
      });
      return writer.finish(messageId);
    },
  };
}

export function modifyRequest(dn: string, changes: readonly Change[]): Request {
  return {
    action: 'modify',
    answer: ProtocolOperation.LDAP_RES_MODIFY,
    encode(messageId) {
      const writer = new BackwardWriter();
      writer.around(ProtocolOperation.LDAP_REQ_MODIFY, () => {
        writer.around(SEQUENCE, () => {
          for (const change of changes.toReversed()) writeChange(writer, change);
        });
        writer.text(dn);
      });
      return writer.finish(messageId);
    },
  };
}

function writeChange(writer: BackwardWriter, { operation, modification }: Change): void {
  writer.around(SEQUENCE, () => {
    writeAttribute(writer, modification);
    writer.number(OPERATIONS[operation], ENUMERATED);
  });
}

function writeAttribute(writer: BackwardWriter, { type, values }: Attribute): void {
  writer.around(SEQUENCE, () => {
    writer.around(SET, () => {
      for (const value of values.toReversed()) writer.value(value);
    });
    writer.text(type);
  });
}

class BackwardWriter {
  #bytes: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** What is written lies from here to the end. */
  #at = INITIAL_BYTES;

  /** What `content` writes, as one element. */
  around(tag: number, content: () => void): void {
    const before = this.#written;
    content();
    this.#header(tag, this.#written - before);
  }

  value(value: string | Uint8Array): void {
    if (typeof value === 'string') this.text(value);
    else {
      this.raw(value);
      this.#header(OCTET_STRING, value.length);
    }
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(length);
    this.#at -= length;
    this.#bytes.write(value, this.#at, 'utf8');
    this.#header(OCTET_STRING, length);
  }

  /** Not negative, and below 2^31. */
  number(value: number, tag: number): void {
    const before = this.#written;
    let rest = value;
    do {
      this.#octet(rest & 0xff);
      rest >>>= 8;
    } while (rest > 0);
    // The first bit is the sign.
    if ((this.#bytes[this.#at] ?? 0) >= 0x80) this.#octet(0);
    this.#header(tag, this.#written - before);
  }

  raw(octets: Uint8Array): void {
    this.#room(octets.length);
    this.#at -= octets.length;
    this.#bytes.set(octets, this.#at);
  }

  /** The whole message. */
  finish(messageId: number): Uint8Array {
    this.number(messageId, INTEGER);
    this.#header(SEQUENCE, this.#written);
    return this.#bytes.subarray(this.#at);
  }

  get #written(): number {
    return this.#bytes.length - this.#at;
  }

  #header(tag: number, length: number): void {
    if (length < 0x80) {
      this.#octet(length);
    } else {
      const before = this.#written;
      for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) this.#octet(rest % 256);
      this.#octet(0x80 | (this.#written - before));
    }
    this.#octet(tag);
  }

  #octet(value: number): void {
    this.#room(1);
    this.#at -= 1;
    this.#bytes[this.#at] = value;
  }

  #room(count: number): void {
    if (count <= this.#at) return;
    const written = this.#written;
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + count);
    this.#bytes.copy(larger, larger.length - written, this.#at);
    this.#bytes = larger;
    this.#at = larger.length - written;
  }
}
