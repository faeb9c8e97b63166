/** One object type of one Repository in the database: objects, their unique values, deleted marks, the change sequence. */
import type { ObjectConfig } from '../connectors/connector.ts';
import type { Entry, ObjectSchema, Value } from '../engine/entry.ts';
import { keyOfId, normalise } from '../engine/matching.ts';
import type { Foreseen } from '../engine/recogniser.ts';
import { numberOf, textOf, type Database } from './database.ts';
import { inTheWay, type UniqueValue } from './unique-value.ts';

export interface RepositoryConfig extends ObjectConfig {
  /** `namespace/name` of the ManagedSystem. */
  readonly system: string;
  readonly schema: ObjectSchema;
  readonly now: () => number;
}

const NONE: readonly UniqueValue[] = [];
/** Between id and attributes: none of UTF-8, so no id holds it. */
const BORDER = 0xff;

/** How long a deleted mark is kept. */
const KEEP_DELETED_MS = 90 * 86_400_000;

/** What becomes of one object by a commit. */
export interface ObjectChange {
  readonly key: string;
  readonly before: Entry | undefined;
  /** Undefined: it is deleted. */
  readonly after: Entry | undefined;
}

/** The same as it is kept until it is committed: a fraction of the memory that entries take. */
export interface PackedChange {
  readonly key: string;
  /** It is there already. */
  readonly isKnown: boolean;
  /** The unique values that it has had so far. */
  readonly frees: readonly UniqueValue[];
  readonly after: PackedObject | undefined;
}

export interface PackedObject {
  readonly id: string;
  /** As it is stored. */
  readonly attributes: string;
  readonly takes: readonly UniqueValue[];
}

export function unpacked({ id, attributes }: PackedObject): Entry {
  return entryOf(id, attributes);
}

export class RepositoryObjects {
  readonly config: RepositoryConfig;
  readonly #database: Database;
  readonly #unique: readonly string[];
  #hasForgotten = false;

  constructor(database: Database, config: RepositoryConfig) {
    this.#database = database;
    this.config = config;
    this.#unique = (config.attributes ?? []).filter(({ unique }) => unique).map(({ name }) => name);
  }

  *all(): Generator<Entry> {
    const sql =
      'SELECT id, attributes FROM objects WHERE system = ? AND object = ? AND deleted_at IS NULL ORDER BY key';
    for (const row of this.#database.iterate(sql, ...this.#names()))
      yield entryOf(textOf(row, 'id'), textOf(row, 'attributes'));
  }

  /** As it is stored, and how to make an entry of it. */
  *allRaw(): Generator<{ readonly raw: Uint8Array; readonly decode: () => Entry }> {
    // In one piece: to put it together here takes as long as all the rest.
    const sql = `SELECT CAST(id || x'ff' || attributes AS BLOB) FROM objects
      WHERE system = ? AND object = ? AND deleted_at IS NULL ORDER BY key`;
    for (const [raw] of this.#database.columns(sql, ...this.#names()))
      if (raw instanceof Uint8Array) yield { raw, decode: () => entryIn(raw) };
  }

  find(key: string): Entry | undefined {
    const sql =
      'SELECT id, attributes FROM objects WHERE system = ? AND object = ? AND key = ? AND deleted_at IS NULL';
    const row = this.#database.get(sql, ...this.#names(), key);
    return row && entryOf(textOf(row, 'id'), textOf(row, 'attributes'));
  }

  /** As committed. */
  isEmpty(): boolean {
    const sql = 'SELECT 1 FROM objects WHERE system = ? AND object = ? AND deleted_at IS NULL LIMIT 1';
    return this.#database.get(sql, ...this.#names()) === undefined;
  }

  keyOf(id: string): string {
    return keyOfId(id, this.config.schema);
  }

  /** The key of the object that has the value, as committed. */
  holderOf({ attribute, value }: UniqueValue): string | undefined {
    const sql =
      'SELECT key FROM unique_values WHERE system = ? AND object = ? AND attribute = ? AND value = ?';
    const row = this.#database.get(sql, ...this.#names(), attribute, value);
    return row && textOf(row, 'key');
  }

  get hasUnique(): boolean {
    return this.#unique.length > 0;
  }

  uniqueValuesOf(entry: Entry | undefined): readonly UniqueValue[] {
    if (!entry || !this.hasUnique) return NONE;
    return this.#unique.flatMap((attribute) => {
      const match = this.config.schema.attributes.get(attribute)?.match ?? 'Exact';
      const values = entry.attributes.get(attribute) ?? [];
      return values.map((value) => ({ attribute, value: normalise(value, match) }));
    });
  }

  pack({ key, before, after }: ObjectChange): PackedChange {
    return {
      key,
      isKnown: before !== undefined,
      frees: this.uniqueValuesOf(before),
      after: after && {
        id: after.id,
        attributes: attributesText(after),
        takes: this.uniqueValuesOf(after),
      },
    };
  }

  /** From now on all that is written to the store becomes true with what is applied next. */
  begin(): void {
    this.#database.begin();
  }

  drop(): void {
    this.#database.rollback();
  }

