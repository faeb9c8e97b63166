/**
 * 300 days of a company, a roll call each, from its file through the Repository into a directory: the last day is calm,
 * nothing was written more often than something changed, and what is open is settled by one command or edit each.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Folder, header, inProcess, type DocumentOf, type EntryOfDocument } from '../support/rollcall.ts';
import { SimulatedYear } from '../support/simulated-year.ts';
import { carriedOut } from '../support/slapd-log.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';

const SEED = Number(process.env['ROLLCALL_SEED'] ?? randomInt(2 ** 31));
const DAYS = 300;
const PEOPLE = 150;
const DAY_MS = 86_400_000;
const BEGIN = Date.parse('2026-01-01T05:00:00Z');

let slapd: Slapd;
let year: SimulatedYear;
let folder: Folder;
/** Days whose run was not Succeeded though nothing asked anybody to act. */
const restless: string[] = [];

beforeAll(async () => {
  slapd = await startSlapd();
  year = new SimulatedYear(SEED, PEOPLE, slapd);
  folder = new Folder({ 'manifests.yaml': manifests(slapd) });
  vi.useFakeTimers({ toFake: ['Date'] });
}, 60_000);

afterAll(async () => {
  vi.useRealTimers();
  folder[Symbol.dispose]();
  await slapd.stop();
});

async function rollCall(): Promise<DocumentOf> {
  folder.write('people.csv', year.file());
  vi.setSystemTime(BEGIN + year.day * DAY_MS);
  const { stdout, stderr } = await inProcess(['run', folder.path, '-o', 'json']);
  if (!stdout.startsWith('{')) throw new Error(`day ${year.day}: ${stderr}`);
  return JSON.parse(stdout) as DocumentOf;
}

/** Of the last run of each mapping. */
function lastRuns({ runs }: DocumentOf): DocumentOf['runs'][number][] {
  return [...new Map(runs.map((one) => [one.mapping, one])).values()];
}

const isOpen = ({ outcome }: EntryOfDocument): boolean =>
  !['InSync', 'Ignored', 'Applied', 'Linked'].includes(outcome);

describe(`a calm year (ROLLCALL_SEED=${SEED})`, () => {
  it(`${DAYS} days go by`, { timeout: 600_000 }, async () => {
    expect(lastRuns(await rollCall()).map(({ outcome }) => outcome)).toEqual(['Succeeded', 'Succeeded']);
    while (year.day < DAYS) {
      await year.pass();
      const document = await rollCall();
      const bad = lastRuns(document).filter(({ outcome }) => outcome !== 'Succeeded');
      if (bad.length > 0 && !year.needsSomebody)
        restless.push(
          `day ${year.day}: ${JSON.stringify(bad.map(({ mapping, outcome, entries }) => ({ mapping, outcome, open: entries.filter(isOpen) })))}`,
        );
    }
  });

  it('on no day a run was Degraded or Held for a reason that nobody could act on', () => {
    expect(restless).toEqual([]);
  });

  it('nobody was written more often than something about them changed', () => {
    const writes = new Map<string, number>();
    for (const op of ['ADD', 'MOD', 'MODRDN', 'DEL'] as const)
      for (const dn of carriedOut(slapd.folder, op)) {
        const mail = year.mailOf.get(/^uid=u(\d+),/.exec(dn)?.[1] ?? '');
        if (mail !== undefined) writes.set(mail, (writes.get(mail) ?? 0) + 1);
      }
    expect(writes.size).toBeGreaterThan(PEOPLE);
    const tooOften = [...writes].filter(([mail, count]) => count > (year.changes.get(mail) ?? 0));
    expect(tooOften).toEqual([]);
  });

  it('what is open in the end is settled by one command or one edit each, and then all is quiet', async () => {
    const deleted = await makeTrouble();
    const open = lastRuns(await rollCall()).flatMap(({ mapping, entries }) =>
      entries.filter(isOpen).map((one) => ({ mapping, one })),
    );
    const kinds = open.map(({ one }) => one.situation ?? one.error?.code);
    expect(new Set(kinds)).toEqual(new Set(['Missing', 'Unassigned', 'DuplicateKey', 'FoundAlreadyLinked']));
    for (const { mapping, one } of open) await settle(mapping, one);
    year.mendAll();
    await rollCall();
    const quiet = lastRuns(await rollCall());
    expect(quiet.map(({ outcome, totals }) => [outcome, totals.planned])).toEqual([
      ['Succeeded', 0],
      ['Succeeded', 0],
    ]);
    expect(quiet.flatMap(({ entries }) => entries.filter(isOpen))).toEqual([]);
    for (const mail of deleted) expect(await year.dnOf(mail)).toBeDefined();
  });
});

