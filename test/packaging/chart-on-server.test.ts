/** The chart on a real API server: everything it renders is taken, what it grants is enough and no more, what it leaves. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { CHART, helm, pick, render, type KubernetesObject, type Values } from '../support/helm.ts';

let plane: ControlPlane;
const older = mkdtempSync(join(tmpdir(), 'rollcall-chart-'));

const NAMESPACE = 'rollcall-system';
/** Only as far as the chart uses it: the real definition is not ours to carry. */
const serviceMonitors = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

beforeAll(async () => {
  plane = await startControlPlane();
  for (const name of [NAMESPACE, 'hr', 'it', '123']) await kubectl(`create namespace ${name}`);
  await kubectl('apply --server-side -f -', serviceMonitors);
  await kubectl(`wait --for=condition=Established crd ${serviceMonitors.metadata.name}`);
  await kubectl(`label namespace ${NAMESPACE} pod-security.kubernetes.io/enforce=restricted`);
});

afterAll(async () => {
  await plane.stop();
  rmSync(older, { recursive: true });
});

/** Words without blanks in them. */
const kubectl = (words: string, input?: unknown): Promise<string> => plane.kubectl(words.split(' '), input);
const asList = (items: readonly unknown[]): unknown => ({ apiVersion: 'v1', kind: 'List', items });

describe('an API server takes, strictly validated, all that the chart makes', () => {
  const peer = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } };
  const toDirectory = { to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ port: 636, protocol: 'TCP' }] };
  it.each<{ with: string; values: Values; namespace?: string; name?: string }>([
    { with: 'its defaults', values: {} },
    { with: 'its own namespace only', values: { rbac: { scope: 'Namespaced' } } },
    { with: 'two namespaces', values: { rbac: { scope: 'Namespaced' }, watchNamespaces: ['hr', 'it'] } },
    {
      with: 'names that look like numbers',
      values: { fullnameOverride: '12', watchNamespaces: ['123'], rbac: { scope: 'Namespaced' } },
      namespace: '123',
      name: '1',
    },
    {
      with: 'a service monitor',
      values: {
        metrics: {
          service: { annotations: { a: 'b' } },
          serviceMonitor: { enabled: true, labels: { release: 'p' } },
        },
      },
    },
    { with: 'a network policy', values: { networkPolicy: { enabled: true } } },
    {
      with: 'a network policy that names peers',
      values: { networkPolicy: { enabled: true, metricsFrom: [peer], egress: [toDirectory] } },
    },
    { with: 'restricted approval', values: { approval: { restricted: true } } },
    {
      with: 'storage of its own kind',
      values: {
        persistence: {
          size: '20Gi',
          storageClass: 'fast',
          accessModes: ['ReadWriteOncePod'],
          annotations: { a: 'b' },
        },
      },
    },
    {
      with: 'files from elsewhere',
      values: {
        persistence: { existingClaim: 'old' },
        data: { existingClaim: 'files' },
        extraVolumes: [{ name: 'hr', configMap: { name: 'hr-files' } }],
        extraVolumeMounts: [{ name: 'hr', mountPath: '/var/lib/rollcall/data/hr', readOnly: true }],
      },
    },
    {
      with: 'a place of its own on the nodes',
      values: {
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'identity', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { nodeAffinity: {} },
        podAnnotations: { a: 'b' },
        podLabels: { team: 'identity' },
        imagePullSecrets: [{ name: 'pull' }],
        resources: {},
        serviceAccount: { annotations: { a: 'b' } },
      },
    },
    {
      with: 'nothing that is there already',
      values: {
        crds: { enabled: false },
        rbac: { create: false, userRoles: false },
        serviceAccount: { create: false, name: 'robot' },
        metrics: { service: { enabled: false } },
      },
    },
  ])('with $with', async ({ values, namespace = NAMESPACE, name = 'rollcall' }) => {
    const objects = await render(values, { namespace, name });
    const answer = await kubectl(
      'apply --server-side --dry-run=server --validate=strict -o name -f -',
      asList(objects),
    );
    expect(answer.split('\n')).toHaveLength(objects.length);
  });

  it('and would not take a field that does not exist', async () => {
    const deployment = pick(await render(), 'Deployment');
    const spoilt = { ...deployment, spec: { ...(deployment['spec'] as object), replica: 2 } };
    await expect(
      kubectl('apply --server-side --dry-run=server --validate=strict -f -', spoilt),
    ).rejects.toThrow('replica');
  });
});

