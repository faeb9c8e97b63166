/** Whether an object has the shape that its schema asks for: ajv does the checking, the sentences are ours. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { nearestName } from '../lib/nearest-name.ts';
import { printableValue, type PathKey, type Problem } from './problem.ts';
import { isRecord, type Schema } from './schema.ts';

export type ShapeCheck = (value: unknown) => Problem[];

export function compileShape(schema: Schema): ShapeCheck {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, messages: false, formats, ...TRUSTED });
  const validate: ValidateFunction = ajv.compile(strictSchema(schema));
  return (value) => (validate(value) ? [] : (validate.errors ?? []).flatMap(toProblem));
}

/** Compiling takes half as long: a schema of ours is known to be one (test/api), and its checks run a few times. */
const TRUSTED = { meta: false, validateSchema: false, code: { optimize: false } } as const;

const formats = {
  'date-time': (text: string) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
  int32: { type: 'number', validate: (number: number) => Math.abs(number) <= 2 ** 31 },
  int64: { type: 'number', validate: (number: number) => Math.abs(number) <= 2 ** 63 },
} as const;

/** The schema without what ajv does not know, and with unknown fields refused, as kubectl does. */
function strictSchema(schema: Schema): object {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  const kept = Object.entries(schema).filter(
    ([key]) => !key.startsWith('x-kubernetes-') && key !== 'default',
  );
  const { properties, items, additionalProperties } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties !== undefined;
  return {
    ...Object.fromEntries(kept),
    ...(items === undefined ? {} : { items: strictSchema(items) }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: strictSchema(additionalProperties) }),
    ...(schema.type === 'object' && !open ? { additionalProperties: false } : {}),
    ...(properties === undefined ? {} : { properties: mapValues(properties, strictSchema) }),
  };
}

function mapValues(members: Readonly<Record<string, Schema>>, change: (schema: Schema) => object): object {
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, change(member)]));
}

function toProblem(error: ErrorObject): Problem[] {
  // The branches of int-or-string are told by their parent.
  if (error.schemaPath.includes('/anyOf/')) return [];
  const parent = pathOf(error);
  const path = [...parent, ...missingOrUnknown(error)];
  const schema = (error.parentSchema ?? {}) as Schema;
  const message = sentences[error.keyword]?.(error, schema) ?? `breaks the schema's ${error.keyword}`;
  const value = hiddenKeywords.has(error.keyword) ? undefined : printableValue(path, error.data);
  return [
    { path, rule: error.keyword === 'additionalProperties' ? 'unknownField' : error.keyword, message, value },
  ];
}

/** What stands where nothing or something else is expected may be anything, a password too. */
const hiddenKeywords: ReadonlySet<string> = new Set([
  'additionalProperties',
  'required',
  'type',
  'maxLength',
]);

function pathOf(error: ErrorObject): PathKey[] {
  const keys = error.instancePath.split('/').slice(1);
  return keys.map((key) =>
    /^\d+$/.test(key) ? Number(key) : key.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

function missingOrUnknown(error: ErrorObject): string[] {
  const params: Readonly<Record<string, unknown>> = error.params;
  const key = params['missingProperty'] ?? params['additionalProperty'];
  return typeof key === 'string' ? [key] : [];
}

type Sentence = (error: ErrorObject, schema: Schema) => string;

const sentences: Readonly<Record<string, Sentence>> = {
  additionalProperties: (error, schema) =>
    unknownField(String(error.params['additionalProperty']), Object.keys(schema.properties ?? {})),
  required: (error, schema) => {
    const description = schema.properties?.[String(error.params['missingProperty'])]?.description;
    return `is missing${description === undefined ? '' : `: ${firstSentence(description)}`}`;
  },
  enum: (error, schema) => oneOf(error.data, schema.enum ?? []),
  type: (error, schema) => wrongType(error.data, schema.type ?? 'value'),
  pattern: (_, schema) => `does not have the right form: ${schema.description ?? ''}`,
  format: (error) => `is not a valid ${String(error.params['format'])}`,
  minLength: (error) =>
    error.params['limit'] === 1 ? 'must not be empty' : `is shorter than ${limit(error)} characters`,
  maxLength: (error) => `is longer than ${limit(error)} characters`,
  minimum: (error) => `must be ${limit(error)} or more`,
  maximum: (error) => `must be ${limit(error)} or less`,
  minItems: (error) => `needs ${limit(error)} or more items`,
  maxItems: (error) => `must have ${limit(error)} items at most`,
  anyOf: () => 'must be an integer or a string',
};

function limit(error: ErrorObject): string {
  return String(error.params['limit']);
}

export function unknownField(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `is not a field; did you mean ${nearest}?`;
  return known.length === 0
    ? 'is not a field: nothing can be set here'
    : `is not a field; there are ${known.join(', ')}`;
}

function oneOf(found: unknown, allowed: readonly string[]): string {
  const nearest = typeof found === 'string' ? nearestName(found, allowed) : undefined;
  return `must be one of ${allowed.join(', ')}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

function wrongType(found: unknown, expected: string): string {
  const words = {
    object: 'a map of fields',
    array: 'a list',
    string: 'a string',
    integer: 'an integer',
    number: 'a number',
    boolean: 'true or false',
  };
  const wanted = Object.hasOwn(words, expected) ? words[expected as keyof typeof words] : expected;
  const quotable = expected === 'string' && (typeof found === 'number' || typeof found === 'boolean');
  return `must be ${wanted}, not ${nameOf(found)}${quotable ? '; put it in quotes' : ''}`;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null: remove it, or give it a value';
  if (Array.isArray(value)) return 'a list';
  return isRecord(value) ? 'a map of fields' : `a ${typeof value}`;
}

function firstSentence(text: string): string {
  const end = text.search(/[.;] /);
  return (end === -1 ? text : text.slice(0, end)).replace(/\.$/, '');
}
