/** What a Repository object may hold: declared attributes, as many values and of the type that were declared, no secrets. */
import type { AttributeSchema, AttributeType, Entry, ObjectSchema, Value } from '../engine/entry.ts';
import type { ConnectorErrorCode } from '../engine/errors.ts';
import { sameValue } from '../engine/matching.ts';

export interface SchemaProblem {
  readonly code: ConnectorErrorCode;
  readonly attribute: string;
  readonly message: string;
}

/** Only what is written is judged: an object may carry what was declared once. */
export function schemaProblem(
  present: Entry,
  written: Iterable<readonly [string, readonly Value[]]>,
  schema: ObjectSchema,
): SchemaProblem | undefined {
  for (const [name, values] of written) {
    if (values.length === 0) continue;
    const problem =
      name === schema.id ? idProblem(present, values, schema) : valuesProblem(name, values, schema);
    if (problem) return { attribute: name, code: 'SchemaViolation', ...problem };
  }
  return undefined;
}

type Problem = Pick<SchemaProblem, 'message'> & { readonly code?: ConnectorErrorCode };

function idProblem({ id }: Entry, values: readonly Value[], schema: ObjectSchema): Problem | undefined {
  const match = schema.attributes.get(schema.id)?.match ?? 'Exact';
  if (values.length === 1 && values.every((value) => sameValue(value, id, match))) return undefined;
  return { message: `attribute ${schema.id} is the id, which has one value and never changes` };
}

function valuesProblem(name: string, values: readonly Value[], schema: ObjectSchema): Problem | undefined {
  const attribute = schema.attributes.get(name);
  if (!attribute) {
    const message = `the repository object has no attribute ${name}; declare it in the ManagedSystem`;
    return { code: 'UnknownAttribute', message };
  }
  // Secrets do not enter the store.
  if (attribute.writeOnly)
    return { message: `attribute ${name} is write-only and cannot be kept in the repository` };
  return contentProblem(attribute, values);
}

const FORMS: Readonly<Partial<Record<AttributeType, RegExp>>> = {
  Integer: /^[+-]?\d+$/,
  Boolean: /^(?:true|false)$/i,
};

function contentProblem(
  { name, type, values: count }: AttributeSchema,
  values: readonly Value[],
): Problem | undefined {
  if (count === 'Single' && values.length > 1)
    return { message: `attribute ${name} takes one value; declare it multiValued for more` };
  const form = FORMS[type];
  const fits = (value: Value): boolean => typeof value === 'string' && form?.test(value) !== false;
  if (form && !values.every(fits))
    return { message: `attribute ${name} is declared ${type}, and a value is none` };
  return undefined;
}
