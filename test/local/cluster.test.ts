import { describe, expect, it } from 'vitest';
import { clusterContract, systemSpec, type ClusterHarness } from '../support/cluster-contract.ts';
import { FolderHarness } from '../support/folder-harness.ts';

clusterContract('a folder of manifests', (): Promise<ClusterHarness> => Promise.resolve(new FolderHarness()));

describe('a folder that people edit', () => {
  it('takes nothing away while a file is half written', async () => {
    await using harness = new FolderHarness();
    const key = `${harness.namespace}/one`;
    await harness.put({ kind: 'ManagedSystem', key, spec: systemSpec() });
    expect(await harness.cluster.getLive('ManagedSystem', key, harness.signal)).toBeDefined();
    harness.write(
      harness.fileOf('ManagedSystem', key),
      '{ "apiVersion": "rollcall.dev/v1alpha1", "kind": "Mana',
    );
    expect(await harness.cluster.getLive('ManagedSystem', key, harness.signal)).toBeDefined();
    expect(harness.log.lines).toEqual([expect.objectContaining({ level: 'warn' })]);
  });

  it('knows uid, generation and status again after a restart', async () => {
    await using harness = new FolderHarness();
    const key = `${harness.namespace}/one`;
    await harness.put({ kind: 'ManagedSystem', key, spec: systemSpec() });
    const first = await harness.cluster.getLive('ManagedSystem', key, harness.signal);
    const owner = { kind: 'ManagedSystem', key, uid: first?.metadata.uid ?? '' } as const;
    await harness.cluster.applyStatus(owner, { observedGeneration: 1 }, harness.signal);
    const again = harness.another();
    const later = await again.getLive('ManagedSystem', key, harness.signal);
    expect(later?.metadata.uid).toBe(first?.metadata.uid);
    expect(later?.metadata.generation).toBe(first?.metadata.generation);
    expect(later?.object['status']).toEqual({ observedGeneration: 1 });
  });
});
