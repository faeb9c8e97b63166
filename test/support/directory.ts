/** A folder whose people go from a CSV file straight into a running slapd. */
import type { Slapd } from './slapd.ts';
import { Folder } from './rollcall.ts';

export interface DirectoryFolder {
  readonly people: string;
  /** The organizational unit under the suffix that accounts go to. */
  readonly unit: string;
  readonly url?: string;
  readonly password?: string;
  /** Attribute rules beside dn, cn and sn, as YAML flow entries. */
  readonly attributes?: string;
  readonly mapping?: string;
  readonly tls?: string;
}

export function directoryFolder(slapd: Slapd, options: DirectoryFolder): Folder {
  const { url = slapd.url, password = slapd.adminPassword, unit, tls = '{ mode: Disabled }' } = options;
  const base = `ou=${unit},${slapd.suffix}`;
  return new Folder({
    'people.csv': options.people,
    'manifests.yaml': `apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: hr }
spec:
  type: CSV
  csv: {}
  objects: [ { name: employee, type: User, id: uid, csv: { path: people.csv } } ]
---
apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: directory }
spec:
  type: LDAP
  ldap: { url: '${url}', tls: ${tls}, bind: { secretRef: { name: bind } } }
  access: ReadWrite
  objects:
    - name: account
      type: User
      id: entryUUID
      ldap: { base: '${base}', filter: '(objectClass=inetOrgPerson)', objectClasses: [top, person, organizationalPerson, inetOrgPerson] }
---
apiVersion: rollcall.dev/v1alpha1
kind: ReconMapping
metadata: { name: map }
spec:
  source: { systemRef: { name: hr }, object: employee }
  target: { systemRef: { name: directory }, object: account }
  mode: Enforce
  correlate: [ { source: uid, target: uid } ]
  ${options.mapping ?? ''}
  attributes:
    - { target: dn, rdn: { attribute: uid, expression: source.uid }, parent: "'${base}'" }
    - { target: cn, from: name }
    - { target: sn, from: name }
${options.attributes ?? ''}
---
apiVersion: v1
kind: Secret
metadata: { name: bind }
stringData: { dn: '${slapd.adminDn}', password: '${password}' }
`,
  });
}

export async function addUnit(slapd: Slapd, unit: string): Promise<void> {
  await slapd.run(
    'ldapadd',
    [],
    `dn: ou=${unit},${slapd.suffix}\nobjectClass: organizationalUnit\nou: ${unit}\n`,
  );
}

/** What clients wrote since `forget`, by the server's own log. */
export async function writesSeen(slapd: Slapd): Promise<string[]> {
  const operations = await slapd.operations();
  return operations.map(({ op }) => op).filter((op) => ['ADD', 'MOD', 'MODRDN', 'DEL'].includes(op));
}
