/**
 * What a folder of manifests holds, looked at again and again: only files whose text has changed are parsed, and one
 * that cannot be read for now counts as it was, so that a half-written file takes nothing away.
 */
import { checkMetadata, defaultNamespace } from '../api/metadata.ts';
import { apiVersion, isKind } from '../api/names.ts';
import { isRecord } from '../api/schema.ts';
import type { Log, WatchedKind } from '../controller/ports.ts';
import { parseDocuments } from './manifest-document.ts';
import { readManifestFiles, type ManifestFile } from './manifest-files.ts';

export interface Scanned {
  readonly kind: WatchedKind;
  /** `namespace/name`. */
  readonly key: string;
  readonly object: Readonly<Record<string, unknown>>;
  /** The folder of its file. */
  readonly folder: string;
}

interface KnownFile {
  readonly text: string;
  readonly objects: readonly Scanned[];
}

export class FolderScan {
  readonly #directory: string;
  readonly #log: Log;
  #files: Map<string, KnownFile> = new Map();
  /** What was complained about, so that it is not said at every look. */
  readonly #told: Set<string> = new Set();

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Of two objects with one name the first counts. */
  async objects(): Promise<Map<string, Scanned>> {
    const files = new Map<string, KnownFile>();
    for await (const file of readManifestFiles(this.#directory, NOTHING)) {
      const held = this.#held(file);
      if (held) files.set(file.file, held);
    }
    this.#files = files;
    const objects = new Map<string, Scanned>();
    for (const one of [...files.values()].flatMap((file) => file.objects)) {
      const name = `${one.kind} ${one.key}`;
      if (!objects.has(name)) objects.set(name, one);
    }
    return objects;
  }

  #held({ file, folder, content }: ManifestFile): KnownFile | undefined {
    const known = this.#files.get(file);
    if (!content.ok) {
      this.#tell(file, content.message);
      return known;
    }
    return known?.text === content.text ? known : (this.#parse(file, folder, content.text) ?? known);
  }

  /** Undefined: the file is no YAML at present. */
  #parse(file: string, folder: string, text: string): KnownFile | undefined {
    const documents = parseDocuments(text);
    const [problem] = documents.flatMap(({ problems }) => problems);
    if (problem) {
      this.#tell(file, `line ${problem.line}: ${problem.message}`);
      return undefined;
    }
    const objects = documents
      .flatMap(({ value }) => itemsOf(value))
      .map((value) => scannedOf(value, folder))
      .filter((one) => one !== undefined);
    return { text, objects };
  }

  #tell(file: string, problem: string): void {
    const text = `${file}: ${problem}`;
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#log.warn({ file, problem }, 'Manifest cannot be read; what it held before goes on to count');
  }
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/** `kubectl get -o yaml` prints a List. */
function itemsOf(value: unknown): unknown[] {
  const isList = isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items']);
  return isList ? (value['items'] as unknown[]) : [value];
}

function scannedOf(value: unknown, folder: string): Scanned | undefined {
  if (!isRecord(value)) return undefined;
  const kind = kindOf(value);
  if (kind === undefined || checkMetadata(value['metadata']).length > 0) return undefined;
  const { name, namespace } = value['metadata'] as { readonly name: string; readonly namespace?: string };
  return { kind, key: `${namespace || defaultNamespace}/${name}`, object: value, folder };
}

function kindOf({ apiVersion: version, kind }: Readonly<Record<string, unknown>>): WatchedKind | undefined {
  if (version === apiVersion && isKind(kind)) return kind;
  return version === 'v1' && (kind === 'Secret' || kind === 'ConfigMap') ? kind : undefined;
}
