/**
 * The day of an administrator, on a real API server with a real directory. Every version of every status is seen by a
 * watch, and judged at the end.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountsOf } from '../support/accounts.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import * as day from '../support/day.ts';
import { kstatus } from '../support/judges.ts';
import { conditionOf, type Observed } from '../support/kstatus.ts';
import type { Operator } from '../support/operator.ts';
import { closeScene, openScene } from '../support/scene.ts';
import type { Slapd } from '../support/slapd.ts';
import type { SeenMapping, Stage } from '../support/stage.ts';
import type { StatusWatch } from '../support/status-watch.ts';

const EVERYBODY = Array.from({ length: 12 }, (_, at) => 101 + at);
const HUB = 'hr-to-hub';
const DIRECTORY = 'hub-to-directory';

let plane: ControlPlane;
let slapd: Slapd;
let operator: Operator;
let stage: Stage;
let watch: StatusWatch;

beforeAll(async () => {
  ({ plane, slapd, operator, stage, watch } = await openScene('default-day', day.bindAccount('first-word')));
}, 120_000);

afterAll(() => closeScene({ plane, slapd, operator, watch }));

/** The file that arrives from the HR department. */
function people(ids: readonly number[], file = 'people.csv'): void {
  operator.writeData(stage.namespace, file, day.peopleCsv(ids));
}

async function disabled(): Promise<string[]> {
  const all = [...(await accountsOf(slapd))];
  return all.filter(([, account]) => account['employeeType']?.[0] === 'disabled').map(([uid]) => uid);
}

const isInSync = (object: SeenMapping): boolean => conditionOf(object, 'InSync')?.status === 'True';

describe('in the morning', () => {
  it('a mapping that comes before what it refers to waits, says for what, and loses nothing', async () => {
    people(EVERYBODY);
    await stage.apply(
      day.directoryMapping(DIRECTORY, 'hub', 'directory', { policyRef: { name: 'leavers' } }),
    );
    const waiting = await stage.untilReason('ReconMapping', DIRECTORY, 'Ready', 'RefNotFound');
    expect(conditionOf(waiting, 'ResolvedRefs')).toMatchObject({ status: 'False', reason: 'RefNotFound' });
    await stage.setSecret('bind', { dn: day.BIND_DN, password: 'first-word' });
    await stage.apply(day.csvSystem('hr', 'people.csv'), day.hubSystem('hub'), day.hubSystem('archive'));
    await stage.apply(day.directorySystem('directory', slapd), day.LEAVERS);
    await stage.untilMapping(DIRECTORY, isInSync);
  });

  it('the file goes through the hub into the directory, and no interval is waited for', async () => {
    await stage.apply(
      day.fileMapping(HUB, 'hr', 'hub', { policyRef: { name: 'leavers' } }),
      day.fileMapping('hr-to-archive', 'hr', 'archive'),
    );
    const chained = await stage.untilMapping(DIRECTORY, ({ status }) => status?.totals?.applied === 12);
    expect(chained.status?.lastRun?.trigger).toBe('Chain');
    expect((await accountsOf(slapd)).size).toBe(12);
    await stage.untilEvent(DIRECTORY, 'Absent', /^rule 'joiners': 12 entries Absent, CreateTarget$/);
    expect((await stage.until('SituationPolicy', 'leavers', isUsedTwice)).kind).toBe('SituationPolicy');
  });

  it('somebody joins, and somebody leaves', async () => {
    people([...EVERYBODY.slice(1), 113]);
    await stage.run(HUB);
    const chained = await stage.untilMapping(DIRECTORY, ({ status }) => status?.totals?.applied === 2);
    expect(chained.status?.situations).toContainEqual(
      expect.objectContaining({ name: 'SourceDeleted', count: 1, applied: 1 }),
    );
    expect(await disabled()).toEqual(['101']);
    expect((await accountsOf(slapd)).get('113')).toMatchObject({ cn: ['Anna113 Berg113'] });
    await stage.untilEvent(HUB, 'SourceMissing', /^rule 'leavers': 1 entry SourceMissing, DisableTarget$/);
  });
});

function isUsedTwice({ status }: { readonly status?: object }): boolean {
  return status !== undefined && 'mappings' in status && status.mappings === 2;
}

