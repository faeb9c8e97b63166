import { csvHarness } from '../support/csv-harness.ts';
import { connectorContract } from './contract.ts';

connectorContract('CSV', csvHarness);
