/**
 * A folder of manifests with its references resolved: which mapping joins which systems under which policy, or
 * everything that is wrong with them at once. Touches no system.
 */
import { dirname, resolve } from 'node:path';
import { existsSync, statSync } from 'node:fs';
import type { Kind } from '../api/names.ts';
import { loadContract, type Contract, type ObjectOf } from '../api/validation.ts';
import { policyProblems } from '../controller/definition-policy.ts';
import { definitionOf, linkMappings, type LinkedMapping } from '../controller/linked-mapping.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import { CelExpressions } from '../expressions/cel.ts';
import {
  locateProblem,
  readManifests,
  type ManifestObject,
  type ManifestProblem,
  type Manifests,
} from '../local/manifests.ts';
import { keyedDigest, PUBLIC_KEY } from '../store/key.ts';

export interface Project {
  readonly directory: string;
  readonly stateFolder: string;
  readonly manifests: Manifests;
  readonly mappings: readonly LinkedMapping[];
  readonly problems: readonly ManifestProblem[];
  readonly expressions: ExpressionCompiler;
}

export async function loadProject(
  directory: string,
  state: string | undefined,
  contract: Contract = loadContract(),
): Promise<Project> {
  const manifests = await readManifests(directory, {
    contract,
    standardInput: process.stdin,
  });
  const linked = linkMappings(manifests);
  const expressions = new CelExpressions();
  const stateFolder = stateFolderOf(directory, state);
  const project = { directory, stateFolder, manifests, mappings: linked.mappings, expressions };
  const references = linked.problems.map(({ mapping, path, message }) =>
    locateProblem(manifestOf(mapping.object, manifests), {
      path,
      rule: 'reference',
      message,
      value: undefined,
    }),
  );
  const checked = [...references, ...policyFindings(manifests), ...definitionFindings(project)];
  return { ...project, problems: unique([...manifests.problems, ...checked]) };
}

/** Beside the manifests, where nothing else is said. */
export function stateFolderOf(directory: string, state: string | undefined): string {
  return state === undefined ? resolve(folderOf(directory), '.rollcall') : resolve(state);
}

function folderOf(directory: string): string {
  if (directory === '-') return '.';
  const isFolder = existsSync(directory) && statSync(directory).isDirectory();
  return isFolder ? directory : dirname(directory);
}

function manifestOf(object: ObjectOf[Kind], manifests: Manifests): ManifestObject<Kind> {
  const all = [...manifests.mappings, ...manifests.systems, ...manifests.policies];
  const found = all.find((one) => one.object === object);
  if (!found) throw new Error(`${object.kind} ${object.metadata.name} is not in these manifests`);
  return found;
}

function policyFindings({ policies }: Manifests): ManifestProblem[] {
  return policies.flatMap((policy) =>
    policyProblems(policy.object.spec.rules).map(({ at, message }) =>
      locateProblem(policy, { path: ['spec', 'rules', at], rule: 'policy', message, value: undefined }),
    ),
  );
}

/** What parsing a definition finds without opening a system. */
function definitionFindings({
  mappings,
  manifests,
  expressions,
}: Omit<Project, 'problems'>): ManifestProblem[] {
  const context = { expressions, references: manifests, digest: keyedDigest(PUBLIC_KEY) };
  return mappings.flatMap((one) => {
    const parsed = definitionOf(one, context, { source: undefined, target: undefined });
    if (parsed.kind === 'Parsed') return [];
    return parsed.problems.map(({ about, path, message }) =>
      locateProblem(manifestOf(about ?? one.mapping.object, manifests), {
        path,
        rule: 'definition',
        message,
        value: undefined,
      }),
    );
  });
}

function unique(problems: readonly ManifestProblem[]): ManifestProblem[] {
  const seen = new Map(problems.map((one) => [`${one.file}:${one.line}:${one.path}:${one.message}`, one]));
  return [...seen.values()];
}
