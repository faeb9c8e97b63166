/**
 * Writing to a directory. One entry may take several operations; where a later one is refused, the result never
 * claims more than is true:
 *
 * - create: an entry whose password is refused is deleted again, and the result is Refused;
 * - update: a change that is refused after the rename, or a password after the change, leaves the entry half
 *   written. That is Unknown, with the server's reason and attribute, so that whoever gets it looks again.
 */
import { attributeOf, type ObjectSchema, type Value } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { AttributeChange, EntryChange, EntryWriter, NewEntry, Written } from '../../engine/ports.ts';
import type { OpenOptions } from '../connector.ts';
import type { LdapObject } from './config.ts';
import { BerCursor } from './ber.ts';
import type { Connection } from './connection.ts';
import { decoderFor, type Decoder } from './decode.ts';
import { PASSWORD_MODIFY, POST_READ, type Directory } from './directory.ts';
import { addRequest, modifyRequest } from './encode.ts';
import { exchange } from './exchange.ts';
import { present } from './filter.ts';
import type { Connect } from './reader.ts';
import type { Response } from './message.ts';
import {
  deleteRequest,
  encodeControls,
  extendedRequest,
  renameRequest,
  type Request,
} from './wire-request.ts';
import { passwordModifyValue, PostReadControl, Vocabulary } from './requests.ts';
import { NO_SUCH_OBJECT, resultError, SUCCESS } from './result.ts';
import { search, type Search } from './search.ts';

const PASSWORD = 'userPassword';

export interface WriterParts {
  readonly object: LdapObject;
  readonly schema: ObjectSchema;
  readonly directory: Directory;
  readonly shared: Connect;
  readonly turn: OpenOptions['turn'];
}

/** What has become of one request. */
type Outcome =
  | { readonly kind: 'Done'; readonly response: Response }
  | { readonly kind: 'Refused'; readonly error: ConnectorError; readonly status: number | undefined }
  | { readonly kind: 'Unknown'; readonly error: ConnectorError };

