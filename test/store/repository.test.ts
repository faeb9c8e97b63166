import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';

import type { AttributeDeclaration, Session } from '../../src/connectors/connector.ts';
import type { Entry, Value } from '../../src/engine/entry.ts';
import type { EntryWriter, Together, Written } from '../../src/engine/ports.ts';
import { numberOf } from '../../src/store/database.ts';
import { applied, change, codeOf, person, readAll, type Attributes } from '../connectors/contract.ts';
import { openOn, repositoryFixture, type RepositoryFixture } from '../support/repository-harness.ts';

const UNIQUE: readonly AttributeDeclaration[] = [
  { name: 'cn' },
  { name: 'sn' },
  { name: 'userName', unique: true },
  { name: 'mail', unique: true, match: 'IgnoreCase', multiValued: true },
  { name: 'password', writeOnly: true, sensitive: true },
  { name: 'age', type: 'Integer' },
  { name: 'photo', type: 'Binary' },
];
const DAY = 86_400_000;
const signal = new AbortController().signal;

let fixture: RepositoryFixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

function writerOf({ writer }: Session): EntryWriter {
  if (!writer) throw new Error('no writer');
  return writer;
}

function create(session: Session, entry: Attributes): Promise<Written> {
  return writerOf(session).create({ name: undefined, attributes: new Map(Object.entries(entry)) }, signal);
}

function set(session: Session, id: string, attribute: string, values: readonly string[]): Promise<Written> {
  const changes = [change(attribute, [], values)];
  return writerOf(session).update({ id, name: undefined, newName: undefined, changes }, signal);
}

async function seeded(...entries: readonly Attributes[]): Promise<Session> {
  fixture = await repositoryFixture(UNIQUE);
  const session = fixture.open();
  for (const entry of entries) applied(await create(session, entry));
  applied(await writerOf(session).commit(signal));
  return session;
}

/** Of the same store. */
function another(): Session {
  if (!fixture) throw new Error('nothing is seeded');
  return fixture.open();
}

/** Every record's octets, none of them known, and what they say. */
async function skimmed(session: Session): Promise<[Buffer[], Entry[]]> {
  const raws: Buffer[] = [];
  const found: Entry[] = [];
  const recognise = (raw: Uint8Array): string => String(raws.push(Buffer.from(raw)));
  const request = { attributes: [...session.schema.attributes.keys()], filter: undefined };
  for await (const batch of session.skim?.(request, () => ({ recognise }), signal) ?? [])
    found.push(...batch.map(({ entry }) => entry));
  return [raws, found];
}

async function namesAfterCommit(session: Session): Promise<Record<string, unknown>> {
  applied(await writerOf(session).commit(signal));
  const contents = fixture?.contents() ?? new Map<string, Attributes>();
  return Object.fromEntries([...contents].map(([id, entry]) => [id, entry['userName']?.[0]]));
}

describe.each(['read', 'skim'] as const)('a listing (%s)', (how) => {
  it('gives whoever waits for a system a turn every now and then', async () => {
    const session = await seeded(...Array.from({ length: 2_100 }, (_, at) => person(`p${at}`)));
    const request = { attributes: ['cn'], filter: undefined };
    const listing =
      how === 'read'
        ? session.read(request, signal)
        : session.skim?.(request, () => ({ recognise: () => undefined }), signal);
    let turns = 0;
    let isOver = false;
    const wait = (): void => {
      turns++;
      if (!isOver) setImmediate(wait);
    };
    setImmediate(wait);
    for await (const _ of listing ?? []) void _;
    isOver = true;
    const during = turns;
    expect(during).toBeGreaterThanOrEqual(4);
  });
});

