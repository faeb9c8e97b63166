/** Directories that say little about themselves, and ids that are octets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshBase, openOn, parseLdif, toLdif, uidDn } from '../support/ldap-harness.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { applied, change, codeOf, collect, fetchAll, person, readAll } from './contract.ts';

const signal = (): AbortSignal => new AbortController().signal;

describe('a directory that hides its root DSE and schema', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd({
      globalConfig: 'access to dn.base="" by * none\naccess to dn.base="cn=Subschema" by * none\n',
    });
  });
  afterAll(async () => {
    await slapd.stop();
  });

  it('can still be read and written: the password as an attribute, the id by a search', async () => {
    const base = await freshBase(slapd);
    await using session = await openOn(slapd, base);
    const { writer } = session;
    if (!writer) throw new Error('no writer');
    expect(await session.probe(signal())).toEqual({ vendor: 'LDAP server', capabilities: ['Read', 'Write'] });
    const name = uidDn('n', base);
    const attributes = new Map(Object.entries(person('n', { userPassword: ['first'], ou: ['x'] })));
    const { id } = applied(await writer.create({ name, attributes }, signal()));
    const changes = [change('ou', ['x'], ['y']), change('userPassword', ['first'], ['second'])];
    applied(await writer.update({ id, name, newName: undefined, changes }, signal()));
    const shown = await slapd.run('ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', '-b', base, '(uid=n)']);
    expect(parseLdif(shown).get('n')).toMatchObject({ ou: ['y'], userPassword: ['second'] });
    expect((await readAll(session)).entries[0]).toMatchObject({ id });
    expect((await fetchAll(session, [id]))[0]).toMatchObject({ kind: 'There', listed: true });
  });
});

describe('an id of octets', () => {
  const GUIDS = [Buffer.from('00ff28292a5c41', 'hex'), Buffer.from('41424344454647', 'hex')];
  let slapd: Slapd;
  let base: string;
  beforeAll(async () => {
    slapd = await startSlapd({
      globalConfig: [
        "attributetype ( 1.3.6.1.4.1.55555.1.1 NAME 'guid' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )",
        "objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'withGuid' AUXILIARY MAY guid )",
      ].join('\n'),
    });
    base = await freshBase(slapd);
    for (const [index, guid] of GUIDS.entries()) {
      const uid = `g${String(index)}`;
      const ldif = toLdif(uidDn(uid, base), person(uid, { objectClass: ['withGuid'] }));
      await slapd.run('ldapadd', [], `${ldif}guid:: ${guid.toString('base64')}\n`);
    }
  });
  afterAll(async () => {
    await slapd.stop();
  });

  it('is shown as hexadecimal digits, and found again by them', async () => {
    await using session = await openOn(slapd, base, { object: { id: 'guid' } });
    const { entries, evidence } = await readAll(session);
    expect(evidence.complete).toBe('Yes');
    const ids = GUIDS.map((guid) => guid.toString('hex'));
    expect(new Set(entries.map((entry) => entry.id))).toEqual(new Set(ids));
    const answers = await fetchAll(session, [...ids, '00']);
    expect(new Map(answers.map((answer) => [answer.id, answer.kind]))).toEqual(
      new Map([...ids.map((id) => [id, 'There'] as const), ['00', 'NotThere']]),
    );
  });

  it('fails an id that two entries share, and answers an id that is asked for in two spellings twice', async () => {
    const more = [
      person('x', { employeeNumber: ['E1'] }),
      person('y', { employeeNumber: ['e1'] }),
      person('z', { employeeNumber: ['e2'] }),
    ];
    await slapd.run(
      'ldapadd',
      [],
      more.map((entry) => toLdif(uidDn(String(entry['uid']?.[0]), base), entry)).join('\n'),
    );
    await using session = await openOn(slapd, base, { object: { id: 'employeeNumber' } });
    const answers = await fetchAll(session, ['e1', 'e2', 'E2']);
    expect(
      answers
        .map((answer) => [answer.id, answer.kind])
        .toSorted(([a = ''], [b = '']) => a.localeCompare(b, 'en')),
    ).toEqual([
      ['e1', 'Failed'],
      ['e2', 'There'],
      ['E2', 'There'],
    ]);
  });
});

describe('requests that cannot be sent', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd();
  });
  afterAll(async () => {
    await slapd.stop();
  });

  it('are refused without asking the server', async () => {
    await using session = await openOn(slapd, slapd.people);
    const { writer } = session;
    if (!writer) throw new Error('no writer');
    await slapd.forget();
    const nameless = { id: 'x', name: undefined };
    expect(codeOf(await writer.create({ name: undefined, attributes: new Map() }, signal()))).toBe(
      'Refused SchemaViolation',
    );
    expect(codeOf(await writer.update({ ...nameless, newName: undefined, changes: [] }, signal()))).toBe(
      'Refused InvalidData',
    );
    expect(codeOf(await writer.delete(nameless, signal()))).toBe('Refused InvalidData');
    const unchanged = { id: 'x', name: slapd.people, newName: slapd.people, changes: [] };
    expect(codeOf(await writer.update(unchanged, signal()))).toBe('Applied');
    expect(await slapd.operations()).toEqual([]);
  });

  it('fails a name that is none', async () => {
    await using session = await openOn(slapd, slapd.people);
    const answers = await collect(
      session.fetchByName(['no name'], { attributes: [], filter: undefined }, signal()),
    );
    expect(answers[0]).toMatchObject({ kind: 'Failed', error: { code: 'SchemaViolation' } });
  });

  it('writes a boolean as the directory spells it', async () => {
    const { Vocabulary } = await import('../../src/connectors/ldap/requests.ts');
    const { toDirectorySchema } = await import('../../src/connectors/ldap/subschema.ts');
    const directory = toDirectorySchema([
      "( 1.2.3 NAME 'flag' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 )",
      "( 1.2.4 NAME 'userCertificate' SYNTAX 1.3.6.1.4.1.1466.115.121.1.8 )",
    ]);
    const schema = {
      id: 'x',
      idChosenBy: 'System',
      name: 'dn',
      attributes: directory.attributes,
      ignoreCaseInNames: true,
    } as const;
    const vocabulary = new Vocabulary(schema, directory);
    expect(vocabulary.attribute('FLAG', ['true']).values).toEqual(['TRUE']);
    expect(vocabulary.attribute('usercertificate', [Uint8Array.of(1)]).type).toBe('userCertificate;binary');
    const [replaced] = vocabulary.changes(change('userCertificate', [], ['x']));
    expect(replaced?.operation).toBe('replace');
  });
});
