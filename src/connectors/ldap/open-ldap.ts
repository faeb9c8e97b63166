/**
 * Directories as systems of identities. A session promises: every request is made as the configured account, a
 * listing says whether it was whole, no referral is followed, and a write whose answer was lost is never called
 * a failure. It knows no mapping. The connection beneath may be replaced without anybody else noticing.
 */
import { attributeOf, type AttributeSchema, type Entry, type ObjectSchema } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { EntryWriter, Evidence, Fetched, ReadRequest } from '../../engine/ports.ts';
import type { RecogniserOf, Unknown } from '../../engine/recogniser.ts';
import type { OpenOptions, OpenSession, Probe, Session } from '../connector.ts';
import { mergeSchema, plainAttribute, type MergedSchema } from '../schema.ts';
import type { LdapConfig, LdapObject } from './config.ts';
import type { Connection } from './connection.ts';
import { discover, PASSWORD_MODIFY, POST_READ, type Directory } from './directory.ts';
import { parseFilter } from './filter.ts';
import { openConnection } from './open-connection.ts';
import { LdapReader, type Connect } from './reader.ts';
import { LdapWriter } from './writer.ts';

const NAME = 'dn';

/** Opens sessions on one kind of entry. Throws Unreachable, AuthenticationFailed, InvalidConfiguration. */
export function openLdap(config: LdapConfig, object: LdapObject, options: OpenOptions): OpenSession {
  return async (signal) => {
    parseFilter(object.filter);
    const connect: Connect = (during) => openConnection(config, during);
    const shared = new SharedConnection(connect);
    try {
      const directory = await discover(await shared.get(signal), signal);
      return new LdapSession({ object, options, directory, connect, shared });
    } catch (error) {
      await shared[Symbol.asyncDispose]();
      throw error;
    }
  };
}

/** Single requests share one connection. A lost one is replaced by a new one that has bound. */
class SharedConnection implements AsyncDisposable {
  readonly #connect: Connect;
  #current: Promise<Connection> | undefined;
  #usable: () => boolean = () => false;
  #closed = false;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  async get(signal: AbortSignal): Promise<Connection> {
    if (this.#closed) throw new ConnectorError('Unreachable', 'the session is closed');
    if (!this.#current || !this.#usable()) {
      this.#usable = () => true;
      const opening = this.#connect(signal);
      this.#current = opening;
      opening.then(
        (connection) => {
          this.#usable = () => connection.usable;
        },
        () => {
          this.#usable = () => false;
        },
      );
    }
    return this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const connection = await this.#current?.catch(() => undefined);
    await connection?.[Symbol.asyncDispose]();
  }
}

interface SessionParts {
  readonly object: LdapObject;
  readonly options: OpenOptions;
  readonly directory: Directory;
  readonly connect: Connect;
  readonly shared: SharedConnection;
}

class LdapSession implements Session {
  readonly schema: ObjectSchema;
  readonly writer: EntryWriter | undefined;
  readonly missingAttributes: readonly string[];
  readonly #parts: SessionParts;
  readonly #reader: LdapReader;

  constructor(parts: SessionParts) {
    const { object, directory, options, connect } = parts;
    const merged = schemaOf(object, directory);
    this.#parts = parts;
    this.schema = {
      id: object.id,
      idChosenBy: 'System',
      name: NAME,
      attributes: merged.attributes,
      ignoreCaseInNames: true,
    };
    this.missingAttributes = merged.missing;
    requireId(this.schema, directory);
    const shared: Connect = (signal) => parts.shared.get(signal);
    this.#reader = new LdapReader({ object, schema: this.schema, directory, connect, shared });
    this.writer = options.writable
      ? new LdapWriter({ object, schema: this.schema, directory, shared, turn: options.turn })
      : undefined;
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    const { vendor, extensions, controls } = await discover(await this.#parts.shared.get(signal), signal);
    const able = [
      'Read',
      ...(this.writer ? ['Write'] : []),
      ...(extensions.has(PASSWORD_MODIFY) ? ['PasswordModify'] : []),
      ...(controls.has(POST_READ) ? ['PostRead'] : []),
    ];
    return { vendor, capabilities: able };
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<readonly Entry[], Evidence> {
    return this.#reader.read(request, signal);
  }

  skim(
    request: ReadRequest,
    recogniserOf: RecogniserOf,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Unknown[], Evidence> {
    return this.#reader.skim(request, recogniserOf, signal);
  }

  fetch(ids: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    return this.#reader.fetch(ids, request, signal);
  }

  fetchByName(names: readonly string[], request: ReadRequest, signal: AbortSignal): AsyncGenerator<Fetched> {
    return this.#reader.fetchByName(names, request, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.shared[Symbol.asyncDispose]();
  }
}

/** The server's schema, the name, and what the manifest declares, looked up without regard to case. */
function schemaOf(object: LdapObject, directory: Directory): MergedSchema {
  const discovered = new Map<string, AttributeSchema>(directory.schema.attributes);
  discovered.set(NAME, { ...plainAttribute(NAME), match: 'DistinguishedName' });
  const folded = new Map([...discovered].map(([name, attribute]) => [name.toLowerCase(), attribute]));
  return mergeSchema(discovered, object.attributes, (name) => folded.get(name.toLowerCase()));
}

/** A server that hides its schema cannot say whether it has the id; then the first read will. */
function requireId(schema: ObjectSchema, directory: Directory): void {
  if (directory.schema.attributes.size === 0 || attributeOf(schema, schema.id)) return;
  throw new ConnectorError(
    'InvalidConfiguration',
    `the directory has no attribute '${schema.id}' to serve as id`,
  );
}