describe('unique attributes', () => {
  it('name the attribute and the holder when a value is taken', async () => {
    const session = await seeded(person('a', { userName: ['jon'] }));
    const written = await create(session, person('b', { userName: ['jon'] }));
    expect(codeOf(written)).toBe('Refused SchemaViolation');
    expect(written).toMatchObject({
      error: { attribute: 'userName', message: "attribute userName is unique, and 'a' has the same value" },
    });
  });

  it('are compared by their matching rule, each value by itself', async () => {
    const session = await seeded(person('a', { mail: ['one@x', 'Two@X'] }));
    expect(codeOf(await set(session, 'a', 'mail', ['TWO@x', 'three@x']))).toBe('Applied');
    expect(codeOf(await create(session, person('b', { mail: ['Three@X'] })))).toBe('Refused SchemaViolation');
    expect(codeOf(await create(session, person('c', { mail: ['one@x'] })))).toBe('Applied');
  });

  it('keep the first of two new objects with one value, and only the second fails', async () => {
    const session = await seeded();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((id) => create(session, person(id, { userName: [id === 'c' ? 'other' : 'jon'] }))),
    );
    expect(answers.map(codeOf)).toEqual(['Applied', 'Refused SchemaViolation', 'Applied']);
    expect(await namesAfterCommit(session)).toEqual({ a: 'jon', c: 'other' });
  });

  it.each([
    { when: 'a swap', wanted: { a: '2', b: '1', c: '3' }, refused: [] },
    { when: 'a ring of three', wanted: { a: '2', b: '3', c: '1' }, refused: [] },
    { when: 'a move to an object written before the giver', wanted: { a: '2', b: '9' }, refused: [] },
    { when: 'a move to an object written after the giver', wanted: { a: '9', b: '1' }, refused: [] },
    { when: 'a value whose holder keeps it', wanted: { a: '3', b: '9' }, refused: ['a'] },
    { when: 'a chain that ends at a holder who keeps it', wanted: { a: '2', b: '3' }, refused: ['a', 'b'] },
    { when: 'two who want what a third lets go', wanted: { a: '3', b: '3', c: '9' }, refused: ['b'] },
  ])('asked for together: $when ends as far as it can', async ({ wanted, refused }) => {
    const session = await seeded(
      person('a', { userName: ['1'] }),
      person('b', { userName: ['2'] }),
      person('c', { userName: ['3'] }),
    );
    const asked = Object.entries(wanted);
    const answers = await Promise.all(asked.map(([id, value]) => set(session, id, 'userName', [value])));
    expect(asked.filter((_, at) => answers[at]?.kind === 'Refused').map(([id]) => id)).toEqual(refused);
    const expected = asked.filter(([id]) => !refused.some((one) => one === id));
    const before = { a: '1', b: '2', c: '3' };
    expect(await namesAfterCommit(session)).toEqual({ ...before, ...Object.fromEntries(expected) });
  });

  it('let a value go that an earlier write of the same commit gave up or deleted', async () => {
    const session = await seeded(person('a', { userName: ['1'] }), person('b', { userName: ['2'] }));
    applied(await set(session, 'a', 'userName', []));
    applied(await create(session, person('c', { userName: ['1'] })));
    applied(await writerOf(session).delete({ id: 'b', name: undefined }, signal));
    applied(await set(session, 'a', 'userName', ['2']));
    expect(await namesAfterCommit(session)).toEqual({ a: '2', c: '1' });
  });

  it('count for objects that were written before the attribute was declared unique', async () => {
    await using plain = await repositoryFixture([{ name: 'cn' }, { name: 'sn' }]);
    const before = plain.open();
    for (const id of ['a', 'b', 'c'])
      applied(await create(before, { uid: [id], cn: [id === 'c' ? 'Z' : 'X'], sn: [id] }));
    applied(await writerOf(before).commit(signal));
    const session = openOn(plain.database, [{ name: 'cn', unique: true }, { name: 'sn' }]);
    expect(codeOf(await set(session, 'c', 'cn', ['X']))).toBe('Refused SchemaViolation');
    expect(codeOf(await set(session, 'b', 'sn', ['kept as it is']))).toBe('Applied');
    applied(await writerOf(session).commit(signal));
    expect(codeOf(await set(session, 'c', 'cn', ['X']))).toBe('Refused SchemaViolation');
  });

  it('cost the same however many objects there are', async () => {
    const session = await seeded();
    const count = 20_000;
    const started = performance.now();
    for (let at = 0; at < count; at++)
      applied(await create(session, person(`u${at}`, { userName: [`n${at}`] })));
    applied(await writerOf(session).commit(signal));
    expect((performance.now() - started) / count).toBeLessThan(0.2);
  });
});

