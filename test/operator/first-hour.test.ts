import { afterAll, beforeAll, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { installChart, Operator } from '../support/operator.ts';

let plane: ControlPlane;
let operator: Operator;

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  await installChart(plane);
  operator = await Operator.start(plane);
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await plane.stop();
});

const MANIFESTS = [
  {
    kind: 'ManagedSystem',
    metadata: { name: 'people' },
    spec: {
      type: 'CSV',
      csv: {},
      objects: [{ name: 'person', type: 'User', id: 'uid', csv: { path: 'people.csv' } }],
    },
  },
  {
    kind: 'ManagedSystem',
    metadata: { name: 'hub' },
    spec: {
      type: 'Repository',
      repository: {},
      access: 'ReadWrite',
      objects: [{ name: 'person', type: 'User', id: 'uid', attributes: [{ name: 'lastName' }] }],
    },
  },
  {
    kind: 'ReconMapping',
    metadata: { name: 'people-to-hub' },
    spec: {
      source: { systemRef: { name: 'people' }, object: 'person' },
      target: { systemRef: { name: 'hub' }, object: 'person' },
      mode: 'Enforce',
      interval: '30s',
      correlate: [{ source: 'uid', target: 'uid' }],
      attributes: [
        { target: 'uid', from: 'uid' },
        { target: 'lastName', from: 'lastName' },
      ],
    },
  },
].map((object) => ({ apiVersion: 'rollcall.dev/v1alpha1', ...object }));

it('what kubectl applies is reconciled under the chart’s own rights', async () => {
  operator.writeData('default', 'people.csv', 'uid,lastName\n1,Snow\n2,Doe\n');
  await plane.kubectl(['apply', '--server-side', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'List',
    items: MANIFESTS,
  });
  await plane.kubectl(['wait', '--for=condition=Ready', 'reconmapping/people-to-hub', '--timeout=30s']);
  const shown = await plane.kubectl(['get', 'reconmappings']);
  expect(shown).toMatch(/^people-to-hub +people +hub +Enforce +True +Succeeded +True +0 +0 /m);
  expect(await operator.stop()).toBe(0);
});
