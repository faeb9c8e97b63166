/** Words that are planted in data and Secrets, on a day on which much goes wrong, are searched in everything that comes out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountsOf } from '../support/accounts.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import * as day from '../support/day.ts';
import { conditionOf } from '../support/kstatus.ts';
import { samplesOf } from '../support/exposition.ts';
import { documentedMetrics } from '../support/metrics-page.ts';
import type { Operator } from '../support/operator.ts';
import { closeScene, openScene } from '../support/scene.ts';
import type { Slapd } from '../support/slapd.ts';
import type { Stage } from '../support/stage.ts';
import type { StatusWatch } from '../support/status-watch.ts';

const PASSWORDS = { bind: 'Morvenlatch77', wrong: 'Kraxelbrand55', initial: 'Xylophanes93' };
/** Each stands in data, in several spellings of names, mails and DNs. */
const PEOPLE = ['quellenbrink', 'zwirnhuber', 'ollapotrida', 'tschirpfogl', 'wurmbrandt'];
const BINDER = 'schluesselwart';
const BIND_DN = `cn=${BINDER},dc=example,dc=org`;

let plane: ControlPlane;
let slapd: Slapd;
let operator: Operator;
let stage: Stage;
let watch: StatusWatch;

beforeAll(async () => {
  const access = `access to attrs=pager by * none\naccess to * by dn.exact="${BIND_DN}" manage by anonymous auth by * read`;
  const ldif = `dn: ${BIND_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: ${BINDER}\nuserPassword: ${PASSWORDS.bind}\n`;
  ({ plane, slapd, operator, stage, watch } = await openScene(
    'secrecy',
    { ldif, databaseConfig: access },
    { flags: ['--log-level=debug'] },
  ));
}, 120_000);

afterAll(() => closeScene({ plane, slapd, operator, watch }));

function people(...rows: string[]): void {
  operator.writeData('secrecy', 'people.csv', ['uid,login,lastName,mail,pager', ...rows, ''].join('\n'));
}

const good = (at: number): string => {
  const name = PEOPLE[at] ?? '';
  return `${at},${name},${name},${name}@post.example,`;
};

const ATTRIBUTES = [
  {
    target: 'dn',
    rdn: { attribute: 'uid', expression: 'source.login' },
    parent: "'ou=people,dc=example,dc=org'",
  },
  { target: 'uid', from: 'login' },
  { target: 'cn', from: 'lastName' },
  { target: 'sn', from: 'lastName' },
  { target: 'mail', from: 'mail' },
  { target: 'pager', from: 'pager' },
  { target: 'userPassword', expression: "secret('initial', 'value')" },
];