/** Two accounts deleted by hand, a stranger's made, a row twice, and somebody with the mail of another; the mails of the two. */
async function makeTrouble(): Promise<string[]> {
  year.mendAll();
  const mails = [...year.employees.values()].slice(0, 2).map(({ mail }) => mail);
  for (const mail of mails) await slapd.run('ldapdelete', [(await year.dnOf(mail)) ?? 'nobody']);
  const attributes = 'objectClass: inetOrgPerson\nuid: stranger\ncn: stranger\nsn: stranger';
  await slapd.run('ldapadd', [], `dn: uid=stranger,${slapd.people}\n${attributes}\n`);
  for (const kind of ['Duplicate', 'MailOfAnother'] as const)
    while (!year.dirt.some((one) => one.kind === kind)) year.soil(kind);
  return mails;
}

/** As the administrator does it; what is wrong with the file is HR's to edit. */
async function settle(mapping: string, { situation, source, target }: EntryOfDocument): Promise<void> {
  if (situation === 'Missing') {
    const done = await inProcess(['unlink', folder.path, '--mapping', mapping, '--source', source ?? '']);
    expect(done).toMatchObject({ exitCode: 0 });
  }
  if (situation === 'Unassigned') {
    const found = await slapd.run('ldapsearch', [
      '-LLL',
      '-b',
      slapd.people,
      `(entryUUID=${target ?? ''})`,
      'dn',
    ]);
    await slapd.run('ldapdelete', [/^dn: (.*)$/m.exec(found)?.[1] ?? 'nobody']);
  }
}

function manifests({ url, adminDn, adminPassword, people }: Slapd): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: bind }
stringData: { dn: '${adminDn}', password: '${adminPassword}' }
---
${header('ManagedSystem', 'hr')}
spec:
  type: CSV
  csv: {}
  objects: [ { name: employee, type: User, id: id, csv: { path: people.csv } } ]
---
${header('ManagedSystem', 'people')}
spec:
  type: Repository
  repository: {}
  access: ReadWrite
  objects:
    - name: person
      type: User
      id: uid
      attributes: [ { name: login }, { name: given }, { name: sn }, { name: mail, match: IgnoreCase }, { name: phone, match: TelephoneNumber }, { name: title }, { name: status } ]
      state: { attribute: status, disabled: inactive, enabled: active }
---
${header('ManagedSystem', 'directory')}
spec:
  type: LDAP
  ldap: { url: '${url}', tls: { mode: Disabled }, bind: { secretRef: { name: bind } } }
  access: ReadWrite
  objects:
    - name: account
      type: User
      id: entryUUID
      ldap: { base: '${people}', filter: '(objectClass=inetOrgPerson)', objectClasses: [top, person, organizationalPerson, inetOrgPerson] }
      state: { attribute: employeeType, disabled: disabled, enabled: active }
---
${header('SituationPolicy', 'leavers')}
spec:
  rules:
    - { name: back-with-a-new-number, situations: [Moved], response: UpdateTarget }
    - { name: gone-for-a-month, situations: [SourceMissing, SourceDeleted], after: 720h, response: DeleteTarget }
    - { name: gone, situations: [SourceMissing, SourceDeleted], response: DisableTarget }
---
${header('ReconMapping', 'hr-to-people')}
spec:
  source: { systemRef: { name: hr }, object: employee }
  target: { systemRef: { name: people }, object: person }
  policyRef: { name: leavers }
  mode: Enforce
  correlate: [ { source: id, target: uid }, { source: mail, target: mail } ]
  attributes:
    - { target: uid, from: id, "on": [Create] }
    - { target: login, expression: "'u' + source.id", "on": [Create] }
    - { target: given, from: first }
    - { target: sn, from: last }
    - { target: mail, from: mail }
    - { target: phone, from: phone }
    - { target: title, from: title }
---
${header('ReconMapping', 'people-to-directory')}
spec:
  source: { systemRef: { name: people }, object: person, deletedWhen: "source.status == 'inactive'" }
  target: { systemRef: { name: directory }, object: account }
  policyRef: { name: leavers }
  mode: Enforce
  correlate: [ { source: login, target: uid } ]
  attributes:
    - { target: dn, rdn: { attribute: uid, expression: source.login }, parent: "'${people}'" }
    - { target: cn, expression: "source.given + ' ' + source.sn" }
    - { target: givenName, from: given }
    - { target: sn, from: sn }
    - { target: mail, from: mail }
    - { target: telephoneNumber, from: phone }
    - { target: title, from: title }
`;
}
