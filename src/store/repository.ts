/**
 * The Repository connector: the objects that Rollcall itself keeps, in its own store. Types with a schema,
 * source and target alike, transactional, unique attributes, a deleted mark with its time, a change sequence.
 */
import type { AttributeDeclaration, ObjectConfig, OpenOptions, Session } from '../connectors/connector.ts';
import type { Entry, ObjectSchema, Value } from '../engine/entry.ts';
import { ConnectorError } from '../engine/errors.ts';
import { normalise } from '../engine/matching.ts';
import type {
  EntryChange,
  EntryReader,
  EntryWriter,
  Evidence,
  Fetched,
  NewEntry,
  Written,
} from '../engine/ports.ts';
import { numberOf, textOf, type Database } from './database.ts';

/** How long a deleted mark is kept. */
const KEEP_DELETED_MS = 90 * 86_400_000;
const BATCH = 500;

export interface RepositoryConfig extends ObjectConfig {
  /** `namespace/name` of the ManagedSystem. */
  readonly system: string;
  readonly schema: ObjectSchema;
  readonly now: () => number;
}

export function openRepository(database: Database, config: RepositoryConfig, options: OpenOptions): Session {
  const objects = new RepositoryObjects(database, config);
  const reader: EntryReader = {
    read: () => objects.read(),
    fetch: (ids) => objects.fetch(ids),
    fetchByName: (names) => objects.fetch(names),
  };
  return {
    ...reader,
    schema: config.schema,
    writer: options.writable ? new RepositoryWriter(objects) : undefined,
    probe: () =>
      Promise.resolve({ vendor: 'Rollcall repository', capabilities: ['Transaction', 'ChangeSequence'] }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const SNAPSHOT: Evidence = {
  complete: 'Yes',
  proof: 'Snapshot',
  reason: undefined,
  message: undefined,
  snapshot: true,
};

/** One object type in the database. */
class RepositoryObjects {
  readonly config: RepositoryConfig;
  readonly #database: Database;
  readonly #unique: readonly AttributeDeclaration[];

  constructor(database: Database, config: RepositoryConfig) {
    this.#database = database;
    this.config = config;
    this.#unique = (config.attributes ?? []).filter((attribute) => attribute.unique);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port streams; SQLite answers at once
  async *read(): AsyncGenerator<readonly Entry[], Evidence> {
    const sql =
      'SELECT id, attributes FROM objects WHERE system = ? AND object = ? AND deleted_at IS NULL ORDER BY key';
    let batch: Entry[] = [];
    for (const row of this.#database.iterate(sql, ...this.#names())) {
      batch.push(entryOf(textOf(row, 'id'), textOf(row, 'attributes')));
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    return SNAPSHOT;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  async *fetch(ids: readonly string[]): AsyncGenerator<Fetched> {
    for (const id of ids) {
      const entry = this.find(id);
      yield entry ? { kind: 'There', id, entry, listed: true } : { kind: 'NotThere', id };
    }
  }

  find(id: string): Entry | undefined {
    const sql =
      'SELECT id, attributes FROM objects WHERE system = ? AND object = ? AND key = ? AND deleted_at IS NULL';
    const row = this.#database.get(sql, ...this.#names(), this.keyOf(id));
    return row && entryOf(textOf(row, 'id'), textOf(row, 'attributes'));
  }

  put(entry: Entry): void {
    const key = this.keyOf(entry.id);
    const sql =
      'INSERT OR REPLACE INTO objects (system, object, key, id, attributes, changed, deleted_at) VALUES (?, ?, ?, ?, ?, ?, NULL)';
    this.#database.run(
      sql,
      ...this.#names(),
      key,
      entry.id,
      attributesText(entry.attributes),
      this.#nextChange(),
    );
    this.#freeUnique(key);
    for (const [attribute, value] of this.#uniqueValues(entry)) {
      const insert =
        'INSERT INTO unique_values (system, object, attribute, value, key) VALUES (?, ?, ?, ?, ?)';
      this.#database.run(insert, ...this.#names(), attribute, value, key);
    }
  }

  /** Keeps a deleted mark without content, so that who follows changes hears of it. */
  remove(id: string): void {
    const key = this.keyOf(id);
    const now = this.config.now();
    const sql = `UPDATE objects SET attributes = '[]', changed = ?, deleted_at = ? WHERE system = ? AND object = ? AND key = ?`;
    this.#database.run(sql, this.#nextChange(), now, ...this.#names(), key);
    this.#freeUnique(key);
    const old = 'DELETE FROM objects WHERE system = ? AND object = ? AND deleted_at < ?';
    this.#database.run(old, ...this.#names(), now - KEEP_DELETED_MS);
  }

  /** The attribute and the id that already has one of the entry's unique values. */
  conflict(entry: Entry): { attribute: string; holder: string } | undefined {
    const own = this.keyOf(entry.id);
    for (const [attribute, value] of this.#uniqueValues(entry)) {
      const sql =
        'SELECT key FROM unique_values WHERE system = ? AND object = ? AND attribute = ? AND value = ?';
      const row = this.#database.get(sql, ...this.#names(), attribute, value);
      if (row && textOf(row, 'key') !== own) return { attribute, holder: textOf(row, 'key') };
    }
    return undefined;
  }

  keyOf(id: string): string {
    const { schema } = this.config;
    return normalise(id, schema.attributes.get(schema.id)?.match ?? 'Exact');
  }

  #uniqueValues(entry: Entry): [string, string][] {
    return this.#unique.flatMap(({ name }) => {
      const match = this.config.schema.attributes.get(name)?.match ?? 'Exact';
      return (entry.attributes.get(name) ?? []).map((value): [string, string] => [
        name,
        normalise(value, match),
      ]);
    });
  }

  #freeUnique(key: string): void {
    this.#database.run(
      'DELETE FROM unique_values WHERE system = ? AND object = ? AND key = ?',
      ...this.#names(),
      key,
    );
  }

  #nextChange(): number {
    const sql = 'SELECT max(changed) AS changed FROM objects WHERE system = ? AND object = ?';
    return numberOf(this.#database.get(sql, ...this.#names()) ?? {}, 'changed') + 1;
  }

  #names(): [string, string] {
    return [this.config.system, this.config.name];
  }
}

