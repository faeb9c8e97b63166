/**
 * A folder of manifests with its references resolved: which mapping joins which systems under which policy, or
 * everything that is wrong with them at once. Touches no system.
 */
import { dirname, resolve } from 'node:path';
import { existsSync, statSync } from 'node:fs';
import type { SystemObject } from '../api/managed-system.ts';
import type { PathKey } from '../api/problem.ts';
import { loadContract } from '../api/validation.ts';
import { parseDefinition } from '../controller/definition.ts';
import { keyOf, type SideInput } from '../controller/definition-side.ts';
import { policyProblems } from '../controller/definition-policy.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import type { Digest } from '../engine/ports.ts';
import { CelExpressions } from '../expressions/cel.ts';
import { nearestName } from '../lib/nearest-name.ts';
import {
  locateProblem,
  readManifests,
  type ManifestObject,
  type ManifestProblem,
  type Manifests,
} from '../local/manifests.ts';
import { keyedDigest, PUBLIC_KEY } from '../store/key.ts';

export interface ProjectSide {
  readonly system: ManifestObject<'ManagedSystem'>;
  readonly object: SystemObject;
}

export interface ProjectMapping {
  /** `namespace/name`. */
  readonly key: string;
  readonly mapping: ManifestObject<'ReconMapping'>;
  readonly source: ProjectSide;
  readonly target: ProjectSide;
  readonly policy: ManifestObject<'SituationPolicy'> | undefined;
  /** Other unsuspended mappings with the same target object. */
  readonly siblings: readonly string[];
}

export interface Project {
  readonly directory: string;
  readonly stateFolder: string;
  readonly manifests: Manifests;
  readonly mappings: readonly ProjectMapping[];
  readonly problems: readonly ManifestProblem[];
  readonly expressions: ExpressionCompiler;
}

export async function loadProject(directory: string, state: string | undefined): Promise<Project> {
  const manifests = await readManifests(directory, {
    contract: loadContract(),
    standardInput: process.stdin,
  });
  const linking = new Linking(manifests);
  const mappings = linking.mappings();
  const expressions = new CelExpressions();
  const stateFolder = state === undefined ? resolve(folderOf(directory), '.rollcall') : resolve(state);
  const project = { directory, stateFolder, manifests, mappings, expressions };
  const checked = [...linking.problems, ...policyFindings(manifests), ...definitionFindings(project)];
  return { ...project, problems: unique([...manifests.problems, ...checked]) };
}

function folderOf(directory: string): string {
  if (directory === '-') return '.';
  const isFolder = existsSync(directory) && statSync(directory).isDirectory();
  return isFolder ? directory : dirname(directory);
}

class Linking {
  readonly #manifests: Manifests;
  readonly problems: ManifestProblem[] = [];

  constructor(manifests: Manifests) {
    this.#manifests = manifests;
  }

  mappings(): ProjectMapping[] {
    const linked = this.#manifests.mappings
      .map((mapping) => this.#link(mapping))
      .filter((one) => one !== undefined);
    return linked.map((one) => ({ ...one, siblings: siblingsOf(one, linked) }));
  }

  #link(mapping: ManifestObject<'ReconMapping'>): Omit<ProjectMapping, 'siblings'> | undefined {
    const source = this.#side(mapping, 'source');
    const target = this.#side(mapping, 'target');
    const { policyRef } = mapping.object.spec;
    const policy =
      policyRef && this.#find(mapping, 'SituationPolicy', policyRef.name, ['spec', 'policyRef', 'name']);
    if (!source || !target || (policyRef && !policy)) return undefined;
    return { key: keyOf(mapping.object), mapping, source, target, policy };
  }

