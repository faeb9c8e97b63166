/**
 * Offline validation of our three kinds, from the same files that a cluster gets: what passes here passes there,
 * and what a cluster refuses is refused here with its place, its rule and the way out. All problems at once.
 */
import { applyDefaults } from './defaults.ts';
import { findDuplicates } from './lists.ts';
import type { ManagedSystem } from './managed-system.ts';
import { checkMetadata, defaultNamespace } from './metadata.ts';
import { apiVersion, type Kind } from './names.ts';
import type { Problem } from './problem.ts';
import type { ReconMapping } from './recon-mapping.ts';
import { compileRules, type RuleCheck } from './rules.ts';
import { isRecord, loadSchemas, type Schema } from './schema.ts';
import { compileShape, type ShapeCheck } from './shape.ts';
import type { SituationPolicy } from './situation-policy.ts';

export interface ObjectOf {
  ManagedSystem: ManagedSystem;
  ReconMapping: ReconMapping;
  SituationPolicy: SituationPolicy;
}

export type Validated<K extends Kind> =
  | { readonly ok: true; readonly object: ObjectOf[K] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface CompiledKind {
  readonly schema: Schema;
  readonly checkShape: ShapeCheck;
  readonly checkRules: RuleCheck;
}

/** The compiled definitions. Loading takes some 50 ms; load once and pass it on. */
export type Contract = ReadonlyMap<Kind, CompiledKind>;

export function loadContract(): Contract {
  return new Map(
    [...loadSchemas()].map(([kind, schema]) => [
      kind,
      { schema, checkShape: compileShape(openMetadata(schema)), checkRules: compileRules(schema) },
    ]),
  );
}

/** Metadata has a check of its own. */
function openMetadata(schema: Schema): Schema {
  const metadata: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
  return { ...schema, properties: { ...schema.properties, metadata } };
}

/** The object with all defaults filled in, the namespace too, or everything that is wrong with it. Never throws for what `value` is. */
export function validateObject<K extends Kind>(contract: Contract, kind: K, value: unknown): Validated<K> {
  const compiled = contract.get(kind);
  if (compiled === undefined) throw new Error(`no definition of ${kind} has been loaded`);
  const object = applyDefaults(value, compiled.schema);
  if (!isRecord(object)) {
    return {
      ok: false,
      problems: [{ path: [], rule: 'type', message: 'must be a map of fields', value: undefined }],
    };
  }
  const shape = [
    ...checkIdentity(kind, object),
    ...checkMetadata(object['metadata']),
    ...compiled.checkShape(object),
    ...findDuplicates(object, compiled.schema),
  ];
  const problems = [...shape, ...compiled.checkRules(object, shape)];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, object: withNamespace(object) as unknown as ObjectOf[K] };
}

function checkIdentity(kind: Kind, object: Readonly<Record<string, unknown>>): Problem[] {
  return (
    [
      ['apiVersion', apiVersion],
      ['kind', kind],
    ] as const
  )
    .filter(([field, wanted]) => object[field] !== wanted)
    .map(([field, wanted]) => ({
      path: [field],
      rule: 'const',
      message: `must be ${wanted}`,
      value: undefined,
    }));
}

function withNamespace(object: Readonly<Record<string, unknown>>): object {
  const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
  const named = metadata['namespace'];
  const namespace = typeof named === 'string' && named !== '' ? named : defaultNamespace;
  return { ...object, metadata: { ...metadata, namespace } };
}
