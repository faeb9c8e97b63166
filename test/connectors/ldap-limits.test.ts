/** A real server that grants its accounts little: what is listed is whole, or it says why it is not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Session } from '../../src/connectors/connector.ts';
import { Secret } from '../../src/lib/secret.ts';
import { freshBase, openOn, toLdif, uidDn } from '../support/ldap-harness.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { person, readAll } from './contract.ts';

const PEOPLE = 'ou=people,dc=example,dc=org';
const COUNT = 250;
const LIMITS: Readonly<Record<string, string>> = {
  // Without a word on the total the page size alone counts.
  pages: 'size=unlimited size.pr=100 size.prtotal=unlimited',
  whole: 'size=unlimited size.prtotal=disabled',
  total: 'size=unlimited size.prtotal=120',
  little: 'size=50 size.prtotal=disabled',
};
let slapd: Slapd;
let base: string;
beforeAll(async () => {
  const accounts = Object.keys(LIMITS);
  slapd = await startSlapd({
    ldif: accounts
      .map((uid) => toLdif(uidDn(uid, PEOPLE), person(uid, { userPassword: ['reading'] })))
      .join('\n'),
    databaseConfig: [
      ...Object.entries(LIMITS).map(([uid, limits]) => `limits dn.exact="${uidDn(uid, PEOPLE)}" ${limits}`),
      'access to * by users read by * auth',
    ].join('\n'),
  });
  base = await freshBase(slapd);
  const people = Array.from({ length: COUNT }, (_, index) => person(`u${String(index)}`));
  const ldif = people.map((entry) => toLdif(uidDn(String(entry['uid']?.[0]), base), entry));
  await slapd.run('ldapadd', [], ldif.join('\n'));
});
afterAll(async () => {
  await slapd.stop();
});

async function sessionOf(account: string): Promise<Session> {
  const config = { bind: { dn: uidDn(account, PEOPLE), password: new Secret('reading') } };
  return openOn(slapd, base, { config, writable: false });
}

async function searches(session: Session): Promise<number> {
  await slapd.forget();
  const { entries, evidence } = await readAll(session);
  expect(entries).toHaveLength(COUNT);
  expect(evidence).toMatchObject({ complete: 'Yes', proof: 'LastPage' });
  return (await slapd.operations()).filter(({ op }) => op === 'SRCH').length;
}

describe('a server', () => {
  it('that grants small pages is read by small pages, found once for a session', async () => {
    await using session = await sessionOf('pages');
    expect(await searches(session)).toBe(2 + Math.ceil(COUNT / 62));
    expect(await searches(session)).toBe(Math.ceil(COUNT / 62));
  });

  it('that grants no pages is read in one piece', async () => {
    await using session = await sessionOf('whole');
    await searches(session);
    expect(await searches(session)).toBe(1);
  });

  it.each([
    ['total', 120],
    ['little', 50],
  ])('that grants %s is not read whole', async (account, count) => {
    await using session = await sessionOf(account);
    const { entries, evidence } = await readAll(session);
    expect(entries).toHaveLength(count);
    expect(evidence).toMatchObject({ complete: 'No', reason: 'SizeLimit' });
    expect(evidence.message).toMatch(/raise the size limit/);
  });
});
