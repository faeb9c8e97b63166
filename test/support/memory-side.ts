/* oxlint-disable complexity -- one write is checked in one place */
/**
 * A system in memory that fulfils the engine's port and can be made to misbehave: hide entries from its listing,
 * fail to answer, break off a read, refuse a write or lose its answer. Strict where a real system would be.
 */
import type { Entry, ObjectSchema, Value } from '../../src/engine/entry.ts';
import { ConnectorError, type ConnectorErrorCode } from '../../src/engine/errors.ts';
import { normalise, sameValues, without } from '../../src/engine/matching.ts';
import type {
  EntryChange,
  EntryReader,
  EntryWriter,
  Evidence,
  Fetched,
  NewEntry,
  OpenSide,
  ReadRequest,
  Written,
} from '../../src/engine/ports.ts';
import type { RecogniserOf, Unknown } from '../../src/engine/recogniser.ts';

const PLAIN = { reason: undefined, message: undefined };
export const SNAPSHOT: Evidence = { complete: 'Yes', proof: 'Snapshot', snapshot: true, ...PLAIN };
export const PAGED: Evidence = { complete: 'Yes', proof: 'LastPage', snapshot: false, ...PLAIN };
export const UNPROVED: Evidence = { complete: 'Unproved', proof: undefined, snapshot: true, ...PLAIN };
export const BROKEN: Evidence = {
  complete: 'No',
  proof: undefined,
  snapshot: false,
  reason: 'PageMissing',
  message: 'the connection ended in the middle',
};

/** One write that reached the system. */
export interface LoggedWrite {
  readonly kind: 'Create' | 'Update' | 'Delete';
  readonly id: string;
  readonly attributes: readonly string[];
}

/** What the system says instead of doing what it was asked; Lost: done or not, the answer does not arrive. */
export type Misbehaviour =
  | { readonly kind: 'Refuses'; readonly code: ConnectorErrorCode }
  | { readonly kind: 'Loses'; readonly happened: boolean };

export interface MemorySideOptions {
  readonly schema: ObjectSchema;
  readonly entries?: readonly Entry[];
  readonly evidence?: Evidence;
  readonly transactional?: boolean;
  readonly writable?: boolean;
}

export class MemorySide implements OpenSide {
  readonly schema: ObjectSchema;
  readonly entries: Map<string, Entry> = new Map();
  /** Lists entries that are made on the way, instead of those that are kept. */
  stream: (() => Iterable<readonly Entry[]>) | undefined;
  /** Listed beside `entries`: rows whose id occurs again. */
  duplicates: Entry[] = [];
  evidence: Evidence;
  missingAttributes: string[] = [];
  /** The filters of the system: what they leave out is there when it is asked for by id. */
  listed: (entry: Entry) => boolean = () => true;
  /** Left out of the listing although the filters would let it through. */
  readonly missed: Set<string> = new Set();
  /** Looking at these ids fails. */
  readonly unreadable: Set<string> = new Set();
  misbehave: (write: LoggedWrite) => Misbehaviour | undefined = () => undefined;
  commitMisbehaves: Misbehaviour | undefined;
  writes: LoggedWrite[] = [];
  fetches = 0;
  readonly #transactional: boolean;
  readonly #writable: boolean;
  #buffered: (() => void)[] = [];
  #created = 0;

  constructor(options: MemorySideOptions) {
    this.schema = options.schema;
    this.evidence = options.evidence ?? SNAPSHOT;
    this.#transactional = options.transactional ?? false;
    this.#writable = options.writable ?? true;
    for (const entry of options.entries ?? []) this.put(entry);
  }

  put(entry: Entry): void {
    this.entries.set(this.keyOf(entry.id), entry);
  }

  remove(id: string): void {
    this.entries.delete(this.keyOf(id));
  }

  keyOf(id: string): string {
    return normalise(id, this.schema.attributes.get(this.schema.id)?.match ?? 'Exact');
  }

  async *read(request: ReadRequest): AsyncGenerator<readonly Entry[], Evidence> {
    if (this.stream) {
      yield* this.stream();
      return this.evidence;
    }
    const listing = [...this.entries.values(), ...this.duplicates].filter(
      (entry) => this.listed(entry) && !this.missed.has(entry.id),
    );
    const half = Math.ceil(listing.length / 2);
    for (const page of [listing.slice(0, half), listing.slice(half)]) {
      if (page.length > 0) yield page.map((entry) => picked(entry, request));
    }
    return this.evidence;
  }

  /** What makes the octets of an entry other ones although it says the same. */
  spelling = 0;
  /** How often an entry was recognised. */
  recognised = 0;
  /** Told of every entry that a skim has to decode. */
  decodes: (id: string) => void = () => undefined;
  /** Deleted: everything is decoded. */
  skim?: NonNullable<EntryReader['skim']> = (request, recogniserOf) => this.#skim(request, recogniserOf);

