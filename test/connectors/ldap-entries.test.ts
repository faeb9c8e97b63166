import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Session } from '../../src/connectors/connector.ts';
import { attributeOf, type Entry } from '../../src/engine/entry.ts';
import type { Written } from '../../src/engine/ports.ts';
import { Secret } from '../../src/lib/secret.ts';
import { freshBase, openOn, parseLdif, toLdif, uidDn, type Opening } from '../support/ldap-harness.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import {
  applied,
  change,
  codeOf,
  collect,
  fetchAll,
  person,
  readAll,
  UGLY_VALUES,
  type Attributes,
} from './contract.ts';

const signal = (): AbortSignal => new AbortController().signal;
const CLERK = 'uid=clerk,ou=people,dc=example,dc=org';
let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd({
    ldif: toLdif(CLERK, person('clerk', { userPassword: ['clerking'] })),
    databaseConfig: [
      `access to attrs=userPassword by dn.exact="${CLERK}" none by * auth`,
      `access to * by dn.exact="${CLERK}" write by * auth`,
    ].join('\n'),
  });
});
afterAll(async () => {
  await slapd.stop();
});

async function baseWith(...entries: readonly Attributes[]): Promise<string> {
  const base = await freshBase(slapd);
  const ldif = entries.map((entry) => toLdif(uidDn(String(entry['uid']?.[0]), base), entry));
  if (ldif.length > 0) await slapd.run('ldapadd', [], ldif.join('\n'));
  return base;
}

async function sessionOn(base: string, more: Opening = {}): Promise<Session> {
  return openOn(slapd, base, more);
}

async function contentsOf(base: string): Promise<Map<string, Record<string, string[]>>> {
  return parseLdif(
    await slapd.run('ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', '-b', base, '(uid=*)', '*', 'entryUUID']),
  );
}

async function onlyEntry(session: Session): Promise<Entry> {
  const { entries } = await readAll(session);
  const [entry] = entries;
  if (!entry) throw new Error('no entry');
  return entry;
}

async function create(
  session: Session,
  name: string,
  attributes: ReadonlyMap<string, readonly (string | Uint8Array)[]>,
): Promise<Written> {
  if (!session.writer) throw new Error('no writer');
  return session.writer.create({ name, attributes }, signal());
}

async function update(
  session: Session,
  more: { newName?: string; changes?: ReturnType<typeof change>[] },
): Promise<Written> {
  const { id, name } = await onlyEntry(session);
  if (!session.writer) throw new Error('no writer');
  return session.writer.update({ id, name, newName: more.newName, changes: more.changes ?? [] }, signal());
}

