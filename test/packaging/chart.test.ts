/** What the chart makes of values. Whether an API server takes it is tested in chart-on-server.test.ts. */
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/version.ts';
import { namesOf, parseObjects, pick, render, type KubernetesObject } from '../support/helm.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly unknown[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly [member: string]: unknown;
}

interface PodSpec {
  readonly containers: readonly [Container];
  readonly volumes: readonly unknown[];
  readonly [member: string]: unknown;
}

const definitions = ['managedsystems', 'reconmappings', 'situationpolicies'].map(
  (plural) => `CustomResourceDefinition ${plural}.rollcall.dev`,
);
const byDefault = [
  'ClusterRole rollcall',
  'ClusterRole rollcall-approve',
  'ClusterRole rollcall-edit',
  'ClusterRole rollcall-view',
  'ClusterRoleBinding rollcall',
  ...definitions,
  'Deployment rollcall-system/rollcall',
  'PersistentVolumeClaim rollcall-system/rollcall',
  'Role rollcall-system/rollcall-lease',
  'RoleBinding rollcall-system/rollcall-lease',
  'Service rollcall-system/rollcall-metrics',
  'ServiceAccount rollcall-system/rollcall',
];
const clusterWide = ['ClusterRole rollcall', 'ClusterRoleBinding rollcall'];
const without = (...names: string[]): string[] => byDefault.filter((name) => !names.includes(name));

/** One line for each verb: `get rollcall.dev/managedsystems`, with names where they are restricted. */
function permissions(role: KubernetesObject): string[] {
  return (role['rules'] as Rule[]).flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => `${verb} ${group}/${resource}${resourceNames ? `:${resourceNames.join()}` : ''}`),
      ),
    ),
  );
}

function podOf(objects: readonly KubernetesObject[]): PodSpec {
  const { template } = pick(objects, 'Deployment')['spec'] as { template: { spec: PodSpec } };
  return template.spec;
}

const containerOf = (objects: readonly KubernetesObject[]): Container => podOf(objects).containers[0];

describe('the chart', () => {
  it.each([
    { when: 'nothing is said', values: {}, objects: byDefault },
    {
      when: 'the definitions are there already',
      values: { crds: { enabled: false } },
      objects: without(...definitions),
    },
    {
      when: 'it looks after its own namespace only',
      values: { rbac: { scope: 'Namespaced' } },
      objects: [
        ...without(...clusterWide),
        'Role rollcall-system/rollcall',
        'RoleBinding rollcall-system/rollcall',
      ],
    },
    {
      when: 'it looks after two namespaces, one of them named twice',
      values: { rbac: { scope: 'Namespaced' }, watchNamespaces: ['hr', 'it', 'hr'] },
      objects: [
        ...without(...clusterWide),
        'Role hr/rollcall',
        'Role it/rollcall',
        'RoleBinding hr/rollcall',
        'RoleBinding it/rollcall',
      ],
    },
    {
      when: 'permissions are somebody else’s business',
      values: { rbac: { create: false, userRoles: false }, serviceAccount: { create: false, name: 'robot' } },
      objects: byDefault.filter((name) => !/Role|ServiceAccount/.test(name)),
    },
    {
      when: 'there is a claim already, and no metrics are wanted',
      values: { persistence: { existingClaim: 'old' }, metrics: { service: { enabled: false } } },
      objects: without(
        'PersistentVolumeClaim rollcall-system/rollcall',
        'Service rollcall-system/rollcall-metrics',
      ),
    },
    {
      when: 'everything that can be had is wanted',
      values: {
        approval: { restricted: true },
        metrics: { serviceMonitor: { enabled: true } },
        networkPolicy: { enabled: true },
      },
      objects: [
        ...byDefault,
        'NetworkPolicy rollcall-system/rollcall',
        'ServiceMonitor rollcall-system/rollcall',
        'ValidatingAdmissionPolicy rollcall-approval',
        'ValidatingAdmissionPolicyBinding rollcall-approval',
      ],
    },
  ])('when $when: the right objects', async ({ values, objects }) => {
    expect(namesOf(await render(values))).toEqual(objects.toSorted());
  });

  it('calls things after the release, and after what is said instead', async () => {
    const name = async (release: string, values = {}): Promise<string> =>
      pick(await render(values, { name: release }), 'Deployment').metadata.name;
    expect(await name('rollcall')).toBe('rollcall');
    expect(await name('my-rollcall')).toBe('my-rollcall');
    expect(await name('accounts')).toBe('accounts-rollcall');
    expect(await name('accounts', { nameOverride: 'sync' })).toBe('accounts-sync');
    expect(await name('accounts', { fullnameOverride: 'identity' })).toBe('identity');
  });

  it('keeps names text that look like numbers or truth values', async () => {
    const values = {
      fullnameOverride: '12',
      rbac: { scope: 'Namespaced' },
      serviceAccount: { name: 'on' },
      priorityClassName: 'no',
      persistence: { storageClass: '7', size: '10' },
      data: { existingClaim: '1e3' },
      watchNamespaces: ['007', 'yes'],
    };
    const objects = await render(values, { name: '1', namespace: '123' });
    const texts: unknown[] = objects.flatMap(({ metadata: { name, namespace, labels } }) => [
      name,
      namespace ?? '',
      ...Object.values(labels ?? {}),
    ]);
    expect(texts.filter((text) => typeof text !== 'string')).toEqual([]);
    expect(namesOf(objects)).toContain('Role 007/12');
    expect(podOf(objects)).toMatchObject({ priorityClassName: 'no', serviceAccountName: 'on' });
    expect(podOf(objects).volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: '1e3', readOnly: true },
    });
    expect(pick(objects, 'PersistentVolumeClaim')['spec']).toMatchObject({
      storageClassName: '7',
      resources: { requests: { storage: '10' } },
    });
  });
});