  #side(mapping: ManifestObject<'ReconMapping'>, side: 'source' | 'target'): ProjectSide | undefined {
    const { systemRef, object: name } = mapping.object.spec[side];
    const system = this.#find(mapping, 'ManagedSystem', systemRef.name, ['spec', side, 'systemRef', 'name']);
    if (!system) return undefined;
    const objects = system.object.spec.objects;
    const object = objects.find((one) => one.name === name);
    if (object) return { system, object };
    const known = objects.map((one) => one.name);
    this.#report(
      mapping,
      ['spec', side, 'object'],
      'reference',
      unknown(`object of ManagedSystem ${systemRef.name}`, name, known),
    );
    return undefined;
  }

  #find(
    mapping: ManifestObject<'ReconMapping'>,
    kind: 'ManagedSystem',
    name: string,
    path: PathKey[],
  ): ManifestObject<'ManagedSystem'> | undefined;
  #find(
    mapping: ManifestObject<'ReconMapping'>,
    kind: 'SituationPolicy',
    name: string,
    path: PathKey[],
  ): ManifestObject<'SituationPolicy'> | undefined;
  #find(
    mapping: ManifestObject<'ReconMapping'>,
    kind: 'ManagedSystem' | 'SituationPolicy',
    name: string,
    path: PathKey[],
  ): ManifestObject<'ManagedSystem' | 'SituationPolicy'> | undefined {
    const namespace = mapping.object.metadata.namespace ?? 'default';
    const all = kind === 'ManagedSystem' ? this.#manifests.systems : this.#manifests.policies;
    const found = all.find((one) => keyOf(one.object) === `${namespace}/${name}`);
    if (found) return found;
    const known = all
      .filter((one) => (one.object.metadata.namespace ?? 'default') === namespace)
      .map((one) => one.object.metadata.name);
    this.#report(mapping, path, 'reference', unknown(`${kind} in namespace ${namespace}`, name, known));
    return undefined;
  }

  #report(owner: ManifestObject<'ReconMapping'>, path: PathKey[], rule: string, message: string): void {
    this.problems.push(locateProblem(owner, { path, rule, message, value: undefined }));
  }
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  const hint =
    near === undefined
      ? known.length === 0
        ? 'there is none'
        : `there is ${known.join(', ')}`
      : `did you mean '${near}'?`;
  return `there is no ${what} named '${name}'; ${hint}`;
}

function siblingsOf(
  one: Omit<ProjectMapping, 'siblings'>,
  all: readonly Omit<ProjectMapping, 'siblings'>[],
): string[] {
  const target = targetOf(one);
  return all
    .filter((other) => other !== one && targetOf(other) === target && !other.mapping.object.spec.suspend)
    .map((other) => other.key)
    .toSorted();
}

function targetOf({ target }: Omit<ProjectMapping, 'siblings'>): string {
  return `${keyOf(target.system.object)}#${target.object.name}`;
}

function policyFindings({ policies }: Manifests): ManifestProblem[] {
  return policies.flatMap((policy) =>
    policyProblems(policy.object.spec.rules).map(({ at, message }) =>
      locateProblem(policy, { path: ['spec', 'rules', at], rule: 'policy', message, value: undefined }),
    ),
  );
}

/** What parsing a definition finds without opening a system. */
function definitionFindings(project: Omit<Project, 'problems'>): ManifestProblem[] {
  return project.mappings.flatMap((one) => {
    const parsed = definitionOf(one, project, keyedDigest(PUBLIC_KEY), {
      source: offline(one.source),
      target: offline(one.target),
    });
    if (parsed.kind === 'Parsed') return [];
    return parsed.problems.map(({ about, path, message }) => {
      const owner =
        [one.source.system, one.target.system, one.policy].find(
          (candidate) => candidate && candidate.object === about,
        ) ?? one.mapping;
      return locateProblem(owner, { path, rule: 'definition', message, value: undefined });
    });
  });
}

/** The schema of the Repository is what its manifest declares; other systems have to be asked. */
function offline({ system, object }: ProjectSide): SideInput {
  return { system: system.object, object, schema: undefined };
}

export function definitionOf(
  one: ProjectMapping,
  project: Pick<Project, 'manifests' | 'expressions'>,
  digest: Digest,
  sides: { readonly source: SideInput; readonly target: SideInput },
): ReturnType<typeof parseDefinition> {
  const namespace = one.mapping.object.metadata.namespace ?? 'default';
  return parseDefinition({
    mapping: one.mapping.object,
    ...sides,
    policy: one.policy?.object,
    expressions: project.expressions,
    secret: (name, key) => project.manifests.secrets.get(`${namespace}/${name}`)?.get(key)?.reveal(),
    siblings: one.siblings,
    digest,
  });
}

function unique(problems: readonly ManifestProblem[]): ManifestProblem[] {
  const seen = new Map(problems.map((one) => [`${one.file}:${one.line}:${one.path}:${one.message}`, one]));
  return [...seen.values()];
}