describe('the pod', () => {
  const podOf = (
    objects: readonly KubernetesObject[],
  ): { metadata: object; spec: Record<string, unknown> } => {
    const { template } = pick(objects, 'Deployment')['spec'] as {
      template: { metadata: object; spec: Record<string, unknown> };
    };
    return template;
  };
  const create = (pod: object): Promise<string> =>
    kubectl(`create --dry-run=server -o name -n ${NAMESPACE} -f -`, {
      apiVersion: 'v1',
      kind: 'Pod',
      ...pod,
    });

  it('is let into a namespace that enforces the restricted standard', async () => {
    const { metadata, spec } = podOf(await render());
    expect(await create({ metadata: { ...metadata, name: 'operator' }, spec })).toBe('pod/operator');
  });

  it('would not be, if it could run as root', async () => {
    const { metadata, spec } = podOf(await render());
    const asRoot = { ...spec, securityContext: {} };
    await expect(create({ metadata: { ...metadata, name: 'operator' }, spec: asRoot })).rejects.toThrow(
      'violates PodSecurity "restricted',
    );
  });
});

describe('the notes', () => {
  const notes = async (values = {}): Promise<string> => {
    const said = await helm('install', { kubeconfig: plane.kubeconfig }, values, '--dry-run=client');
    return said.split('NOTES:\n')[1] ?? '';
  };

  it('tell the first three commands', async () => {
    const text = await notes();
    const commands = text.split('\n').filter((line) => line.startsWith('   kubectl'));
    expect(commands.map((line) => line.trim())).toEqual([
      'kubectl --namespace rollcall-system rollout status deployment/rollcall',
      'kubectl --namespace default apply -f FOLDER',
      'kubectl get rollcall --all-namespaces',
    ]);
    expect(text).toContain('looks after all namespaces');
    expect(text).toContain(
      'leaves every account as it is, and the custom resource definitions with your objects, and the state in the claim rollcall.',
    );
  });

  it('tell them for the namespaces that are looked after, and promise no more than is kept', async () => {
    const text = await notes({
      watchNamespaces: ['it', 'hr'],
      crds: { keep: false },
      persistence: { keep: false },
    });
    expect(text).toContain('looks after the namespaces hr, it.');
    expect(text).toContain('kubectl --namespace hr apply -f FOLDER');
    expect(text).toContain('kubectl get rollcall --namespace hr');
    expect(text).toContain('leaves every account as it is.');
  });
});

/** The chart as it was before mappings had printer columns. */
function olderChart(): string {
  const chart = join(older, 'rollcall');
  cpSync(CHART, chart, { recursive: true });
  const file = join(chart, 'files/crds/reconmappings.yaml');
  const definition = parse(readFileSync(file, 'utf8')) as {
    spec: { versions: [{ additionalPrinterColumns?: unknown }] };
  };
  delete definition.spec.versions[0].additionalPrinterColumns;
  writeFileSync(file, stringify(definition));
  return chart;
}

interface Asked {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name?: string;
}

async function allowed(user: string, asked: Asked): Promise<boolean> {
  const { status, body } = await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    spec: { user, resourceAttributes: asked },
  });
  expect(status).toBe(201);
  return (body as { status: { allowed: boolean } }).status.allowed;
}