const inNamespaces = [
  ...['managedsystems', 'reconmappings', 'situationpolicies'].flatMap((plural) => [
    ...['get', 'list', 'watch'].map((verb) => `${verb} rollcall.dev/${plural}`),
    ...['get', 'patch'].map((verb) => `${verb} rollcall.dev/${plural}/status`),
  ]),
  ...['secrets', 'configmaps'].flatMap((plural) =>
    ['get', 'list', 'watch'].map((verb) => `${verb} /${plural}`),
  ),
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
];
const ofLease = ['create', 'get', 'patch', 'update'].map(
  (verb) => `${verb} coordination.k8s.io/leases${verb === 'create' ? '' : ':rollcall'}`,
);

describe('permissions', () => {
  it.each([
    { scope: 'Cluster', kind: 'ClusterRole', name: 'rollcall', may: inNamespaces },
    { scope: 'Namespaced', kind: 'Role', name: 'rollcall', may: inNamespaces },
    { scope: 'Cluster', kind: 'Role', name: 'rollcall-lease', may: ofLease },
    { scope: 'Namespaced', kind: 'Role', name: 'rollcall-lease', may: ofLease },
  ])('$scope: the $kind $name is exactly what the operator does', async ({ scope, kind, name, may }) => {
    const role = pick(await render({ rbac: { scope } }), kind, name);
    expect(permissions(role).toSorted()).toEqual(may.toSorted());
  });

  it('no role of any installation has a wildcard, may make or remove our objects for the operator, or reads more', async () => {
    for (const scope of ['Cluster', 'Namespaced']) {
      const roles = (await render({ rbac: { scope } })).filter(({ kind }) => /^(Cluster)?Role$/.test(kind));
      expect(roles.length).toBe(5);
      expect(roles.flatMap(permissions).filter((line) => line.includes('*'))).toEqual([]);
    }
  });

  it('people get what their role is for', async () => {
    const objects = await render();
    const verbs = (name: string): string =>
      [...new Set(permissions(pick(objects, 'ClusterRole', name)).map((line) => line.split(' ')[0]))].join();
    expect(verbs('rollcall-view')).toBe('get,list,watch');
    expect(verbs('rollcall-edit')).toBe('create,delete,deletecollection,patch,update');
    expect(verbs('rollcall-approve')).toBe('get,list,watch,patch,approve');
    expect(permissions(pick(objects, 'ClusterRole', 'rollcall-approve'))).toContain(
      'approve rollcall.dev/reconmappings',
    );
    const aggregated = (name: string): string[] =>
      Object.keys(pick(objects, 'ClusterRole', name).metadata.labels ?? {})
        .filter((label) => label.includes('aggregate'))
        .map((label) => label.replace('rbac.authorization.k8s.io/aggregate-to-', ''));
    expect(aggregated('rollcall-view')).toEqual(['view', 'edit', 'admin']);
    expect(aggregated('rollcall-edit')).toEqual(['edit', 'admin']);
    expect(aggregated('rollcall-approve')).toEqual([]);
  });

  it('the bindings bind the service account that the pod runs as', async () => {
    const objects = await render({ serviceAccount: { name: 'robot' } });
    expect(podOf(objects)['serviceAccountName']).toBe('robot');
    for (const binding of objects.filter(({ kind }) => kind.endsWith('Binding')))
      expect(binding['subjects']).toEqual([
        { kind: 'ServiceAccount', name: 'robot', namespace: 'rollcall-system' },
      ]);
  });
});

