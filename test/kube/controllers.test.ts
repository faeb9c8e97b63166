import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { KubeConfigCredentials } from '../../src/kube/kube-config.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane.ts';
import { controllerSuite } from '../support/controller-suite.ts';
import { openKubeCluster } from '../support/kube-cluster-harness.ts';

let plane: ControlPlane;
const dataFolder = mkdtempSync(join(tmpdir(), 'rollcall-data-'));

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.applyDefinitions();
});

afterAll(async () => {
  await plane.stop();
  rmSync(dataFolder, { recursive: true });
});

controllerSuite('an API server', async () => {
  const credentials = new KubeConfigCredentials({ files: [plane.kubeconfig] });
  const harness = await openKubeCluster({ plane, credentials, namespaced: true, dataFolder });
  return { ...harness, files: join(dataFolder, harness.namespace) };
});