/** Writes go into the store's open transaction; they become durable with the journal's next flush. */
class RepositoryWriter implements EntryWriter {
  readonly transactional = true;
  readonly #objects: RepositoryObjects;

  constructor(objects: RepositoryObjects) {
    this.#objects = objects;
  }

  create({ attributes }: NewEntry): Promise<Written> {
    const { schema } = this.#objects.config;
    const [id] = attributes.get(schema.id) ?? [];
    if (typeof id !== 'string' || id === '')
      return refused('SchemaViolation', `attribute ${schema.id} is the id and has no value`, schema.id);
    if (this.#objects.find(id)) return refused('AlreadyExists', `'${id}' exists`, schema.id);
    return this.#put({ id, name: undefined, attributes });
  }

  update({ id, changes }: EntryChange): Promise<Written> {
    const present = this.#objects.find(id);
    if (!present) return refused('NotFound', `'${id}' is not there any more`);
    const attributes = new Map(present.attributes);
    for (const { attribute, values } of changes) {
      if (values.length === 0) attributes.delete(attribute);
      else attributes.set(attribute, values);
    }
    return this.#put({ ...present, attributes });
  }

  delete({ id }: { readonly id: string }): Promise<Written> {
    this.#objects.remove(id);
    return Promise.resolve({ kind: 'Applied', id, name: undefined });
  }

  commit(): Promise<Written> {
    return Promise.resolve({ kind: 'Applied', id: '', name: undefined });
  }

  #put(entry: Entry): Promise<Written> {
    const { schema } = this.#objects.config;
    const { writeOnly, others } = split(entry.attributes, schema);
    const unknown = others.find(([name]) => name !== schema.id && !schema.attributes.has(name));
    if (unknown)
      return refused(
        'UnknownAttribute',
        `the repository object has no attribute ${unknown[0]}; declare it in the ManagedSystem`,
        unknown[0],
      );
    if (writeOnly !== undefined)
      return refused(
        'SchemaViolation',
        `attribute ${writeOnly} is write-only and cannot be kept in the repository`,
        writeOnly,
      );
    const conflict = this.#objects.conflict(entry);
    if (conflict)
      return refused(
        'SchemaViolation',
        `attribute ${conflict.attribute} is unique, and '${conflict.holder}' has the same value`,
        conflict.attribute,
      );
    this.#objects.put({ ...entry, attributes: new Map(others.filter(([name]) => name !== schema.id)) });
    return Promise.resolve({ kind: 'Applied', id: entry.id, name: undefined });
  }
}

/** Secrets do not enter the store. */
function split(
  attributes: Entry['attributes'],
  schema: ObjectSchema,
): { writeOnly: string | undefined; others: [string, readonly Value[]][] } {
  const others = [...attributes].filter(([, values]) => values.length > 0);
  const writeOnly = others.find(([name]) => schema.attributes.get(name)?.writeOnly)?.[0];
  return { writeOnly, others };
}

function refused(code: ConnectorError['code'], message: string, attribute?: string): Promise<Written> {
  return Promise.resolve({
    kind: 'Refused',
    error: new ConnectorError(code, message, attribute === undefined ? {} : { attribute }),
  });
}

function entryOf(id: string, attributes: string): Entry {
  const parsed = JSON.parse(attributes) as [string, (string | { base64: string })[]][];
  const decode = (value: string | { base64: string }): Value =>
    typeof value === 'string' ? value : Buffer.from(value.base64, 'base64');
  return {
    id,
    name: undefined,
    attributes: new Map(parsed.map(([name, values]) => [name, values.map(decode)])),
  };
}

function attributesText(attributes: Entry['attributes']): string {
  const encode = (value: Value): string | { base64: string } =>
    typeof value === 'string' ? value : { base64: Buffer.from(value).toString('base64') };
  return JSON.stringify([...attributes].map(([name, values]) => [name, values.map(encode)]));
}
