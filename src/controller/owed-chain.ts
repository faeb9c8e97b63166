/** What an earlier process has written last, and died before it could wake whoever reads it. */
import type { ReconMappingStatus } from '../api/recon-mapping.ts';
import type { Objects } from './objects.ts';
import type { Cluster } from './ports.ts';

interface Known {
  readonly objects: Objects;
  readonly cluster: Cluster;
}

/**
 * Whether a mapping has not looked since another one wrote what it reads; times are whole seconds, so rather once
 * more. What was written before the mapping was made is nothing that it has missed.
 */
export function isChainOwed(key: string, { objects, cluster }: Known): boolean {
  const statusOf = (one: string): ReconMappingStatus =>
    (cluster.get('ReconMapping', one)?.object['status'] ?? {}) as ReconMappingStatus;
  const all = objects.linkedBeside(key);
  const reader = all.find((one) => one.key === key);
  const made = cluster.get('ReconMapping', key)?.metadata.creationTimestamp;
  const looked = statusOf(key).lastRun?.startedAt ?? made;
  if (!reader || looked === undefined) return false;
  return all.some(({ key: writer, target }) => {
    if (writer === key || target.system.object !== reader.source.system.object) return false;
    const { lastRun, totals } = statusOf(writer);
    return (totals?.applied ?? 0) > 0 && (lastRun?.finishedAt ?? '') >= looked;
  });
}
