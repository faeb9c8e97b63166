/** Manifests as they are after validation, with only what a test is about given. */
import type { ManagedSystem, SystemObject } from '../../src/api/managed-system.ts';
import type { ReconMapping, ReconMappingSpec } from '../../src/api/recon-mapping.ts';
import type { PolicyRule, SituationPolicy } from '../../src/api/situation-policy.ts';
import { keyedDigest, PUBLIC_KEY } from '../../src/store/key.ts';
import { parseDefinition, type ParsedDefinition } from '../../src/controller/definition.ts';
import { plainAttribute } from '../../src/connectors/schema.ts';
import type { AttributeSchema, ObjectSchema } from '../../src/engine/entry.ts';
import type { Definition } from '../../src/engine/definition.ts';
import { EXPRESSIONS } from './sample-entry.ts';

export interface World {
  readonly spec?: Partial<ReconMappingSpec> | undefined;
  readonly name?: string;
  readonly rules?: readonly Partial<PolicyRule>[];
  readonly state?: SystemObject['state'];
  readonly protect?: string[];
  /** Attributes of both sides, beside uid. */
  readonly attributes?: readonly (Partial<AttributeSchema> & { readonly name: string })[];
  readonly sourceAttributes?: readonly (Partial<AttributeSchema> & { readonly name: string })[];
  readonly unknownSchemas?: boolean;
  readonly secret?: string;
}

function system(name: string, { state, protect }: World): ManagedSystem {
  const object: SystemObject = { name: 'person', type: 'User', id: 'uid', ...(state ? { state } : {}) };
  return {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ManagedSystem',
    metadata: { name, namespace: 'default' },
    spec: {
      type: 'Repository',
      repository: {},
      access: 'ReadWrite',
      limits: { writesInFlight: 8 },
      objects: [object],
      ...(protect ? { protect } : {}),
    },
  };
}

function schemaOf(attributes: World['attributes'] = []): ObjectSchema {
  const all = [{ name: 'uid' }, ...attributes].map((one) => ({ ...plainAttribute(one.name), ...one }));
  return {
    id: 'uid',
    idChosenBy: 'Writer',
    name: undefined,
    attributes: new Map(all.map((one) => [one.name, one])),
    ignoreCaseInNames: false,
  };
}

export function policyRule(rule: Partial<PolicyRule>, at = 0): PolicyRule {
  return { name: `rule-${at}`, situations: ['Confirmed'], response: 'Report', ...rule } as PolicyRule;
}

export function parseWorld(world: World = {}): ParsedDefinition {
  const ref = (name: string): { systemRef: { name: string }; object: string } => ({
    systemRef: { name },
    object: 'person',
  });
  const mapping: ReconMapping = {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ReconMapping',
    metadata: { name: world.name ?? 'people', namespace: 'default' },
    spec: {
      source: ref('hr'),
      target: ref('directory'),
      mode: 'Enforce',
      suspend: false,
      guards: { window: '24h', maxShrinkPercent: 10, onExceeded: 'HoldKind' },
      ...world.spec,
    } as ReconMappingSpec,
  };
  const policy: SituationPolicy = {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'SituationPolicy',
    metadata: { name: 'policy', namespace: 'default' },
    spec: { rules: (world.rules ?? []).map(policyRule) },
  };
  const side = (
    name: string,
    attributes: World['attributes'],
  ): Parameters<typeof parseDefinition>[0]['source'] => {
    const made = system(name, world);
    const [object] = made.spec.objects;
    if (!object) throw new Error('the system has no object');
    return { system: made, object, schema: world.unknownSchemas ? undefined : schemaOf(attributes) };
  };
  return parseDefinition({
    mapping,
    source: side('hr', world.sourceAttributes ?? world.attributes),
    target: side('directory', world.attributes),
    policy: world.rules ? policy : undefined,
    expressions: EXPRESSIONS,
    secret: (name) => (name === 'first' ? (world.secret ?? 'hush') : undefined),
    siblings: [],
    digest: keyedDigest(PUBLIC_KEY),
  });
}

export function definitionOf(world: World): Definition {
  const parsed = parseWorld(world);
  if (parsed.kind === 'Parsed') return parsed.definition;
  throw new Error(parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** `path: message` of every problem. */
export function problemsOf(world: World): string[] {
  const parsed = parseWorld(world);
  if (parsed.kind === 'Parsed') return [];
  return parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}
