import { isRecord, type Schema } from './schema.ts';

/**
 * A copy of `value` with the defaults that the API server would give it: to what is absent, and to a null where
 * the schema knows no null. Unknown fields and other nulls stay; whoever validates reports them.
 */
export function applyDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => applyDefaults(item, items));
  }
  if (!isRecord(value)) return value;
  const defaulted = Object.entries(schema.properties ?? {})
    .filter(([key, member]) => member.default !== undefined && isAbsent(value[key], member))
    .map(([key, member]) => [key, structuredClone(member.default)] as const);
  // fromEntries defines members, so that a key like __proto__ stays a key.
  return Object.fromEntries(
    [...Object.entries(value), ...defaulted].map(([key, member]) => [
      key,
      applyMember(member, memberSchema(schema, key)),
    ]),
  );
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

function isAbsent(value: unknown, schema: Schema): boolean {
  return value === undefined || (value === null && schema.nullable !== true);
}
