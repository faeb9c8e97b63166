/**
 * What every connector promises, as one suite. A harness brings a system up with given objects and shows what is
 * in it; attributes are the same everywhere: uid (the key), cn and sn (always there), description (one value),
 * ou (several values).
 */
import { afterEach, describe, expect, it } from 'vitest';

import type { OpenOptions, Session } from '../../src/connectors/connector.ts';
import { valuesOf, type Entry, type Value } from '../../src/engine/entry.ts';
import type {
  AttributeChange,
  EntryWriter,
  Evidence,
  Fetched,
  NewEntry,
  ReadRequest,
  Written,
} from '../../src/engine/ports.ts';
import { RememberedRecords, skimAll } from '../support/remembered-records.ts';

export type Attributes = Readonly<Record<string, readonly string[]>>;

export interface ContractSystem {
  open(options: OpenOptions): Promise<Session>;
  /** What is in the system now, past the connector: uid → attributes that have a value. */
  contents(): Promise<ReadonlyMap<string, Attributes>>;
  stop(): Promise<void>;
}

export interface ContractHarness {
  readonly transactional: boolean;
  readonly idChosenBy: 'Writer' | 'System';
  /** Whether records are recognised by their octets. */
  readonly skims: boolean;
  /** The entry's name for a key, where the system has names. */
  nameOf(key: string): string | undefined;
  start(seed: readonly Attributes[]): Promise<ContractSystem>;
}

const REQUEST: ReadRequest = { attributes: ['uid', 'cn', 'sn', 'description', 'ou'], filter: undefined };
const signal = (): AbortSignal => new AbortController().signal;

export const UGLY_VALUES = [
  'Müller, Jörg',
  'O"Brien "Bob"',
  'a+b#c;d<e>f=g\\h',
  ' leading and trailing ',
  '# starts with a hash',
  'ex*(amp)le',
  "apostrophe's",
  '東京 🦊',
  'tab\tinside',
];

export function person(uid: string, more: Attributes = {}): Attributes {
  return { uid: [uid], cn: [`Name ${uid}`], sn: [uid], ...more };
}