  async *#skim(
    request: ReadRequest,
    recogniserOf: RecogniserOf,
  ): AsyncGenerator<readonly Unknown[], Evidence> {
    const recogniser = recogniserOf(JSON.stringify(request));
    const batches = this.read(request);
    for (;;) {
      const next = await batches.next();
      if (next.done) return next.value;
      yield next.value.flatMap((entry) => {
        const { id, name, attributes } = entry;
        const octets = Buffer.from(JSON.stringify([this.spelling, id, name, [...attributes]]));
        const rawPrint = recogniser.recognise(octets);
        if (rawPrint === undefined) {
          this.recognised++;
          return [];
        }
        this.decodes(id);
        return [{ entry, rawPrint }];
      });
    }
  }

  async *fetch(ids: readonly string[], request: ReadRequest): AsyncGenerator<Fetched> {
    for (const id of ids) {
      this.fetches++;
      yield this.#look(id, this.#shown(id), request);
    }
  }

  async *fetchByName(names: readonly string[], request: ReadRequest): AsyncGenerator<Fetched> {
    for (const name of names) {
      const byName = [...this.entries.values()].find((entry) => entry.name === name);
      yield this.#look(
        name,
        this.schema.name === undefined ? this.entries.get(this.keyOf(name)) : byName,
        request,
      );
    }
  }

  /** As it is listed, where it is; else as it is kept. */
  #shown(id: string): Entry | undefined {
    const key = this.keyOf(id);
    const kept = this.entries.get(key);
    if (kept && !this.missed.has(kept.id)) return kept;
    return this.duplicates.find((one) => this.keyOf(one.id) === key && !this.missed.has(one.id)) ?? kept;
  }

  #look(id: string, entry: Entry | undefined, request: ReadRequest): Fetched {
    if (this.unreadable.has(entry?.id ?? id)) {
      return { kind: 'Failed', id, error: new ConnectorError('Timeout', 'no answer in time') };
    }
    if (!entry) return { kind: 'NotThere', id };
    return { kind: 'There', id, entry: picked(entry, request), listed: this.listed(entry) };
  }

  get writer(): EntryWriter | undefined {
    if (!this.#writable) return undefined;
    return {
      transactional: this.#transactional,
      create: (entry) => this.#create(entry),
      update: (change) => this.#update(change),
      delete: ({ id }) => this.#write({ kind: 'Delete', id, attributes: [] }, id, () => this.remove(id)),
      commit: () => this.#commit(),
    };
  }

  #create(fresh: NewEntry): Promise<Written> {
    const { schema } = this;
    const [given] = fresh.attributes.get(schema.id) ?? [];
    const id = schema.idChosenBy === 'Writer' ? String(given) : `new-${++this.#created}`;
    if (this.entries.has(this.keyOf(id))) return refused('AlreadyExists', `'${id}' exists`);
    const taken = [...this.entries.values()].some(
      ({ name }) => name !== undefined && name.toLowerCase() === fresh.name?.toLowerCase(),
    );
    if (taken) return refused('AlreadyExists', `'${fresh.name}' exists`);
    const attributes = new Map([...fresh.attributes].filter(([name]) => name !== schema.id));
    const entry = { id, name: fresh.name, attributes: this.#readable(attributes) };
    return this.#write(
      { kind: 'Create', id, attributes: [...fresh.attributes.keys()] },
      id,
      () => this.put(entry),
      fresh.name,
    );
  }

  #readable(attributes: Entry['attributes']): Map<string, readonly Value[]> {
    return new Map([...attributes].filter(([name]) => !this.schema.attributes.get(name)?.writeOnly));
  }

  #update({ id, newName, changes }: EntryChange): Promise<Written> {
    const present = this.entries.get(this.keyOf(id));
    if (!present) return refused('NotFound', `'${id}' is not there`);
    const attributes = new Map(present.attributes);
    for (const { attribute, values, add, remove } of changes) {
      const { match, writeOnly } = this.schema.attributes.get(attribute) ?? {
        match: 'Exact',
        writeOnly: false,
      };
      const before = present.attributes.get(attribute) ?? [];
      const after = [...without(before, remove, match), ...add];
      if (without(remove, before, match).length > 0)
        return refused('SchemaViolation', 'a value to remove is not there');
      if (without(add, before, match).length < add.length)
        return refused('SchemaViolation', 'a value to add is there');
      if (!sameValues(after, values, match))
        return refused('SchemaViolation', 'the change contradicts itself');
      if (add.length === 0 && remove.length === 0) return refused('SchemaViolation', 'the change is none');
      if (values.length === 0) attributes.delete(attribute);
      else if (!writeOnly) attributes.set(attribute, values);
    }
    const names = [...changes.map((one) => one.attribute), ...(newName === undefined ? [] : ['name'])];
    const entry = { id: present.id, name: newName ?? present.name, attributes };
    return this.#write({ kind: 'Update', id, attributes: names }, id, () => this.put(entry), entry.name);
  }

  #write(write: LoggedWrite, id: string, effect: () => void, name?: string): Promise<Written> {
    const misbehaviour = this.misbehave(write);
    if (misbehaviour?.kind === 'Refuses') return refused(misbehaviour.code, 'the system does not want to');
    if (misbehaviour?.happened !== false) {
      if (this.#transactional) this.#buffered.push(effect);
      else effect();
      this.writes.push(write);
    }
    if (misbehaviour)
      return Promise.resolve({ kind: 'Unknown', error: new ConnectorError('Timeout', 'no answer') });
    return Promise.resolve({ kind: 'Applied', id, name });
  }

  #commit(): Promise<Written> {
    const effects = this.#buffered;
    this.#buffered = [];
    if (this.commitMisbehaves?.kind === 'Refuses')
      return refused(this.commitMisbehaves.code, 'it has changed');
    if (this.commitMisbehaves?.happened !== false) for (const effect of effects) effect();
    if (this.commitMisbehaves) {
      return Promise.resolve({ kind: 'Unknown', error: new ConnectorError('Timeout', 'no answer') });
    }
    return Promise.resolve({ kind: 'Applied', id: '', name: undefined });
  }
}

function picked(entry: Entry, request: ReadRequest): Entry {
  const attributes = [...entry.attributes].filter(([name]) => request.attributes.includes(name));
  return { id: entry.id, name: entry.name, attributes: new Map(attributes) };
}

function refused(code: ConnectorErrorCode, message: string): Promise<Written> {
  return Promise.resolve({ kind: 'Refused', error: new ConnectorError(code, message) });
}