describe('the pod', () => {
  it('starts the operator with every setting, and knows its own name', async () => {
    const { args, env, ...container } = containerOf(await render());
    expect(args).toEqual([
      'operator',
      '--state=/var/lib/rollcall/state',
      '--data=/var/lib/rollcall/data',
      '--lease-name=rollcall',
      '--metrics-address=:8080',
      '--health-address=:8081',
      '--concurrent-runs=2',
      '--probe-interval=5m',
      '--log-level=info',
    ]);
    expect(env).toEqual([{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]);
    expect(container).not.toHaveProperty('command');
  });

  it.each([
    { says: { operator: { concurrentRuns: 4 } }, argument: '--concurrent-runs=4' },
    { says: { operator: { probeInterval: '90s' } }, argument: '--probe-interval=90s' },
    { says: { operator: { logLevel: 'debug' } }, argument: '--log-level=debug' },
    { says: { fullnameOverride: 'sync' }, argument: '--lease-name=sync' },
    { says: { watchNamespaces: ['it', 'hr'] }, argument: '--namespaces=hr,it' },
    { says: { rbac: { scope: 'Namespaced' } }, argument: '--namespaces=rollcall-system' },
  ])('$says is said as $argument', async ({ says, argument }) => {
    expect(containerOf(await render(says)).args).toContain(argument);
  });

  it.each([
    { image: {}, is: `rollcall:${VERSION}` },
    {
      image: { repository: 'registry.example.org/rollcall' },
      is: `registry.example.org/rollcall:${VERSION}`,
    },
    { image: { tag: '0.2.0-rc.1' }, is: 'rollcall:0.2.0-rc.1' },
    {
      image: { tag: 'ignored', digest: `sha256:${'ab'.repeat(32)}` },
      is: `rollcall@sha256:${'ab'.repeat(32)}`,
    },
  ])('$image is the image $is', async ({ image, is }) => {
    expect(containerOf(await render({ image })).image).toBe(is);
  });

  it('may do nothing on its node', async () => {
    const pod = podOf(await render());
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(pod.containers[0]['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('is one, and the old one ends before the new one starts', async () => {
    expect(pick(await render(), 'Deployment')['spec']).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
    });
  });

  it('writes into its store and a bounded temporary folder only, and says what its token is', async () => {
    const pod = podOf(await render());
    expect(pod.containers[0].volumeMounts).toEqual([
      { name: 'store', mountPath: '/var/lib/rollcall' },
      { name: 'temporary', mountPath: '/tmp' },
      { name: 'kubernetes', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ]);
    expect(pod.volumes).toMatchObject([
      { name: 'store', persistentVolumeClaim: { claimName: 'rollcall' } },
      { name: 'temporary', emptyDir: { sizeLimit: '2Gi' } },
      { name: 'kubernetes', projected: { sources: [{ serviceAccountToken: {} }, {}, {}] } },
    ]);
  });

  it('mounts files where they are looked for', async () => {
    const objects = await render({
      persistence: { existingClaim: 'old' },
      data: { existingClaim: 'files', readOnly: false },
      extraVolumes: [{ name: 'hr', persistentVolumeClaim: { claimName: 'hr-files' } }],
      extraVolumeMounts: [{ name: 'hr', mountPath: '/var/lib/rollcall/data/hr' }],
    });
    const { containers, volumes } = podOf(objects);
    expect(containers[0].volumeMounts).toEqual(
      expect.arrayContaining([
        { name: 'data', mountPath: '/var/lib/rollcall/data', readOnly: false },
        { name: 'hr', mountPath: '/var/lib/rollcall/data/hr' },
      ]),
    );
    expect(volumes).toEqual(
      expect.arrayContaining([
        { name: 'store', persistentVolumeClaim: { claimName: 'old' } },
        { name: 'data', persistentVolumeClaim: { claimName: 'files', readOnly: false } },
        { name: 'hr', persistentVolumeClaim: { claimName: 'hr-files' } },
      ]),
    );
  });

  it('is found by the Service, the ServiceMonitor and the NetworkPolicy, and by a selector that no value moves', async () => {
    const selector = { 'app.kubernetes.io/name': 'rollcall', 'app.kubernetes.io/instance': 'rollcall' };
    const objects = await render({
      podLabels: { team: 'identity' },
      metrics: { serviceMonitor: { enabled: true } },
      networkPolicy: { enabled: true },
    });
    expect(pick(objects, 'Deployment')['spec']).toMatchObject({
      selector: { matchLabels: selector },
      template: { metadata: { labels: { ...selector, team: 'identity' } } },
    });
    expect(pick(objects, 'Service')['spec']).toMatchObject({ selector, ports: [{ targetPort: 'metrics' }] });
    expect(pick(objects, 'Service').metadata.labels).toMatchObject(selector);
    expect(pick(objects, 'ServiceMonitor')['spec']).toMatchObject({ selector: { matchLabels: selector } });
    expect(pick(objects, 'NetworkPolicy')['spec']).toMatchObject({ podSelector: { matchLabels: selector } });
  });
});

describe('what outlives the release', () => {
  const kept = async (values = {}): Promise<string[]> =>
    namesOf(
      (await render(values)).filter(
        ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
      ),
    );

  it('is the definitions, with all objects, and the state', async () => {
    expect(await kept()).toEqual([...definitions, 'PersistentVolumeClaim rollcall-system/rollcall']);
  });

  it('is what the values say', async () => {
    expect(await kept({ crds: { keep: false }, persistence: { keep: false } })).toEqual([]);
    const annotated = await render({
      persistence: { annotations: { backup: 'daily', 'helm.sh/resource-policy': 'drop' } },
    });
    expect(pick(annotated, 'PersistentVolumeClaim').metadata.annotations).toEqual({
      backup: 'daily',
      'helm.sh/resource-policy': 'keep',
    });
  });
});

it('the parser of these tests sees a broken document', () => {
  expect(() => parseObjects('a: b: c')).toThrow();
});