export async function readAll(
  session: Session,
  request: ReadRequest = REQUEST,
): Promise<{ entries: Entry[]; evidence: Evidence }> {
  const entries: Entry[] = [];
  const reading = session.read(request, signal());
  let step = await reading.next();
  for (; !step.done; step = await reading.next()) entries.push(...step.value);
  return { entries, evidence: step.value };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function fetchAll(session: Session, ids: readonly string[]): Promise<Fetched[]> {
  return collect(session.fetch(ids, REQUEST, signal()));
}

export function change(
  attribute: string,
  before: readonly Value[],
  values: readonly Value[],
): AttributeChange {
  return {
    attribute,
    values,
    add: values.filter((value) => !before.includes(value)),
    remove: before.filter((value) => !values.includes(value)),
  };
}

export function applied(written: Written): Extract<Written, { kind: 'Applied' }> {
  if (written.kind !== 'Applied')
    throw new Error(`${written.kind}: ${written.error.code} ${written.error.message}`);
  return written;
}

export function codeOf(written: Written): string {
  return written.kind === 'Applied' ? 'Applied' : `${written.kind} ${written.error.code}`;
}

export function connectorContract(name: string, harness: ContractHarness): void {
  describe(`the connector contract: ${name}`, () => {
    const open: AsyncDisposable[] = [];
    const start = async (seed: readonly Attributes[]): Promise<ContractSystem> => {
      const system = await harness.start(seed);
      open.push({ [Symbol.asyncDispose]: () => system.stop() });
      return system;
    };
    const writable = async (system: ContractSystem): Promise<Session> => {
      const session = await system.open({ writable: true });
      open.push(session);
      return session;
    };
    afterEach(async () => {
      for (const resource of open.splice(0).reverse()) await resource[Symbol.asyncDispose]();
    });
    const suite: Suite = { harness, start, writable };
    reading(suite);
    fetching(suite);
    writing(suite);
    refusing(suite);
    skimming(suite);
  });
}

interface Suite {
  readonly harness: ContractHarness;
  readonly start: (seed: readonly Attributes[]) => Promise<ContractSystem>;
  readonly writable: (system: ContractSystem) => Promise<Session>;
}

function uidOf(entry: Entry, session: Session): string {
  return String(valuesOf(entry, 'uid', session.schema)[0]);
}

function newEntry(harness: ContractHarness, attributes: Attributes): NewEntry {
  return {
    name: harness.nameOf(attributes['uid']?.[0] ?? ''),
    attributes: new Map(Object.entries(attributes)),
  };
}

async function findByUid(session: Session, uid: string): Promise<Entry> {
  const { entries } = await readAll(session);
  const found = entries.find((entry) => uidOf(entry, session) === uid);
  if (!found) throw new Error(`no entry ${uid}`);
  return found;
}

function reading({ harness, start, writable }: Suite): void {
  it('reads nothing from an empty system, with evidence', async () => {
    const session = await writable(await start([]));
    const { entries, evidence } = await readAll(session);
    expect(entries).toEqual([]);
    expect(evidence.complete).not.toBe('No');
  });

  it('reads every entry once, with id, name and attributes', async () => {
    const session = await writable(
      await start([person('a', { description: ['one'], ou: ['x', 'y'] }), person('b')]),
    );
    const { entries, evidence } = await readAll(session);
    expect(evidence.complete).not.toBe('No');
    expect(evidence.reason).toBeUndefined();
    expect(entries.map((entry) => uidOf(entry, session)).sort()).toEqual(['a', 'b']);
    const first = await findByUid(session, 'a');
    expect(new Set(first.attributes.get('ou'))).toEqual(new Set(['x', 'y']));
    expect(first.attributes.get('description')).toEqual(['one']);
    expect(first.name).toBe(harness.nameOf('a'));
    expect((await findByUid(session, 'b')).attributes.has('description')).toBe(false);
  });

  it('declares who chooses ids', async () => {
    const session = await writable(await start([]));
    expect(session.schema.idChosenBy).toBe(harness.idChosenBy);
    expect(session.writer?.transactional).toBe(harness.transactional);
    expect(session.schema.attributes.get('ou')?.values).toBe('Multi');
  });

  it('has no writer when it was opened for reading', async () => {
    const system = await start([person('a')]);
    await using session = await system.open({ writable: false });
    expect(session.writer).toBeUndefined();
    expect((await readAll(session)).entries).toHaveLength(1);
  });

  it('fills in only what was asked for', async () => {
    const session = await writable(await start([person('a', { description: ['d'] })]));
    const { entries } = await readAll(session, { attributes: ['description'], filter: undefined });
    expect([...(entries[0]?.attributes.keys() ?? [])]).toEqual(['description']);
  });

  it('reads a thousand entries in batches', async () => {
    const session = await writable(
      await start(Array.from({ length: 1000 }, (_, index) => person(`u${String(index)}`))),
    );
    const { entries, evidence } = await readAll(session);
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(1000);
    expect(evidence.complete).not.toBe('No');
  });

  it('may be left early, twice, and be read again', async () => {
    const session = await writable(
      await start(Array.from({ length: 500 }, (_, index) => person(`u${String(index)}`))),
    );
    for (const _ of [1, 2]) {
      for await (const batch of session.read(REQUEST, signal())) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
    }
    expect((await readAll(session)).entries).toHaveLength(500);
  });

  it('stops when it is aborted', async () => {
    const session = await writable(await start([person('a')]));
    const controller = new AbortController();
    controller.abort();
    await expect(session.read(REQUEST, controller.signal).next()).rejects.toThrow();
  });

  it('may be closed twice', async () => {
    const session = await writable(await start([]));
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
  });

  it.each(UGLY_VALUES)('delivers %j as it is', async (value) => {
    const session = await writable(await start([person('a', { description: [value], ou: [value] })]));
    const entry = await findByUid(session, 'a');
    expect(entry.attributes.get('description')).toEqual([value]);
    expect(entry.attributes.get('ou')).toEqual([value]);
  });
}

function fetching({ harness, start, writable }: Suite): void {
  it('answers each id once: there and listed, or not there', async () => {
    const session = await writable(await start([person('a'), person('b')]));
    const entry = await findByUid(session, 'a');
    const absent = harness.idChosenBy === 'Writer' ? 'nobody' : '00000000-0000-1000-8000-000000000000';
    const answers = await fetchAll(session, [entry.id, absent]);
    expect(answers).toHaveLength(2);
    expect(answers.find((answer) => answer.id === entry.id)).toMatchObject({ kind: 'There', listed: true });
    expect(answers.find((answer) => answer.id === absent)?.kind).toBe('NotThere');
  });

  it('fetches hundreds at once, and none at all', async () => {
    const session = await writable(
      await start(Array.from({ length: 120 }, (_, index) => person(`u${String(index)}`))),
    );
    const ids = (await readAll(session)).entries.map((entry) => entry.id);
    const answers = await fetchAll(session, ids);
    expect(answers.filter((answer) => answer.kind === 'There')).toHaveLength(120);
    expect(await fetchAll(session, [])).toEqual([]);
  });

  it('finds an entry by the name it was to be created with', async () => {
    const session = await writable(await start([person('a')]));
    const names = [harness.nameOf('a') ?? 'a', harness.nameOf('nobody') ?? 'nobody'];
    const answers = await collect(session.fetchByName(names, REQUEST, signal()));
    expect(new Map(answers.map((answer) => [answer.id, answer.kind]))).toEqual(
      new Map([
        [names[0], 'There'],
        [names[1], 'NotThere'],
      ]),
    );
  });
}

function writing({ harness, start, writable }: Suite): void {
  it('creates an entry and says its id and name', async () => {
    const system = await start([person('a')]);
    const session = await writable(system);
    const entry = newEntry(harness, person('new', { description: ['d'], ou: ['x', 'y'] }));
    const written = applied(await writerOf(session).create(entry, signal()));
    applied(await writerOf(session).commit(signal()));
    expect((await system.contents()).get('new')).toMatchObject({
      cn: ['Name new'],
      description: ['d'],
      ou: ['x', 'y'],
    });
    expect((await findByUid(session, 'new')).id).toBe(written.id);
    expect(written.name).toBe(harness.nameOf('new'));
  });

  it.each(UGLY_VALUES)('creates and changes an entry with %j', async (value) => {
    const system = await start([person('a')]);
    const session = await writable(system);
    const writer = writerOf(session);
    const ugly = newEntry(
      harness,
      person(value, { cn: ['c'], sn: ['s'], description: [value], ou: [value, 'o'] }),
    );
    applied(await writer.create(ugly, signal()));
    const { id, name } = await findByUid(session, 'a');
    const changes = [change('description', [], [value]), change('sn', ['a'], [value])];
    applied(await writer.update({ id, name, newName: undefined, changes }, signal()));
    applied(await writer.commit(signal()));
    const entries = new Map(
      (await readAll(session)).entries.map((entry) => [uidOf(entry, session), entry.attributes]),
    );
    expect(entries.get(value)?.get('description')).toEqual([value]);
    expect(new Set(entries.get(value)?.get('ou'))).toEqual(new Set([value, 'o']));
    expect(entries.get('a')?.get('sn')).toEqual([value]);
  });

  it('changes, clears and adds single values and leaves the rest alone', async () => {
    const system = await start([
      person('a', { description: ['old'], ou: ['x', 'y'] }),
      person('b', { description: ['kept'] }),
    ]);
    const session = await writable(system);
    const { id, name } = await findByUid(session, 'a');
    const changes = [
      change('description', ['old'], []),
      change('ou', ['x', 'y'], ['y', 'z']),
      change('sn', ['a'], ['A2']),
    ];
    applied(await writerOf(session).update({ id, name, newName: undefined, changes }, signal()));
    applied(await writerOf(session).commit(signal()));
    const contents = await system.contents();
    expect(contents.get('a')).not.toHaveProperty('description');
    expect([...(contents.get('a')?.['ou'] ?? [])].sort()).toEqual(['y', 'z']);
    expect(contents.get('a')).toMatchObject({ sn: ['A2'], cn: ['Name a'] });
    expect(contents.get('b')).toMatchObject({ description: ['kept'] });
  });

  it('deletes, and forgives an entry that is gone already', async () => {
    const system = await start([person('a'), person('b')]);
    const session = await writable(system);
    const entry = await findByUid(session, 'a');
    applied(await writerOf(session).delete(entry, signal()));
    applied(await writerOf(session).commit(signal()));
    expect([...(await system.contents()).keys()]).toEqual(['b']);
    applied(await writerOf(session).delete(entry, signal()));
    applied(await writerOf(session).commit(signal()));
    expect([...(await system.contents()).keys()]).toEqual(['b']);
  });

  it('commits nothing without complaint', async () => {
    const system = await start([person('a')]);
    const session = await writable(system);
    applied(await writerOf(session).commit(signal()));
    expect((await system.contents()).size).toBe(1);
  });

  it.runIf(harness.transactional)('makes buffered writes true by the commit alone', async () => {
    const system = await start([person('a')]);
    const session = await writable(system);
    applied(await writerOf(session).create(newEntry(harness, person('b')), signal()));
    expect([...(await system.contents()).keys()]).toEqual(['a']);
    applied(await writerOf(session).commit(signal()));
    expect([...(await system.contents()).keys()].sort()).toEqual(['a', 'b']);
  });

  it.runIf(harness.transactional)('sees its own buffered writes when it judges the next one', async () => {
    const system = await start([person('a')]);
    const session = await writable(system);
    const writer = writerOf(session);
    const b = newEntry(harness, person('b', { description: ['d'] }));
    applied(await writer.create(b, signal()));
    expect(codeOf(await writer.create(b, signal()))).toBe('Refused AlreadyExists');
    const changes = [change('sn', ['b'], ['B2'])];
    applied(await writer.update({ id: 'b', name: undefined, newName: undefined, changes }, signal()));
    applied(await writer.delete({ id: 'a', name: undefined }, signal()));
    applied(await writer.create(newEntry(harness, person('a', { ou: ['fresh'] })), signal()));
    applied(await writer.commit(signal()));
    const contents = await system.contents();
    expect(contents.get('b')).toMatchObject({ sn: ['B2'], description: ['d'] });
    expect(contents.get('a')).toMatchObject({ ou: ['fresh'] });
  });
}

function refusing({ harness, start, writable }: Suite): void {
  it('refuses to create what exists', async () => {
    const session = await writable(await start([person('a')]));
    const written = await writerOf(session).create(newEntry(harness, person('a')), signal());
    expect(codeOf(written)).toBe('Refused AlreadyExists');
  });

  it('refuses an attribute that nobody knows, by name, and goes on', async () => {
    const system = await start([person('a')]);
    const session = await writable(system);
    const written = await writerOf(session).create(
      newEntry(harness, person('b', { noSuchThing: ['secret-value'] })),
      signal(),
    );
    expect(written.kind).toBe('Refused');
    if (written.kind !== 'Refused') return;
    expect(['UnknownAttribute', 'SchemaViolation']).toContain(written.error.code);
    expect(written.error.attribute).toBe('noSuchThing');
    expect(written.error.message).not.toContain('secret-value');
    applied(await writerOf(session).create(newEntry(harness, person('c')), signal()));
    applied(await writerOf(session).commit(signal()));
    expect([...(await system.contents()).keys()].sort()).toEqual(['a', 'c']);
  });

  it('refuses to change what is not there', async () => {
    const session = await writable(await start([person('a')]));
    const { id, name } = await findByUid(session, 'a');
    applied(await writerOf(session).delete({ id, name }, signal()));
    applied(await writerOf(session).commit(signal()));
    const changes = [change('sn', ['a'], ['b'])];
    const written = await writerOf(session).update({ id, name, newName: undefined, changes }, signal());
    expect(codeOf(written)).toBe('Refused NotFound');
  });
}

function skimming({ harness, start, writable }: Suite): void {
  if (!harness.skims) {
    it('does not offer to recognise records', async () => {
      const session = await writable(await start([]));
      expect(typeof session.skim).toBe('undefined');
    });
    return;
  }

  const seed = [
    ...UGLY_VALUES.map((value, index) => person(`p${String(index)}`, { description: [value], ou: [value] })),
    person('a', { description: ['one'], ou: ['x', 'y'] }),
    ...Array.from({ length: 500 }, (_, index) => person(`u${String(index)}`)),
  ];
  const byId = (entries: readonly Entry[]): readonly Entry[] =>
    entries.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const learnt = async (session: Session): Promise<RememberedRecords> => {
    const records = new RememberedRecords();
    records.learn((await skimAll(session, records, REQUEST)).unknown);
    return records.again();
  };

  it('hands out what read delivers where nothing is known, each with a print of its own', async () => {
    const session = await writable(await start(seed));
    const { entries, evidence } = await readAll(session);
    const skimmed = await skimAll(session, new RememberedRecords(), REQUEST);
    expect(byId(skimmed.unknown.map(({ entry }) => entry))).toEqual(byId(entries));
    expect(skimmed.evidence).toEqual(evidence);
    const prints = skimmed.unknown.map(({ rawPrint }) => rawPrint);
    expect(prints).not.toContain(undefined);
    expect(new Set(prints).size).toBe(seed.length);
  });

  it('hands out nothing where everything is known, with the evidence of read', async () => {
    const session = await writable(await start(seed));
    const records = await learnt(session);
    const { entries, evidence } = await readAll(session);
    const skimmed = await skimAll(session, records, REQUEST);
    expect(skimmed.unknown).toEqual([]);
    expect(skimmed.evidence).toEqual(evidence);
    expect(byId(records.recognised)).toEqual(byId(entries));
    expect(records.shown).toBe(seed.length);
  });

  it('recognises in another session what was learnt in one', async () => {
    const system = await start(seed);
    const records = await learnt(await writable(system));
    await using session = await system.open({ writable: false });
    expect((await skimAll(session, records, REQUEST)).unknown).toEqual([]);
  });

  it('hands out exactly the entry that was changed since', async () => {
    const session = await writable(await start(seed));
    const records = await learnt(session);
    const { id, name } = await findByUid(session, 'a');
    await skimAll(session, records, REQUEST);
    const changes = [change('description', ['one'], ['two'])];
    applied(await writerOf(session).update({ id, name, newName: undefined, changes }, signal()));
    applied(await writerOf(session).commit(signal()));
    const { unknown, evidence } = await skimAll(session, records, REQUEST);
    expect(unknown.map(({ entry }) => [entry.id, entry.attributes.get('description')])).toEqual([
      [id, ['two']],
    ]);
    expect(evidence).toEqual((await readAll(session)).evidence);
  });

  it('hands out what is new, and does not miss what is gone', async () => {
    const session = await writable(await start(seed));
    const records = await learnt(session);
    const entry = await findByUid(session, 'a');
    applied(await writerOf(session).delete(entry, signal()));
    applied(await writerOf(session).create(newEntry(harness, person('new')), signal()));
    applied(await writerOf(session).commit(signal()));
    const { unknown } = await skimAll(session, records, REQUEST);
    expect(unknown.map((one) => uidOf(one.entry, session))).toEqual(['new']);
    expect(records.recognised.map((one) => one.id)).not.toContain(entry.id);
  });

  it('knows nothing when other attributes are asked for', async () => {
    const session = await writable(await start(seed));
    const records = await learnt(session);
    const request = { attributes: ['description'], filter: undefined };
    expect((await skimAll(session, records, request)).unknown).toHaveLength(seed.length);
    expect(records.recognised).toEqual([]);
  });

  it('may be left early, and stops when it is aborted', async () => {
    const session = await writable(await start(seed));
    const { recogniserOf } = new RememberedRecords();
    for await (const batch of session.skim?.(REQUEST, recogniserOf, signal()) ?? []) {
      expect(batch.length).toBeGreaterThanOrEqual(0);
      break;
    }
    const aborted = AbortSignal.abort();
    await expect(session.skim?.(REQUEST, recogniserOf, aborted).next()).rejects.toThrow();
    expect((await skimAll(session, new RememberedRecords(), REQUEST)).unknown).toHaveLength(seed.length);
  });
}

function writerOf(session: Session): EntryWriter {
  if (!session.writer) throw new Error('the session has no writer');
  return session.writer;
}