describe('an installed release', () => {
  const release = { kubeconfig: '', namespace: NAMESPACE };
  const operator = `system:serviceaccount:${NAMESPACE}:rollcall`;
  const everything = 'crd,clusterrole,clusterrolebinding,validatingadmissionpolicy';
  const inNamespace = 'deployment,service,serviceaccount,persistentvolumeclaim,role,rolebinding';
  /** A claim that is being deleted would stay for ever, because nobody here takes its finalizer away. */
  const ours = async (kinds: string): Promise<string[]> => {
    const found = await kubectl(`get ${kinds} -A -l app.kubernetes.io/part-of=rollcall -o json`);
    const { items } = JSON.parse(found) as {
      items: { kind: string; metadata: { name: string; deletionTimestamp?: string } }[];
    };
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      .toSorted();
  };

  beforeAll(async () => {
    release.kubeconfig = plane.kubeconfig;
    await helm('install', { ...release, chart: olderChart() }, { approval: { restricted: true } });
    await kubectl('wait --for=condition=Established crd -l app.kubernetes.io/part-of=rollcall');
  });

  const group = 'rollcall.dev';
  const lease = { group: 'coordination.k8s.io', resource: 'leases' };
  it.each<Asked & { may: boolean }>([
    { may: true, verb: 'watch', group, resource: 'reconmappings', namespace: 'hr' },
    { may: true, verb: 'patch', group, resource: 'reconmappings', subresource: 'status', namespace: 'hr' },
    { may: false, verb: 'patch', group, resource: 'reconmappings', namespace: 'hr' },
    {
      may: false,
      verb: 'update',
      group,
      resource: 'managedsystems',
      subresource: 'finalizers',
      namespace: 'hr',
    },
    { may: false, verb: 'create', group, resource: 'managedsystems', namespace: 'hr' },
    { may: false, verb: 'delete', group, resource: 'situationpolicies', namespace: 'hr' },
    { may: true, verb: 'list', resource: 'secrets', namespace: 'hr' },
    { may: false, verb: 'patch', resource: 'secrets', namespace: 'hr' },
    { may: true, verb: 'create', group: 'events.k8s.io', resource: 'events', namespace: 'hr' },
    { may: false, verb: 'list', group: 'events.k8s.io', resource: 'events', namespace: 'hr' },
    { may: false, verb: 'create', resource: 'events', namespace: 'hr' },
    { may: true, verb: 'create', ...lease, namespace: NAMESPACE },
    { may: true, verb: 'update', ...lease, namespace: NAMESPACE, name: 'rollcall' },
    { may: false, verb: 'update', ...lease, namespace: NAMESPACE, name: 'another' },
    { may: false, verb: 'list', ...lease, namespace: NAMESPACE },
    { may: false, verb: 'create', ...lease, namespace: 'hr' },
    { may: false, verb: 'get', resource: 'namespaces', namespace: '' },
    { may: false, verb: 'get', resource: 'pods', namespace: NAMESPACE },
  ])('lets its operator do what it does, and no more: $verb $resource in $namespace: $may', async (row) => {
    const { may, ...asked } = row;
    expect(await allowed(operator, asked)).toBe(may);
  });

  it('tells the operator from everybody else', async () => {
    const asked = { verb: 'watch', group, resource: 'reconmappings', namespace: 'hr' };
    expect(await allowed(`system:serviceaccount:${NAMESPACE}:default`, asked)).toBe(false);
  });

  it('lets only an approver name a plan for release, in the spec or by annotation', async () => {
    const mapping = (spec: object, annotations: object = {}): object => ({
      apiVersion: 'rollcall.dev/v1alpha1',
      kind: 'ReconMapping',
      metadata: { name: 'people', namespace: 'hr', annotations },
      spec: {
        source: { systemRef: { name: 'a' }, object: 'person' },
        target: { systemRef: { name: 'b' }, object: 'person' },
        correlate: [],
        attributes: [],
        ...spec,
      },
    });
    for (const [user, ...roles] of [
      ['editor', 'edit'],
      ['approver', 'edit', 'approve'],
    ] as const)
      for (const role of roles)
        await kubectl(
          `create rolebinding ${user}-${role} -n hr --user=${user} --clusterrole=rollcall-${role}`,
        );
    await kubectl(
      'create rolebinding editor-view -n hr --user=editor --user=approver --clusterrole=rollcall-view',
    );
    const apply = (user: string, spec: object, annotations = {}, more = ''): Promise<string> =>
      kubectl(
        `apply --server-side --force-conflicts --as=${user}${more} -o name -f -`,
        mapping(spec, annotations),
      );
    const digest = 'ab'.repeat(32);
    const byHand = { 'rollcall.dev/approve-plan': digest };
    const taken = 'reconmapping.rollcall.dev/people';
    const refused = /bind the role rollcall-approve/;
    // The policy is in force a moment after it has been made.
    await expect
      .poll(() => apply('editor', { approvedPlan: digest }, {}, ' --dry-run=server').catch(String), {
        timeout: 15_000,
      })
      .toMatch(refused);
    expect(await apply('editor', {})).toBe(taken);
    await expect(apply('editor', {}, byHand)).rejects.toThrow(refused);
    await expect(apply('editor', { approvedPlan: digest })).rejects.toThrow(refused);
    expect(await apply('approver', { approvedPlan: digest }, byHand)).toBe(taken);
    // What stands there already is nobody's new approval, and taking it back is free.
    expect(await apply('editor', { approvedPlan: digest, interval: '1h' }, byHand)).toBe(taken);
    await expect(apply('editor', { approvedPlan: 'cd'.repeat(32) }, byHand)).rejects.toThrow(refused);
    expect(await apply('editor', { interval: '1h' })).toBe(taken);
    await expect(apply('editor', { approvedPlan: digest })).rejects.toThrow(refused);
  });

  it('is upgraded in place, the definitions too', async () => {
    const column = 'get crd reconmappings.rollcall.dev -o jsonpath={..additionalPrinterColumns[0].name}';
    expect(await kubectl(column)).toBe('');
    await helm('upgrade', release, { operator: { logLevel: 'debug' } });
    expect(await kubectl(column)).toBe('Source');
    expect(await ours('validatingadmissionpolicy')).toEqual([]);
  });

  it('leaves the definitions, the objects and the state when it is uninstalled, and takes them up again', async () => {
    const kept = ['managedsystems', 'reconmappings', 'situationpolicies'].map(
      (plural) => `CustomResourceDefinition ${plural}.rollcall.dev`,
    );
    await helm('uninstall', release);
    expect(await ours(everything)).toEqual(kept);
    expect(await ours(inNamespace)).toEqual(['PersistentVolumeClaim rollcall']);
    expect(await kubectl('get rmap -n hr -o name')).toBe('reconmapping.rollcall.dev/people');
    const claim = `get pvc rollcall -n ${NAMESPACE} -o jsonpath={.metadata.uid}`;
    const uid = await kubectl(claim);
    await helm('install', release);
    expect(await kubectl(claim)).toBe(uid);
    expect(await ours(inNamespace)).toHaveLength(6);
  });
});
