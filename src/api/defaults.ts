import { isRecord, type Schema } from './schema.ts';

/**
 * A copy of `value` as the API server would store it: a null where the schema knows no null counts as absent, and
 * what is absent gets its default. Unknown fields stay; whoever validates reports them.
 */
export function applyDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    return value.map((item) => applyDefaults(item, items));
  }
  if (!isRecord(value)) return value;
  const members = Object.entries(value)
    .filter(([key, member]) => !isAbsent(member, memberSchema(schema, key)))
    .map(([key, member]) => [key, applyMember(member, memberSchema(schema, key))] as const);
  const defaults = Object.entries(schema.properties ?? {})
    .filter(([key, member]) => member.default !== undefined && isAbsent(value[key], member))
    .map(([key, member]) => [key, applyDefaults(structuredClone(member.default), member)] as const);
  // fromEntries defines members, so that a key like __proto__ stays a key.
  return Object.fromEntries([...members, ...defaults]);
}

function applyMember(value: unknown, schema: Schema | undefined): unknown {
  return schema === undefined ? value : applyDefaults(value, schema);
}

function memberSchema(schema: Schema, key: string): Schema | undefined {
  const { properties } = schema;
  return properties !== undefined && Object.hasOwn(properties, key)
    ? properties[key]
    : schema.additionalProperties;
}

function isAbsent(value: unknown, schema: Schema | undefined): boolean {
  return value === undefined || (value === null && schema !== undefined && schema.nullable !== true);
}
