/** The values: a strict schema that covers them all, and docs/install.md’s table of them, made by `npm run generate`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, helm, render, type Values } from '../support/helm.ts';

interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Leaf {
  readonly path: string;
  readonly schema: Schema;
  readonly value: unknown;
}

/** Helm gives these to a chart that another one includes. */
const ofParents = ['global', 'enabled'];
const whole = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;
const schema: Schema = {
  ...whole,
  properties: Object.fromEntries(
    Object.entries(whole.properties ?? {}).filter(([name]) => !ofParents.includes(name)),
  ),
};
const defaults = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Values;
const guide = new URL('../../docs/install.md', import.meta.url).pathname;

/** Every value that can be set, with its default: groups are gone into, free-form members are not. */
function leaves(within: Schema, values: Values, prefix = ''): Leaf[] {
  return Object.entries(within.properties ?? {}).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const value = values[name];
    if (member.properties === undefined) return [{ path, schema: member, value }];
    return leaves(member, value as Values, `${path}.`);
  });
}

const groups = (within: Schema): Schema[] => [
  within,
  ...Object.values(within.properties ?? {}).flatMap((member) => (member.properties ? groups(member) : [])),
];

function kindOf({ enum: words, minimum, maximum, type = '' }: Schema): string {
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (minimum !== undefined) return `${String(minimum)} to ${String(maximum)}`;
  return type === 'string' ? 'text' : type;
}

const shown = (value: unknown): string =>
  value === '' ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function table(): string {
  const rows = leaves(schema, defaults).map((leaf) => [
    `\`${leaf.path}\``,
    shown(leaf.value),
    `${leaf.schema.description ?? ''} (${kindOf(leaf.schema)})`,
  ]);
  const all = [['value', 'default', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [heading = [], ...body] = all;
  return [line(heading), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

describe('the schema', () => {
  it('knows exactly the values that there are', () => {
    const inValues = (values: Values, within: Schema): unknown =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => {
          const member = within.properties?.[name];
          return [name, member?.properties ? inValues(value as Values, member) : 'leaf'];
        }),
      );
    const inSchema = (within: Schema): unknown =>
      Object.fromEntries(
        Object.entries(within.properties ?? {}).map(([name, member]) => [
          name,
          member.properties ? inSchema(member) : 'leaf',
        ]),
      );
    expect(inSchema(schema)).toEqual(inValues(defaults, schema));
  });

  it('is closed, complete and explained at every level', () => {
    for (const group of groups(schema)) {
      expect(group.additionalProperties).toBe(false);
      expect(group.required).toEqual(Object.keys(group.properties ?? {}));
    }
    for (const leaf of leaves(schema, defaults)) expect(leaf.schema.description, leaf.path).toMatch(/\.$/);
  });

  it.each([
    { values: { imag: {} }, says: "'imag' not allowed" },
    { values: { image: { name: 'rollcall' } }, says: "'name' not allowed" },
    { values: { image: { digest: 'sha256:12' } }, says: '/image/digest' },
    { values: { image: { repository: '' } }, says: '/image/repository' },
    { values: { image: { pullPolicy: 'Sometimes' } }, says: '/image/pullPolicy' },
    { values: { image: null }, says: "missing property 'image'" },
    { values: { replicas: 2 }, says: "'replicas' not allowed" },
    { values: { rbac: { scope: 'namespaced' } }, says: '/rbac/scope' },
    { values: { rbac: { create: 'yes' } }, says: '/rbac/create' },
    { values: { watchNamespaces: ['HR'] }, says: '/watchNamespaces/0' },
    { values: { watchNamespaces: ['a,b'] }, says: '/watchNamespaces/0' },
    { values: { watchNamespaces: 'hr' }, says: '/watchNamespaces' },
    { values: { operator: { concurrentRuns: 0 } }, says: '/operator/concurrentRuns' },
    { values: { operator: { concurrentRuns: 1.5 } }, says: '/operator/concurrentRuns' },
    { values: { operator: { probeInterval: '5 minutes' } }, says: '/operator/probeInterval' },
    { values: { operator: { probeInterval: 5 } }, says: '/operator/probeInterval' },
    { values: { operator: { logLevel: 'trace' } }, says: '/operator/logLevel' },
    { values: { persistence: { size: 'much' } }, says: '/persistence/size' },
    { values: { persistence: { enabled: false } }, says: "'enabled' not allowed" },
    { values: { persistence: { accessModes: ['ReadOnlyMany'] } }, says: '/persistence/accessModes/0' },
    { values: { persistence: { accessModes: [] } }, says: '/persistence/accessModes' },
    { values: { podLabels: { team: 1 } }, says: '/podLabels/team' },
    { values: { extraVolumes: {} }, says: '/extraVolumes' },
    { values: { imagePullSecrets: ['pull'] }, says: '/imagePullSecrets/0' },
    { values: { terminationGracePeriodSeconds: 5 }, says: '/terminationGracePeriodSeconds' },
    { values: { metrics: { serviceMonitor: { interval: '30' } } }, says: '/metrics/serviceMonitor/interval' },
    { values: { serviceAccount: { create: false } }, says: 'serviceAccount.name is needed' },
    {
      values: { metrics: { service: { enabled: false }, serviceMonitor: { enabled: true } } },
      says: 'needs metrics.service.enabled',
    },
  ])('$values is refused: $says', async ({ values, says }) => {
    await expect(render(values)).rejects.toThrow(says);
  });

  it('lets a chart include this one', async () => {
    await expect(render({ global: { region: 'eu' }, enabled: true })).resolves.not.toHaveLength(0);
  });
});

it.each([
  { with: 'its defaults', values: {} },
  {
    with: 'everything',
    values: {
      rbac: { scope: 'Namespaced' },
      watchNamespaces: ['hr', 'it'],
      approval: { restricted: true },
      metrics: { serviceMonitor: { enabled: true } },
      networkPolicy: { enabled: true },
    },
  },
])('helm lint, strict, has nothing against the chart with $with', async ({ values }) => {
  expect(await helm('lint', {}, values, '--strict')).toContain('0 chart(s) failed');
});

it('docs/install.md has the table of the values', async () => {
  const marks = /(<!-- values: begin -->\n)[^]*?(<!-- values: end -->)/;
  const text = readFileSync(guide, 'utf8');
  expect(text).toMatch(marks);
  const fresh = text.replace(marks, (_, begin: string, end: string) => `${begin}\n${table()}\n\n${end}`);
  await expect(fresh).toMatchFileSnapshot(guide);
});
