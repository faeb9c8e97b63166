import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { LdapConfig } from '../../src/connectors/ldap/config.ts';
import { Secret } from '../../src/lib/secret.ts';
import { freshBase, openOn, toLdif, uidDn } from '../support/ldap-harness.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { change, codeOf, collect, fetchAll, person, readAll, type Attributes } from './contract.ts';

const signal = (): AbortSignal => new AbortController().signal;
let slapd: Slapd;
beforeAll(async () => {
  slapd = await startSlapd({
    databaseConfig: 'access to * by dn.exact="uid=reader,ou=people,dc=example,dc=org" read by * auth',
    sizeLimit: 20,
  });
});
afterAll(async () => {
  await slapd.stop();
});

async function baseWith(count: number, more: Attributes = {}): Promise<string> {
  const base = await freshBase(slapd);
  const entries = Array.from({ length: count }, (_, index) => person(`u${String(index)}`, more));
  const ldif = entries.map((entry) => toLdif(uidDn(String(entry['uid']?.[0]), base), entry));
  if (count > 0) await slapd.run('ldapadd', [], ldif.join('\n'));
  return base;
}

describe('ways to connect', () => {
  const ways: readonly (readonly [string, (server: Slapd) => Partial<LdapConfig>])[] = [
    ['plain', () => ({})],
    ['LDAPS with its CA', (server) => ({ url: server.ldapsUrl, tls: { mode: 'LDAPS', ca: server.ca } })],
    [
      'LDAPS by address',
      (server) => ({
        url: server.ldapsUrl.replace('localhost', '127.0.0.1'),
        tls: { mode: 'LDAPS', ca: server.ca },
      }),
    ],
    [
      'LDAPS with a name of its own',
      (server) => ({
        url: server.ldapsUrl.replace('localhost', '127.0.0.1'),
        tls: { mode: 'LDAPS', ca: server.ca, serverName: 'localhost' },
      }),
    ],
    ['StartTLS', (server) => ({ tls: { mode: 'StartTLS', ca: server.ca } })],
    ['LDAPI with a password', (server) => ({ url: server.ldapiUrl })],
  ];
  it.each(ways)('%s', async (_, config) => {
    const base = await baseWith(300);
    await using session = await openOn(slapd, base, { config: config(slapd) });
    const { entries, evidence } = await readAll(session);
    expect(entries).toHaveLength(300);
    expect(evidence).toMatchObject({ complete: 'Yes', proof: 'LastPage', snapshot: false });
    expect((await session.probe(signal())).vendor).toBe('OpenLDAP');
  });

  it('LDAPI without a password: as the user of the process', async () => {
    const { openLdap } = await import('../../src/connectors/ldap/open-ldap.ts');
    const base = await baseWith(1);
    const object = { name: 'a', id: 'entryUUID', base, scope: 'Subtree', filter: '(uid=*)' } as const;
    const config = { url: slapd.ldapiUrl, tls: { mode: 'Disabled' } } as const;
    await using session = await openLdap(config, object, { writable: true })(signal());
    expect((await readAll(session)).entries).toHaveLength(1);
  });

  it.each([
    [
      'an unknown CA',
      (server: Slapd) => ({ url: server.ldapsUrl, tls: { mode: 'LDAPS' } }) as const,
      'Unreachable',
    ],
    ['StartTLS with an unknown CA', () => ({ tls: { mode: 'StartTLS' } }) as const, 'Unreachable'],
    [
      'a certificate for another name',
      (server: Slapd) =>
        ({
          url: server.ldapsUrl,
          tls: { mode: 'LDAPS', ca: server.ca, serverName: 'other.example.org' },
        }) as const,
      'Unreachable',
    ],
    [
      'a wrong password',
      (server: Slapd) => ({ bind: { dn: server.adminDn, password: new Secret('wrong-password') } }),
      'AuthenticationFailed',
    ],
    [
      'an empty password',
      (server: Slapd) => ({ bind: { dn: server.adminDn, password: new Secret('') } }),
      'InvalidConfiguration',
    ],
    ['nobody listening', () => ({ url: 'ldap://127.0.0.1:1' }), 'Unreachable'],
    [
      'LDAPS on a plain url',
      (server: Slapd) => ({ tls: { mode: 'LDAPS', ca: server.ca } }) as const,
      'InvalidConfiguration',
    ],
    ['plain on an ldaps url', (server: Slapd) => ({ url: server.ldapsUrl }), 'InvalidConfiguration'],
    ['no url', () => ({ url: 'people' }), 'InvalidConfiguration'],
  ] satisfies readonly (readonly [string, (server: Slapd) => Partial<LdapConfig>, string])[])(
    '%s is refused',
    async (_, config, code) => {
      const opening = openOn(slapd, slapd.people, { config: config(slapd) });
      await expect(opening).rejects.toMatchObject({ code });
      await expect(openOn(slapd, slapd.people, { config: config(slapd) })).rejects.not.toThrow(
        /wrong-password/,
      );
    },
  );
});

