/** Where somebody changes a field: the file and line of a manifest. */
import type { Kind } from '../api/names.ts';
import type { PathKey } from '../api/problem.ts';
import type { ObjectOf } from '../api/validation.ts';
import type { Project } from './project.ts';

/** ` (hr/mappings.yaml:9)`, or nothing where the object stands in no file. */
export function placeOf(
  { manifests }: Pick<Project, 'manifests'>,
  object: ObjectOf[Kind],
  path: readonly PathKey[],
): string {
  const all = [...manifests.mappings, ...manifests.systems, ...manifests.policies];
  const found = all.find((one) => one.object === object);
  return found ? ` (${found.file}:${found.lineOf(path)})` : '';
}