describe('what is changed wakes what uses it', () => {
  it('a policy wakes its mappings and no other', async () => {
    const runOf = async (name: string): Promise<string | undefined> =>
      (await stage.get<SeenMapping>('ReconMapping', name))?.status?.lastRun?.id;
    const [hub, directory, archive] = [
      await runOf(HUB),
      await runOf(DIRECTORY),
      await runOf('hr-to-archive'),
    ];
    await stage.patch('SituationPolicy', 'leavers', { spec: day.KINDER_RULES });
    for (const [name, before] of [
      [HUB, hub],
      [DIRECTORY, directory],
    ] as const) {
      const after = await stage.untilMapping(name, ({ status }) => status?.lastRun?.id !== before);
      expect(after.status?.lastRun?.trigger).toBe('Dependency');
    }
    expect(await runOf('hr-to-archive')).toBe(archive);
    await stage.apply(day.LEAVERS);
  });

  it('a new password in directory and Secret: refused until both have it', async () => {
    await day.changePassword(slapd, 'second-word');
    await stage.request(DIRECTORY);
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'AuthenticationFailed');
    await stage.untilEvent('directory', 'AuthenticationFailed', /Secret/);
    const down = await stage.untilMapping(DIRECTORY, (one) => conditionOf(one, 'Ready')?.status === 'False');
    expect(['AuthenticationFailed', 'SystemNotReady']).toContain(conditionOf(down, 'Ready')?.reason);
    await stage.setSecret('bind', { dn: day.BIND_DN, password: 'second-word' });
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'Connected');
    await stage.untilMapping(DIRECTORY, isInSync);
    await stage.untilEvent('directory', 'SystemConnected', /answers/);
  });

  it('a Secret that goes, and comes back', async () => {
    await stage.kubectl('delete', 'secret', 'bind');
    const system = await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'SecretNotFound');
    expect(conditionOf(system, 'ResolvedRefs')).toMatchObject({ status: 'False', reason: 'SecretNotFound' });
    const mapping = await stage.untilReason('ReconMapping', DIRECTORY, 'Ready', 'SecretNotFound');
    expect(conditionOf(mapping, 'ResolvedRefs')).toMatchObject({ status: 'False' });
    await stage.setSecret('bind', { dn: day.BIND_DN, password: 'second-word' });
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'Connected');
    await stage.untilReason('ReconMapping', DIRECTORY, 'Ready', 'Succeeded');
  });

  it('a directory that goes, and comes back', async () => {
    await slapd.kill();
    await stage.request(DIRECTORY);
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'SystemUnreachable');
    await stage.untilReason('ReconMapping', DIRECTORY, 'Ready', 'SystemNotReady');
    await slapd.restart();
    await stage.untilReason('ManagedSystem', 'directory', 'Ready', 'Connected');
    await stage.untilReason('ReconMapping', DIRECTORY, 'Ready', 'Succeeded');
  });
});

describe('what the administrator asks for', () => {
  it('suspend stops and resume goes on', async () => {
    await stage.patch('ReconMapping', HUB, { spec: { suspend: true } });
    await stage.untilReason('ReconMapping', HUB, 'Ready', 'Suspended');
    people([...EVERYBODY.slice(1), 113, 114]);
    const request = await stage.request(HUB);
    await stage.untilEvent(HUB, 'Suspended', /spec.suspend/);
    await stage.patch('ReconMapping', HUB, { spec: { suspend: false } });
    await stage.untilMapping(HUB, (one) => one.status?.lastHandledRequest === request && isInSync(one));
    await expect.poll(async () => (await accountsOf(slapd)).has('114'), { timeout: 60_000 }).toBe(true);
  });

  it('a request is answered once, with its echo', async () => {
    const first = await stage.run(HUB);
    expect(first.status?.lastRun?.trigger).toBe('Request');
    await stage.annotate('ReconMapping', HUB, { unrelated: 'yes' });
    await stage.run('hr-to-archive');
    const after = await stage.get<SeenMapping>('ReconMapping', HUB);
    expect(after?.status?.lastRun?.id).toBe(first.status?.lastRun?.id);
  });

  it('a mapping that observes plans and writes nothing', async () => {
    await stage.patch('ReconMapping', 'hr-to-archive', { spec: { mode: 'Observe' } });
    people([...EVERYBODY.slice(1), 113, 114, 115]);
    const seen = await stage.run('hr-to-archive');
    expect(conditionOf(seen, 'InSync')).toMatchObject({ status: 'False', reason: 'PlanPending' });
    expect(conditionOf(seen, 'Ready')).toMatchObject({ status: 'True', reason: 'PlanPending' });
    expect(seen.status?.totals).toMatchObject({ planned: 1, applied: 0, pending: 1 });
  });

  it('a schedule says when it comes next, and edits do not bring it forward', async () => {
    const spec = { interval: null, schedule: '30 3 * * *', timeZone: 'Europe/Vienna' };
    const before = await stage.patch('ReconMapping', 'hr-to-archive', { spec });
    const generation = before.metadata.generation;
    const seen = await stage.untilMapping(
      'hr-to-archive',
      ({ status }) => status?.nextRunAt !== undefined && status.observedGeneration === generation,
    );
    expect(seen.status?.nextRunAt).toMatch(/T0[12]:30:[0-2]\dZ$/);
    expect(await stage.kubectl('get', 'rmap', 'hr-to-archive', '-o', 'wide')).toContain(
      seen.status?.nextRunAt,
    );
  });
});

