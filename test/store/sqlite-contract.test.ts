import { sqliteStore } from '../support/store-harness.ts';
import { storeContract } from './contract.ts';

storeContract('SQLite', sqliteStore);
