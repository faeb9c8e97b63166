/** Which Secrets and ConfigMaps an object needs, and their values, or which of them is missing. */
import type { Reason } from '../api/conditions.ts';
import type { SystemObject } from '../api/managed-system.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import type { Digest } from '../engine/ports.ts';
import { Secret } from '../lib/secret.ts';
import {
  definitionOf,
  namespaceOf,
  type LinkedMapping,
  type Located,
  type References,
} from './linked-mapping.ts';
import type { Cluster, ObjectKey } from './ports.ts';

/** One key of one Secret or ConfigMap that somebody refers to. */
export interface NeededValue extends ObjectKey {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly entry: string;
}

export function neededBySystem(
  system: Located<'ManagedSystem'>,
  objects: readonly SystemObject[] = system.object.spec.objects,
): NeededValue[] {
  const namespace = namespaceOf(system);
  const needed: NeededValue[] = [];
  const need = (kind: NeededValue['kind'], name: string, entry: string): void => {
    needed.push({ kind, key: `${namespace}/${name}`, entry });
  };
  const { ldap } = system.object.spec;
  const bind = ldap?.bind?.secretRef.name;
  if (bind !== undefined) for (const entry of ['dn', 'password']) need('Secret', bind, entry);
  const ca = ldap?.tls?.caRef;
  if (ca) need(ca.kind, ca.name, ca.key);
  const files = objects.map(({ csv }) => csv?.configMapRef).filter((ref) => ref !== undefined);
  for (const { name, key } of files) need('ConfigMap', name, key);
  return needed;
}

/** What its two systems need, and what its expressions ask `secret()` for. */
export function neededByMapping(linked: LinkedMapping, expressions: ExpressionCompiler): NeededValue[] {
  const { source, target } = linked;
  const needed = [source, target].flatMap(({ system, object }) => neededBySystem(system, [object]));
  const asked: NeededValue[] = [];
  const ask = (key: string, entry: string): Secret => {
    asked.push({ kind: 'Secret', key, entry });
    return new Secret('');
  };
  const secrets = { get: (key: string) => ({ get: (entry: string) => ask(key, entry) }) };
  definitionOf(
    linked,
    { expressions, references: { secrets }, digest: NO_DIGEST },
    { source: undefined, target: undefined },
  );
  return [...needed, ...asked];
}

/** Where only a run, with the installation's key, makes digests that count. */
export const NO_DIGEST: Digest = { hash: () => '0'.repeat(32), octets: () => () => '0'.repeat(32) };

export type ReadReferences =
  | { readonly kind: 'Read'; readonly references: References }
  | { readonly kind: 'Missing'; readonly reason: Reason; readonly message: string };

/** Throws ClusterError where the cluster cannot answer. */
export async function readReferences(
  needed: readonly NeededValue[],
  cluster: Cluster,
  signal: AbortSignal,
): Promise<ReadReferences> {
  const secrets = await readAll('Secret', needed, (key) => cluster.readSecret(key, signal));
  const configMaps = await readAll('ConfigMap', needed, (key) => cluster.readConfigMap(key, signal));
  for (const one of needed) {
    const missing = missingValue(one, (one.kind === 'Secret' ? secrets : configMaps).get(one.key));
    if (missing) return missing;
  }
  return { kind: 'Read', references: { secrets, configMaps } };
}

async function readAll<V>(
  kind: NeededValue['kind'],
  needed: readonly NeededValue[],
  read: (key: string) => Promise<ReadonlyMap<string, V> | undefined>,
): Promise<Map<string, ReadonlyMap<string, V>>> {
  const found = new Map<string, ReadonlyMap<string, V>>();
  for (const key of new Set(needed.filter((one) => one.kind === kind).map((one) => one.key))) {
    const values = await read(key);
    if (values) found.set(key, values);
  }
  return found;
}

function missingValue(
  { kind, key, entry }: NeededValue,
  values: ReadonlyMap<string, unknown> | undefined,
): ReadReferences | undefined {
  if (!values) {
    const reason = kind === 'Secret' ? 'SecretNotFound' : 'RefNotFound';
    return { kind: 'Missing', reason, message: `there is no ${kind} ${key}; create it` };
  }
  if (values.has(entry)) return undefined;
  return {
    kind: 'Missing',
    reason: 'SecretKeyMissing',
    message: `${kind} ${key} has no key '${entry}'; add it`,
  };
}
