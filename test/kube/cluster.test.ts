import { afterAll, beforeAll } from 'vitest';
import { KubeConfigCredentials } from '../../src/kube/kube-config.ts';
import { clusterContract } from '../support/cluster-contract.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { openKubeCluster } from '../support/kube-cluster-harness.ts';

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
