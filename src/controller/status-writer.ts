/** Writes a status where it differs from what was written last, and from what is there when the object is first seen. */
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../api/names.ts';
import { ClusterError, type Cluster, type ClusterObject } from './ports.ts';

export class StatusWriter {
  readonly #cluster: Cluster;
  /** By kind and uid: what the object's status is, as far as we know. */
  readonly #written: Map<string, unknown> = new Map();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Throws ClusterError where it could not be written; an object that is gone is none. */
  async write(kind: Kind, seen: ClusterObject, status: object, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid = '' } = seen.metadata;
    const id = `${kind} ${uid}`;
    // As it is sent: what is undefined is not there.
    const wanted = JSON.parse(JSON.stringify(status)) as Record<string, unknown>;
    const known = this.#written.get(id) ?? seen.object['status'];
    if (isDeepStrictEqual(known, wanted)) return;
    try {
      await this.#cluster.applyStatus({ kind, key: `${namespace}/${name}`, uid }, wanted, signal);
      this.#written.set(id, wanted);
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'NotFound')) throw error;
    }
  }

  forget(kind: Kind, uid: string): void {
    this.#written.delete(`${kind} ${uid}`);
  }
}
