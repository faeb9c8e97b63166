/** The cookbook as it is, on a real API server and a real directory: what people type, and what they are shown. */
import { cpSync, readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountsOf } from '../support/accounts.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { installChart, Operator } from '../support/operator.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { Stage } from '../support/stage.ts';

const COOKBOOK = new URL('../../examples/cookbook', import.meta.url).pathname;

let plane: ControlPlane;
let slapd: Slapd;
let operator: Operator;
let stage: Stage;
const folder = mkdtempSync(join(tmpdir(), 'rollcall-cookbook-'));

beforeAll(async () => {
  [plane, slapd] = await Promise.all([startControlPlane(), startSlapd()]);
  await installChart(plane);
  operator = await Operator.start(plane);
  stage = await Stage.open(plane, 'hr');
  cpSync(COOKBOOK, folder, { recursive: true });
  edit('systems.yaml', 'ldap://localhost:389', slapd.url);
  edit('secrets.yaml', 'password: change-me', `password: ${slapd.adminPassword}`);
  operator.writeData('hr', 'people.csv', readFileSync(join(COOKBOOK, 'people.csv'), 'utf8'));
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await Promise.all([plane.stop(), slapd.stop()]);
  rmSync(folder, { recursive: true });
});

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(folder, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(folder, file), text.replaceAll(from, to));
}

const READY = ['wait', '--for=condition=Ready', '--all', '--timeout=60s'];

it('the cookbook is applied, and is ready before anybody asked for a run', async () => {
  const applied = await stage.kubectl('apply', '-k', folder);
  expect(applied.split('\n').toSorted()).toEqual([
    'managedsystem.rollcall.dev/directory created',
    'managedsystem.rollcall.dev/hr created',
    'managedsystem.rollcall.dev/people created',
    'reconmapping.rollcall.dev/hr-to-people created',
    'reconmapping.rollcall.dev/people-to-directory created',
    'secret/directory-bind created',
    'secret/initial-password created',
    'situationpolicy.rollcall.dev/leavers created',
  ]);
  for (const kind of ['managedsystems', 'situationpolicies', 'reconmappings'])
    expect(await stage.kubectl(...READY, kind)).toMatch(/condition met/);
  const systems = await stage.kubectl('get', 'msys');
  expect(systems).toMatch(/^NAME +TYPE +ACCESS +READY +REASON +REACHABLE +AGE$/m);
  expect(systems).toMatch(/^directory +LDAP +ReadWrite +True +Connected +True +\d+s$/m);
  expect(systems).toMatch(/^hr +CSV +ReadOnly +True +Connected +True +\d+s$/m);
  expect(await stage.kubectl('get', 'sitpol')).toMatch(/^leavers +True +True +Accepted +1 +2 +\d+s$/m);
  expect((await accountsOf(slapd)).size).toBe(0);
});

it('one request fills the directory, mapping after mapping', async () => {
  const asked = await stage.kubectl(
    'annotate',
    'reconmapping',
    'hr-to-people',
    'people-to-directory',
    'rollcall.dev/run-requested-at=2026-11-22T08:00:00Z',
  );
  expect(asked).toMatch(/^reconmapping.rollcall.dev\/hr-to-people annotated$/m);
  const accounts = (await waitForAccounts(3)).keys();
  expect([...accounts].toSorted()).toEqual(['doe456', 'doe789', 'snow123']);
  const synced = ['wait', '--for=condition=InSync', 'rmap', '--all', '--timeout=60s'];
  expect(await stage.kubectl(...synced)).toMatch(/people-to-directory condition met/);
});

async function waitForAccounts(count: number): Promise<Awaited<ReturnType<typeof accountsOf>>> {
  await expect.poll(async () => (await accountsOf(slapd)).size, { timeout: 60_000 }).toBe(count);
  return accountsOf(slapd);
}

it('kubectl get answers what people ask', async () => {
  const shown = await stage.kubectl('get', 'reconmappings');
  expect(shown).toMatch(
    /^NAME +SOURCE +TARGET +MODE +READY +REASON +IN-SYNC +PENDING +FAILED +LAST-RUN +AGE$/m,
  );
  expect(shown).toMatch(/^hr-to-people +hr +people +Enforce +True +Succeeded +True +0 +0 +\d+s +\d+s$/m);
  const wide = await stage.kubectl('get', 'rmap', '-o', 'wide');
  expect(wide).toMatch(/^NAME .* HELD .* ABSENT .* POLICY .* NEXT-RUN +PLAN/m);
  expect(wide).toMatch(/^people-to-directory +people +directory .* leavers/m);
});

it('kubectl describe tells the story', async () => {
  const described = await stage.kubectl('describe', 'reconmapping', 'people-to-directory');
  expect(described).toMatch(/Last Handled Request: +2026-11-22T08:00:00Z/);
  expect(described).toMatch(/Type: +InSync/);
  expect(described).toMatch(/Events:[^]*RunStarted[^]*RunSucceeded/);
  expect(described).toMatch(/3 planned, 3 applied, 0 held, 0 failed/);
});

it('kubectl apply --server-side of the same changes nothing, and the operator owns the status alone', async () => {
  const before = await stage.get('ReconMapping', 'hr-to-people');
  await stage.kubectl('apply', '--server-side', '--force-conflicts', '-k', folder);
  const after = await stage.get('ReconMapping', 'hr-to-people');
  expect(after?.metadata.generation).toBe(before?.metadata.generation);
  const fields = await stage.kubectl('get', 'rmap', 'hr-to-people', '-o', 'json', '--show-managed-fields');
  const managers = (
    JSON.parse(fields) as { metadata: { managedFields: { manager: string; subresource?: string }[] } }
  ).metadata.managedFields;
  expect(managers.filter(({ subresource }) => subresource === 'status').map((one) => one.manager)).toEqual([
    'rollcall',
  ]);
});

it('kubectl delete touches no account, and a mapping that is made again takes its links up', async () => {
  const before = await accountsOf(slapd);
  await slapd.forget();
  const deleted = await stage.kubectl('delete', 'rmap', '--all', '--timeout=30s');
  expect(deleted).toMatch(/^reconmapping.rollcall.dev "people-to-directory" deleted/m);
  await stage.kubectl('apply', '-k', folder);
  await stage.run('hr-to-people');
  const { status } = await stage.run('people-to-directory');
  expect(status?.situations?.map(({ name, count }) => [name, count])).toEqual([['Confirmed', 3]]);
  expect(status?.totals).toMatchObject({ planned: 0, inSync: 3 });
  expect(await accountsOf(slapd)).toEqual(before);
  expect((await slapd.operations()).filter(({ op }) => /ADD|MOD|DEL/.test(op))).toEqual([]);
  expect(await operator.stop()).toBe(0);
});
