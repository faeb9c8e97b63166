/**
 * A directory that misbehaves in every way that we know of, behind a proxy or by itself, while people join, change and
 * leave: nothing is withdrawn without proof, nothing is done twice, nothing is lost, and no secret is told to anybody.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Company, csv, lastRunOf, mappingOf, people, person, type Person } from '../support/acceptance.ts';
import { recordFault } from '../support/fault-report.ts';
import { LdapProxy, type ByteFault, type LdapMoment } from '../support/ldap-proxy.ts';
import { inProcess, PROGRAM, type Done, type DocumentOf } from '../support/rollcall.ts';
import { carriedOut, notRefused } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const SCHEMA = `attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'badge' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'badged' SUP top AUXILIARY MAY badge )`;
const BINDER = 'cn=binder,dc=example,dc=org';
const ACCESS = `access to * by dn.exact="${BINDER}" manage by anonymous auth by * none\nlimits dn.exact="${BINDER}" size=unlimited size.pr=40`;
const LDIF = `dn: ${BINDER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: binder\nuserPassword: Morvenlatch77\n`;

let slapd: Slapd;
let proxy: LdapProxy;
let company: Company;
/** Who should have an account now. */
let rows: Person[] = people(100);
let next = 100;
const told: string[] = [];

beforeAll(async () => {
  slapd = await startSlapd({ globalConfig: SCHEMA, databaseConfig: ACCESS, ldif: LDIF });
  proxy = await LdapProxy.start(slapd.url);
  const guards = `guards: { budgets: [ ${['Create', 'Update', 'Delete'].map((effect) => `{ effect: ${effect}, maxPercent: 100, minCount: 9999 }`).join(', ')} ] }`;
  const mappings = ({ base }: { base: string }): string =>
    mappingOf({ name: 'accounts', more: guards }, base);
  company = await Company.open(slapd, { url: proxy.url, mappings });
  const secret = /dn: '[^']*', password: '[^']*'/;
  company.folder.edit('manifests.yaml', (text) =>
    text.replace(secret, `dn: '${BINDER}', password: 'Morvenlatch77'`),
  );
  await company.settle();
}, 60_000);

afterEach(() => {
  proxy.watch(() => true);
  proxy.befall(undefined);
});

afterAll(async () => {
  company[Symbol.dispose]();
  await proxy[Symbol.asyncDispose]();
  await slapd.stop();
});

/** Somebody joins, somebody is renamed, and who joined last leaves again. */
function change(): { readonly joined: string; readonly left: string | undefined } {
  const left = next > 100 ? rows.at(-1)?.id : undefined;
  const joined = { ...person(next), id: String(1_000 + next) };
  const renamed = (next * 7) % 100;
  rows = [...rows.slice(0, 100), joined].map((one, at) =>
    at === renamed ? { ...one, name: `${one.name} x` } : one,
  );
  next++;
  company.folder.write('people.csv', csv(rows));
  return { joined: joined.id, left };
}

async function run(): Promise<Done> {
  const done = await inProcess(['run', company.folder.path, '-o', 'json']);
  told.push(done.stdout, done.stderr);
  expect(done.stdout + done.stderr).not.toMatch(/internal error|\n\s+at /);
  return done;
}

/** A server that was killed has not always written down what it did, or done what it was asked. */
let unsure: number[] = [];
let logged = notRefused;
const count = (op: 'ADD' | 'DEL', id: string): number =>
  logged(slapd.folder, op).filter((dn) => dn.startsWith(`uid=${id},`) && dn.endsWith(company.base)).length;

/** Runs once more, or twice where a lost write has to be looked after; then all is as it should be, and was done once. */
async function heals({ joined, left }: ReturnType<typeof change>): Promise<void> {
  proxy.watch(() => true);
  proxy.befall(undefined);
  await run();
  const done = await run();
  const document = JSON.parse(done.stdout) as DocumentOf;
  expect(lastRunOf(document)).toMatchObject({ outcome: 'Succeeded', totals: { planned: 0, inSync: 101 } });
  expect(await company.accounts()).toEqual(rows.map(({ id }) => id).toSorted());
  for (const times of [count('ADD', joined), ...(left === undefined ? [] : [count('DEL', left)])])
    expect([1, ...unsure]).toContain(times);
  const stayed = new Set(rows.slice(0, 100).map(({ id }) => id));
  expect(notRefused(slapd.folder, 'DEL').filter((dn) => stayed.has(/uid=(\d+)/.exec(dn)?.[1] ?? ''))).toEqual(
    [],
  );
}

