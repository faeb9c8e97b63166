/** What is sent: a request that can be given its number, and how an answer to it is known. */
import {
  AbandonRequest,
  BindRequest,
  BerWriter,
  DeleteRequest,
  ExtendedRequest,
  ModifyDNRequest,
  ProtocolOperation,
  UnbindRequest,
  type Control,
} from 'ldapts';

import { normalise, parentOf, rdnOf } from './dn.ts';

export interface Request {
  /** For people. */
  readonly action: string;
  /** The tag of the message that ends the operation. */
  readonly answer: number;
  encode(messageId: number): Uint8Array;
}

/** The part of ldapts' message classes that is used: they hold a request and write it. */
interface Writable {
  messageId: number;
  write(): Buffer;
}

export function requestOf(action: string, answer: number, message: Writable): Request {
  return {
    action,
    answer,
    encode(messageId) {
      message.messageId = messageId;
      return message.write();
    },
  };
}

/** `mechanism` instead of a name: SASL EXTERNAL, which needs no more than that. */
export function bindRequest(who: { dn: string; password: string } | { mechanism: 'EXTERNAL' }): Request {
  const message = new BindRequest({ messageId: 0, ...who });
  return requestOf('log in', ProtocolOperation.LDAP_RES_BIND, message);
}

export function extendedRequest(action: string, oid: string, value?: Buffer): Request {
  const message = new ExtendedRequest({ messageId: 0, oid, ...(value ? { value } : {}) });
  return requestOf(action, ProtocolOperation.LDAP_RES_EXTENSION, message);
}

export function deleteRequest(dn: string): Request {
  return requestOf('delete', ProtocolOperation.LDAP_RES_DELETE, new DeleteRequest({ messageId: 0, dn }));
}

/** `newSuperior` only for a move: servers that cannot move can rename. The old value of the name goes. */
export function renameRequest(name: string, newName: string): Request {
  const [from, to] = [parentOf(name), parentOf(newName)];
  const message = new ModifyDNRequest({
    messageId: 0,
    dn: name,
    newRdn: rdnOf(newName),
    deleteOldRdn: true,
    ...(normalise(from) === normalise(to) ? {} : { newSuperior: to }),
  });
  return requestOf('rename', ProtocolOperation.LDAP_RES_MODRDN, message);
}

/** It is never answered. */
export function abandonMessage(messageId: number, abandonId: number): Uint8Array {
  return new AbandonRequest({ messageId, abandonId }).write();
}

/** It is never answered. */
export function unbindMessage(messageId: number): Uint8Array {
  return new UnbindRequest({ messageId }).write();
}

export function encodeControls(controls: readonly Control[]): Buffer {
  const writer = new BerWriter();
  for (const control of controls) control.write(writer);
  return writer.buffer;
}
