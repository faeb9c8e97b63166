/**
 * The structural schemas of our kinds, read from crds/. They are the only description of the three kinds:
 * defaults, offline validation and the generated types all come from these files.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { kindNames, kinds, type Kind } from './names.ts';

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
}

/** What Kubernetes calls a structural schema, as far as our definitions use it. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly nullable?: boolean;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

interface ResourceDefinition {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] };
}

export function loadSchemas(): ReadonlyMap<Kind, Schema> {
  return new Map(kindNames.map((kind) => [kind, loadSchema(kind)]));
}

/** crds/ lies beside src/ and beside dist/, so the way there is the same from both. */
function loadSchema(kind: Kind): Schema {
  const file = new URL(`../../crds/${kinds[kind].plural}.yaml`, import.meta.url);
  const definition = parse(readFileSync(file, 'utf8')) as ResourceDefinition;
  return definition.spec.versions[0].schema.openAPIV3Schema;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
