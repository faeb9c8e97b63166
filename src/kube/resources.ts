/** Where each kind lives in the API. The table is all that is known of it: nothing is asked of discovery. */
import { apiVersion, kinds } from '../api/names.ts';
import type { WatchedKind } from '../controller/ports.ts';

export type ResourceKind = WatchedKind | 'Lease' | 'Event';

export interface Resource {
  readonly apiVersion: string;
  readonly plural: string;
}

export const resources: Readonly<Record<ResourceKind, Resource>> = {
  ManagedSystem: { apiVersion, plural: kinds.ManagedSystem.plural },
  ReconMapping: { apiVersion, plural: kinds.ReconMapping.plural },
  SituationPolicy: { apiVersion, plural: kinds.SituationPolicy.plural },
  Secret: { apiVersion: 'v1', plural: 'secrets' },
  ConfigMap: { apiVersion: 'v1', plural: 'configmaps' },
  Lease: { apiVersion: 'coordination.k8s.io/v1', plural: 'leases' },
  Event: { apiVersion: 'events.k8s.io/v1', plural: 'events' },
};

/** `namespace` undefined: of all namespaces. */
export function collectionPath(kind: ResourceKind, namespace: string | undefined): string {
  const resource = resources[kind];
  const root = resource.apiVersion.includes('/')
    ? `/apis/${resource.apiVersion}`
    : `/api/${resource.apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath(kind: ResourceKind, key: string): string {
  const { namespace, name } = splitKey(key);
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

/** `namespace/name`, as in ObjectKey. Throws for what could lead to another path of the API. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...more] = key.split('/');
  const isPart = (part: string): boolean => part !== '' && part !== '.' && part !== '..';
  if (!isPart(namespace) || !isPart(name) || more.length > 0) throw new TypeError(`not a key: ${key}`);
  return { namespace, name };
}
