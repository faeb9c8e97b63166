/** Installing without Helm: the same objects, except for what only Helm writes and only kustomize can make. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { goProgram } from '../support/go-programs.ts';
import { nameOf, parseObjects, render, type KubernetesObject } from '../support/helm.ts';

const root = new URL('../../', import.meta.url).pathname;
const onlyHelms = ['app.kubernetes.io/managed-by', 'helm.sh/chart', 'helm.sh/resource-policy'];

async function kustomize(folder: string): Promise<KubernetesObject[]> {
  const kubectl = await goProgram('kubectl');
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', `${root}${folder}`], {
    maxBuffer: 1 << 24,
  });
  return parseObjects(stdout);
}

function without(
  names: readonly string[],
  members: Readonly<Record<string, string>> = {},
): Record<string, string> | undefined {
  const left = Object.entries(members).filter(([name]) => !names.includes(name));
  return left.length > 0 ? Object.fromEntries(left) : undefined;
}

function comparable(objects: readonly KubernetesObject[]): Record<string, unknown> {
  return Object.fromEntries(
    objects.map((object) => {
      const { labels, annotations, ...metadata } = object.metadata;
      const bare = {
        ...metadata,
        labels: without(onlyHelms, labels),
        annotations: without(onlyHelms, annotations),
      };
      return [nameOf(object), { ...object, metadata: bare }];
    }),
  );
}

describe('kubectl kustomize', () => {
  it('charts/kustomize is what the chart installs by default, and the namespace', async () => {
    const byKustomize = await kustomize('charts/kustomize');
    const { 'Namespace rollcall-system': namespace, ...rest } = comparable(byKustomize);
    expect(rest).toEqual(comparable(await render()));
    expect(namespace).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
  });

  it('crds is the definitions and nothing else', async () => {
    expect((await kustomize('crds')).map(nameOf)).toEqual([
      'CustomResourceDefinition managedsystems.rollcall.dev',
      'CustomResourceDefinition reconmappings.rollcall.dev',
      'CustomResourceDefinition situationpolicies.rollcall.dev',
    ]);
  });

  it('examples/cookbook is its manifests as they are', async () => {
    expect((await kustomize('examples/cookbook')).map(nameOf).toSorted()).toEqual([
      'ManagedSystem directory',
      'ManagedSystem hr',
      'ManagedSystem people',
      'ReconMapping hr-to-people',
      'ReconMapping people-to-directory',
      'Secret directory-bind',
      'Secret initial-password',
      'SituationPolicy leavers',
    ]);
  });
});

const EXAMPLES = [
  'adopting-a-directory',
  'hr-with-contractors',
  'ldap-to-csv',
  'leavers',
  'two-way-phone-numbers',
];

describe('a real API server takes', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane();
  });

  afterAll(async () => {
    await plane.stop();
  });

  it('the definitions by `kubectl apply -k crds`, then every example, then the operator', async () => {
    const apply = (folder: string): Promise<string> =>
      plane.kubectl(['apply', '--server-side', '--validate=strict', '-o', 'name', '-k', `${root}${folder}`]);
    expect((await apply('crds')).split('\n')).toHaveLength(3);
    await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    expect((await apply('examples/cookbook')).split('\n')).toHaveLength(8);
    for (const name of EXAMPLES)
      expect((await apply(`examples/${name}`)).split('\n').length, name).toBeGreaterThan(4);
    expect((await apply('charts/kustomize')).split('\n')).toHaveLength(15);
  });
});
