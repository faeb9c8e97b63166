/** What an administrator has at the beginning of the day: a file of people, a hub, a directory, and how they correspond. */
import type { Manifest } from './stage.ts';
import type { Slapd, SlapdOptions } from './slapd.ts';

/** The account of the operator in the directory: a password that can change while the server runs. */
export const BIND_DN = 'cn=rollcall,dc=example,dc=org';

export function bindAccount(password: string): SlapdOptions {
  return {
    ldif: [
      `dn: ${BIND_DN}`,
      'objectClass: organizationalRole',
      'objectClass: simpleSecurityObject',
      'cn: rollcall',
      `userPassword: ${password}`,
      '',
    ].join('\n'),
    databaseConfig: `access to * by dn.exact="${BIND_DN}" manage by anonymous auth by * read`,
  };
}

export async function changePassword(slapd: Slapd, password: string): Promise<void> {
  await slapd.run(
    'ldapmodify',
    [],
    `dn: ${BIND_DN}\nchangetype: modify\nreplace: userPassword\nuserPassword: ${password}\n`,
  );
}

/** Person 101 is Anna101 Berg101, and so on. */
export function peopleCsv(ids: readonly number[]): string {
  const rows = ids.map((id) => `${id},Anna${id},Berg${id},555${id}\n`);
  return `uid,firstName,lastName,telephoneNumber\n${rows.join('')}`;
}

export function csvSystem(name: string, path: string): Manifest {
  return {
    kind: 'ManagedSystem',
    metadata: { name },
    spec: { type: 'CSV', csv: {}, objects: [{ name: 'person', type: 'User', id: 'uid', csv: { path } }] },
  };
}

export function hubSystem(name: string): Manifest {
  const attributes = ['firstName', 'lastName', 'telephoneNumber', 'status'].map((one) => ({ name: one }));
  const state = { attribute: 'status', disabled: 'inactive', enabled: 'active' };
  return {
    kind: 'ManagedSystem',
    metadata: { name },
    spec: {
      type: 'Repository',
      repository: {},
      access: 'ReadWrite',
      objects: [{ name: 'person', type: 'User', id: 'uid', attributes, state }],
    },
  };
}

export function directorySystem(name: string, { url, people }: Slapd, more: object = {}): Manifest {
  return {
    kind: 'ManagedSystem',
    metadata: { name },
    spec: {
      type: 'LDAP',
      ldap: { url, tls: { mode: 'Disabled' }, bind: { secretRef: { name: 'bind' } } },
      access: 'ReadWrite',
      objects: [
        {
          name: 'account',
          type: 'User',
          id: 'entryUUID',
          ldap: {
            base: people,
            filter: '(objectClass=inetOrgPerson)',
            objectClasses: ['top', 'person', 'organizationalPerson', 'inetOrgPerson'],
          },
          state: { attribute: 'employeeType', disabled: 'disabled', enabled: 'active' },
        },
      ],
      ...more,
    },
  };
}

export const LEAVERS: Manifest = {
  kind: 'SituationPolicy',
  metadata: { name: 'leavers' },
  spec: {
    rules: [
      { name: 'joiners', situations: ['Absent'], response: 'CreateTarget', event: 'Normal' },
      {
        name: 'leavers',
        situations: ['SourceMissing', 'SourceDeleted', 'Unqualified'],
        response: 'DisableTarget',
        event: 'Warning',
      },
    ],
  },
};

/** The policy's spec with another rule in the leavers' place. */
export const KINDER_RULES = {
  rules: [
    { name: 'joiners', situations: ['Absent'], response: 'CreateTarget', event: 'Normal' },
    { name: 'leavers', situations: ['SourceMissing', 'SourceDeleted'], response: 'Report' },
  ],
};

/** From a file into a hub; `more`: further members of the spec, or others instead of these. */
export function fileMapping(name: string, source: string, target: string, more: object = {}): Manifest {
  const attributes = ['uid', 'firstName', 'lastName', 'telephoneNumber'];
  return {
    kind: 'ReconMapping',
    metadata: { name },
    spec: {
      source: { systemRef: { name: source }, object: 'person' },
      target: { systemRef: { name: target }, object: 'person' },
      mode: 'Enforce',
      interval: '1h',
      correlate: [{ source: 'uid', target: 'uid' }],
      attributes: attributes.map((one) => ({ target: one, from: one })),
      ...more,
    },
  };
}

/** From a hub into the directory. */
export function directoryMapping(name: string, source: string, target: string, more: object = {}): Manifest {
  return {
    kind: 'ReconMapping',
    metadata: { name },
    spec: {
      source: { systemRef: { name: source }, object: 'person', deletedWhen: "source.status == 'inactive'" },
      target: { systemRef: { name: target }, object: 'account' },
      mode: 'Enforce',
      interval: '1h',
      correlate: [{ source: 'uid', target: 'uid' }],
      attributes: [
        {
          target: 'dn',
          rdn: { attribute: 'uid', expression: 'source.uid' },
          parent: "'ou=people,dc=example,dc=org'",
        },
        { target: 'uid', from: 'uid' },
        { target: 'cn', expression: "source.firstName + ' ' + source.lastName" },
        { target: 'sn', from: 'lastName' },
        { target: 'telephoneNumber', from: 'telephoneNumber' },
      ],
      ...more,
    },
  };
}