describe('what the guards hold', () => {
  /** Who is there when `count` more have left, for good. */
  let there = [...EVERYBODY.slice(1), 113, 114, 115];
  const leave = (count: number): void => people((there = there.slice(count)));

  it('too many leavers are held, and the status and the Events say which and how many', async () => {
    leave(5);
    const held = await stage.run(HUB);
    expect(conditionOf(held, 'Held')).toMatchObject({ status: 'True', reason: 'BudgetExceeded' });
    expect(conditionOf(held, 'Ready')).toMatchObject({ status: 'True', reason: 'ChangesHeld' });
    expect(held.status?.plan).toMatchObject({ counts: [{ effect: 'Disable', count: 5 }] });
    const digest = held.status?.plan?.digest ?? '';
    await stage.untilEvent(HUB, 'BudgetExceeded', /^Disable: 6 entries, the limit is 3$/);
    await stage.untilEvent(HUB, 'PlanHeld', new RegExp(`^5 changes are held under digest ${digest}$`));
    expect(await disabled()).toEqual(['101']);
  });

  it('an approval by annotation releases exactly that plan, once', async () => {
    const digest = (await stage.get<SeenMapping>('ReconMapping', HUB))?.status?.plan?.digest ?? '';
    await stage.approve(HUB, digest);
    const approved = await stage.untilMapping(HUB, ({ status }) => status?.lastHandledApproval === digest);
    expect(approved.status?.lastRun?.trigger).toBe('Approval');
    expect(approved.status?.totals).toMatchObject({ applied: 5, held: 0 });
    expect(conditionOf(approved, 'Held')).toBeUndefined();
    await stage.untilEvent(HUB, 'PlanApproved', /released/);
    leave(4);
    const again = await stage.run(HUB);
    expect(again.status?.totals).toMatchObject({ applied: 0, held: 4 });
  });

  it('an approval in the spec does the same', async () => {
    const approvedPlan = (await stage.get<SeenMapping>('ReconMapping', HUB))?.status?.plan?.digest ?? '';
    // Also where no clock brings a run.
    await stage.patch('ReconMapping', HUB, { spec: { approvedPlan, interval: null } });
    const approved = await stage.untilMapping(HUB, ({ status }) => status?.totals?.applied === 4);
    expect(approved.status?.lastRun?.trigger).toBe('Approval');
    expect(conditionOf(approved, 'Held')).toBeUndefined();
    leave(1);
    const again = await stage.run(HUB);
    expect(again.status?.totals).toMatchObject({ applied: 0, held: 1 });
  });

  it('a file without people stalls the mapping, and nobody is taken away', async () => {
    await slapd.forget();
    people([]);
    const stalled = await stage.run(HUB);
    expect(conditionOf(stalled, 'Stalled')).toMatchObject({ status: 'True', reason: 'EmptySource' });
    await stage.untilEvent(HUB, 'EmptySource', /./);
    expect((await slapd.operations()).filter(({ op }) => /ADD|MOD|DEL/.test(op))).toEqual([]);
    people(there);
    expect(conditionOf(await stage.run(HUB), 'Stalled')).toBeUndefined();
  });

  it('what no schema can see is wrong stalls the mapping, and is mended by an edit', async () => {
    const { spec } = day.fileMapping(HUB, 'hr', 'hub') as unknown as { spec: { attributes: object[] } };
    const broken = { target: 'lastName', expression: "source.lastName.noSuchFunction('x')" };
    await stage.patch('ReconMapping', HUB, {
      spec: { attributes: [...spec.attributes.slice(0, 2), broken] },
    });
    const stalled = await stage.untilReason('ReconMapping', HUB, 'Stalled', 'InvalidSpec');
    expect(conditionOf(stalled, 'Ready')?.message).toMatch(/attributes.*noSuchFunction/);
    await stage.untilEvent(HUB, 'InvalidSpec', /noSuchFunction/);
    await stage.patch('ReconMapping', HUB, { spec: { attributes: spec.attributes } });
    await stage.untilMapping(HUB, (one) => conditionOf(one, 'Ready')?.status === 'True');
  });
});

it('the file is looked at once in an interval, without anybody’s asking', { timeout: 90_000 }, async () => {
  await stage.patch('ReconMapping', HUB, { spec: { interval: '30s' } });
  await stage.untilMapping(HUB, ({ status, metadata }) => status?.observedGeneration === metadata.generation);
  people([...EVERYBODY, 120]);
  const seen = async (): Promise<boolean> => (await accountsOf(slapd)).has('120');
  await expect.poll(seen, { timeout: 60_000, interval: 500 }).toBe(true);
  const { status } = (await stage.get<SeenMapping>('ReconMapping', HUB)) ?? {};
  expect(status?.lastRun?.trigger).toBe('Interval');
});

describe('in the evening', () => {
  it('everybody who looked at any moment of the day saw a status by the rules', async () => {
    expect(await operator.stop()).toBe(0);
    expect(watch.versions.length).toBeGreaterThan(60);
    expect(watch.problems()).toEqual([]);
  });

  it('and kstatus says the same of what it was in the end', async () => {
    const sample = watch.versions.filter((_, at) => at % 10 === 0).map(({ object }) => object);
    for (const object of sample) expect((await kstatus(object)).status).toBe(expectedOf(object));
  });
});

/** What a tool that waits is to be told. */
function expectedOf(object: Observed): string {
  if (conditionOf(object, 'Stalled')) return 'Failed';
  const isSeen = object.status?.observedGeneration === object.metadata.generation;
  const isReady = conditionOf(object, 'Ready')?.status === 'True';
  return isSeen && isReady && !conditionOf(object, 'Reconciling') ? 'Current' : 'InProgress';
}