describe('bytes', () => {
  const POSITIONS = process.env['ROLLCALL_FAULTS'] === 'full' ? 200 : 24;
  const FAULTS: readonly { readonly name: string; readonly fault: ByteFault['fault'] }[] = [
    { name: 'cut', fault: 'Cut' },
    { name: 'garbage', fault: { inject: Buffer.from('3084ffffffff0201', 'hex') } },
    { name: 'another answer', fault: { inject: Buffer.from('300c02020fff65070a010004000400', 'hex') } },
  ];
  const total = { Asked: 0, Answered: 0 };

  it('an undisturbed change, to measure it by', async () => {
    const changed = change();
    proxy.befall(undefined);
    await run();
    for (const phase of ['Asked', 'Answered'] as const) total[phase] = proxy.passed(phase);
    await heals(changed);
    expect(total.Answered).toBeGreaterThan(10_000);
  });

  it.each(
    FAULTS.flatMap((one) => (['Asked', 'Answered'] as const).map((phase) => ({ ...one, phase }))).filter(
      ({ name, phase }) => name === 'cut' || phase === 'Answered',
    ),
  )(
    `$name, at each of ${POSITIONS} places of what is $phase`,
    { timeout: 600_000 },
    async ({ name, fault, phase }) => {
      for (let at = 1; at <= POSITIONS; at++) {
        const changed = change();
        const afterBytes = Math.floor((at * total[phase]) / (POSITIONS + 1));
        proxy.befall({ phase, afterBytes, fault });
        await run();
        proxy.cut();
        await heals(changed);
      }
      recordFault({
        fault: `LDAP: ${name} in what is ${phase.toLowerCase()}`,
        injected: `after each of ${POSITIONS} numbers of bytes, from the first to the last of a run`,
        holds: INVARIANTS,
      });
    },
  );

  it.each(['Asked', 'Answered'] as const)(
    'slow drip of what is %s: slow, and right',
    { timeout: 60_000 },
    async (phase) => {
      const changed = change();
      proxy.befall({ phase, afterBytes: 200, fault: 'Drip' });
      expect((await run()).exitCode).toBe(0);
      await heals(changed);
    },
  );

  it('stalled: it waits, and whoever stops it gets a document and exit code 130 within seconds', async () => {
    const changed = change();
    proxy.befall({ phase: 'Answered', afterBytes: Math.floor(total.Answered / 2), fault: 'Stall' });
    const child = spawn(process.execPath, [PROGRAM, 'run', company.folder.path, '-o', 'json'], {
      stdio: 'pipe',
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await expect
      .poll(() => proxy.passed('Answered'), { timeout: 20_000 })
      .toBeGreaterThan(total.Answered / 3);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const at = performance.now();
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(JSON.parse(text)).toMatchObject({ exitCode: 130, runs: [{ outcome: 'Failed' }] });
    await heals(changed);
    recordFault({
      fault: 'LDAP: stalled in the middle of an answer',
      injected: 'nothing comes any more; the run is stopped by SIGINT',
      holds: `it ends within 5 s with its document and exit code 130; ${INVARIANTS}`,
    });
  });
});

const INVARIANTS = 'nothing is withdrawn without proof, done twice or lost; the next run finishes it';

describe('answers', () => {
  interface Case {
    readonly name: string;
    readonly on: LdapMoment;
    /** From this one on. */
    readonly nth: number;
    readonly times: number;
    readonly answer: Exclude<ReturnType<Parameters<LdapProxy['watch']>[0]>, true>;
    readonly code: number | undefined;
  }
  const asked = (op: string): LdapMoment => ({ op, phase: 'Asked' });
  const CASES: readonly Case[] = [
    ...['Add', 'Modify', 'Delete'].map((op) => ({
      name: `the answer to ${op} is lost`,
      on: { op, phase: 'Answered' } as const,
      nth: 1,
      times: 1,
      answer: false as const,
      code: 1,
    })),
    ...['Add', 'Modify', 'Delete'].flatMap((op) => [
      { name: `busy on ${op}`, on: asked(op), nth: 1, times: 1, answer: { code: 51 }, code: undefined },
      {
        name: `unwilling to ${op}`,
        on: asked(op),
        nth: 1,
        times: 99,
        answer: { code: 53, message: 'operation restricted' },
        code: 1,
      },
      {
        name: `a referral on ${op}`,
        on: asked(op),
        nth: 1,
        times: 99,
        answer: { code: 10, referral: 'ldap://elsewhere.example.org/' },
        code: 1,
      },
    ]),
    {
      name: 'the first page is refused',
      on: asked('Search'),
      nth: 4,
      times: 1,
      answer: { code: 53 },
      code: undefined,
    },
    {
      name: 'the cookie of a page is not accepted',
      on: asked('Search'),
      nth: 5,
      times: 99,
      answer: { code: 53, message: 'paged results cookie is invalid' },
      code: 1,
    },
    {
      name: 'a size limit in the middle of paging',
      on: asked('Search'),
      nth: 5,
      times: 99,
      answer: { code: 4 },
      code: undefined,
    },
    {
      name: 'a time limit in the middle of paging',
      on: asked('Search'),
      nth: 5,
      times: 99,
      answer: { code: 3 },
      code: undefined,
    },
    {
      name: 'a referral in the middle of paging',
      on: asked('Search'),
      nth: 5,
      times: 99,
      answer: { code: 10, referral: 'ldap://elsewhere.example.org/' },
      code: undefined,
    },
    {
      name: 'busy in the middle of paging',
      on: asked('Search'),
      nth: 5,
      times: 1,
      answer: { code: 51 },
      code: undefined,
    },
  ];

  it.each(CASES)('$name', { timeout: 60_000 }, async ({ name, on, nth, times, answer, code }) => {
    const changed = change();
    let seen = 0;
    const cut = answer === false;
    proxy.watch(({ op, phase }) => {
      if (op !== on.op || phase !== on.phase) return true;
      seen++;
      const isIt = seen >= nth && seen < nth + times;
      if (isIt && cut) setImmediate(() => proxy.cut());
      return isIt ? answer : true;
    });
    const done = await run();
    expect(seen).toBeGreaterThanOrEqual(nth);
    if (code !== undefined) expect(done.exitCode).toBe(code);
    await heals(changed);
    recordFault({
      fault: `LDAP: ${name}`,
      injected: cut
        ? 'the connection breaks when it is due'
        : `answered by the proxy, the ${nth}. ${times > 1 ? 'and all after it' : 'alone'}`,
      holds: INVARIANTS,
    });
  });
});

describe('the server itself', () => {
  const CONFIG = (): string => join(slapd.folder, 'slapd.conf');

  it('killed at the first addition, and started again', async () => {
    const changed = change();
    let killed: Promise<void> | undefined;
    proxy.watch(({ op, phase }) => {
      if (op === 'Add' && phase === 'Answered') killed ??= slapd.kill();
      return killed === undefined;
    });
    expect((await run()).exitCode).toBe(1);
    await killed;
    expect((await run()).exitCode).toBe(1);
    await slapd.restart();
    [logged, unsure] = [carriedOut, [0]];
    await heals(changed);
    [logged, unsure] = [notRefused, []];
    recordFault({
      fault: 'LDAP: slapd killed at an addition',
      injected: 'SIGKILL before its answer; a run without it, then it is started again',
      holds: INVARIANTS,
    });
  });

  it('its password is changed in the middle of a run', async () => {
    const changed = change();
    let rotated: Promise<unknown> | undefined;
    const ldif = `dn: ${BINDER}\nchangetype: modify\nreplace: userPassword\nuserPassword: Kraxelbrand55\n`;
    proxy.watch(({ op, phase }) => {
      if (op === 'Add' && phase === 'Asked') rotated ??= slapd.run('ldapmodify', [], ldif);
      return true;
    });
    await run();
    await rotated;
    proxy.watch(() => true);
    const refused = await run();
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(/AuthenticationFailed|refuses the credentials|password/);
    company.folder.edit('manifests.yaml', (text) => text.replace('Morvenlatch77', 'Kraxelbrand55'));
    await heals(changed);
    recordFault({
      fault: 'LDAP: password changed in the middle of a run',
      injected: 'at the first addition; the next run has the old one',
      holds: `the run is told that it is refused; ${INVARIANTS}`,
    });
  });

  it('read-only mode: every write is refused, and told', async () => {
    const changed = change();
    const before = readFileSync(CONFIG(), 'utf8');
    appendFileSync(CONFIG(), '\nreadonly on\n');
    await slapd.restart();
    const done = await run();
    expect(done.exitCode).toBe(1);
    expect(done.stdout).toMatch(/unwillingToPerform|restricted|read.only/i);
    writeFileSync(CONFIG(), before);
    await slapd.restart();
    await heals(changed);
    recordFault({
      fault: 'LDAP: read-only mode',
      injected: 'slapd with `readonly on`',
      holds: `every write is refused and told; ${INVARIANTS}`,
    });
  });

  it('an attribute of the schema is removed: stalled, with its name, and nothing is written', async () => {
    const changed = change();
    const manifests = company.folder.read('manifests.yaml');
    company.folder.edit('manifests.yaml', (text) =>
      text.replace(
        '    - { target: mail, from: mail }',
        '    - { target: mail, from: mail }\n    - { target: badge, from: kind }',
      ),
    );
    const before = readFileSync(CONFIG(), 'utf8');
    writeFileSync(CONFIG(), before.replace(SCHEMA, ''));
    await slapd.restart();
    const writes = company.writes();
    const done = await run();
    expect(done.exitCode).toBe(1);
    expect(done.stdout).toContain('badge');
    expect(company.writes()).toEqual(writes);
    writeFileSync(CONFIG(), before);
    await slapd.restart();
    company.folder.write('manifests.yaml', manifests);
    await heals(changed);
    recordFault({
      fault: 'LDAP: attribute removed from the schema',
      injected: 'slapd started without it; a mapping writes it',
      holds: `stalled with its name, nothing is written; ${INVARIANTS}`,
    });
  });
});

describe('over TLS', () => {
  it.each([0.3, 0.6, 0.9])('a TLS alert after %d of the answer', { timeout: 60_000 }, async (share) => {
    const manifests = company.folder.read('manifests.yaml');
    await using secure = await LdapProxy.start(slapd.ldapsUrl);
    company.folder.write(
      'ca.yaml',
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ca }\ndata:\n  ca.crt: |\n${slapd.ca.replaceAll(/^/gm, '    ')}`,
    );
    company.folder.write(
      'manifests.yaml',
      manifests
        .replace(proxy.url, secure.url)
        .replace(
          'tls: { mode: Disabled }',
          'tls: { mode: LDAPS, caRef: { kind: ConfigMap, name: ca, key: ca.crt } }',
        ),
    );
    const first = change();
    secure.befall(undefined);
    expect((await run()).exitCode).toBe(0);
    const total = secure.passed('Answered');
    await heals(first);
    const changed = change();
    secure.befall({
      phase: 'Answered',
      afterBytes: Math.floor(total * share),
      fault: { inject: Buffer.from('15030300020250', 'hex') },
    });
    expect((await run()).exitCode).toBe(1);
    secure.befall(undefined);
    await heals(changed);
    company.folder.write('manifests.yaml', manifests);
    recordFault({
      fault: 'LDAP: TLS alert in the middle',
      injected: 'an alert record between two others, at three places',
      holds: INVARIANTS,
    });
  });
});

it('no secret was told by any of it, or kept', () => {
  expect(told.length).toBeGreaterThan(200);
  const state = join(company.folder.path, '.rollcall');
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const all = [...told, ...files.map((one) => readFileSync(join(one.parentPath, one.name), 'latin1'))].join(
    '\n',
  );
  for (const secret of ['Morvenlatch77', 'Kraxelbrand55', slapd.adminPassword])
    expect(all.includes(secret)).toBe(false);
});