  /**
   * All or none, durable when it returns. The values that change hands are freed before they are taken. `othersSince`: from
   * the number of the last change to the one after which others have written; nothing is written over what they wrote.
   * Returns the number of the last change.
   */
  apply(changes: readonly PackedChange[], othersSince: (last: number) => number | undefined): number {
    let sequence = 0;
    this.#database.commitWith(() => {
      this.#forgetMarks();
      // The transaction has begun, so nobody else writes one between this look and the commit.
      sequence = this.lastChange();
      const seen = othersSince(sequence);
      if (seen !== undefined) this.#refuseChanged(changes, seen);
      for (const { key, frees } of changes) for (const unique of frees) this.#free(unique, key);
      if (seen !== undefined) this.#refuseTaken(changes);
      for (const { key, isKnown, after } of changes) {
        if (after) this.#put(key, after, ++sequence);
        else if (isKnown) this.#markDeleted(key, ++sequence);
      }
      const remember = 'INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)';
      this.#database.run(remember, this.#sequenceName(), String(sequence));
    });
    return sequence;
  }

  #refuseChanged(changes: readonly PackedChange[], seen: number): void {
    const sql = 'SELECT changed FROM objects WHERE system = ? AND object = ? AND key = ?';
    for (const { key, after } of changes) {
      const row = this.#database.get(sql, ...this.#names(), key);
      if (row && numberOf(row, 'changed') > seen)
        throw new Error(`somebody else has written '${after?.id ?? key}' meanwhile; run again`);
    }
  }

  /** Asked when all is freed that these changes free, and nothing is taken yet. */
  #refuseTaken(changes: readonly PackedChange[]): void {
    for (const { key, frees: had, after } of changes) {
      const conflict = after && inTheWay({ key, had, takes: after.takes }, (unique) => this.holderOf(unique));
      if (!conflict) continue;
      const { attribute, holder } = conflict;
      throw new Error(
        `attribute ${attribute} is unique, and somebody else has given its value to '${holder}' meanwhile; run again`,
      );
    }
  }

  /**
   * An attribute that was declared unique, or given another matching rule, after objects had been written: their
   * values count as well. Of two objects that share one already, the first keeps it, and either may be kept as it is.
   */
  takeUp(): void {
    const name = `unique ${this.#names().join(' ')}`;
    const declared = JSON.stringify(
      this.#unique.map((one) => [one, this.config.schema.attributes.get(one)?.match]),
    );
    const known = this.#database.get('SELECT value FROM meta WHERE name = ?', name);
    if ((known ? textOf(known, 'value') : '[]') === declared) return;
    this.#database.atomically(() => {
      this.#database.run('DELETE FROM unique_values WHERE system = ? AND object = ?', ...this.#names());
      for (const entry of this.all())
        for (const unique of this.uniqueValuesOf(entry)) this.#take(unique, this.keyOf(entry.id));
      this.#database.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, declared);
    });
  }

  /** Every mark is looked at for it, so not with each of many commits. */
  #forgetMarks(): void {
    if (this.#hasForgotten) return;
    const old = 'DELETE FROM objects WHERE system = ? AND object = ? AND deleted_at < ?';
    this.#database.run(old, ...this.#names(), this.config.now() - KEEP_DELETED_MS);
    this.#hasForgotten = true;
  }

  #put(key: string, { id, attributes, takes }: PackedObject, sequence: number): void {
    const sql = 'INSERT OR REPLACE INTO objects (system, object, key, id, attributes, changed)';
    this.#database.gather(sql, ...this.#names(), key, id, attributes, sequence);
    for (const unique of takes) this.#take(unique, key);
  }

  /** Without content, so that who follows changes hears of it. */
  #markDeleted(key: string, sequence: number): void {
    const sql = `UPDATE objects SET attributes = '[]', changed = ?, deleted_at = ? WHERE system = ? AND object = ? AND key = ?`;
    this.#database.run(sql, sequence, this.config.now(), ...this.#names(), key);
  }

  #take({ attribute, value }: UniqueValue, key: string): void {
    const sql = 'INSERT OR IGNORE INTO unique_values (system, object, attribute, value, key)';
    this.#database.gather(sql, ...this.#names(), attribute, value, key);
  }

  #free({ attribute, value }: UniqueValue, key: string): void {
    const sql =
      'DELETE FROM unique_values WHERE system = ? AND object = ? AND attribute = ? AND value = ? AND key = ?';
    this.#database.run(sql, ...this.#names(), attribute, value, key);
  }

  /** The number of the last change. Remembered by itself, too: the highest may have gone with a forgotten mark. */
  lastChange(): number {
    const row = this.#database.get('SELECT value FROM meta WHERE name = ?', this.#sequenceName());
    const sql = 'SELECT max(changed) AS changed FROM objects WHERE system = ? AND object = ?';
    const highest = numberOf(this.#database.get(sql, ...this.#names()) ?? {}, 'changed');
    return Math.max(highest, Number(row?.['value'] ?? 0));
  }

  #sequenceName(): string {
    return `sequence ${this.#names().join(' ')}`;
  }

  #names(): [string, string] {
    return [this.config.system, this.config.name];
  }
}

/** An object that is stored like this, as `allRaw` will show it. */
export function foreseen(entry: Entry, attributes: string): Foreseen {
  return {
    entry,
    raw: Buffer.concat([Buffer.from(entry.id), Uint8Array.of(BORDER), Buffer.from(attributes)]),
  };
}

function entryIn(raw: Uint8Array): Entry {
  const border = raw.indexOf(BORDER);
  return entryOf(textIn(raw.subarray(0, border)), textIn(raw.subarray(border + 1)));
}

function textIn(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8');
}

function entryOf(id: string, attributes: string): Entry {
  const parsed = JSON.parse(attributes) as [string, (string | { base64: string })[]][];
  const decode = (value: string | { base64: string }): Value =>
    typeof value === 'string' ? value : new Uint8Array(Buffer.from(value.base64, 'base64'));
  return {
    id,
    name: undefined,
    attributes: new Map(parsed.map(([name, values]) => [name, values.map(decode)])),
  };
}

function attributesText({ attributes }: Entry): string {
  const encode = (value: Value): string | { base64: string } =>
    typeof value === 'string' ? value : { base64: Buffer.from(value).toString('base64') };
  return JSON.stringify([...attributes].map(([name, values]) => [name, values.map(encode)]));
}
