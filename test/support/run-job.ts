/** Jobs for a Runner: people of a file into a Repository or a directory, without a cluster. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadContract, validateObject } from '../../src/api/validation.ts';
import type { Kind } from '../../src/api/names.ts';
import {
  linkMappings,
  type LinkedMapping,
  type Located,
  type References,
} from '../../src/controller/linked-mapping.ts';
import type { RunJob } from '../../src/controller/ports.ts';
import { Secret } from '../../src/lib/secret.ts';

export interface JobOptions {
  /** Holds the file, people.csv unless `file` says another. */
  readonly folder: string;
  readonly name: string;
  readonly file?: string;
  /** Where the people go; absent: into a Repository of the mapping's name. */
  readonly directory?: { readonly url: string; readonly base: string; readonly writesPerSecond?: number };
  /** Instead of from the file, from the Repository of that name. */
  readonly from?: string;
  readonly bind?: { readonly dn: string; readonly password: string };
}

const CONTRACT = loadContract();

function valid<K extends Kind>(kind: K, folder: string, object: ManifestOf): Located<K> {
  const validated = validateObject(CONTRACT, kind, object);
  if (!validated.ok) throw new Error(JSON.stringify(validated.problems));
  return { object: validated.object, folder };
}

export function writePeople(folder: string, file: string, people: number): void {
  mkdirSync(folder, { recursive: true });
  const rows = Array.from({ length: people }, (_, at) => `p${String(at).padStart(6, '0')},Person ${at}`);
  writeFileSync(join(folder, file), ['uid,name', ...rows, ''].join('\n'));
}

export function jobOf(options: JobOptions): RunJob {
  const { bind } = options;
  const values = new Map(bind ? Object.entries(bind).map(([key, value]) => [key, new Secret(value)]) : []);
  const references: References = { secrets: new Map([['default/bind', values]]), configMaps: new Map() };
  return { id: randomUUID(), linked: linkedOf(options), references, trigger: 'Spec', approve: undefined };
}

function linkedOf(options: JobOptions): LinkedMapping {
  const { folder, directory, from, name } = options;
  const target = directory ? directorySystem(directory) : repository(name);
  const source = from === undefined ? file(options.file ?? 'people.csv') : repository(from);
  const linked = linkMappings({
    mappings: [valid('ReconMapping', folder, mappingOf(options, source.metadata.name, target.metadata.name))],
    systems: [valid('ManagedSystem', folder, source), valid('ManagedSystem', folder, target)],
    policies: [],
  });
  const [one] = linked.mappings;
  if (!one) throw new Error(linked.problems.map(({ message }) => message).join('; '));
  return one;
}

function mappingOf({ name, directory }: JobOptions, source: string, target: string): ManifestOf {
  const attributes = directory
    ? [
        { target: 'dn', rdn: { attribute: 'uid', expression: 'source.uid' }, parent: `'${directory.base}'` },
        { target: 'cn', from: 'name' },
        { target: 'sn', from: 'name' },
      ]
    : [
        { target: 'uid', from: 'uid' },
        { target: 'name', from: 'name' },
      ];
  return manifest('ReconMapping', name, {
    source: { systemRef: { name: source }, object: 'person' },
    target: { systemRef: { name: target }, object: 'person' },
    mode: 'Enforce',
    correlate: [{ source: 'uid', target: 'uid' }],
    attributes,
  });
}

function file(path: string): ManifestOf {
  const object = { name: 'person', type: 'User', id: 'uid', csv: { path } };
  return manifest('ManagedSystem', 'hr', { type: 'CSV', csv: {}, objects: [object] });
}

function repository(name: string): ManifestOf {
  const object = { name: 'person', type: 'User', id: 'uid', attributes: [{ name: 'name' }] };
  return manifest('ManagedSystem', `repository-${name}`, {
    type: 'Repository',
    repository: {},
    access: 'ReadWrite',
    objects: [object],
  });
}

function directorySystem({ url, base, writesPerSecond }: NonNullable<JobOptions['directory']>): ManifestOf {
  const classes = ['top', 'person', 'organizationalPerson', 'inetOrgPerson'];
  const ldap = { base, filter: '(objectClass=inetOrgPerson)', objectClasses: classes };
  return manifest('ManagedSystem', 'directory', {
    type: 'LDAP',
    access: 'ReadWrite',
    ldap: { url, tls: { mode: 'Disabled' }, bind: { secretRef: { name: 'bind' } } },
    limits: writesPerSecond === undefined ? {} : { writesPerSecond },
    objects: [{ name: 'person', type: 'User', id: 'entryUUID', ldap }],
  });
}

interface ManifestOf {
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
}

function manifest(kind: Kind, name: string, spec: object): ManifestOf {
  const metadata = { name, namespace: 'default' };
  return { apiVersion: 'rollcall.dev/v1alpha1', kind, metadata, spec } as ManifestOf;
}
