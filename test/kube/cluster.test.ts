import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRecord } from '../../src/api/schema.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { KubeConfigCredentials } from '../../src/kube/kube-config.ts';
import { clusterContract, systemSpec } from '../support/cluster-contract.ts';
import { collectionPath } from '../../src/kube/resources.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { createNamespace, openKubeCluster } from '../support/kube-cluster-harness.ts';
import { RecordingLog, RecordingObserver } from '../support/recording.ts';

let plane: ControlPlane;

beforeAll(async () => {
  // The server asks for another connection after every fiftieth request or so, as behind a load balancer.
  plane = await startControlPlane({ flags: ['--goaway-chance=0.02'] });
  await plane.applyDefinitions();
});

afterAll(() => plane.stop());

clusterContract('an API server, all namespaces', () =>
  openKubeCluster({
    plane,
    credentials: new KubeConfigCredentials({ files: [plane.kubeconfig] }),
    namespaced: false,
  }),
);

clusterContract('an API server, one namespace', () =>
  openKubeCluster({
    plane,
    credentials: new KubeConfigCredentials({ files: [plane.kubeconfig] }),
    namespaced: true,
  }),
);

it('an API server behind an HTTP proxy is watched and asked as well', async () => {
  const tunnels: string[] = [];
  const proxy = createServer().on('connect', (request, client, head) => {
    tunnels.push(request.url ?? '');
    const server = connect(plane.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as { clusters: [{ cluster: object }] };
  const { port } = proxy.address() as AddressInfo;
  Object.assign(config.clusters[0].cluster, { 'proxy-url': `http://127.0.0.1:${String(port)}` });
  const file = `${plane.folder}/proxied.kubeconfig`;
  await writeFile(file, JSON.stringify(config));
  const credentials = new KubeConfigCredentials({ files: [file] });
  const harness = await openKubeCluster({ plane, credentials, namespaced: true });
  const ending = new AbortController();
  await harness.cluster.watch(() => undefined, ending.signal);
  const key = `${harness.namespace}/one`;
  await harness.put({ kind: 'ManagedSystem', key, spec: systemSpec() });
  await vi.waitFor(() => expect(harness.cluster.get('ManagedSystem', key)).toBeDefined());
  expect(new Set(tunnels)).toEqual(new Set([`127.0.0.1:${String(plane.port)}`]));
  ending.abort();
  await harness[Symbol.asyncDispose]();
  proxy.close();
});

describe('an API server that asks for other connections all the time', () => {
  it('is sent nothing twice, loses nothing, and ends no watch by it', async () => {
    const namespace = await createNamespace(plane);
    const [log, observer] = [new RecordingLog(), new RecordingObserver()];
    const credentials = new KubeConfigCredentials({ files: [plane.kubeconfig] });
    using client = new KubeClient({ credentials, version: '0.0.0-test', log, observer });
    const ending = new AbortController();
    const path = collectionPath('ConfigMap', namespace);
    const seen: string[] = [];
    const ends: unknown[] = [];
    const watching = Array.from({ length: 5 }, async () => {
      const watch = { verb: 'watch', path, query: { watch: '1', timeoutSeconds: '300' } } as const;
      try {
        for await (const { object } of client.watch(watch, 300_000, ending.signal)) seen.push(nameOf(object));
        ends.push('ended');
      } catch (error) {
        if (!ending.signal.aborted) ends.push(error);
      }
    });
    await vi.waitFor(() => expect(observer.requests).toHaveLength(5));
    const names = Array.from({ length: 400 }, (_, at) => `map-${String(at)}`);
    const waiting = [...names];
    const writers = Array.from({ length: 5 }, async () => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        const body = { metadata: { name } };
        // Not held back by the rate limit; whatever is sent twice is refused the second time.
        await client.call({ verb: 'create', path, body, urgent: true }, ending.signal);
      }
    });
    await Promise.all(writers);
    const five = (name: string): string[] => Array<string>(5).fill(name);
    await vi.waitFor(() => expect(seen).toHaveLength(2_000));
    expect(seen.toSorted()).toEqual(names.flatMap(five).toSorted());
    expect(ends).toEqual([]);
    ending.abort();
    await Promise.all(watching);
  });
});

function nameOf({ metadata }: Readonly<Record<string, unknown>>): string {
  return isRecord(metadata) ? String(metadata['name']) : '';
}