export class LdapWriter implements EntryWriter {
  readonly transactional = false;
  readonly #parts: WriterParts;
  readonly #vocabulary: Vocabulary;
  /** The control that brings the id with the answer, as it goes with every new entry where the server knows it. */
  #asksForId: Uint8Array | undefined;
  #idDecoder: Decoder | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#vocabulary = new Vocabulary(parts.schema, parts.directory.schema);
  }

  async create(entry: NewEntry, signal: AbortSignal): Promise<Written> {
    const { object, schema, directory } = this.#parts;
    const { name } = entry;
    if (name === undefined) return refused('SchemaViolation', 'add: a new entry needs a dn', 'dn');
    const { rest, password } = this.#splitPassword(entry.attributes);
    const attributes = this.#vocabulary.newAttributes(name, rest, object.objectClasses ?? []);
    if (directory.controls.has(POST_READ))
      this.#asksForId ??= encodeControls([new PostReadControl([schema.id])]);
    const added = await this.#ask(addRequest(name, attributes, this.#asksForId), 'add', signal);
    if (added.kind !== 'Done') return written(added);
    if (password !== undefined) {
      await this.#parts.turn?.(signal);
      const set = await this.#setPassword(name, password, signal);
      if (set.kind !== 'Done') return this.#takeBack(name, set, signal);
    }
    return this.#created(name, added.response, signal);
  }

  async update(change: EntryChange, signal: AbortSignal): Promise<Written> {
    const { id, newName } = change;
    if (change.name === undefined) return refused('InvalidData', 'modify: the dn of the entry is not known');
    let name = change.name;
    let done = 0;
    for (const step of this.#stepsOf(change, signal)) {
      if (done > 0) await this.#parts.turn?.(signal);
      const outcome = await step(name);
      if (outcome.kind !== 'Done') return done === 0 ? written(outcome) : halfWritten(outcome);
      done += 1;
      name = newName ?? name;
    }
    return { kind: 'Applied', id, name };
  }

  async delete(
    entry: { readonly id: string; readonly name: string | undefined },
    signal: AbortSignal,
  ): Promise<Written> {
    const { id, name } = entry;
    if (name === undefined) return refused('InvalidData', 'delete: the dn of the entry is not known');
    const outcome = await this.#ask(deleteRequest(name), 'delete', signal);
    const gone = outcome.kind === 'Refused' && outcome.status === NO_SUCH_OBJECT;
    return outcome.kind === 'Done' || gone ? { kind: 'Applied', id, name } : written(outcome);
  }

  commit(): Promise<Written> {
    return Promise.resolve({ kind: 'Applied', id: '', name: undefined });
  }

  /** Rename, modify, password: in this order, and only those that are needed. Each is given the present name. */
  #stepsOf(change: EntryChange, signal: AbortSignal): ((name: string) => Promise<Outcome>)[] {
    const { newName } = change;
    const steps: ((name: string) => Promise<Outcome>)[] = [];
    if (newName !== undefined && newName !== change.name) {
      steps.push((name) => this.#ask(renameRequest(name, newName), 'rename', signal));
    }
    const isPassword = (one: AttributeChange): boolean => this.#isSetByExtension(one.attribute, one.values);
    const others = change.changes.filter(
      (one) => !isPassword(one) && one.attribute !== this.#parts.schema.name,
    );
    const changes = others.flatMap((one) => this.#vocabulary.changes(one));
    if (changes.length > 0) {
      steps.push((name) => this.#ask(modifyRequest(name, changes), 'modify', signal));
    }
    const password = change.changes.find(isPassword)?.values[0];
    if (typeof password === 'string') steps.push((name) => this.#setPassword(name, password, signal));
    return steps;
  }

  #splitPassword(attributes: ReadonlyMap<string, readonly Value[]>): {
    readonly rest: ReadonlyMap<string, readonly Value[]>;
    readonly password: string | undefined;
  } {
    for (const [name, values] of attributes) {
      const [password] = values;
      if (!this.#isSetByExtension(name, values) || typeof password !== 'string') continue;
      const rest = new Map(attributes);
      rest.delete(name);
      return { rest, password };
    }
    return { rest: attributes, password: undefined };
  }

  /** One plain password, and a server that hashes. A value that is hashed already (RFC 2307) is sent as it is. */
  #isSetByExtension(attribute: string, values: readonly Value[]): boolean {
    const [password, second] = values;
    return (
      attributeOf(this.#parts.schema, attribute)?.name === PASSWORD &&
      this.#parts.directory.extensions.has(PASSWORD_MODIFY) &&
      typeof password === 'string' &&
      second === undefined &&
      !/^\{[\w./-]+\}/.test(password)
    );
  }

  async #setPassword(name: string, password: string, signal: AbortSignal): Promise<Outcome> {
    const action = `set ${PASSWORD}`;
    const request = extendedRequest(action, PASSWORD_MODIFY, passwordModifyValue(name, password));
    const outcome = await this.#ask(request, action, signal);
    if (outcome.kind !== 'Refused') return outcome;
    const { code, message } = outcome.error;
    return { ...outcome, error: new ConnectorError(code, message, { attribute: PASSWORD }) };
  }

  /** An account without the password it was to have is not left behind. */
  async #takeBack(
    name: string,
    failure: Exclude<Outcome, { kind: 'Done' }>,
    signal: AbortSignal,
  ): Promise<Written> {
    if (failure.kind === 'Unknown') return written(failure);
    await this.#parts.turn?.(signal);
    const outcome = await this.#ask(deleteRequest(name), 'delete', signal);
    if (outcome.kind === 'Done') return written(failure);
    const { code, message } = failure.error;
    const details = { attribute: PASSWORD, cause: outcome.error };
    const told = `${message}; the entry was added and could not be deleted again`;
    return { kind: 'Unknown', error: new ConnectorError(code, told, details) };
  }

  /** The entry is there; without its id nobody could link it, so not to learn the id is not to know. */
  async #created(name: string, added: Response, signal: AbortSignal): Promise<Written> {
    const { schema, directory } = this.#parts;
    const decoder = (this.#idDecoder ??= decoderFor({ attributes: [] }, schema, directory.schema));
    try {
      const shown = added.controls.find(({ type }) => type === POST_READ)?.value;
      const cursor = shown
        ? new BerCursor(shown, 0, shown.length)
        : await this.#lookAt(name, decoder, signal);
      const entry = cursor && decoder.decode(cursor);
      // The server's own spelling of the name is what the next read will bring.
      if (entry) return { kind: 'Applied', id: entry.id, name: entry.name ?? name };
    } catch (error) {
      if (error instanceof ConnectorError) return { kind: 'Unknown', error };
      throw error;
    }
    const message = `add: the entry was added, but its '${schema.id}' cannot be read`;
    return { kind: 'Unknown', error: new ConnectorError('PermissionDenied', message) };
  }

  async #lookAt(name: string, { attributes }: Decoder, signal: AbortSignal): Promise<BerCursor | undefined> {
    const what: Search = { base: name, scope: 'Base', filter: present('objectClass'), attributes };
    const { entries } = await search(await this.#parts.shared(signal), what, signal);
    return entries[0]?.cursor();
  }

  async #ask(request: Request, action: string, signal: AbortSignal): Promise<Outcome> {
    let connection: Connection;
    try {
      connection = await this.#parts.shared(signal);
    } catch (error) {
      if (error instanceof ConnectorError) return { kind: 'Refused', error, status: undefined };
      throw error;
    }
    const exchanged = await exchange(connection, request, signal);
    switch (exchanged.kind) {
      case 'Answered': {
        const { response } = exchanged;
        if (response.status === SUCCESS) return { kind: 'Done', response };
        return { kind: 'Refused', error: resultError(response, action), status: response.status };
      }
      case 'NotSent':
        return {
          kind: 'Refused',
          error: lost(`${action}: not sent to ${connection.host}`, exchanged.error),
          status: undefined,
        };
      case 'Lost': {
        const message = `${action}: sent to ${connection.host}, and the answer was lost`;
        return { kind: 'Unknown', error: lost(message, exchanged.error) };
      }
    }
  }
}

function lost(message: string, cause: unknown): ConnectorError {
  return new ConnectorError(cause instanceof ConnectorError ? cause.code : 'Unreachable', message, { cause });
}

function written(outcome: Exclude<Outcome, { kind: 'Done' }>): Written {
  return { kind: outcome.kind, error: outcome.error };
}

function halfWritten(outcome: Exclude<Outcome, { kind: 'Done' }>): Written {
  const { code, message, attribute } = outcome.error;
  const told = `${message}; an earlier part of the same change was carried out`;
  const details = { cause: outcome.error, ...(attribute === undefined ? {} : { attribute }) };
  return { kind: 'Unknown', error: new ConnectorError(code, told, details) };
}

function refused(code: 'SchemaViolation' | 'InvalidData', message: string, attribute?: string): Written {
  return {
    kind: 'Refused',
    error: new ConnectorError(code, message, attribute === undefined ? {} : { attribute }),
  };
}