describe('reads that are not whole', () => {
  it('a size limit is an incomplete read, with the way out', async () => {
    const base = await baseWith(50);
    await slapd.run(
      'ldapadd',
      [],
      toLdif(uidDn('reader', slapd.people), person('reader', { userPassword: ['reading'] })),
    );
    const config = { bind: { dn: uidDn('reader', slapd.people), password: new Secret('reading') } };
    await using session = await openOn(slapd, base, { config });
    const { entries, evidence } = await readAll(session);
    expect(entries).toHaveLength(20);
    expect(evidence).toMatchObject({ complete: 'No', reason: 'SizeLimit', snapshot: false });
    expect(evidence.message).toMatch(/raise the size limit/);
  });

  it('a referral is not followed and counts', async () => {
    const base = await baseWith(2);
    const referral = `dn: ou=away,${base}\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: ldap://127.0.0.1:1/ou=away\n`;
    await slapd.run('ldapadd', ['-M'], referral);
    await using session = await openOn(slapd, base);
    const { entries, evidence } = await readAll(session);
    expect(entries).toHaveLength(2);
    expect(evidence).toMatchObject({ complete: 'No', reason: 'Referral' });
    const [answer] = await fetchAll(session, ['00000000-0000-1000-8000-000000000000']);
    expect(answer?.kind).toBe('Failed');
    const name = uidDn('x', `ou=away,${base}`);
    const created = await session.writer?.create(
      { name, attributes: new Map(Object.entries(person('x'))) },
      signal(),
    );
    expect(created && codeOf(created)).toBe('Refused Refused');
  });

  it('an entry without the id counts', async () => {
    const base = await baseWith(2);
    await using session = await openOn(slapd, base, { object: { id: 'employeeNumber' } });
    expect((await readAll(session)).evidence).toMatchObject({ complete: 'No', reason: 'MissingId' });
    const request = { attributes: [], filter: undefined };
    const [named] = await collect(session.fetchByName([uidDn('u0', base)], request, signal()));
    expect(named?.kind).toBe('Failed');
  });

  it('a base that is not there is a mistake of the manifest', async () => {
    await using session = await openOn(slapd, `ou=nowhere,${slapd.suffix}`);
    const reading = session.read({ attributes: [], filter: undefined }, signal());
    await expect(reading.next()).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});

describe('connections', () => {
  it('are closed with what they were for, also when a read is left early', async () => {
    const open = async (): Promise<number> => {
      const log = await readFile(join(slapd.folder, 'log'), 'utf8');
      return (log.match(/ ACCEPT /g)?.length ?? 0) - (log.match(/ closed/g)?.length ?? 0);
    };
    const base = await baseWith(500);
    await delay(100);
    const before = await open();
    const session = await openOn(slapd, base);
    await readAll(session);
    for await (const batch of session.read({ attributes: [], filter: undefined }, signal())) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(async () => (await open()) - before).toBe(1);
    await session[Symbol.asyncDispose]();
    await expect.poll(async () => (await open()) - before).toBe(0);
    const late = await session.writer?.delete({ id: 'x', name: base }, signal());
    expect(late && codeOf(late)).toBe('Refused Unreachable');
  });
});

describe('a server that dies', () => {
  it('in the middle of a read: Unreachable, and a later read sees all', async () => {
    // More than is taken from the socket before somebody asks for it.
    const base = await baseWith(3000, { description: ['x'.repeat(1000)] });
    await using session = await openOn(slapd, base);
    const reading = session.read({ attributes: ['description'], filter: undefined }, signal());
    await reading.next();
    await slapd.kill();
    const rest = async (): Promise<void> => {
      while (!(await reading.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'Unreachable' });
    await slapd.restart();
    expect((await readAll(session)).entries).toHaveLength(3000);
  });

  it.each(['plain', 'StartTLS'] as const)(
    'in the middle of a write (%s): Unknown; before it: Refused',
    async (mode) => {
      const base = await baseWith(1);
      const config: Partial<LdapConfig> = mode === 'StartTLS' ? { tls: { mode, ca: slapd.ca } } : {};
      await using session = await openOn(slapd, base, { config });
      const entry = (await readAll(session)).entries[0];
      if (!entry) throw new Error('no entry');
      const update = {
        id: entry.id,
        name: entry.name,
        newName: undefined,
        changes: [change('sn', ['u0'], ['x'])],
      };
      await slapd.pause();
      const writing = session.writer?.update(update, signal());
      await new Promise((resolve) => setTimeout(resolve, 100));
      await slapd.kill();
      expect(codeOf((await writing) ?? { kind: 'Applied', id: '', name: undefined })).toBe(
        'Unknown Unreachable',
      );
      const next = await session.writer?.update(update, signal());
      expect(next && codeOf(next)).toBe('Refused Unreachable');
      await slapd.restart();
      await slapd.forget();
      const again = await session.writer?.update(update, signal());
      expect(again?.kind).toBe('Applied');
      const operations = await slapd.operations();
      expect(operations.findIndex(({ op }) => op === 'BIND')).toBeLessThan(
        operations.findIndex(({ op }) => op === 'MOD'),
      );
    },
  );

  it('an abort ends a request that nobody answers', async () => {
    const base = await baseWith(1);
    await using session = await openOn(slapd, base);
    const controller = new AbortController();
    await slapd.pause();
    const reading = session.fetch(['x'], { attributes: [], filter: undefined }, controller.signal).next();
    setTimeout(() => {
      controller.abort();
    }, 50);
    await expect(reading).rejects.toThrow(/abort/);
    slapd.resume();
  });
});
