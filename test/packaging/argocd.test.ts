/** What Argo CD shows of our objects with the script of examples/argocd, beside what kstatus makes of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { reasons, type ConditionType, type Reason } from '../../src/api/conditions.ts';
import { kindNames, kinds } from '../../src/api/names.ts';
import { argoHealth, kstatus } from '../support/judges.ts';

const read = (path: string): unknown =>
  parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as unknown;

const { data } = read('examples/argocd/argocd-cm.yaml') as { data: Record<string, string> };
const customizations = parse(data['resource.customizations'] ?? '') as Record<string, Record<string, string>>;
const folder = mkdtempSync(join(tmpdir(), 'rollcall-argocd-'));
const script = join(folder, 'health.lua');
writeFileSync(script, customizations['rollcall.dev/*']?.['health.lua'] ?? '');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Seen {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason;
  readonly of?: number | 'none';
  readonly message?: string;
}

const GENERATION = 2;

function mapping(
  conditions: readonly Seen[] | undefined,
  { observed = GENERATION, suspend = false, deleting = false } = {},
): object {
  return {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ReconMapping',
    metadata: {
      name: 'people',
      namespace: 'hr',
      generation: GENERATION,
      ...(deleting ? { deletionTimestamp: '2026-11-01T00:00:00Z' } : {}),
    },
    spec: { suspend },
    status: {
      observedGeneration: observed,
      ...(conditions && {
        conditions: conditions.map(({ of = GENERATION, message = 'Why.', ...condition }) => ({
          ...condition,
          message,
          ...(of === 'none' ? {} : { observedGeneration: of }),
          lastTransitionTime: '2026-11-01T00:00:00Z',
        })),
      }),
    },
  };
}

const ready: Seen = { type: 'Ready', status: 'True', reason: 'Succeeded' };
const failed: Seen = { type: 'Ready', status: 'False', reason: 'SystemUnreachable', message: 'No answer.' };
const retrying: Seen = { type: 'Reconciling', status: 'True', reason: 'ProgressingWithRetry' };
const running: Seen = { type: 'Reconciling', status: 'True', reason: 'Progressing' };
const inSync: Seen = { type: 'InSync', status: 'True', reason: 'Succeeded' };
const held: Seen = { type: 'Held', status: 'True', reason: 'BudgetExceeded', message: '9 of 40.' };
const stalled: Seen = { type: 'Stalled', status: 'True', reason: 'InvalidSpec', message: 'spec.x: no.' };

describe('the health script', () => {
  it.each([
    {
      object: 'that nobody has looked at',
      is: mapping(undefined, { observed: -1 }),
      health: 'Progressing',
      others: 'InProgress',
      says: 'The operator has not looked at it yet',
    },
    {
      object: 'whose first run is under way',
      is: mapping([{ type: 'Ready', status: 'Unknown', reason: 'Progressing' }, running], { observed: -1 }),
      health: 'Progressing',
      others: 'InProgress',
      says: 'Progressing: Why.',
    },
    {
      object: 'that is in sync',
      is: mapping([ready, inSync]),
      health: 'Healthy',
      others: 'Current',
      says: 'Succeeded: Why.',
    },
    {
      object: 'that has differences and only observes',
      is: mapping([
        { ...ready, reason: 'PlanPending' },
        { ...inSync, status: 'False', reason: 'PlanPending' },
      ]),
      health: 'Healthy',
      others: 'Current',
      says: 'PlanPending: Why.',
    },
    {
      object: 'some of whose entries failed',
      is: mapping([{ ...ready, reason: 'EntriesFailed' }]),
      health: 'Healthy',
      others: 'Current',
      says: 'EntriesFailed: Why.',
    },
    {
      object: 'most of whose entries failed',
      is: mapping([{ ...ready, status: 'False', reason: 'EntriesFailed' }]),
      health: 'Degraded',
      others: 'InProgress',
      says: 'EntriesFailed: Why.',
    },
    {
      object: 'that runs again by its schedule',
      is: mapping([ready, inSync, running]),
      health: 'Healthy',
      others: 'InProgress',
      says: 'Succeeded: Why.',
    },
    {
      object: 'with changes that a guard holds',
      is: mapping([{ ...ready, reason: 'ChangesHeld' }, held]),
      health: 'Suspended',
      others: 'Current',
      says: 'BudgetExceeded: 9 of 40.',
    },
    {
      object: 'that is held and runs again',
      is: mapping([{ ...ready, reason: 'ChangesHeld' }, held, running]),
      health: 'Suspended',
      others: 'InProgress',
      says: 'BudgetExceeded: 9 of 40.',
    },
    {
      object: 'that must not go on',
      is: mapping([{ ...ready, status: 'False', reason: 'InvalidSpec' }, stalled]),
      health: 'Degraded',
      others: 'Failed',
      says: 'InvalidSpec: spec.x: no.',
    },
    {
      object: 'that failed and is tried again',
      is: mapping([failed, retrying]),
      health: 'Degraded',
      others: 'InProgress',
      says: 'SystemUnreachable: No answer.',
    },
    {
      object: 'whose very first run failed and is tried again',
      is: mapping([failed, retrying], { observed: -1 }),
      health: 'Degraded',
      others: 'InProgress',
      says: 'SystemUnreachable: No answer.',
    },
    {
      object: 'that failed for an older generation',
      is: mapping(
        [
          { ...failed, of: 1 },
          { ...retrying, of: 1 },
        ],
        { observed: 1 },
      ),
      health: 'Progressing',
      others: 'InProgress',
      says: 'The operator has not looked at this generation yet',
    },
    {
      object: 'that stalled for an older generation',
      is: mapping(
        [
          { ...ready, status: 'False', of: 1 },
          { ...stalled, of: 1 },
        ],
        { observed: 1 },
      ),
      health: 'Progressing',
      others: 'InProgress',
      says: 'The operator has not looked at this generation yet',
    },
    {
      object: 'that waits for its system',
      is: mapping([{ ...failed, reason: 'SystemNotReady' }, retrying]),
      health: 'Progressing',
      others: 'InProgress',
      says: 'SystemNotReady: No answer.',
    },
    {
      object: 'that waits for its policy',
      is: mapping([{ ...failed, reason: 'PolicyNotReady' }, retrying]),
      health: 'Progressing',
      others: 'InProgress',
      says: 'PolicyNotReady: No answer.',
    },
    {
      object: 'that is suspended, whatever came before',
      is: mapping([failed, stalled], { suspend: true }),
      health: 'Suspended',
      others: 'Failed',
      says: 'spec.suspend is set: nothing is read and nothing is written',
    },
    {
      object: 'that is being deleted',
      is: mapping([ready], { suspend: true, deleting: true }),
      health: 'Progressing',
      others: 'Terminating',
      says: 'It is being deleted; accounts stay as they are',
    },
    {
      object: 'without spec and status',
      is: {
        apiVersion: 'rollcall.dev/v1alpha1',
        kind: 'SituationPolicy',
        metadata: { name: 'x', generation: 1 },
      },
      health: 'Progressing',
      others: 'Current',
      says: 'The operator has not looked at it yet',
    },
    {
      object: 'whose conditions say nothing of generations',
      is: mapping([{ ...ready, of: 'none' }], { observed: 1 }),
      health: 'Progressing',
      others: 'InProgress',
      says: 'The operator has not looked at this generation yet',
    },
  ])('an object $object is $health', async ({ is, health, others, says }) => {
    expect(await argoHealth(script, is)).toEqual({ status: health, message: says });
    expect((await kstatus(is)).status).toBe(others);
  });

  it('names only reasons that there are', () => {
    const named = [...readFileSync(script, 'utf8').matchAll(/reason [~=]= "(\w+)"/g)].map(([, word]) => word);
    expect(named).toEqual(['SystemNotReady', 'PolicyNotReady']);
    expect(Object.keys(reasons)).toEqual(expect.arrayContaining(named));
  });

  it('is for all our kinds', () => {
    const [pattern = ''] = Object.keys(customizations);
    expect(pattern).toBe('rollcall.dev/*');
  });
});

describe('the other customizations', () => {
  const prefix = 'resource.customizations.ignoreResourceUpdates.rollcall.dev_';

  it('are of kinds that there are, and name fields that there are', () => {
    const keys = Object.keys(data).filter((key) => key.startsWith(prefix));
    expect(Object.keys(data).toSorted()).toEqual([...keys, 'resource.customizations'].toSorted());
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const kind = kindNames.find((name) => `${prefix}${name}` === key);
      const { jsonPointers } = parse(data[key] ?? '') as { jsonPointers: string[] };
      expect(jsonPointers.length).toBeGreaterThan(0);
      const { spec } = read(`crds/${kind === undefined ? '' : kinds[kind].plural}.yaml`) as {
        spec: {
          versions: [{ schema: { openAPIV3Schema: { properties: { status: { properties: object } } } } }];
        };
      };
      const { properties } = spec.versions[0].schema.openAPIV3Schema.properties.status;
      for (const pointer of jsonPointers)
        expect(properties).toHaveProperty([pointer.replace('/status/', '')]);
    }
  });

  it('never ignore what the health script reads', () => {
    const pointers = Object.keys(data)
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) => (parse(data[key] ?? '') as { jsonPointers: string[] }).jsonPointers);
    expect(
      pointers.filter((pointer) => /^\/status(\/conditions|\/observedGeneration)?$/.test(pointer)),
    ).toEqual([]);
  });
});
