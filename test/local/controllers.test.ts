import { FolderHarness } from '../support/folder-harness.ts';
import { controllerSuite } from '../support/controller-suite.ts';

controllerSuite('a folder of manifests', () => Promise.resolve(new FolderHarness()));
