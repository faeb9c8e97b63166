import { connectorContract } from '../connectors/contract.ts';
import { repositoryHarness } from '../support/repository-harness.ts';

connectorContract('Repository', repositoryHarness);
