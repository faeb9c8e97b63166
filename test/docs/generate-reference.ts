/** Makes docs/reference.md from crds/: every field with its type, default, limits and description. */
import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { generated } from '../api/generate-types.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly 'x-kubernetes-validations'?: readonly { readonly message?: string }[];
}

interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string; readonly shortNames: readonly string[] };
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

const INTRODUCTION = `# Reference

Every field of the three kinds, generated from [crds/](../crds) by \`npm run generate\`. All are of \`rollcall.dev/v1alpha1\`. \`[]\` stands
for the items of a list, **required** for what may not be left out where its parent is given. A default is filled in by the API server, and by the command line
alike. Limits count characters of a text, items of a list. What one object cannot prove about itself is checked when it is used:
\`rollcall validate\`.
`;

async function read(crd: string): Promise<Definition> {
  return parse(await readFile(new URL(`../../${crd}`, import.meta.url), 'utf8')) as Definition;
}

/** Every path under spec and status of every kind, by kind. */
export async function fieldsOfKinds(): Promise<Readonly<Record<string, readonly Field[]>>> {
  const definitions = await Promise.all(generated.map(({ crd }) => read(crd)));
  return Object.fromEntries(
    definitions.map(({ spec }) => [
      spec.names.kind,
      [...membersOf(spec.versions[0].schema.openAPIV3Schema, '')],
    ]),
  );
}

export async function generateReference(): Promise<string> {
  const definitions = await Promise.all(generated.map(({ crd }) => read(crd)));
  const text = [INTRODUCTION, ...definitions.map(chapter)].join('\n');
  return format(text, { ...(await resolveConfig('docs/reference.md')), parser: 'markdown' });
}

function chapter({ spec }: Definition): string {
  const schema = spec.versions[0].schema.openAPIV3Schema;
  const fields = [...membersOf(schema, '')];
  const { kind, shortNames } = spec.names;
  const part = (name: string): string =>
    [
      '| field | type | default | limits | what it is |',
      '| --- | --- | --- | --- | --- |',
      ...fields.filter(({ path }) => path.startsWith(`${name}.`)).map(row),
    ].join('\n');
  const rules = [...rulesOf(schema)].map((message) => `- ${message}`);
  return `## ${kind}

${schema.description ?? ''} Short name: \`${shortNames.join('`, `')}\`.

### ${kind}: spec

${part('spec')}

${rules.length === 0 ? '' : `What is refused when it is applied, in the words of the refusal:\n\n${rules.join('\n')}`}

### ${kind}: status

${part('status')}
`;
}

function* membersOf(schema: Schema, path: string): Generator<Field> {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (path === '' && !['spec', 'status'].includes(name)) continue;
    const own = path === '' ? name : `${path}.${name}`;
    yield { path: own, schema: member, required: schema.required?.includes(name) === true };
    yield* membersOf(member, own);
    if (member.items) yield* membersOf(member.items, `${own}[]`);
  }
}

function* rulesOf(schema: Schema): Generator<string> {
  for (const { message } of schema['x-kubernetes-validations'] ?? [])
    if (message !== undefined) yield message;
  for (const member of Object.values(schema.properties ?? {})) yield* rulesOf(member);
  if (schema.items) yield* rulesOf(schema.items);
}

function row({ path, schema, required }: Field): string {
  const fallback = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
  const description = (schema.description ?? '').replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
  const cells = [
    `\`${path}\``,
    typeOf(schema),
    required ? '**required**' : fallback,
    limitsOf(schema),
    description,
  ];
  return `| ${cells.join(' | ')} |`;
}

function typeOf(schema: Schema): string {
  const { type = 'any', items, format: written } = schema;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' ');
  if (items) return items.properties ? 'list of objects' : `list of ${typeOf(items)}`;
  if (written === 'date-time') return 'time (RFC 3339)';
  return TYPES[type] ?? type;
}

const TYPES: Readonly<Record<string, string>> = { string: 'text', integer: 'number', object: 'object' };

function limitsOf(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  if (schema.enum || schema.format === 'date-time') return '';
  const range = (low: number | undefined, high: number | undefined, unit: string): string => {
    if (low === undefined && high === undefined) return '';
    if (high === undefined) return `from ${low}${unit}`;
    return low === undefined || low === 0 ? `up to ${high}${unit}` : `${low} to ${high}${unit}`;
  };
  if (minimum !== undefined || maximum !== undefined)
    return maximum === undefined ? `from ${minimum}` : `${minimum ?? ''} to ${maximum}`;
  return range(minLength, maxLength, '') || range(minItems, maxItems, ' items');
}