describe('what may be written', () => {
  it.each([
    {
      what: 'a write-only attribute',
      entry: { password: ['hush'] },
      code: 'SchemaViolation',
      about: 'password',
    },
    { what: 'an unknown attribute', entry: { shoe: ['hush'] }, code: 'UnknownAttribute', about: 'shoe' },
    {
      what: 'two values of a single one',
      entry: { cn: ['hush', 'x'] },
      code: 'SchemaViolation',
      about: 'cn',
    },
    {
      what: 'a text where an integer is declared',
      entry: { age: ['hush'] },
      code: 'SchemaViolation',
      about: 'age',
    },
  ])(
    'refuses $what, naming it and no value, and keeps nothing of the write',
    async ({ entry, code, about }) => {
      const session = await seeded(person('a'));
      const attributes: Attributes = { ...person('b', { userName: ['free'] }), ...entry };
      const written = await create(session, attributes);
      expect(codeOf(written)).toBe(`Refused ${code}`);
      expect(written).toMatchObject({ error: { attribute: about } });
      expect(JSON.stringify(written)).not.toContain('hush');
      applied(await create(session, person('c', { userName: ['free'] })));
      expect(await namesAfterCommit(session)).toEqual({ a: undefined, c: 'free' });
    },
  );

  it('refuses another id, and an object without one', async () => {
    const session = await seeded(person('a'));
    expect(codeOf(await set(session, 'a', 'uid', ['b']))).toBe('Refused SchemaViolation');
    expect(codeOf(await set(session, 'a', 'uid', ['a']))).toBe('Applied');
    expect(codeOf(await create(session, { cn: ['x'] }))).toBe('Refused SchemaViolation');
  });

  it('keeps octets', async () => {
    const session = await seeded();
    const photo = new Uint8Array([0, 255, 10]);
    const attributes = new Map<string, readonly Value[]>(Object.entries(person('a'))).set('photo', [photo]);
    applied(await writerOf(session).create({ name: undefined, attributes }, signal));
    applied(await writerOf(session).commit(signal));
    const { entries } = await readAll(session, { attributes: ['photo'], filter: undefined });
    expect(entries[0]?.attributes.get('photo')).toEqual([photo]);
  });
});

it('changes what is not committed yet as it would what is: octets, many values, and what was unique', async () => {
  const session = await seeded();
  const photo = Uint8Array.of(0, 255, 128);
  const plain = Object.entries(person('a', { userName: ['jon'], mail: ['one@x', 'two@x'] }));
  const attributes = new Map<string, readonly Value[]>([...plain, ['photo', [photo]]]);
  applied(await writerOf(session).create({ name: undefined, attributes }, signal));
  applied(await set(session, 'a', 'userName', ['ann']));
  applied(await create(session, person('b', { userName: ['jon'] })));
  applied(await create(session, person('c', { userName: ['cy'] })));
  applied(await writerOf(session).delete({ id: 'c', name: undefined }, signal));
  expect(await namesAfterCommit(session)).toEqual({ a: 'ann', b: 'jon' });
  expect(fixture?.contents().get('a')).toMatchObject({
    mail: ['one@x', 'two@x'],
    photo: [{ base64: 'AP+A' }],
  });
  applied(await set(session, 'a', 'userName', ['jan']));
  applied(await set(session, 'b', 'userName', ['ann']));
  applied(await set(session, 'b', 'userName', ['jim']));
  expect(await namesAfterCommit(session)).toEqual({ a: 'jan', b: 'jim' });
  expect(codeOf(await create(session, person('d', { userName: ['jon'] })))).toBe('Applied');
});

