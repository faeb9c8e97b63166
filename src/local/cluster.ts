/**
 * A Cluster without a cluster: a folder of manifests is looked at every second, and what an API server would add (uid,
 * generation, status) is kept in files beside the state.
 */
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { kindNames, type Kind, type ObjectMetadata } from '../api/names.ts';
import { parseConfigMap, parseSecret } from '../api/references.ts';
import {
  ClusterError,
  type Cluster,
  type ClusterObject,
  type Log,
  type ObjectKey,
  type StatusOwner,
  type Timers,
} from '../controller/ports.ts';
import type { Secret } from '../lib/secret.ts';
import { FolderScan, type Scanned } from './folder-scan.ts';
import { ObjectRecords, type ObjectRecord } from './object-record.ts';

const LOOK_EVERY_MS = 1_000;

export interface FolderClusterOptions {
  readonly directory: string;
  /** Where records of the objects are kept. */
  readonly records: string;
  readonly log: Log;
  readonly timers: Timers;
}

interface Seen {
  readonly scanned: Scanned;
  readonly record: ObjectRecord;
  readonly seen: ClusterObject;
}

export class FolderCluster implements Cluster {
  readonly #scan: FolderScan;
  readonly #records: ObjectRecords;
  readonly #timers: Timers;
  readonly #log: Log;
  #scanned: ReadonlyMap<string, Scanned> = new Map();
  readonly #objects: Map<string, Seen> = new Map();
  #version = 0;
  /** Looks follow each other: two at once would tell of one change twice. */
  #looking: Promise<unknown> = Promise.resolve();
  #changed: ((object: ObjectKey) => void) | undefined;
  /** Told whenever a status was written. */
  onStatus: (() => void) | undefined;

  constructor({ directory, records, log, timers }: FolderClusterOptions) {
    this.#scan = new FolderScan(resolve(directory), log);
    this.#records = new ObjectRecords(records);
    this.#log = log;
    this.#timers = timers;
  }

  async watch(changed: (object: ObjectKey) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#look();
    for (const { kind, key } of this.#scanned.values()) changed({ kind, key });
    this.#changed = changed;
    signal.addEventListener('abort', () => (this.#changed = undefined), { once: true });
    this.#lookLater(signal);
  }

  get(kind: Kind, key: string): ClusterObject | undefined {
    return this.#objects.get(`${kind} ${key}`)?.seen;
  }

  list(kind: Kind): readonly ClusterObject[] {
    return [...this.#objects.values()].filter(({ scanned }) => scanned.kind === kind).map(({ seen }) => seen);
  }

  async getLive(kind: Kind, key: string, signal: AbortSignal): Promise<ClusterObject | undefined> {
    signal.throwIfAborted();
    await this.#look();
    return this.get(kind, key);
  }

  async readSecret(key: string, signal: AbortSignal): Promise<ReadonlyMap<string, Secret> | undefined> {
    const scanned = await this.#read('Secret', key, signal);
    return scanned && parseSecret(scanned.object).values;
  }

  async readConfigMap(
    key: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string | Uint8Array> | undefined> {
    const scanned = await this.#read('ConfigMap', key, signal);
    return scanned && parseConfigMap(scanned.object).values;
  }

  async applyStatus(
    { kind, key, uid }: StatusOwner,
    status: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await this.#look();
    const known = this.#objects.get(`${kind} ${key}`);
    if (known?.record.uid !== uid)
      throw new ClusterError('NotFound', `${kind} ${key} is gone, or another one now`);
    const wanted = JSON.parse(JSON.stringify(status)) as Record<string, unknown>;
    if (isDeepStrictEqual(known.record.status, wanted)) return;
    const record = { ...known.record, status: wanted };
    this.#records.put(kind, key, record);
    this.#keep(known.scanned, record);
    this.onStatus?.();
  }

  async #read(kind: 'Secret' | 'ConfigMap', key: string, signal: AbortSignal): Promise<Scanned | undefined> {
    signal.throwIfAborted();
    await this.#look();
    return this.#scanned.get(`${kind} ${key}`);
  }

  #lookLater(signal: AbortSignal): void {
    const cancel = this.#timers.after(LOOK_EVERY_MS, () => {
      void this.#look()
        .catch((error: unknown) => this.#log.warn({ err: error }, 'Folder cannot be looked at'))
        .finally(() => {
          if (!signal.aborted) this.#lookLater(signal);
        });
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  #look(): Promise<void> {
    const next = this.#looking.then(() => this.#lookNow());
    this.#looking = next.catch(() => undefined);
    return next;
  }

  async #lookNow(): Promise<void> {
    const before = this.#scanned;
    this.#scanned = await this.#scan.objects();
    for (const [name, { kind, key }] of before)
      if (!this.#scanned.has(name)) {
        this.#objects.delete(name);
        if (isOurs(kind)) this.#records.remove(kind, key);
        this.#changed?.({ kind, key });
      }
    for (const [name, scanned] of this.#scanned) {
      if (isSame(before.get(name), scanned)) continue;
      if (isOurs(scanned.kind)) this.#take(scanned, scanned.kind);
      this.#changed?.({ kind: scanned.kind, key: scanned.key });
    }
    if (before.size === 0) this.#forgetOthers();
  }

  #take(scanned: Scanned, kind: Kind): void {
    const record = this.#records.take(kind, scanned.key, scanned.object['spec'], this.#timers.now());
    this.#keep(scanned, record);
  }

  #keep(scanned: Scanned, record: ObjectRecord): void {
    const { uid, generation, creationTimestamp, status } = record;
    const [namespace = '', name = ''] = scanned.key.split('/');
    const own = scanned.object['metadata'] as ObjectMetadata;
    const resourceVersion = String(++this.#version);
    const metadata: ObjectMetadata = {
      ...own,
      name,
      namespace,
      uid,
      generation,
      creationTimestamp,
      resourceVersion,
    };
    const object = { ...scanned.object, metadata, status };
    this.#objects.set(`${scanned.kind} ${scanned.key}`, {
      scanned,
      record,
      seen: { metadata, object, folder: resolve(scanned.folder) },
    });
  }

  /** Records of objects that were removed while nobody looked. */
  #forgetOthers(): void {
    for (const kind of kindNames)
      for (const key of this.#records.keys(kind))
        if (!this.#scanned.has(`${kind} ${key}`)) this.#records.remove(kind, key);
  }
}

/** An edit of one object in a file leaves the others of the file as they were. */
function isSame(before: Scanned | undefined, scanned: Scanned): boolean {
  if (before === scanned) return true;
  return before?.folder === scanned.folder && isDeepStrictEqual(before.object, scanned.object);
}

function isOurs(kind: ObjectKey['kind']): kind is Kind {
  return kind !== 'Secret' && kind !== 'ConfigMap';
}