describe('the schema of a directory', () => {
  it('gives types, matching rules, cardinality and aliases', async () => {
    await using session = await sessionOn(slapd.people);
    const about = (name: string): unknown => {
      const found = attributeOf(session.schema, name);
      return found && [found.name, found.type, found.match, found.values];
    };
    expect(about('mail')).toEqual(['mail', 'String', 'IgnoreCaseAndSpace', 'Either']);
    expect(about('cn')).toEqual(['cn', 'String', 'IgnoreCaseAndSpace', 'Either']);
    expect(about('surname')?.toString()).toContain('sn,String,IgnoreCaseAndSpace');
    expect(about('TELEPHONENUMBER')).toEqual(['telephoneNumber', 'String', 'TelephoneNumber', 'Either']);
    expect(about('manager')).toEqual(['manager', 'String', 'DistinguishedName', 'Either']);
    expect(about('uidNumber')).toEqual(['uidNumber', 'Integer', 'Integer', 'Single']);
    expect(about('jpegPhoto')).toEqual(['jpegPhoto', 'Binary', 'OctetString', 'Either']);
    expect(about('employeeNumber')).toEqual(['employeeNumber', 'String', 'IgnoreCaseAndSpace', 'Single']);
    expect(about('entryUUID')).toEqual(['entryUUID', 'String', 'IgnoreCase', 'Single']);
    expect(about('dn')).toEqual(['dn', 'String', 'DistinguishedName', 'Single']);
    expect(attributeOf(session.schema, 'entryUUID')?.readOnly).toBe(true);
    expect(attributeOf(session.schema, 'userPassword')).toMatchObject({ writeOnly: true, sensitive: true });
    expect(session.schema).toMatchObject({ id: 'entryUUID', name: 'dn', ignoreCaseInNames: true });
  });

  it('names declared attributes that it lacks, and refuses an id that it lacks', async () => {
    await using session = await sessionOn(slapd.people, {
      object: { attributes: [{ name: 'badge' }, { name: 'MAIL', multiValued: true }] },
    });
    expect(session.missingAttributes).toEqual(['badge']);
    expect(attributeOf(session.schema, 'mail')?.values).toBe('Multi');
    await expect(sessionOn(slapd.people, { object: { id: 'objectGUID' } })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
  });
});

describe('reading', () => {
  it('spells attributes as the request does, aliases and case included', async () => {
    await using session = await sessionOn(await baseWith(person('a', { mail: ['a@example.org'] })));
    const { entries } = await readAll(session, { attributes: ['surname', 'MAIL', 'dn'], filter: undefined });
    expect(Object.fromEntries(entries[0]?.attributes ?? [])).toEqual({
      surname: ['a'],
      MAIL: ['a@example.org'],
    });
  });

  it.each([
    ['(cn=M\\c3\\bcller)', ['m']],
    ['(cn=Müller)', ['m']],
    ['(&(objectClass=person)(!(cn=Müller)))', ['n']],
    ['(cn=M*\\6cer)', ['m']],
    ['(|(uid=n)(2.5.4.4=m))', ['m', 'n']],
    ['(cn:caseExactMatch:=Müller)', ['m']],
    ['(&)', ['m', 'n']],
  ])('ANDs the filter %s', async (filter, expected) => {
    const base = await baseWith(person('m', { cn: ['Müller'] }), person('n'));
    await using session = await sessionOn(base);
    const { entries } = await readAll(session, { attributes: ['uid'], filter });
    expect(new Set(entries.map((entry) => entry.attributes.get('uid')?.[0]))).toEqual(new Set(expected));
  });

  it.each(['uid=a', '(uid=a', '(uid)', '((uid=a))', '(uid=\\zz)', '(uid=a)(uid=b)'])(
    'refuses the filter %s',
    async (filter) => {
      await expect(sessionOn(slapd.people, { object: { filter } })).rejects.toMatchObject({
        code: 'InvalidConfiguration',
      });
    },
  );

  it('fetches what the listing would not list, and says so', async () => {
    const base = await baseWith(person('a'), person('b'));
    const away = await baseWith();
    await using session = await sessionOn(base);
    const ids = (await readAll(session)).entries.map((entry) => entry.id);
    await slapd.run('ldapmodrdn', ['-s', away, uidDn('b', base), 'uid=b']);
    const answers = await collect(
      session.fetch(ids, { attributes: ['uid'], filter: '(cn=Name *)' }, signal()),
    );
    expect(new Set(answers.map((answer) => answer.kind === 'There' && answer.listed))).toEqual(
      new Set([false, true]),
    );
    const filtered = await collect(
      session.fetch(ids, { attributes: ['uid'], filter: '(cn=nobody)' }, signal()),
    );
    expect(filtered.map((answer) => answer.kind === 'There' && !answer.listed)).toEqual([true, true]);
    const named = await collect(
      session.fetchByName(
        [uidDn('a', base), uidDn('b', away)],
        { attributes: [], filter: undefined },
        signal(),
      ),
    );
    expect(named.map((answer) => answer.kind === 'There' && answer.listed)).toEqual([true, false]);
  });

  it('asks one search for a page, and writes nothing', async () => {
    const base = await baseWith(...Array.from({ length: 2100 }, (_, index) => person(`u${String(index)}`)));
    await using session = await sessionOn(base);
    await slapd.forget();
    expect((await readAll(session)).entries).toHaveLength(2100);
    expect((await slapd.operations()).map(({ op }) => op)).toEqual(
      expect.arrayContaining(['SRCH', 'SRCH', 'SRCH']),
    );
    expect((await slapd.operations()).filter(({ op }) => op === 'SRCH')).toHaveLength(3);
  });
});

describe('writing', () => {
  it('adds object classes and the values of the name', async () => {
    const base = await baseWith();
    await using session = await sessionOn(base);
    const written = applied(
      await create(
        session,
        uidDn('n', base),
        new Map([
          ['cn', ['N']],
          ['sn', ['N']],
        ]),
      ),
    );
    const entry = (await contentsOf(base)).get('n');
    expect(entry).toMatchObject({ uid: ['n'], cn: ['N'], entryUUID: [written.id] });
    expect(entry?.['objectClass']).toContain('inetOrgPerson');
    expect(written.name).toBe(uidDn('n', base));
  });

  it('keeps octets as octets, also when they happen to be text', async () => {
    const base = await baseWith();
    await using session = await sessionOn(base);
    const photos = [Uint8Array.from([0xff, 0xd8, 0, 1]), Uint8Array.from(Buffer.from('text'))];
    applied(
      await create(
        session,
        uidDn('n', base),
        new Map<string, readonly (string | Uint8Array)[]>([
          ['cn', ['N']],
          ['sn', ['N']],
          ['jpegPhoto', photos],
        ]),
      ),
    );
    const { entries } = await readAll(session, { attributes: ['jpegPhoto'], filter: undefined });
    expect(entries[0]?.attributes.get('jpegPhoto')).toEqual(photos);
    applied(await update(session, { changes: [change('jpegPhoto', photos, photos.slice(1))] }));
    const after = await readAll(session, { attributes: ['jpegPhoto'], filter: undefined });
    expect(after.entries[0]?.attributes.get('jpegPhoto')).toEqual(photos.slice(1));
  });

  it('leaves values alone that others have added', async () => {
    const base = await baseWith(person('a', { ou: ['x', 'y'] }));
    await using session = await sessionOn(base);
    await slapd.run('ldapmodify', [], `dn: ${uidDn('a', base)}\nchangetype: modify\nadd: ou\nou: z\n`);
    applied(await update(session, { changes: [change('ou', ['x', 'y'], ['y', 'w'])] }));
    expect((await contentsOf(base)).get('a')?.['ou']?.sort()).toEqual(['w', 'y', 'z']);
  });

  it('says that a value is no longer what was read', async () => {
    await using session = await sessionOn(await baseWith(person('a', { ou: ['x'] })));
    const written = await update(session, { changes: [change('ou', ['gone'], [])] });
    expect(codeOf(written)).toBe('Refused Changed');
  });

  it.each([...UGLY_VALUES, 'ends with a backslash\\', '\\,', ' '])(
    'renames to and from %j, keeping the id',
    async (value) => {
      const base = await baseWith(person('plain'));
      await using session = await sessionOn(base);
      const before = await onlyEntry(session);
      const there = applied(
        await update(session, { newName: uidDn(value, base), changes: [change('sn', ['plain'], ['s'])] }),
      );
      expect(there).toMatchObject({ id: before.id, name: uidDn(value, base) });
      const { entries } = await readAll(session);
      expect(entries[0]).toMatchObject({ id: before.id });
      expect(entries[0]?.attributes.get('uid')).toEqual([value]);
      expect(entries[0]?.attributes.get('sn')).toEqual(['s']);
      applied(await update(session, { newName: uidDn('plain', base) }));
      expect((await contentsOf(base)).get('plain')?.['uid']).toEqual(['plain']);
    },
  );

  it('moves to another parent, and names a superior only then', async () => {
    const base = await baseWith(person('a'));
    await slapd.run(
      'ldapadd',
      [],
      `dn: ou=inner\\,x,${base}\nobjectClass: organizationalUnit\nou: inner,x\n`,
    );
    await using session = await sessionOn(base);
    const target = uidDn('b', `ou=inner\\,x,${base}`);
    expect(applied(await update(session, { newName: target })).name).toBe(target);
    expect((await onlyEntry(session)).name).toBe(`uid=b,ou=inner\\2Cx,${base}`);
  });

  it('writes many entries at the same time under one signal', async () => {
    const base = await baseWith();
    const { writer } = await sessionOn(base);
    if (!writer) throw new Error('no writer');
    const warnings: string[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', listen);
    const during = signal();
    const uids = Array.from({ length: 64 }, (_, index) => `p${String(index)}`);
    const results = await Promise.all(
      uids.map((uid) =>
        writer.create({ name: uidDn(uid, base), attributes: new Map(Object.entries(person(uid))) }, during),
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(results.every((written) => written.kind === 'Applied')).toBe(true);
    expect(warnings).toEqual([]);
    expect((await contentsOf(base)).size).toBe(64);
  });

  it('refuses to delete an entry with children', async () => {
    const base = await baseWith(person('a'));
    await using session = await sessionOn(base);
    const written = await session.writer?.delete({ id: 'x', name: base }, signal());
    expect(written && codeOf(written)).toBe('Refused Refused');
  });

  it('refuses to create below what is not there', async () => {
    const base = await baseWith();
    await using session = await sessionOn(base);
    const written = await create(session, uidDn('n', `ou=no,${base}`), new Map(Object.entries(person('n'))));
    expect(codeOf(written)).toBe('Refused NotFound');
  });

  it.each([
    ['a missing attribute', { sn: [] }, 'sn'],
    ['a wrong syntax', { mail: ['gehëim@example.org'] }, 'mail'],
    ['a second value', { employeeNumber: ['geheim1', 'geheim2'] }, 'employeeNumber'],
    ['an attribute of another class', { uidNumber: ['77123'] }, 'uidNumber'],
  ])('%s is told by its attribute, without the value', async (_, more, attribute) => {
    const base = await baseWith();
    await using session = await sessionOn(base);
    const written = await create(session, uidDn('n', base), new Map(Object.entries(person('n', more))));
    expect(written).toMatchObject({ kind: 'Refused', error: { code: 'SchemaViolation', attribute } });
    if (written.kind === 'Refused') expect(written.error.message).not.toMatch(/geh|77123/);
  });

  it('does not call it refused when the rename before the refused change has happened', async () => {
    const base = await baseWith(person('a'));
    await using session = await sessionOn(base);
    const written = await update(session, {
      newName: uidDn('b', base),
      changes: [change('mail', [], ['ü@example.org'])],
    });
    expect(written).toMatchObject({ kind: 'Unknown', error: { code: 'SchemaViolation', attribute: 'mail' } });
    const alone = await update(session, { changes: [change('mail', [], ['ü@example.org'])] });
    expect(alone).toMatchObject({ kind: 'Refused', error: { code: 'SchemaViolation', attribute: 'mail' } });
  });
});

describe('passwords', () => {
  async function bindAs(dn: string, password: string): Promise<boolean> {
    const args = ['-x', '-H', slapd.url, '-D', dn, '-w', password];
    return promisify(execFile)('ldapwhoami', args).then(
      () => true,
      () => false,
    );
  }

  it('are hashed by the server, can be used, and are never read back', async () => {
    const base = await baseWith();
    await using session = await sessionOn(base);
    const dn = uidDn('n', base);
    applied(
      await create(session, dn, new Map(Object.entries(person('n', { userPassword: ['first pässword'] })))),
    );
    expect((await contentsOf(base)).get('n')?.['userPassword']?.[0]).toMatch(/^\{SSHA\}/);
    expect(await bindAs(dn, 'first pässword')).toBe(true);
    applied(await update(session, { changes: [change('userPassword', [], ['second'])] }));
    expect(await bindAs(dn, 'second')).toBe(true);
    const { entries } = await readAll(session, { attributes: ['userPassword', 'cn'], filter: undefined });
    expect([...(entries[0]?.attributes.keys() ?? [])]).toEqual(['cn']);
  });

  it('that are refused take the new entry with them', async () => {
    const base = await baseWith();
    const config = { bind: { dn: CLERK, password: new Secret('clerking') } };
    await using session = await sessionOn(base, { config });
    const entry = new Map(Object.entries(person('n', { userPassword: ['hidden-word'] })));
    const written = await create(session, uidDn('n', base), entry);
    expect(written).toMatchObject({ kind: 'Refused', error: { attribute: 'userPassword' } });
    expect(JSON.stringify(written)).not.toContain('hidden-word');
    expect((await contentsOf(base)).size).toBe(0);
    expect((await fetchAll(session, ['00000000-0000-1000-8000-000000000000']))[0]?.kind).toBe('NotThere');
  });
});