describe('deleted marks and the change sequence', () => {
  function marks(): string[] {
    const rows =
      fixture?.database.iterate('SELECT id, changed FROM objects WHERE deleted_at IS NOT NULL') ?? [];
    return [...rows].map((row) => `${String(row['id'])}:${String(row['changed'])}`);
  }

  async function removeAt(id: string, now: number): Promise<void> {
    const session = fixture?.open({ now: () => now });
    if (!session) return;
    applied(await writerOf(session).delete({ id, name: undefined }, signal));
    applied(await writerOf(session).commit(signal));
  }

  it('keeps a mark for 90 days, and the object is not read any more', async () => {
    const session = await seeded(person('a'), person('b'), person('c'));
    await removeAt('a', DAY);
    expect((await readAll(session)).entries.map(({ id }) => id)).toEqual(['b', 'c']);
    await removeAt('b', 91 * DAY);
    expect(marks()).toEqual(['a:4', 'b:5']);
    await removeAt('c', 91 * DAY + 1);
    expect(marks()).toEqual(['b:5', 'c:6']);
  });

  it('counts on, also after the mark with the highest number was forgotten', async () => {
    await seeded(person('a'));
    await removeAt('a', DAY);
    const session = fixture?.open({ now: () => 200 * DAY });
    if (!session) return;
    applied(await create(session, person('b')));
    applied(await writerOf(session).commit(signal));
    const row = fixture?.database.get('SELECT changed FROM objects WHERE id = ?', 'b') ?? {};
    expect(numberOf(row, 'changed')).toBe(3);
  });

  it('takes an id again that was deleted', async () => {
    const session = await seeded(person('a', { userName: ['jon'] }));
    await removeAt('a', DAY);
    applied(await create(session, person('a', { userName: ['jon'] })));
    expect(await namesAfterCommit(session)).toEqual({ a: 'jon' });
    expect(marks()).toEqual([]);
  });
});

