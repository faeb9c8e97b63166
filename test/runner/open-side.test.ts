/** What stands between a run and its directory, put together as the program does it. */
import { expect, it } from 'vitest';
import type { ManagedSystem } from '../../src/api/managed-system.ts';
import { openSide } from '../../src/runner/open-side.ts';
import { Database } from '../../src/store/database.ts';
import { FaultPeer } from '../support/fault-peer.ts';

it('asks whether it may still write before every request of an entry that waits for its turn', async () => {
  let isOurs = true;
  await using peer = await FaultPeer.start(({ op }) => {
    if (op === 'Rename') isOurs = false;
    return false;
  });
  const object = { name: 'account', type: 'User', id: 'entryUUID', ldap: { base: 'dc=x' } };
  const system: ManagedSystem = {
    apiVersion: 'rollcall.dev/v1alpha1',
    kind: 'ManagedSystem',
    metadata: { name: 'directory', namespace: 'default' },
    spec: {
      type: 'LDAP',
      ldap: { url: peer.url, tls: { mode: 'Disabled' } },
      access: 'ReadWrite',
      limits: { writesInFlight: 8, writesPerSecond: 50 },
      objects: [object],
    },
  };
  const { signal } = new AbortController();
  const input = {
    system: { object: system, folder: '' },
    object,
    references: { secrets: new Map(), configMaps: new Map() },
    database: new Database(':memory:'),
    now: () => Date.now(),
    mayWrite: () => isOurs,
  };
  await using session = await openSide(input, signal);
  const changes = [{ attribute: 'cn', values: ['b'], add: ['b'], remove: ['a'] }];
  const change = { id: 'a', name: 'cn=a,dc=x', newName: 'cn=b,dc=x', changes };
  await expect(session.writer?.update(change, signal)).rejects.toMatchObject({ code: 'Superseded' });
  expect(peer.requests.map(({ op }) => op).filter((op) => ['Rename', 'Modify'].includes(op))).toEqual([
    'Rename',
  ]);
});
