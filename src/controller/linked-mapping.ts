/**
 * Which mapping joins which systems under which policy: references between objects of one namespace resolved, or
 * everything that is wrong with them. Touches no system.
 */
import type { SystemObject } from '../api/managed-system.ts';
import type { Kind } from '../api/names.ts';
import type { PathKey } from '../api/problem.ts';
import type { ObjectOf } from '../api/validation.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import type { Digest } from '../engine/ports.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { Secret } from '../lib/secret.ts';
import { parseDefinition, type ParsedDefinition } from './definition.ts';
import { keyOf, type SideInput } from './definition-side.ts';

/** A valid object, and where relative paths in it start from. */
export interface Located<K extends Kind> {
  readonly object: ObjectOf[K];
  readonly folder: string;
}

export interface LinkedSide {
  readonly system: Located<'ManagedSystem'>;
  readonly object: SystemObject;
}

export interface LinkedMapping {
  /** `namespace/name`. */
  readonly key: string;
  readonly mapping: Located<'ReconMapping'>;
  readonly source: LinkedSide;
  readonly target: LinkedSide;
  readonly policy: Located<'SituationPolicy'> | undefined;
  /** Other unsuspended mappings with the same target object. */
  readonly siblings: readonly string[];
}

/** The values that objects refer to, by `namespace/name`. */
export interface References {
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, Secret>>;
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, string | Uint8Array>>;
}

export interface LinkProblem {
  readonly mapping: Located<'ReconMapping'>;
  readonly path: readonly PathKey[];
  readonly message: string;
}

export interface Linkable {
  readonly mappings: readonly Located<'ReconMapping'>[];
  readonly systems: readonly Located<'ManagedSystem'>[];
  readonly policies: readonly Located<'SituationPolicy'>[];
}

export interface Linked {
  readonly mappings: readonly LinkedMapping[];
  readonly problems: readonly LinkProblem[];
}

export function linkMappings(objects: Linkable): Linked {
  const problems: LinkProblem[] = [];
  const linked = objects.mappings
    .map((mapping) => new Linking(mapping, objects, problems).run())
    .filter((one) => one !== undefined);
  return { mappings: linked.map((one) => ({ ...one, siblings: siblingsOf(one, linked) })), problems };
}

type Unrelated = Omit<LinkedMapping, 'siblings'>;

class Linking {
  readonly #mapping: Located<'ReconMapping'>;
  readonly #objects: Linkable;
  readonly #problems: LinkProblem[];

  constructor(mapping: Located<'ReconMapping'>, objects: Linkable, problems: LinkProblem[]) {
    this.#mapping = mapping;
    this.#objects = objects;
    this.#problems = problems;
  }

  run(): Unrelated | undefined {
    const source = this.#side('source');
    const target = this.#side('target');
    const { policyRef } = this.#mapping.object.spec;
    const policy =
      policyRef &&
      this.#find('SituationPolicy', this.#objects.policies, policyRef.name, ['spec', 'policyRef', 'name']);
    if (!source || !target || (policyRef && !policy)) return undefined;
    return { key: keyOf(this.#mapping.object), mapping: this.#mapping, source, target, policy };
  }

  #side(side: 'source' | 'target'): LinkedSide | undefined {
    const { systemRef, object: name } = this.#mapping.object.spec[side];
    const path = ['spec', side, 'systemRef', 'name'];
    const system = this.#find('ManagedSystem', this.#objects.systems, systemRef.name, path);
    if (!system) return undefined;
    const { objects } = system.object.spec;
    const object = objects.find((one) => one.name === name);
    if (object) return { system, object };
    const known = objects.map((one) => one.name);
    this.#report(['spec', side, 'object'], unknown(`object of ManagedSystem ${systemRef.name}`, name, known));
    return undefined;
  }

  #find<K extends Kind>(
    kind: K,
    all: readonly Located<K>[],
    name: string,
    path: readonly PathKey[],
  ): Located<K> | undefined {
    const namespace = namespaceOf(this.#mapping);
    const found = all.find((one) => keyOf(one.object) === `${namespace}/${name}`);
    if (found) return found;
    const known = all.filter((one) => namespaceOf(one) === namespace).map((one) => one.object.metadata.name);
    this.#report(path, unknown(`${kind} in namespace ${namespace}`, name, known));
    return undefined;
  }

  #report(path: readonly PathKey[], message: string): void {
    this.#problems.push({ mapping: this.#mapping, path, message });
  }
}

export function namespaceOf({ object }: Located<Kind>): string {
  return object.metadata.namespace ?? 'default';
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  if (near !== undefined) return `there is no ${what} named '${name}'; did you mean '${near}'?`;
  return `there is no ${what} named '${name}'; ${known.length === 0 ? 'there is none' : `there is ${known.join(', ')}`}`;
}

function siblingsOf(one: Unrelated, all: readonly Unrelated[]): string[] {
  const target = targetOf(one);
  return all
    .filter((other) => other !== one && targetOf(other) === target && !other.mapping.object.spec.suspend)
    .map((other) => other.key)
    .toSorted();
}

function targetOf({ target }: Unrelated): string {
  return `${keyOf(target.system.object)}#${target.object.name}`;
}

interface Lookup<V> {
  get(key: string): V | undefined;
}

export interface DefinitionContext {
  readonly expressions: ExpressionCompiler;
  readonly references: { readonly secrets: Lookup<Lookup<Secret>> };
  readonly digest: Digest;
}

/** `schemas`: what opening the systems has shown; what is undefined there is taken from the manifest. */
export function definitionOf(
  one: LinkedMapping,
  { expressions, references, digest }: DefinitionContext,
  schemas: { readonly source: SideInput['schema']; readonly target: SideInput['schema'] },
): ParsedDefinition {
  const namespace = namespaceOf(one.mapping);
  const side = ({ system, object }: LinkedSide, schema: SideInput['schema']): SideInput => ({
    system: system.object,
    object,
    schema,
  });
  return parseDefinition({
    mapping: one.mapping.object,
    source: side(one.source, schemas.source),
    target: side(one.target, schemas.target),
    policy: one.policy?.object,
    expressions,
    secret: (name, key) => references.secrets.get(`${namespace}/${name}`)?.get(key)?.reveal(),
    siblings: one.siblings,
    digest,
  });
}