describe('the transaction', () => {
  it('shows nothing before the commit, not even to a flush of the store', async () => {
    const session = await seeded(person('a'));
    applied(await create(session, person('b')));
    fixture?.database.run(`INSERT INTO meta (name, value) VALUES ('x', 'y')`);
    fixture?.database.flush();
    expect([...(fixture?.contents().keys() ?? [])]).toEqual(['a']);
    expect((await readAll(session)).entries).toHaveLength(1);
  });

  it('writes nothing over what somebody else has begun to fill meanwhile', async () => {
    const session = await seeded();
    applied(await create(session, person('a', { cn: ['ours'] })));
    const other = another();
    applied(await create(other, person('a', { cn: ['theirs'] })));
    applied(await writerOf(other).commit(signal));
    expect(codeOf(await writerOf(session).commit(signal))).toBe('Refused Refused');
    expect(fixture?.contents().get('a')).toMatchObject({ cn: ['theirs'] });
    // It looks again.
    expect(codeOf(await create(session, person('a')))).toBe('Refused AlreadyExists');
    expect(codeOf(await create(session, person('b')))).toBe('Applied');
    applied(await writerOf(session).commit(signal));
    expect([...(fixture?.contents().keys() ?? [])]).toEqual(['a', 'b']);
  });

  it.each([
    ['changed', (other: Session) => set(other, 'a', 'cn', ['theirs'])],
    ['deleted', (other: Session) => writerOf(other).delete({ id: 'a', name: undefined }, signal)],
  ])('writes nothing over what somebody else has %s meanwhile', async (_, act) => {
    const session = await seeded(person('a'), person('b'));
    const other = another();
    applied(await set(session, 'a', 'cn', ['ours']));
    applied(await act(other));
    applied(await writerOf(other).commit(signal));
    const theirs = fixture?.contents();
    expect(codeOf(await writerOf(session).commit(signal))).toBe('Refused Refused');
    expect(fixture?.contents()).toEqual(theirs);
    applied(await set(session, 'b', 'cn', ['ours']));
    applied(await set(other, 'b', 'sn', ['before']));
    applied(await writerOf(session).commit(signal));
    expect(fixture?.contents().get('b')).toMatchObject({ cn: ['ours'] });
  });

  it('gives nobody a unique value that somebody else has given away meanwhile', async () => {
    const session = await seeded(person('a', { userName: ['one'] }));
    const other = another();
    applied(await create(session, person('b', { userName: ['two'] })));
    applied(await set(session, 'a', 'cn', ['ours']));
    applied(await create(other, person('c', { userName: ['two'] })));
    applied(await writerOf(other).commit(signal));
    expect(codeOf(await writerOf(session).commit(signal))).toBe('Refused Refused');
    expect(await namesAfterCommit(session)).toEqual({ a: 'one', c: 'two' });
  });

  it('keeps nothing of a commit that fails, and what the store had before', async () => {
    const session = await seeded(person('a'));
    fixture?.database.run(`INSERT INTO meta (name, value) VALUES ('x', 'y')`);
    for (const id of ['b', 'c', 'd']) applied(await create(session, person(id)));
    fixture?.database
      .handle()
      .exec(
        `CREATE TRIGGER full BEFORE INSERT ON objects WHEN NEW.id = 'd' BEGIN SELECT RAISE(FAIL, 'no room'); END`,
      );
    const committed = await writerOf(session).commit(signal);
    expect(codeOf(committed)).toBe('Refused Refused');
    expect([...(fixture?.contents().keys() ?? [])]).toEqual(['a']);
    expect(fixture?.database.get(`SELECT value FROM meta WHERE name = 'x'`)).toEqual({ value: 'y' });
    applied(await create(session, person('e')));
    applied(await writerOf(session).commit(signal));
    expect([...(fixture?.contents().keys() ?? [])]).toEqual(['a', 'e']);
  });

  describe('with all else that is written to the store', () => {
    const note = (): void => {
      fixture?.database.gather('INSERT INTO meta (name, value)', 'x', 'y');
    };
    const noted = (): boolean =>
      fixture?.database.get(`SELECT value FROM meta WHERE name = 'x'`) !== undefined;
    const begin = (session: Session): Together => {
      const { together } = writerOf(session);
      if (!together) throw new Error('it cannot');
      together.begin();
      return together;
    };
    const ids = (): string[] => [...(fixture?.contents().keys() ?? [])];

    it('keeps both, and shows neither before, also where nothing is buffered', async () => {
      const session = await seeded(person('a'));
      const first = begin(session);
      note();
      await first.commit(signal);
      fixture?.database.rollback();
      expect(noted()).toBe(true);
      const second = begin(session);
      applied(await create(session, person('b')));
      expect(ids()).toEqual(['a']);
      await second.commit(signal);
      expect(ids()).toEqual(['a', 'b']);
    });

    it('keeps nothing of what is dropped, and all that was written before it began', async () => {
      const session = await seeded(person('a'));
      note();
      const together = begin(session);
      for (let at = 0; at < 50_000; at++)
        fixture?.database.gather('INSERT INTO meta (name, value)', `n${at}`, '');
      applied(await create(session, person('b')));
      together.drop();
      expect([ids(), noted(), fixture?.database.get(`SELECT value FROM meta WHERE name = 'n1'`)]).toEqual([
        ['a'],
        true,
        undefined,
      ]);
      applied(await create(session, person('c')));
      applied(await writerOf(session).commit(signal));
      expect(ids()).toEqual(['a', 'c']);
    });

    it('keeps neither where the objects cannot be written, and says why', async () => {
      const session = await seeded(person('a'));
      fixture?.database
        .handle()
        .exec(
          `CREATE TRIGGER full BEFORE INSERT ON objects WHEN NEW.id = 'b' BEGIN SELECT RAISE(FAIL, 'no room'); END`,
        );
      const together = begin(session);
      applied(await create(session, person('b')));
      note();
      await expect(together.commit(signal)).rejects.toThrow('no room');
      together.drop();
      expect([ids(), noted()]).toEqual([['a'], false]);
      const again = begin(session);
      applied(await create(session, person('c')));
      note();
      await again.commit(signal);
      expect([ids(), noted()]).toEqual([['a', 'c'], true]);
    });

    it('foresees each object as the next listing brings it, octet for octet', async () => {
      const session = await seeded();
      const together = begin(session);
      const ugly: Record<string, readonly Value[]>[] = [
        person('plain'),
        { ...person('Ünicöde 李'), sn: ['ä"\\\u0000\u2028'], mail: ['X@y.org', 'z@y.org'] },
        { ...person('half'), cn: ['\ud800'] },
        { ...person('bare'), cn: [''], photo: [Uint8Array.of(0, 255, 10)], age: ['007'] },
      ];
      const written = await Promise.all(
        ugly.map((entry) =>
          writerOf(session).create({ name: undefined, attributes: new Map(Object.entries(entry)) }, signal),
        ),
      );
      const expected = written.map((one) => applied(one).foreseen?.());
      await together.commit(signal);
      const [raws, found] = await skimmed(another());
      const byId = new Map(expected.map((one) => [one?.entry.id, one]));
      expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining([...byId.keys()]));
      for (const [at, { id, attributes }] of found.entries()) {
        expect(Buffer.from(byId.get(id)?.raw ?? []).equals(raws[at] ?? Buffer.alloc(0))).toBe(true);
        expect(byId.get(id)?.entry.attributes).toEqual(attributes);
      }
    });

    it('foresees nothing of what is only held', async () => {
      const session = await seeded();
      expect(applied(await create(session, person('a'))).foreseen).toBeUndefined();
    });

    it('judges first who waits for a value', async () => {
      const session = await seeded(person('a', { userName: ['one'] }), person('b', { userName: ['two'] }));
      const together = begin(session);
      const swapped = [set(session, 'a', 'userName', ['two']), set(session, 'b', 'userName', ['one'])];
      await together.commit(signal);
      for (const answer of await Promise.all(swapped)) applied(answer);
      expect(await namesAfterCommit(session)).toEqual({ a: 'two', b: 'one' });
    });

    it('looks again for what it has created itself and deleted', async () => {
      const session = await seeded();
      for (const cn of ['once', 'twice']) {
        const together = begin(session);
        applied(await create(session, person('a', { cn: [cn] })));
        await together.commit(signal);
        expect(fixture?.contents().get('a')).toMatchObject({ cn: [cn] });
        applied(await writerOf(session).delete({ id: 'a', name: undefined }, signal));
        applied(await writerOf(session).commit(signal));
      }
    });
  });

  it('goes on beside somebody else who fills the same store, and writes over nobody', async () => {
    const session = await seeded();
    const other = another();
    const commit = async (one: Session): Promise<unknown> => applied(await writerOf(one).commit(signal));
    const ids = (): string[] => [...(fixture?.contents().keys() ?? [])];
    applied(await create(session, person('a')));
    await commit(session);
    applied(await create(session, person('b')));
    applied(await create(other, person('c')));
    await commit(other);
    await commit(session);
    for (const id of ['a', 'c'])
      expect(codeOf(await create(session, person(id)))).toBe('Refused AlreadyExists');
    applied(await create(session, person('d', { cn: ['ours'] })));
    applied(await create(other, person('d', { cn: ['theirs'] })));
    await commit(other);
    expect(codeOf(await writerOf(session).commit(signal))).toBe('Refused Refused');
    expect([ids(), fixture?.contents().get('d')?.['cn']]).toEqual([['a', 'b', 'c', 'd'], ['theirs']]);
  });

  it('leaves all or nothing when the process is killed in it', async () => {
    await seeded(person('a'));
    const path = fixture?.path ?? '';
    const program = `
      import { Database } from './src/store/database.ts';
      const database = new Database(${JSON.stringify(path)});
      try {
        database.atomically(() => {
          for (let at = 0; at < 30_000; at++)
            database.run('INSERT INTO objects (system, object, key, id, attributes, changed) VALUES (?, ?, ?, ?, ?, ?)', 'default/people', 'person', 'k' + at, 'k' + at, '[]', at);
          process.kill(process.pid, 'SIGKILL');
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        });
      } finally { database.close(); }`;
    const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
    expect(child.signal).toBe('SIGKILL');
    expect([...(fixture?.contents().keys() ?? [])]).toEqual(['a']);
  });
});
