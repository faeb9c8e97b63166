/**
 * A folder of manifests as objects: our three kinds, validated and with defaults, and the Secrets and ConfigMaps
 * they may refer to. Whatever the folder holds, it never throws: everything wrong is in `problems`, all at once.
 * It knows nothing of how objects refer to each other.
 */
import { checkMetadata, defaultNamespace } from '../api/metadata.ts';
import { group, isKind, kindNames, version, type Kind } from '../api/names.ts';
import { formatPath, printableValue, type PathKey, type Problem } from '../api/problem.ts';
import { parseConfigMap, parseSecret, type ParsedReference } from '../api/references.ts';
import { isRecord } from '../api/schema.ts';
import { validateObject, type Contract, type ObjectOf } from '../api/validation.ts';
import { nearestName } from '../lib/nearest-name.ts';
import type { Secret } from '../lib/secret.ts';
import { parseDocuments, type ManifestDocument } from './manifest-document.ts';
import { readManifestFiles, type ManifestFile } from './manifest-files.ts';

export interface ManifestProblem {
  readonly file: string;
  readonly line: number;
  /** `spec.objects[0].csv.path`; empty where the problem is the file or the document. */
  readonly path: string;
  readonly rule: string;
  readonly message: string;
  readonly value: string | undefined;
}

export interface ManifestNote {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface ManifestObject<K extends Kind> {
  readonly kind: K;
  readonly object: ObjectOf[K];
  readonly file: string;
  /** Where relative paths in it start from. */
  readonly folder: string;
  /** The line of a field, or of the nearest thing around it that is there. */
  readonly lineOf: (path: readonly PathKey[]) => number;
}

export interface Manifests {
  readonly systems: readonly ManifestObject<'ManagedSystem'>[];
  readonly mappings: readonly ManifestObject<'ReconMapping'>[];
  readonly policies: readonly ManifestObject<'SituationPolicy'>[];
  /** By `namespace/name`. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, Secret>>;
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, string | Uint8Array>>;
  readonly notes: readonly ManifestNote[];
  readonly problems: readonly ManifestProblem[];
}

export interface ReadManifestsOptions {
  readonly contract: Contract;
  /** Read when the source is `-`. */
  readonly standardInput: AsyncIterable<Uint8Array>;
}

/** `source`: a file, a folder, or `-`. Objects in the order of files and documents. */
export async function readManifests(source: string, options: ReadManifestsOptions): Promise<Manifests> {
  const collected = new Collected();
  let files = 0;
  for await (const file of readManifestFiles(source, options.standardInput)) {
    files++;
    collectFile(file, options.contract, collected);
  }
  if (files === 0) {
    const message = 'holds no *.yaml or *.yml file: name the folder of the manifests, or run rollcall init';
    collected.problems.push({ file: source, line: 1, path: '', rule: 'file', message, value: undefined });
  }
  return collected;
}

class Collected implements Manifests {
  readonly systems: ManifestObject<'ManagedSystem'>[] = [];
  readonly mappings: ManifestObject<'ReconMapping'>[] = [];
  readonly policies: ManifestObject<'SituationPolicy'>[] = [];
  readonly secrets = new Map<string, ReadonlyMap<string, Secret>>();
  readonly configMaps = new Map<string, ReadonlyMap<string, string | Uint8Array>>();
  readonly notes: ManifestNote[] = [];
  readonly problems: ManifestProblem[] = [];
  /** Kind, namespace and name of everything seen → where it was first. */
  readonly #places = new Map<string, string>();

  /** Whether this is the first object of that kind and name; else the problem is noted. */
  claim(kind: string, name: string, place: Place): boolean {
    const key = `${kind} ${name}`;
    const first = this.#places.get(key);
    const line = place.lineOf(['metadata', 'name']);
    if (first === undefined) {
      this.#places.set(key, `${place.file}:${line}`);
      return true;
    }
    const message = `${key} is already defined in ${first}: rename or remove one of them`;
    this.problems.push({
      file: place.file,
      line,
      path: 'metadata.name',
      rule: 'duplicateObject',
      message,
      value: undefined,
    });
    return false;
  }