describe('on a day on which much goes wrong', () => {
  it('people are written, and some of them are refused by the directory', async () => {
    // Not IA5; a number that the account may not write; a name that somebody has already.
    const bad = [`2,${PEOPLE[2]},${PEOPLE[2]},${PEOPLE[2]}ü@post.example,`];
    bad.push(`3,${PEOPLE[3]},${PEOPLE[3]},${PEOPLE[3]}@post.example,5553`, `4,${PEOPLE[0]},${PEOPLE[4]},,`);
    people(good(0), good(1), ...bad);
    await stage.setSecret('bind', { dn: BIND_DN, password: PASSWORDS.bind });
    await stage.setSecret('initial', { value: PASSWORDS.initial });
    await stage.apply(
      day.csvSystem('hr', 'people.csv'),
      day.directorySystem('directory', slapd),
      day.LEAVERS,
      day.directoryMapping('people', 'hr', 'directory', {
        source: { systemRef: { name: 'hr' }, object: 'person' },
        correlate: [{ source: 'login', target: 'uid' }],
        policyRef: { name: 'leavers' },
        attributes: ATTRIBUTES,
      }),
    );
    const seen = await stage.untilMapping('people', ({ status }) => status?.lastRun?.outcome !== undefined);
    expect(seen.status?.totals?.failed).toBeGreaterThan(0);
    expect((await accountsOf(slapd)).has('zwirnhuber')).toBe(true);
  });

  it('an expression cannot take what it is given', async () => {
    const attributes = [
      ...ATTRIBUTES,
      { target: 'employeeNumber', expression: 'string(int(source.lastName))' },
    ];
    await stage.patch('ReconMapping', 'people', { spec: { attributes } });
    const generation = (await stage.get('ReconMapping', 'people'))?.metadata.generation;
    await stage.untilMapping(
      'people',
      (one) =>
        conditionOf(one, 'InSync')?.observedGeneration === generation &&
        one.status?.lastRun?.outcome !== undefined,
    );
    await stage.patch('ReconMapping', 'people', { spec: { attributes: ATTRIBUTES } });
  });

  it.each([
    { what: 'a row that is too short', row: `9,${PEOPLE[4]}` },
    { what: 'a row that is too long', row: `${good(4)},${PEOPLE[4]},${PEOPLE[4]}` },
    { what: 'a quote in the middle', row: `9,${PEOPLE[4]},"${PEOPLE[4]}"x${PEOPLE[4]},,` },
    { what: 'a key twice', row: `1,${PEOPLE[4]},${PEOPLE[4]},,` },
  ])('the file has $what', async ({ row }) => {
    people(good(0), good(1), row);
    const seen = await stage.run('people');
    expect(seen.status?.lastRun?.outcome).toBeDefined();
  });

  it('the password is wrong, and then right again', async () => {
    people(good(0), good(1));
    await stage.setSecret('bind', { dn: BIND_DN, password: PASSWORDS.wrong });
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'AuthenticationFailed');
    await stage.setSecret('bind', { dn: BIND_DN, password: PASSWORDS.bind });
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'Connected');
    await stage.run('people');
  });
});

/** What docs/metrics.md says of labels holds for what a day has really given. */
function undocumentedLabels(metrics: string): string[] {
  const documented = new Map(documentedMetrics().map(({ name, labels }) => [name, labels]));
  const given = samplesOf(metrics).map(({ name, labels }) => {
    const family = documented.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const unknown = Object.keys(labels).filter(
      (one) => one !== 'le' && !documented.get(family)?.includes(one),
    );
    return documented.has(family) && unknown.length === 0 ? '' : `${name} ${unknown.join()}`;
  });
  return [...new Set(given)].filter((one) => one !== '');
}

describe('none of the planted words is', () => {
  const planted = [...PEOPLE, BINDER, ...Object.values(PASSWORDS)];
  const wordsIn = (text: string, words: readonly string[] = planted): string[] =>
    words.filter((word) => text.toLowerCase().includes(word.toLowerCase()));

  it('in an Event', async () => {
    const events = await stage.events();
    expect(events.length).toBeGreaterThan(5);
    expect(wordsIn(JSON.stringify(events))).toEqual([]);
  });

  it('in any version of any status', () => {
    const statuses = watch.versions.map(({ object }) => object.status);
    expect(statuses.length).toBeGreaterThan(10);
    expect(wordsIn(JSON.stringify(statuses))).toEqual([]);
    expect(watch.problems()).toEqual([]);
  });

  it('in the metrics', async () => {
    const metrics = await operator.metrics();
    expect(metrics).toContain('rollcall_situations{namespace="secrecy"');
    expect(wordsIn(metrics)).toEqual([]);
    expect(undocumentedLabels(metrics)).toEqual([]);
  });

  it('in the log, of any level', async () => {
    expect(await operator.stop()).toBe(0);
    expect(operator.log).toContain('"level":"info"');
    expect(wordsIn(operator.log)).toEqual([]);
  });

  it('as a password in the state folder, which may well hold people', () => {
    const folder = join(operator.folder, 'state');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const text = files.map((one) => readFileSync(join(one.parentPath, one.name), 'latin1')).join('\n');
    expect(wordsIn(text, Object.values(PASSWORDS))).toEqual([]);
    expect(wordsIn(text, PEOPLE).length).toBeGreaterThan(0);
  });
});
