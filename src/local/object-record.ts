/** What a folder of manifests cannot say of its objects: who they are, how often their spec has changed, their status. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../api/names.ts';
import { isRecord } from '../api/schema.ts';

export interface ObjectRecord {
  readonly uid: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  /** The spec of this generation. */
  readonly spec: unknown;
  readonly status: Readonly<Record<string, unknown>>;
}

/** One file for each object, named for it: people may look at them, and remove them. */
export class ObjectRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is known of the object; where its spec is another one than before, in the next generation. */
  take(kind: Kind, key: string, spec: unknown, now: number): ObjectRecord {
    const known = this.#read(kind, key);
    if (known && isDeepStrictEqual(known.spec, plain(spec))) return known;
    const fresh = { uid: randomUUID(), generation: 0, status: { observedGeneration: -1 } };
    const { uid, generation, status } = known ?? fresh;
    const creationTimestamp = known?.creationTimestamp ?? `${new Date(now).toISOString().slice(0, 19)}Z`;
    const record = { uid, generation: generation + 1, creationTimestamp, spec: plain(spec), status };
    this.put(kind, key, record);
    return record;
  }

  put(kind: Kind, key: string, record: ObjectRecord): void {
    const file = this.#fileOf(kind, key);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.tmp`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }

  remove(kind: Kind, key: string): void {
    rmSync(this.#fileOf(kind, key), { force: true });
  }

  /** Keys of all that is known of a kind. */
  keys(kind: Kind): string[] {
    try {
      const files = readdirSync(join(this.#folder, kind), { recursive: true, encoding: 'utf8' });
      return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
    } catch {
      return [];
    }
  }

  #read(kind: Kind, key: string): ObjectRecord | undefined {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#fileOf(kind, key), 'utf8'));
      return isRecord(value) && typeof value['uid'] === 'string'
        ? (value as unknown as ObjectRecord)
        : undefined;
    } catch {
      // Not there, or damaged: the object is taken as a new one, and its status is found again by the next run.
      return undefined;
    }
  }

  #fileOf(kind: Kind, key: string): string {
    return join(this.#folder, kind, `${key}.json`);
  }
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}
