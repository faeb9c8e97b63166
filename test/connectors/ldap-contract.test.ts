import { afterAll, beforeAll } from 'vitest';

import { ldapHarness } from '../support/ldap-harness.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { connectorContract } from './contract.ts';

let slapd: Slapd | undefined;
beforeAll(async () => {
  slapd = await startSlapd();
});
afterAll(async () => {
  await slapd?.stop();
});

connectorContract(
  'LDAP',
  ldapHarness(() => {
    if (!slapd) throw new Error('slapd is not running');
    return slapd;
  }),
);
