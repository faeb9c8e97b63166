/**
 * Makes the types of src/api from crds/, and their schemas as JSON, which every start reads much faster than YAML: the
 * resource definitions are the source of truth, what is made is checked in, and a test holds it fresh. `npm run
 * generate` writes it.
 */
import { readFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';

export const generated = [
  { crd: 'crds/managedsystems.yaml', types: 'src/api/managed-system.ts' },
  { crd: 'crds/reconmappings.yaml', types: 'src/api/recon-mapping.ts' },
  { crd: 'crds/situationpolicies.yaml', types: 'src/api/situation-policy.ts' },
] as const;

/** The names of the interfaces, by the path of their schema. A schema without a name stays inline. */
const interfaceNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ManagedSystem: {
    '': 'ManagedSystem',
    '.spec': 'ManagedSystemSpec',
    '.spec.csv': 'CsvDialect',
    '.spec.ldap': 'LdapConnection',
    '.spec.ldap.tls': 'LdapTls',
    '.spec.ldap.tls.caRef': 'CaReference',
    '.spec.ldap.bind': 'LdapBind',
    '.spec.limits': 'SystemLimits',
    '.spec.objects[]': 'SystemObject',
    '.spec.objects[].attributes[]': 'AttributeDeclaration',
    '.spec.objects[].state': 'AccountState',
    '.spec.objects[].csv': 'CsvLocation',
    '.spec.objects[].csv.configMapRef': 'ConfigMapReference',
    '.spec.objects[].csv.expect': 'CsvExpectation',
    '.spec.objects[].ldap': 'LdapLocation',
    '.status': 'ManagedSystemStatus',
    '.status.lastProbe': 'LastProbe',
  },
  ReconMapping: {
    '': 'ReconMapping',
    '.spec': 'ReconMappingSpec',
    '.spec.source': 'MappingSource',
    '.spec.target': 'MappingTarget',
    '.spec.correlate[]': 'CorrelationRule',
    '.spec.attributes[]': 'OutboundAttribute',
    '.spec.attributes[].rdn': 'RelativeName',
    '.spec.inbound[]': 'InboundAttribute',
    '.spec.guards': 'Guards',
    '.spec.guards.budgets[]': 'Budget',
    '.status': 'ReconMappingStatus',
    '.status.situations[]': 'SituationCounts',
    '.status.totals': 'RunTotals',
    '.status.lastRun': 'LastRun',
    '.status.lastRun.evidence': 'RunEvidence',
    '.status.lastRun.evidence.source': 'ReadEvidence',
    '.status.plan': 'HeldPlan',
    '.status.plan.counts[]': 'HeldEffect',
    '.status.history[]': 'PastRun',
  },
  SituationPolicy: {
    '': 'SituationPolicy',
    '.spec': 'SituationPolicySpec',
    '.spec.rules[]': 'PolicyRule',
    '.status': 'SituationPolicyStatus',
  },
};

interface Schema {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  'x-kubernetes-int-or-string'?: boolean;
}

/** Schemas whose type is written by hand, by their path; a type that another file declares is imported. */
const handwritten: Readonly<Record<string, string>> = {
  '.apiVersion': "'rollcall.dev/v1alpha1'",
  '.metadata': 'ObjectMetadata',
  '.spec.repository': 'Record<string, never>',
  '.status.conditions[]': 'Condition',
  '.status.lastRun.evidence.target': 'ReadEvidence',
};

/** What json-schema-to-typescript needs to see: names, int-or-string as a union, a defaulted field as required. */
function prepare(schema: Schema, path: string, kind: string): object {
  const { items, properties, required: _required, title: _title, ...rest } = schema;
  const tsType = schema['x-kubernetes-int-or-string'] === true ? 'number | string' : handwritten[path];
  if (tsType !== undefined) return { ...rest, tsType };
  if (path === '.kind') return { ...rest, tsType: `'${kind}'` };
  const title = interfaceNames[kind]?.[path];
  return {
    ...rest,
    ...(title === undefined ? {} : { title }),
    ...(items === undefined ? {} : { items: prepare(items, `${path}[]`, kind) }),
    ...(properties === undefined
      ? {}
      : {
          additionalProperties: false,
          required: requiredMembers(schema, path),
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, member]) => [key, prepare(member, `${path}.${key}`, kind)]),
          ),
        }),
  };
}

function requiredMembers(schema: Schema, path: string): string[] {
  // A manifest has no status yet, whatever the default says that the API server gives it.
  if (path === '') return ['apiVersion', 'kind', 'metadata', 'spec'];
  const defaulted = Object.entries(schema.properties ?? {}).filter(
    ([, member]) => member.default !== undefined,
  );
  return [...new Set([...(schema.required ?? []), ...defaulted.map(([key]) => key)])];
}

interface Definition {
  spec: { names: { kind: string }; versions: [{ schema: { openAPIV3Schema: Schema } }] };
}

export async function generateTypes(crd: string): Promise<string> {
  const definition = parse(await readFile(crd, 'utf8')) as Definition;
  const kind = definition.spec.names.kind;
  const schema = definition.spec.versions[0].schema.openAPIV3Schema;
  const prepared = prepare(schema, '', kind);
  const types = await compile(prepared, kind, {
    additionalProperties: false,
    bannerComment: `// Generated from ${crd} by \`npm run generate\`. Do not edit.\nimport type { Condition } from './conditions.ts';\nimport type { ObjectMetadata } from './names.ts';`,
    format: false,
    ignoreMinAndMaxItems: true,
  });
  return format(types, { ...(await resolveConfig(crd)), parser: 'typescript' });
}

export const SCHEMA_TEXTS = 'src/api/schema-texts.ts';

export async function generateSchemaTexts(): Promise<string> {
  const members = generated.map(async ({ crd }) => {
    const { spec } = parse(await readFile(crd, 'utf8')) as Definition;
    return `${spec.names.kind}: ${JSON.stringify(JSON.stringify(spec.versions[0].schema.openAPIV3Schema))},`;
  });
  const text = `// Generated from crds/ by \`npm run generate\`. Do not edit.
    import type { Kind } from './names.ts';
    export const SCHEMA_TEXTS: Readonly<Record<Kind, string>> = {${(await Promise.all(members)).join('')}};`;
  return format(text, { ...(await resolveConfig(SCHEMA_TEXTS)), parser: 'typescript' });
}
