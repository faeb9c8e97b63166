/** What of an object is held, and which changes of it concern us. */
import { group, type ObjectMetadata } from '../api/names.ts';
import { isRecord } from '../api/schema.ts';
import { ClusterError } from '../controller/ports.ts';
import type { KubeObject } from './client.ts';
import type { Kept } from './reflector.ts';

export interface HeldObject {
  readonly metadata: ObjectMetadata;
  readonly object: KubeObject;
}

/** Without managedFields, half of the object, which nobody reads. */
export function readObject(object: KubeObject): HeldObject {
  const found = object['metadata'];
  if (!isRecord(found) || !isNamed(found)) throw new ClusterError('Unavailable', 'an object without a name');
  const metadata: Record<string, unknown> & ObjectMetadata = { ...found };
  delete metadata['managedFields'];
  return { metadata, object: { ...object, metadata } };
}

/** A change of status alone leaves the mark as it is: else we would wake ourselves. */
export function keepObject(object: KubeObject): Kept<HeldObject> {
  const held = readObject(object);
  const { uid, generation, deletionTimestamp, annotations = {}, finalizers } = held.metadata;
  const ours = Object.entries(annotations).filter(([name]) => name.startsWith(`${group}/`));
  const mark = JSON.stringify([uid, generation, deletionTimestamp, ours.toSorted(byName), finalizers]);
  return { key: keyOf(held.metadata), value: held, mark };
}

/** Of what may be secret nothing but the fact: an annotation of kubectl's holds all that was last applied. */
export function keepVersion(object: KubeObject): Kept<undefined> {
  const { metadata } = readObject(object);
  return {
    key: keyOf(metadata),
    value: undefined,
    mark: JSON.stringify([metadata.uid, metadata.resourceVersion]),
  };
}

function keyOf({ namespace, name }: ObjectMetadata): string {
  return `${namespace}/${name}`;
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}

function isNamed(
  metadata: Readonly<Record<string, unknown>>,
): metadata is Record<string, unknown> & ObjectMetadata {
  return typeof metadata['name'] === 'string' && typeof metadata['namespace'] === 'string';
}
