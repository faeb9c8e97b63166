/**
 * Writing to a directory. One entry may take several operations; where a later one is refused, the result never
 * claims more than is true:
 *
 * - create: an entry whose password is refused is deleted again, and the result is Refused;
 * - update: a change that is refused after the rename, or a password after the change, leaves the entry half
 *   written. That is Unknown, with the server's reason and attribute, so that whoever gets it looks again.
 */
import { AddRequest, DeleteRequest, ExtendedRequest, ModifyDNRequest, ModifyRequest } from 'ldapts';

import { attributeOf, type ObjectSchema, type Value } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { AttributeChange, EntryChange, EntryWriter, NewEntry, Written } from '../../engine/ports.ts';
import type { LdapObject } from './config.ts';
import type { Connection, Request, Response } from './connection.ts';
import { decoderFor } from './decode.ts';
import { PASSWORD_MODIFY, POST_READ, type Directory } from './directory.ts';
import { normalise, parentOf, rdnOf } from './dn.ts';
import { present } from './filter.ts';
import type { Connect } from './reader.ts';
import { passwordModifyValue, PostReadControl, Vocabulary } from './requests.ts';
import { NO_SUCH_OBJECT, resultError, SUCCESS } from './result.ts';
import { search } from './search.ts';

const PASSWORD = 'userPassword';

export interface WriterParts {
  readonly object: LdapObject;
  readonly schema: ObjectSchema;
  readonly directory: Directory;
  readonly shared: Connect;
}

/** What has become of one request. */
type Outcome =
  | { readonly kind: 'Done' }
  | { readonly kind: 'Refused'; readonly error: ConnectorError; readonly status: number | undefined }
  | { readonly kind: 'Unknown'; readonly error: ConnectorError };

export class LdapWriter implements EntryWriter {
  readonly transactional = false;
  readonly #parts: WriterParts;
  readonly #vocabulary: Vocabulary;

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
    const reading = new PostReadControl([schema.id]);
    const controls = directory.controls.has(POST_READ) ? [reading] : [];
    const added = await this.#ask(
      new AddRequest({ messageId: 0, dn: name, attributes, controls }),
      'add',
      signal,
    );
    if (added.kind !== 'Done') return written(added);
    if (password !== undefined) {
      const set = await this.#setPassword(name, password, signal);
      if (set.kind !== 'Done') return this.#takeBack(name, set, signal);
    }
    return this.#created(name, reading, signal);
  }

  async update(change: EntryChange, signal: AbortSignal): Promise<Written> {
    const { id, newName } = change;
    if (change.name === undefined) return refused('InvalidData', 'modify: the dn of the entry is not known');
    let name = change.name;
    let done = 0;
    for (const step of this.#stepsOf(change, signal)) {
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
    const outcome = await this.#ask(new DeleteRequest({ messageId: 0, dn: name }), 'delete', signal);
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
      steps.push((name) =>
        this.#ask(new ModifyRequest({ messageId: 0, dn: name, changes }), 'modify', signal),
      );
    }
    const password = change.changes.find(isPassword)?.values[0];
    if (typeof password === 'string') steps.push((name) => this.#setPassword(name, password, signal));
    return steps;
  }

  #splitPassword(attributes: ReadonlyMap<string, readonly Value[]>): {
    readonly rest: ReadonlyMap<string, readonly Value[]>;
    readonly password: string | undefined;
  } {
    const rest = new Map(attributes);
    for (const [name, values] of attributes) {
      const [password] = values;
      if (!this.#isSetByExtension(name, values) || typeof password !== 'string') continue;
      rest.delete(name);
      return { rest, password };
    }
    return { rest, password: undefined };
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
    const value = passwordModifyValue(name, password);
    const request = new ExtendedRequest({ messageId: 0, oid: PASSWORD_MODIFY, value });
    const outcome = await this.#ask(request, `set ${PASSWORD}`, signal);
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
    const outcome = await this.#ask(new DeleteRequest({ messageId: 0, dn: name }), 'delete', signal);
    if (outcome.kind === 'Done') return written(failure);
    const { code, message } = failure.error;
    const details = { attribute: PASSWORD, cause: outcome.error };
    const told = `${message}; the entry was added and could not be deleted again`;
    return { kind: 'Unknown', error: new ConnectorError(code, told, details) };
  }

  /** The entry is there; without its id nobody could link it, so not to learn the id is not to know. */
  async #created(name: string, reading: PostReadControl, signal: AbortSignal): Promise<Written> {
    const { schema, directory, shared } = this.#parts;
    const decoder = decoderFor({ attributes: [] }, schema, directory.schema);
    try {
      let found = reading.entry;
      if (!found) {
        const what = {
          base: name,
          scope: 'Base',
          filter: present('objectClass'),
          attributes: decoder.attributes,
        } as const;
        found = (await search(await shared(signal), what, signal)).searchEntries[0];
      }
      const entry = found && decoder.decode(found);
      // The server's own spelling of the name is what the next read will bring.
      if (entry) return { kind: 'Applied', id: entry.id, name: entry.name ?? name };
    } catch (error) {
      if (error instanceof ConnectorError) return { kind: 'Unknown', error };
      throw error;
    }
    const message = `add: the entry was added, but its '${schema.id}' cannot be read`;
    return { kind: 'Unknown', error: new ConnectorError('PermissionDenied', message) };
  }

  async #ask(request: Request, action: string, signal: AbortSignal): Promise<Outcome> {
    let connection: Connection;
    try {
      connection = await this.#parts.shared(signal);
    } catch (error) {
      if (error instanceof ConnectorError) return { kind: 'Refused', error, status: undefined };
      throw error;
    }
    if (signal.aborted || !connection.usable) {
      const error = new ConnectorError('Unreachable', `${action}: not sent to ${connection.host}`);
      return { kind: 'Refused', error, status: undefined };
    }
    let response: Response;
    try {
      response = await connection.send(request, signal);
    } catch (cause) {
      const message = `${action}: sent to ${connection.host}, and the answer was lost`;
      return { kind: 'Unknown', error: new ConnectorError('Unreachable', message, { cause }) };
    }
    if (response.status === SUCCESS) return { kind: 'Done' };
    return { kind: 'Refused', error: resultError(response, action), status: response.status };
  }
}

/** `newSuperior` only for a move: servers that cannot move can rename. The old value of the name goes. */
function renameRequest(name: string, newName: string): Request {
  const [from, to] = [parentOf(name), parentOf(newName)];
  return new ModifyDNRequest({
    messageId: 0,
    dn: name,
    newRdn: rdnOf(newName),
    deleteOldRdn: true,
    ...(normalise(from) === normalise(to) ? {} : { newSuperior: to }),
  });
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
