/** What the controllers do on any Cluster: the same tests over a folder of manifests and over a real API server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { approvePlanAnnotation, runRequestedAtAnnotation } from '../../src/api/names.ts';
import { ControllerWorld, PROBE_EVERY_MS, type ControllerHarness } from './controller-world.ts';

const MINUTE = 60_000;

function csv(file: string, access = 'ReadOnly'): object {
  const state = { attribute: 'status', disabled: 'off', enabled: 'on' };
  const objects = [{ name: 'person', type: 'User', id: 'uid', csv: { path: file }, state }];
  return { type: 'CSV', csv: {}, access, objects };
}

interface MappingParts {
  readonly from?: string;
  readonly to?: string;
  readonly more?: object;
}

function mapping({ from = 'people', to = 'accounts', more = {} }: MappingParts = {}): object {
  return {
    source: { systemRef: { name: from }, object: 'person' },
    target: { systemRef: { name: to }, object: 'person' },
    mode: 'Enforce',
    interval: '15m',
    correlate: [{ source: 'uid', target: 'uid' }],
    attributes: [
      { target: 'uid', from: 'uid' },
      { target: 'name', from: 'name' },
    ],
    ...more,
  };
}

const PEOPLE = 'uid,name,status\n1,Ada,on\n2,Grace,on\n3,Edsger,on\n';
const NOBODY = 'uid,name,status\n';
const CONFIGURED = {
  type: 'CSV',
  csv: {},
  objects: [
    { name: 'person', type: 'User', id: 'uid', csv: { configMapRef: { name: 'people', key: 'people.csv' } } },
  ],
};

export function controllerSuite(name: string, open: () => Promise<ControllerHarness>): void {
  describe(`controllers on ${name}`, () => {
    let world: ControllerWorld;

    beforeEach(async () => {
      world = new ControllerWorld(await open());
      world.writeFile('people.csv', PEOPLE);
      world.writeFile('accounts.csv', NOBODY);
    });
    afterEach(() => world[Symbol.asyncDispose]());

    const putSystems = async (): Promise<void> => {
      await world.put('ManagedSystem', 'people', csv('people.csv'));
      await world.put('ManagedSystem', 'accounts', csv('accounts.csv', 'ReadWrite'));
    };
    const settled = async (more: object = {}): Promise<void> => {
      await putSystems();
      await world.put('ReconMapping', 'staff', mapping({ more }));
      await world.start();
      await world.untilReady('ReconMapping', 'staff');
    };
    const ready = (): string => world.condition('ReconMapping', 'staff', 'Ready');

    describe('the way to a settled mapping', () => {
      it('tells at once that it has begun, then what came of it, with counts', async () => {
        await settled();
        expect(world.readFile('accounts.csv')).toContain('1,Ada');
        const [first] = world.statuses.get('ReconMapping staff') ?? [];
        expect(first?.status?.conditions).toMatchObject([
          { type: 'InSync', status: 'Unknown' },
          { type: 'Ready', status: 'Unknown', reason: 'Progressing' },
          { type: 'Reconciling', status: 'True' },
          { type: 'ResolvedRefs', status: 'True' },
        ]);
        expect(world.mapping('staff')).toMatchObject({
          observedGeneration: 1,
          situations: [{ name: 'Absent', count: 3, planned: 3, applied: 3, held: 0, failed: 0 }],
          totals: { planned: 3, applied: 3, pending: 0 },
          lastRun: {
            mode: 'Enforce',
            trigger: 'Spec',
            outcome: 'Succeeded',
            sourceEntries: 3,
            targetEntries: 0,
          },
          history: [{ outcome: 'Succeeded', applied: 3 }],
        });
        expect(world.condition('ReconMapping', 'staff', 'InSync')).toBe('True Succeeded');
        expect(world.condition('ManagedSystem', 'people', 'Ready')).toBe('True Connected');
        expect(world.told('RunSucceeded').map(({ note }) => note)).toEqual([
          expect.stringContaining(
            '3 source and 0 target entries: 3 planned, 3 applied, 0 held, 0 failed, 0 pending',
          ),
        ]);
      });

      it('then nothing is written until it is due, and then nothing but the run', async () => {
        await settled();
        await world.expectSilence();
        const before = world.mapping('staff');
        world.timers.turn(17 * MINUTE);
        await world.untilRuns('staff', 2);
        await world.until(() => expect(world.mapping('staff').lastRun?.trigger).toBe('Interval'));
        const {
          lastRun: _run,
          nextRunAt: _next,
          history,
          situations,
          totals,
          conditions,
          ...rest
        } = world.mapping('staff');
        const {
          lastRun: _,
          nextRunAt: __,
          history: ___,
          situations: ____,
          totals: _____,
          conditions: was,
          ...other
        } = before;
        expect(rest).toEqual(other);
        expect(
          conditions?.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
        ).toEqual(was?.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]));
        expect(history).toHaveLength(2);
        expect([situations, totals]).toMatchObject([
          [{ name: 'Confirmed', count: 3, planned: 0 }],
          { inSync: 3, planned: 0 },
        ]);
      });

      it('a new process takes up what the one before has left, and runs nothing that is not due', async () => {
        await settled();
        await world.stop();
        await world.start();
        await world.expectSilence();
        expect(world.runsOf('staff')).toBe(1);
        world.timers.turn(17 * MINUTE);
        await world.untilRuns('staff', 2);
      });

      it('many missed runs are made up for by one', async () => {
        await settled();
        world.timers.turn(600 * MINUTE);
        await world.untilRuns('staff', 2);
        await world.untilSilent();
        expect(world.runsOf('staff')).toBe(2);
      });
    });

    describe('what a mapping waits for', () => {
      it('a system that is not there: RefNotFound, until it comes', async () => {
        await world.put('ManagedSystem', 'people', csv('people.csv'));
        await world.put('ReconMapping', 'staff', mapping());
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False RefNotFound');
        expect(world.condition('ReconMapping', 'staff', 'ResolvedRefs')).toBe('False RefNotFound');
        expect(world.runs).toEqual([]);
        await world.put('ManagedSystem', 'accounts', csv('accounts.csv', 'ReadWrite'));
        await world.untilReady('ReconMapping', 'staff');
        expect(world.condition('ReconMapping', 'staff', 'ResolvedRefs')).toBe('True ResolvedRefs');
      });

      it('a system that does not answer: SystemNotReady, until it is asked again and answers', async () => {
        world.removeFile('people.csv');
        await putSystems();
        await world.put('ReconMapping', 'staff', mapping());
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False SystemNotReady');
        await world.until(() =>
          expect(world.condition('ManagedSystem', 'people', 'Reachable')).toMatch(/^False /),
        );
        expect(world.runs).toEqual([]);
        world.writeFile('people.csv', PEOPLE);
        world.timers.turn(PROBE_EVERY_MS);
        await world.untilReady('ManagedSystem', 'people', 'True Connected');
        await world.untilReady('ReconMapping', 'staff');
      });

      it('a policy that contradicts itself: PolicyNotReady, until it is corrected', async () => {
        const rule = { name: 'tell', situations: ['Confirmed'], response: 'Report' };
        const never = { ...rule, name: 'never-reached' };
        await putSystems();
        await world.put('SituationPolicy', 'careful', { rules: [rule, never] });
        await world.put('ReconMapping', 'staff', mapping({ more: { policyRef: { name: 'careful' } } }));
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False PolicyNotReady');
        await world.until(() =>
          expect(world.condition('SituationPolicy', 'careful', 'Accepted')).toBe('False InvalidSpec'),
        );
        await world.put('SituationPolicy', 'careful', { rules: [rule] });
        await world.untilReady('ReconMapping', 'staff');
        expect(world.condition('SituationPolicy', 'careful', 'Accepted')).toBe('True Accepted');
      });

      it('a ConfigMap that is not there: RefNotFound, until it comes, and its changes are noticed', async () => {
        await world.put('ManagedSystem', 'people', CONFIGURED);
        await world.put('ManagedSystem', 'accounts', csv('accounts.csv', 'ReadWrite'));
        await world.put('ReconMapping', 'staff', mapping());
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False RefNotFound');
        await world.harness.putConfigMap(world.key('people'), { 'people.csv': PEOPLE });
        await world.untilReady('ReconMapping', 'staff');
        await world.harness.putConfigMap(world.key('people'), { 'people.csv': `${PEOPLE}4,Alan,on\n` });
        await world.until(() => expect(world.readFile('accounts.csv')).toContain('4,Alan'));
        await world.until(() => expect(world.mapping('staff').lastRun?.trigger).toBe('Dependency'));
      });

      it('a Secret that an expression asks for: SecretNotFound, then SecretKeyMissing, until both are there', async () => {
        const attributes = [
          { target: 'uid', from: 'uid' },
          { target: 'name', expression: "secret('titles', 'prefix') + source.name" },
        ];
        await putSystems();
        await world.put('ReconMapping', 'staff', mapping({ more: { attributes } }));
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False SecretNotFound');
        await world.harness.putSecret(world.key('titles'), { other: 'x' });
        await world.untilReady('ReconMapping', 'staff', 'False SecretKeyMissing');
        await world.harness.putSecret(world.key('titles'), { prefix: 'Dr ' });
        await world.untilReady('ReconMapping', 'staff');
        expect(world.readFile('accounts.csv')).toContain('1,Dr Ada');
        await world.harness.remove('Secret', world.key('titles'));
        await world.untilReady('ReconMapping', 'staff', 'False SecretNotFound');
      });

      it('an expression that reads nothing that exists: Stalled, until it is corrected', async () => {
        const attributes = [
          { target: 'uid', from: 'uid' },
          { target: 'name', expression: "source.name + '" },
        ];
        await putSystems();
        await world.put('ReconMapping', 'staff', mapping({ more: { attributes } }));
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'False InvalidSpec');
        expect(world.condition('ReconMapping', 'staff', 'Stalled')).toBe('True InvalidSpec');
        expect(world.mapping('staff').observedGeneration).toBe(1);
        await world.put('ReconMapping', 'staff', mapping());
        await world.untilReady('ReconMapping', 'staff');
      });
    });

    describe('who is woken', () => {
      it('an edited policy wakes exactly the mappings that use it', async () => {
        world.writeFile('others.csv', NOBODY);
        await putSystems();
        await world.put('ManagedSystem', 'others', csv('others.csv', 'ReadWrite'));
        const rule = { name: 'tell', situations: ['Unassigned'], response: 'Report' };
        await world.put('SituationPolicy', 'careful', { rules: [rule] });
        await world.put('ReconMapping', 'staff', mapping({ more: { policyRef: { name: 'careful' } } }));
        await world.put('ReconMapping', 'others', mapping({ to: 'others' }));
        await world.start();
        await world.untilReady('ReconMapping', 'staff');
        await world.untilReady('ReconMapping', 'others');
        await world.put('SituationPolicy', 'careful', { rules: [{ ...rule, response: 'Ignore' }] });
        await world.untilRuns('staff', 2);
        await world.until(() => expect(world.mapping('staff').lastRun?.trigger).toBe('Dependency'));
        expect(world.runsOf('others')).toBe(1);
        await world.until(() =>
          expect(world.last('SituationPolicy', 'careful')).toMatchObject({ mappings: 1, rules: 1 }),
        );
      });

      it('an edited system wakes its mappings, and tells how many use it', async () => {
        await settled();
        await world.put('ManagedSystem', 'accounts', {
          ...csv('accounts.csv', 'ReadWrite'),
          protect: ["entry.uid == '0'"],
        });
        await world.untilRuns('staff', 2);
        await world.until(() =>
          expect(world.last('ManagedSystem', 'accounts')).toMatchObject({
            mappings: 1,
            observedGeneration: 2,
          }),
        );
      });

      it('a run that has written wakes who reads it, through every hop', async () => {
        world.writeFile('directory.csv', NOBODY);
        await world.put('ManagedSystem', 'directory', csv('directory.csv', 'ReadWrite'));
        await world.put('ReconMapping', 'onwards', mapping({ from: 'accounts', to: 'directory' }));
        await settled();
        await world.until(() => expect(world.readFile('directory.csv')).toContain('1,Ada'));
        await world.until(() =>
          expect(world.mapping('onwards').totals).toMatchObject({ pending: 0, failed: 0 }),
        );
        await world.untilSilent();
        const before = world.runsOf('onwards');
        world.writeFile('people.csv', `${PEOPLE}4,Alan,on\n`);
        await world.put('ReconMapping', 'staff', mapping(), { [runRequestedAtAnnotation]: 'now' });
        await world.until(() => expect(world.readFile('directory.csv')).toContain('4,Alan'));
        await world.untilRuns('onwards', before + 1);
        await world.until(() => expect(world.mapping('onwards').lastRun?.trigger).toBe('Chain'));
      });

      it.each([true, false])(
        'killed after a run that has written, before who reads it (looked before: %s): that one is woken by the next process',
        async (hasLooked) => {
          const onwards = (suspend: boolean): object =>
            mapping({ from: 'accounts', to: 'directory', more: { interval: undefined, suspend } });
          world.writeFile('directory.csv', NOBODY);
          await world.put('ManagedSystem', 'directory', csv('directory.csv', 'ReadWrite'));
          await world.put('ReconMapping', 'onwards', onwards(!hasLooked));
          await settled();
          if (hasLooked) await world.untilReady('ReconMapping', 'onwards');
          // As good as dead: what woke it is in memory only.
          await world.put('ReconMapping', 'onwards', onwards(true));
          await world.untilReady('ReconMapping', 'onwards', 'True Suspended');
          world.writeFile('people.csv', `${PEOPLE}4,Alan,on\n`);
          await world.put('ReconMapping', 'staff', mapping(), { [runRequestedAtAnnotation]: 'now' });
          await world.untilRuns('staff', 2);
          await world.untilSilent();
          await world.stop();
          expect(world.readFile('directory.csv')).not.toContain('4,Alan');
          await world.put('ReconMapping', 'onwards', onwards(false));
          await world.start();
          await world.until(() => expect(world.readFile('directory.csv')).toContain('4,Alan'));
          await world.until(() => expect(world.mapping('onwards').lastRun?.trigger).toBe('Chain'));
        },
      );

      it('two mappings that write against each other are stopped, and named with the attribute', async () => {
        world.writeFile('accounts.csv', PEOPLE);
        const shout = [{ target: 'name', expression: "source.name + '!'" }];
        await world.put('ManagedSystem', 'people', csv('people.csv', 'ReadWrite'));
        await world.put('ManagedSystem', 'accounts', csv('accounts.csv', 'ReadWrite'));
        await world.put('ReconMapping', 'there', mapping({ more: { attributes: shout } }));
        await world.put(
          'ReconMapping',
          'back',
          mapping({ from: 'accounts', to: 'people', more: { attributes: shout } }),
        );
        await world.start();
        const stopped = (): string[] =>
          ['there', 'back'].filter(
            (one) => world.condition('ReconMapping', one, 'Stalled') === 'True NotSettling',
          );
        await world.until(() => expect(stopped()).not.toEqual([]));
        const [one = ''] = stopped();
        expect(world.mapping(one).conditions?.find(({ type }) => type === 'Ready')?.message).toMatch(
          /there.*back.*\(name\)|back.*there.*\(name\)/,
        );
        await world.untilSilent();
        expect(world.told('NotSettling').length).toBeGreaterThan(0);
      });
    });

    describe('what people ask for', () => {
      it('a run on request, once for each value, echoed', async () => {
        await settled();
        await world.put('ReconMapping', 'staff', mapping(), { [runRequestedAtAnnotation]: 'one' });
        await world.untilRuns('staff', 2);
        await world.until(() =>
          expect(world.mapping('staff')).toMatchObject({
            lastHandledRequest: 'one',
            lastRun: { trigger: 'Request' },
          }),
        );
        await world.put('ReconMapping', 'staff', mapping(), {
          [runRequestedAtAnnotation]: 'one',
          'rollcall.dev/other': '1',
        });
        await world.expectSilence();
        await world.put('ReconMapping', 'staff', mapping(), { [runRequestedAtAnnotation]: 'two' });
        await world.untilRuns('staff', 3);
      });

      it('neither interval nor schedule: valid, and nothing runs until somebody asks', async () => {
        await putSystems();
        const { interval: _, ...onRequest } = mapping() as { interval: string };
        await world.put('ReconMapping', 'staff', onRequest);
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'True NotYetRun');
        expect(world.mapping('staff').nextRunAt).toBeUndefined();
        await world.untilSilent();
        expect(world.runs).toEqual([]);
        await world.put('ReconMapping', 'staff', onRequest, { [runRequestedAtAnnotation]: 'now' });
        await world.untilReady('ReconMapping', 'staff');
      });

      it('a schedule: nothing before its time, and nextRunAt says when', async () => {
        await putSystems();
        const { interval: _, ...rest } = mapping() as { interval: string };
        const hour = (new Date(world.timers.now()).getUTCHours() + 5) % 24;
        await world.put('ReconMapping', 'staff', { ...rest, schedule: `0 ${hour} * * *` });
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'True NotYetRun');
        expect(world.mapping('staff').nextRunAt).toContain(`T${String(hour).padStart(2, '0')}:00:`);
        await world.untilSilent();
        expect(world.runs).toEqual([]);
        world.timers.turn(5 * 60 * MINUTE);
        await world.untilReady('ReconMapping', 'staff');
        expect(world.mapping('staff').lastRun?.trigger).toBe('Schedule');
      });

      it('suspended: nothing runs, also not on request; resumed: it runs', async () => {
        await settled();
        const paused = mapping({ more: { suspend: true } });
        await world.put('ReconMapping', 'staff', paused, { [runRequestedAtAnnotation]: 'now' });
        await world.untilReady('ReconMapping', 'staff', 'True Suspended');
        world.timers.turn(60 * MINUTE);
        await world.expectSilence();
        expect(world.runsOf('staff')).toBe(1);
        await world.put('ReconMapping', 'staff', mapping());
        await world.untilReady('ReconMapping', 'staff');
        expect(world.runsOf('staff')).toBe(2);
      });

      it('Observe plans, and says so; Enforce applies', async () => {
        await putSystems();
        await world.put('ReconMapping', 'staff', mapping({ more: { mode: 'Observe' } }));
        await world.start();
        await world.untilReady('ReconMapping', 'staff', 'True PlanPending');
        expect(world.condition('ReconMapping', 'staff', 'InSync')).toBe('False PlanPending');
        expect(world.mapping('staff').totals).toMatchObject({ pending: 3, applied: 0 });
        expect(world.readFile('accounts.csv')).toBe(NOBODY);
        await world.put('ReconMapping', 'staff', mapping());
        await world.untilReady('ReconMapping', 'staff');
      });

      it('deleted: no account is touched, and the same name takes its links up again', async () => {
        await settled();
        await world.harness.remove('ReconMapping', world.key('staff'));
        await world.until(() =>
          expect(world.last('ManagedSystem', 'accounts')).toMatchObject({ mappings: 0 }),
        );
        expect(world.readFile('accounts.csv')).toContain('1,Ada');
        await world.put('ReconMapping', 'staff', mapping());
        await world.untilRuns('staff', 2);
        await world.until(() =>
          expect(world.mapping('staff').situations).toMatchObject([{ name: 'Confirmed', count: 3 }]),
        );
      });
    });

    describe('guards', () => {
      const leavers = [
        { name: 'leavers', situations: ['SourceMissing'], response: 'DeleteTarget', event: 'Warning' },
      ];
      const crowd = (from: number): string =>
        `uid,name,status\n${Array.from({ length: 40 - from }, (_, at) => `${at + from},P${at + from},on\n`).join('')}`;
      const heldUp = async (): Promise<string> => {
        world.writeFile('people.csv', crowd(0));
        await world.put('SituationPolicy', 'careful', { rules: leavers });
        const guards = { maxShrinkPercent: 90 };
        await settled({ policyRef: { name: 'careful' }, guards });
        world.writeFile('people.csv', crowd(5));
        world.timers.turn(17 * MINUTE);
        await world.untilReady('ReconMapping', 'staff', 'True ChangesHeld');
        return world.mapping('staff').plan?.digest ?? '';
      };
      const spec = mapping({ more: { policyRef: { name: 'careful' }, guards: { maxShrinkPercent: 90 } } });

      it('what is over budget is held, told with kind, number and limit, and released once by its digest', async () => {
        const digest = await heldUp();
        expect(world.condition('ReconMapping', 'staff', 'Held')).toBe('True BudgetExceeded');
        expect(world.condition('ReconMapping', 'staff', 'InSync')).toBe('False ChangesHeld');
        expect(world.mapping('staff').plan).toMatchObject({
          digest,
          counts: [{ effect: 'Delete', count: 5 }],
        });
        expect(world.told('BudgetExceeded').map(({ note }) => note)).toContain(
          'Delete: 5 entries, the limit is 3',
        );
        expect(world.told('PlanHeld').at(-1)?.note).toContain(digest);
        expect(world.told('SourceMissing').at(-1)?.note).toBe(
          "rule 'leavers': 5 entries SourceMissing, DeleteTarget",
        );
        expect(world.readFile('accounts.csv')).toContain('4,P4');
        await world.put('ReconMapping', 'staff', spec, { [approvePlanAnnotation]: digest });
        await world.untilReady('ReconMapping', 'staff');
        expect(world.readFile('accounts.csv')).not.toContain('4,P4');
        expect(world.mapping('staff')).toMatchObject({
          lastHandledApproval: digest,
          lastRun: { trigger: 'Approval' },
        });
        expect(world.mapping('staff').plan).toBeUndefined();
        expect(world.condition('ReconMapping', 'staff', 'Held')).toBe('none');
        expect(world.told('PlanApproved')).toHaveLength(1);
        await world.expectSilence();
      });

      it('a digest of something else releases nothing, and says so', async () => {
        const digest = await heldUp();
        await world.put('ReconMapping', 'staff', spec, { [approvePlanAnnotation]: 'made-elsewhere' });
        await world.until(() =>
          expect(world.told('ApprovalIgnored').map(({ note }) => note)).toEqual([
            expect.stringContaining(digest),
          ]),
        );
        expect(world.readFile('accounts.csv')).toContain('4,P4');
      });

      it('spec.approvedPlan in Git releases it too', async () => {
        const digest = await heldUp();
        await world.put('ReconMapping', 'staff', { ...spec, approvedPlan: digest });
        await world.untilReady('ReconMapping', 'staff');
        expect(world.readFile('accounts.csv')).not.toContain('4,P4');
      });

      it('an empty source stalls the mapping, which recovers when it is due and the source is back', async () => {
        await settled();
        world.writeFile('people.csv', NOBODY);
        world.timers.turn(17 * MINUTE);
        await world.untilReady('ReconMapping', 'staff', 'False EmptySource');
        expect(world.condition('ReconMapping', 'staff', 'Stalled')).toBe('True EmptySource');
        expect(world.readFile('accounts.csv')).toContain('1,Ada');
        world.writeFile('people.csv', PEOPLE);
        world.timers.turn(17 * MINUTE);
        await world.untilReady('ReconMapping', 'staff');
        expect(world.condition('ReconMapping', 'staff', 'Stalled')).toBe('none');
      });
    });

    describe('failures', () => {
      it('a run that fails is tried again with growing pauses, and settles when the cause is gone', async () => {
        await settled();
        world.removeFile('people.csv');
        world.timers.turn(17 * MINUTE);
        await world.until(() => expect(ready()).toMatch(/^False (ReadFailed|SystemNotReady|InvalidSpec)/));
        expect(world.condition('ReconMapping', 'staff', 'Reconciling')).toMatch(/^True /);
        world.writeFile('people.csv', PEOPLE);
        world.timers.turn(PROBE_EVERY_MS);
        await world.untilReady('ReconMapping', 'staff');
      });

      it('a state that another process has taken over: nothing more is written, and the process is told to end', async () => {
        await settled();
        const before = world.mapping('staff');
        world.takeOver();
        world.writeFile('people.csv', `${PEOPLE}4,Alan,on\n`);
        world.timers.turn(17 * MINUTE);
        await world.until(() => expect(world.timesSuperseded).toBe(1));
        await world.untilSilent();
        expect(world.readFile('accounts.csv')).not.toContain('4,Alan');
        expect(world.mapping('staff')).toEqual(before);
      });

      it('entries that fail are counted; few of them leave the mapping ready', async () => {
        world.writeFile('people.csv', `${PEOPLE}3,Twice,on\n`);
        await putSystems();
        await world.put('ReconMapping', 'staff', mapping());
        await world.start();
        await world.until(() => expect(ready()).toMatch(/EntriesFailed$/));
        expect(world.mapping('staff').totals?.failed).toBeGreaterThan(0);
        await world.until(() =>
          expect(world.told('RunDegraded').map(({ note }) => note)).toEqual([
            expect.stringMatching(/: 2 of 4 changes failed; rollcall history names them$/),
          ]),
        );
        const words = JSON.stringify([...world.statuses.values(), world.events, world.log.text()]);
        expect(words).not.toMatch(/Twice|Edsger|Ada/);
      });
    });
  });
}
