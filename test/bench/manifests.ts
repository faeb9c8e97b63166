/** The systems and mappings that are measured: a file or the Repository on one side, a directory on the other. */
import { ATTRIBUTES, OUT_OF_SCOPE } from './people.ts';

const MAPPED = ['cn', 'sn', 'givenName', 'mail', 'telephoneNumber', 'title'];
/** Read because a condition asks for them, like what is mapped or correlated. */
const ASKED = ['departmentNumber', 'employeeNumber', 'street', 'description'];

export interface Described {
  readonly url: string;
  readonly tls?: string;
  readonly base: string;
  readonly bind: { readonly dn: string; readonly password: string };
  /** All twelve attributes, not six: what is created is then the same as in the LDIF. */
  readonly mapsAll?: boolean;
}

export const CSV_TO_LDAP = 'default/file-to-directory';
export const CSV_TO_REPOSITORY = 'default/file-to-repository';
export const REPOSITORY_TO_LDAP = 'default/repository-to-directory';

export function csvToLdap(described: Described): string {
  return [file(), directory(described), toDirectory('file', 'file-to-directory', described)].join('---\n');
}

export function csvToRepository(): string {
  return [file(), repository(), toRepository()].join('---\n');
}

export function throughRepository(described: Described): string {
  const hop = toDirectory('repository', 'repository-to-directory', described);
  return [file(), repository(), toRepository(), directory(described), hop].join('---\n');
}

function head(kind: string, name: string): string {
  return `apiVersion: rollcall.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
}

function file(): string {
  return `${head('ManagedSystem', 'file')}spec:
  type: CSV
  csv: {}
  objects: [ { name: person, type: User, id: uid, csv: { path: people.csv } } ]
`;
}

function repository(): string {
  const attributes = ATTRIBUTES.filter((name) => name !== 'uid').map((name) => `{ name: ${name} }`);
  return `${head('ManagedSystem', 'repository')}spec:
  type: Repository
  repository: {}
  access: ReadWrite
  objects: [ { name: person, type: User, id: uid, attributes: [ ${attributes.join(', ')} ] } ]
`;
}

function directory({ url, tls = '{ mode: Disabled }', base, bind }: Described): string {
  return `${head('ManagedSystem', 'directory')}spec:
  type: LDAP
  ldap: { url: '${url}', tls: ${tls}, bind: { secretRef: { name: bind } } }
  access: ReadWrite
  objects:
    - name: person
      type: User
      id: entryUUID
      ldap: { base: '${base}', filter: (objectClass=inetOrgPerson), objectClasses: [top, person, organizationalPerson, inetOrgPerson] }
---
apiVersion: v1
kind: Secret
metadata: { name: bind }
stringData: { dn: '${bind.dn}', password: '${bind.password}' }
`;
}

function toRepository(): string {
  return `${head('ReconMapping', 'file-to-repository')}spec:
  source: { systemRef: { name: file }, object: person }
  target: { systemRef: { name: repository }, object: person }
  mode: Enforce
  correlate: [ { source: uid, target: uid } ]
  attributes: [ ${ATTRIBUTES.map((name) => `{ target: ${name}, from: ${name} }`).join(', ')} ]
`;
}

function toDirectory(source: string, name: string, { base, mapsAll = false }: Described): string {
  const mapped = mapsAll ? ATTRIBUTES.filter((attribute) => attribute !== 'uid') : MAPPED;
  return `${head('ReconMapping', name)}spec:
  source: { systemRef: { name: ${source} }, object: person, where: "${where('source')}" }
  target: { systemRef: { name: directory }, object: person, where: "${where('target')}" }
  mode: Enforce
  correlate: [ { source: uid, target: uid } ]
  attributes:
    - { target: dn, rdn: { attribute: uid, expression: source.uid }, parent: "'${base}'" }
${mapped.map((attribute) => `    - { target: ${attribute}, from: ${attribute} }`).join('\n')}
`;
}

function where(side: string): string {
  return [`${side}.l != '${OUT_OF_SCOPE}'`, ...ASKED.map((name) => `${side}.${name} != '-'`)].join(' && ');
}
