/**
 * Writes to a Repository. They are kept in memory and become true, and durable, together by `commit`; reading
 * shows what was committed.
 *
 * A unique value may change hands within one commit. A write whose value another object still has waits for the
 * writes that were asked for at the same time: when one of them lets go of the value (a move, a swap, a ring) all
 * of them are taken, else this one alone is refused. Asked for one after the other, a value is free as soon as
 * the write that lets go of it was answered. The price: of two writes for one value the first wins.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry, Value } from '../engine/entry.ts';
import { ConnectorError } from '../engine/errors.ts';
import type { EntryChange, EntryWriter, NewEntry, Together, Written } from '../engine/ports.ts';
import {
  foreseen,
  unpacked,
  type ObjectChange,
  type PackedChange,
  type RepositoryObjects,
} from './repository-objects.ts';
import { Alone } from './repository-alone.ts';
import { schemaProblem } from './repository-schema.ts';
import type { Conflict } from './unique-value.ts';
import { UniqueValues } from './unique-values.ts';

type Attributes = Iterable<readonly [string, readonly Value[]]>;

interface Writing extends ObjectChange {
  readonly after: Entry;
}

interface Waiting {
  readonly change: ObjectChange;
  readonly answer: (conflict: Conflict | undefined) => void;
}

export class RepositoryWriter implements EntryWriter {
  readonly transactional = true;
  readonly #objects: RepositoryObjects;
  /** From what is committed to what will be. */
  readonly #buffer: Map<string, PackedChange> = new Map();
  #unique: UniqueValues | undefined;
  readonly #alone: Alone;
  #waiting: Waiting[] = [];
  #isTogether = false;

  constructor(objects: RepositoryObjects) {
    this.#objects = objects;
    this.#alone = new Alone(objects);
  }

  create({ attributes }: NewEntry): Promise<Written> {
    const { schema } = this.#objects.config;
    const [id] = attributes.get(schema.id) ?? [];
    if (typeof id !== 'string' || id === '')
      return refused('SchemaViolation', `attribute ${schema.id} is the id and has no value`, schema.id);
    const key = this.#objects.keyOf(id);
    if (this.#find(key)) return refused('AlreadyExists', `'${id}' exists already`, schema.id);
    const nothing = { id, name: undefined, attributes: new Map<string, readonly Value[]>() };
    return this.#write({ key, before: undefined, after: nothing }, attributes);
  }

  update({ id, changes }: EntryChange): Promise<Written> {
    const key = this.#objects.keyOf(id);
    const present = this.#find(key);
    if (!present) return refused('NotFound', `'${id}' is not there any more`);
    return this.#write(
      { key, before: present, after: present },
      changes.map(({ attribute, values }) => [attribute, values]),
    );
  }

  delete({ id }: { readonly id: string }): Promise<Written> {
    const key = this.#objects.keyOf(id);
    const before = this.#find(key);
    if (before) this.#take([{ key, before, after: undefined }]);
    return Promise.resolve({ kind: 'Applied', id, name: undefined });
  }

  async commit(): Promise<Written> {
    if (this.#waiting.length > 0) await nextTurn();
    if (this.#buffer.size === 0) return { kind: 'Applied', id: '', name: undefined };
    try {
      this.#objects.begin();
      this.#commit();
      return { kind: 'Applied', id: '', name: undefined };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'unknown';
      return await refused(
        'Refused',
        `the store could not be written (${why}); nothing of it was kept`,
        undefined,
        cause,
      );
    } finally {
      this.#forget();
    }
  }

  readonly together: Together = {
    begin: () => {
      // What may have to be written before is durable before.
      this.#values();
      this.#objects.begin();
      this.#isTogether = true;
    },
    commit: async () => {
      // Who waits for a value is judged first, and whoever else waits has a turn.
      await nextTurn();
      this.#commit();
      this.#forget();
    },
    drop: () => {
      this.#objects.drop();
      this.#forget();
    },
  };

  #commit(): void {
    const changes = [...this.#buffer.values()];
    const last = this.#objects.apply(changes, (last) => this.#alone.othersSince(last));
    this.#alone.note(changes, last);
  }

  #forget(): void {
    this.#buffer.clear();
    this.#isTogether = false;
    this.#unique = undefined;
    this.#alone.forget();
  }

  #find(key: string): Entry | undefined {
    const buffered = this.#buffer.get(key);
    if (!buffered) {
      return this.#alone.hasNot(key) ? undefined : this.#objects.find(key);
    }
    return buffered.after && unpacked(buffered.after);
  }

  /** `after`: what the values are written over. */
  async #write({ key, before, after: present }: Writing, written: Attributes): Promise<Written> {
    const { schema } = this.#objects.config;
    const problem = schemaProblem(present, written, schema);
    if (problem) return refused(problem.code, problem.message, problem.attribute);
    const change = { key, before, after: merged(present, written, schema.id) };
    const conflict = await this.#settle(change);
    if (!conflict) return this.#applied(change);
    const holder = this.#find(conflict.holder)?.id ?? conflict.holder;
    const message = `attribute ${conflict.attribute} is unique, and '${holder}' has the same value`;
    return refused('SchemaViolation', message, conflict.attribute);
  }

  /** What is held until a commit of everything is held without its content. */
  #applied({ key, after }: Writing): Written {
    const applied = { kind: 'Applied', id: after.id, name: undefined } as const;
    const attributes = this.#isTogether ? this.#buffer.get(key)?.after?.attributes : undefined;
    return attributes === undefined ? applied : { ...applied, foreseen: () => foreseen(after, attributes) };
  }

  #values(): UniqueValues {
    this.#unique ??= new UniqueValues(this.#objects);
    return this.#unique;
  }

  #take(changes: readonly ObjectChange[]): void {
    this.#values().take(changes);
    for (const change of changes) {
      const packed = this.#objects.pack(change);
      const known = this.#buffer.get(change.key);
      const { isKnown, frees } = known ?? packed;
      this.#buffer.set(change.key, known ? { ...packed, isKnown, frees } : packed);
    }
  }

  /** Undefined: it is taken. */
  #settle(change: ObjectChange): Promise<Conflict | undefined> {
    if (this.#values().conflict([change]).size > 0) return this.#wait(change);
    this.#take([change]);
    return Promise.resolve(undefined);
  }

  #wait(change: ObjectChange): Promise<Conflict | undefined> {
    if (this.#waiting.length === 0) setImmediate(() => this.#judge());
    return new Promise((answer) => {
      this.#waiting.push({ change, answer });
    });
  }

  /** Those that can all be true together are; the others are told who is in their way. */
  #judge(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const conflicts = this.#values().conflict(waiting.map(({ change }) => change));
    this.#take(waiting.map(({ change }) => change).filter((change) => !conflicts.has(change)));
    for (const { change, answer } of waiting) answer(conflicts.get(change));
  }
}

function merged(present: Entry, written: Attributes, id: string): Entry {
  const attributes = new Map(present.attributes);
  for (const [name, values] of written) {
    const kept = values.includes('') ? values.filter((value) => value !== '') : values;
    if (kept.length === 0 || name === id) attributes.delete(name);
    else attributes.set(name, kept);
  }
  return { ...present, attributes };
}

function refused(
  code: ConnectorError['code'],
  message: string,
  attribute?: string,
  cause?: unknown,
): Promise<Written> {
  const about = attribute === undefined ? {} : { attribute };
  return Promise.resolve({ kind: 'Refused', error: new ConnectorError(code, message, { ...about, cause }) });
}