  report(place: Place, problem: Problem): void {
    this.problems.push(locateProblem(place, problem));
  }
}

/** A problem of an object with its place in the files; also for whoever finds problems between objects. */
export function locateProblem(
  { file, lineOf }: Pick<ManifestObject<Kind>, 'file' | 'lineOf'>,
  { path, rule, message, value }: Problem,
): ManifestProblem {
  return { file, line: lineOf(path), path: formatPath(path), rule, message, value };
}

interface Place {
  readonly file: string;
  readonly folder: string;
  readonly lineOf: (path: readonly PathKey[]) => number;
}

function collectFile(
  { file, folder, content }: ManifestFile,
  contract: Contract,
  collected: Collected,
): void {
  if (!content.ok) {
    const { message } = content;
    collected.problems.push({ file, line: 1, path: '', rule: 'file', message, value: undefined });
    return;
  }
  for (const document of parseDocuments(content.text)) {
    for (const { line, message } of document.problems) {
      collected.problems.push({ file, line, path: '', rule: 'yaml', message, value: undefined });
    }
    collectDocument(document, { file, folder, lineOf: document.lineOf }, contract, collected);
  }
}

function collectDocument(
  document: ManifestDocument,
  place: Place,
  contract: Contract,
  collected: Collected,
): void {
  const { value } = document;
  if (value === undefined || value === null) return;
  let ours = false;
  for (const { object, prefix } of objectsIn(value)) {
    const lineOf = (path: readonly PathKey[]): number => place.lineOf([...prefix, ...path]);
    ours = collectObject(object, { ...place, lineOf }, contract, collected) || ours;
  }
  if (ours) collected.notes.push(...document.notes.map((note) => ({ file: place.file, ...note })));
}

/** What `kubectl get -o yaml` prints is a List of objects. */
function objectsIn(value: unknown): { object: unknown; prefix: PathKey[] }[] {
  if (
    !isRecord(value) ||
    value['kind'] !== 'List' ||
    value['apiVersion'] !== 'v1' ||
    !Array.isArray(value['items'])
  ) {
    return [{ object: value, prefix: [] }];
  }
  const items: readonly unknown[] = value['items'];
  return items.map((object, index) => ({ object, prefix: ['items', index] }));
}

/** Whether the object was one that we read; what is not is ignored with a note. */
function collectObject(object: unknown, place: Place, contract: Contract, collected: Collected): boolean {
  if (!isRecord(object)) {
    note(collected, place, 'is not a Kubernetes object (no apiVersion and kind): ignored');
    return false;
  }
  const kind = `${textOf(object['apiVersion'])} ${textOf(object['kind'])}`.trim();
  if (isKind(object['kind']) || kind.startsWith(`${group}/`)) collectOurs(object, place, contract, collected);
  else if (kind === 'v1 Secret') {
    collectReference(object, place, collected, { parse: parseSecret, into: collected.secrets });
  } else if (kind === 'v1 ConfigMap') {
    collectReference(object, place, collected, { parse: parseConfigMap, into: collected.configMaps });
  } else {
    const what = kind === '' ? 'no apiVersion and kind' : kind;
    // What tells kubectl which files to apply belongs beside them, and is nothing to note.
    if (!kind.startsWith('kustomize.config.k8s.io/'))
      note(collected, place, `${what}: not a kind that Rollcall reads, ignored`);
    return false;
  }
  return true;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function note(collected: Collected, place: Place, message: string): void {
  collected.notes.push({ file: place.file, line: place.lineOf([]), message });
}

function collectOurs(
  object: Readonly<Record<string, unknown>>,
  place: Place,
  contract: Contract,
  collected: Collected,
): void {
  const { kind } = object;
  if (!isKind(kind)) {
    const nearest = typeof kind === 'string' ? nearestName(kind, kindNames) : undefined;
    const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    const message = `is not a kind of ${group}/${version}; there are ${kindNames.join(', ')}${meant}`;
    collected.report(place, { path: ['kind'], rule: 'kind', message, value: printableValue(['kind'], kind) });
    return;
  }
  const validated = validateObject(contract, kind, object);
  if (validated.ok) {
    addObject(validated.object, place, collected);
    return;
  }
  for (const problem of validated.problems) collected.report(place, problem);
}

function addObject(object: ObjectOf[Kind], place: Place, collected: Collected): void {
  const { namespace, name } = object.metadata;
  if (!collected.claim(object.kind, `${namespace}/${name}`, place)) return;
  switch (object.kind) {
    case 'ManagedSystem':
      collected.systems.push({ ...place, kind: object.kind, object });
      break;
    case 'ReconMapping':
      collected.mappings.push({ ...place, kind: object.kind, object });
      break;
    case 'SituationPolicy':
      collected.policies.push({ ...place, kind: object.kind, object });
      break;
  }
}

interface ReferenceKind<V> {
  readonly parse: (object: Readonly<Record<string, unknown>>) => ParsedReference<V>;
  readonly into: Map<string, ReadonlyMap<string, V>>;
}

function collectReference<V>(
  object: Readonly<Record<string, unknown>>,
  place: Place,
  collected: Collected,
  { parse, into }: ReferenceKind<V>,
): void {
  const { values, problems, notes } = parse(object);
  const inMetadata = checkMetadata(object['metadata']);
  for (const problem of inMetadata) collected.report(place, problem);
  for (const problem of problems) collected.report(place, { ...problem, rule: 'data', value: undefined });
  for (const { path, message } of notes) {
    collected.notes.push({
      file: place.file,
      line: place.lineOf(path),
      message: `${formatPath(path)} ${message}`,
    });
  }
  if (inMetadata.length > 0) return;
  const name = fullName(object['metadata']);
  if (collected.claim(String(object['kind']), name, place)) into.set(name, values);
}

/** `namespace/name` of metadata that has been checked. */
function fullName(metadata: unknown): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {};
  return `${textOf(namespace) || defaultNamespace}/${textOf(name)}`;
}
