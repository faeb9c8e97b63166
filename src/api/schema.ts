/**
 * The structural schemas of our kinds, as crds/ has them. They are the only description of the three kinds:
 * defaults, offline validation and the generated types all come from these files.
 */
import { kindNames, type Kind } from './names.ts';
import { SCHEMA_TEXTS } from './schema-texts.ts';

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

export function loadSchemas(): ReadonlyMap<Kind, Schema> {
  return new Map(kindNames.map((kind) => [kind, JSON.parse(SCHEMA_TEXTS[kind]) as Schema]));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
