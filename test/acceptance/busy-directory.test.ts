/** A directory that is busy: a run writes everything exactly once, more slowly, or stops and says what can be done. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Company, lastRunOf, mappingOf } from '../support/acceptance.ts';
import { LdapProxy } from '../support/ldap-proxy.ts';
import { inProcess, type DocumentOf } from '../support/rollcall.ts';
import { carriedOut } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

let slapd: Slapd;
let proxy: LdapProxy;
let company: Company;
beforeAll(async () => {
  slapd = await startSlapd();
  proxy = await LdapProxy.start(slapd.url);
  const mappings = ({ base }: { base: string }): string => mappingOf({ name: 'accounts' }, base);
  company = await Company.open(slapd, { url: proxy.url, mappings });
}, 60_000);
afterEach(() => proxy.watch(() => true));
afterAll(async () => {
  company[Symbol.dispose]();
  await proxy[Symbol.asyncDispose]();
  await slapd.stop();
});

async function run(): Promise<DocumentOf> {
  const { stdout } = await inProcess(['run', company.folder.path, '-o', 'json']);
  return JSON.parse(stdout) as DocumentOf;
}

it(
  'busy for ever: the run stops and names the way out; nothing was written',
  { timeout: 60_000 },
  async () => {
    proxy.watch(({ op, phase }) => (op === 'Add' && phase === 'Asked' ? { code: 51 } : true));
    const document = await run();
    expect(lastRunOf(document).outcome).toBe('Failed');
    const message = document.problems.map((problem) => problem.message).join();
    expect(message).toMatch(/2\d writes in a row were refused with Busy: add: the directory answered busy/);
    expect(message).toContain(
      'run again when it has less to do, or give it less to do with limits.writesInFlight',
    );
    expect(await company.accounts()).toEqual([]);
  },
);

it('busy half the time: one run writes everything, and everything once', { timeout: 60_000 }, async () => {
  let asked = 0;
  proxy.watch(({ op, phase }) => {
    if (op !== 'Add' || phase !== 'Asked') return true;
    asked++;
    return asked % 2 === 0 || { code: 51 };
  });
  const { outcome, totals } = lastRunOf(await run());
  const accounts = await company.accounts();
  expect([outcome, totals.planned, totals.applied]).toEqual(['Succeeded', accounts.length, accounts.length]);
  expect(carriedOut(slapd.folder, 'ADD').filter((dn) => dn.startsWith('uid='))).toHaveLength(accounts.length);
  expect(asked).toBeGreaterThan(accounts.length);
});
