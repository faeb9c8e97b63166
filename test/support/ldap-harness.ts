/** An LDAP subtree on a real server, for the contract suite and for tests of LDAP alone. */
import type { Session } from '../../src/connectors/connector.ts';
import type { LdapConfig, LdapObject } from '../../src/connectors/ldap/config.ts';
import { openLdap } from '../../src/connectors/ldap/open-ldap.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Attributes, ContractHarness } from '../connectors/contract.ts';
import type { Slapd } from './slapd.ts';

const CLASSES = ['top', 'person', 'organizationalPerson', 'inetOrgPerson'];

function configFor(slapd: Slapd, more: Partial<LdapConfig> = {}): LdapConfig {
  return {
    url: slapd.url,
    tls: { mode: 'Disabled' },
    bind: { dn: slapd.adminDn, password: new Secret(slapd.adminPassword) },
    ...more,
  };
}

function objectFor(base: string, more: Partial<LdapObject> = {}): LdapObject {
  return {
    name: 'account',
    id: 'entryUUID',
    base,
    scope: 'Subtree',
    filter: '(objectClass=inetOrgPerson)',
    objectClasses: CLASSES,
    attributes: [{ name: 'ou', multiValued: true }],
    ...more,
  };
}

export interface Opening {
  readonly config?: Partial<LdapConfig>;
  readonly object?: Partial<LdapObject>;
  readonly writable?: boolean;
}

export async function openOn(slapd: Slapd, base: string, more: Opening = {}): Promise<Session> {
  const open = openLdap(configFor(slapd, more.config), objectFor(base, more.object), {
    writable: more.writable ?? true,
  });
  return open(new AbortController().signal);
}

/** RFC 4514 section 2.4, in the form that needs no cases. */
function escapeRdn(value: string): string {
  return value.replace(/[,+"\\<>;=#]|^ | $/g, (character) => `\\${character}`);
}

export function uidDn(uid: string, base: string): string {
  return `uid=${escapeRdn(uid)},${base}`;
}

/** RFC 2849 with every value in base64. */
export function toLdif(dn: string, attributes: Attributes): string {
  const line = (name: string, value: string): string =>
    `${name}:: ${Buffer.from(value, 'utf8').toString('base64')}`;
  const values = Object.entries(attributes).flatMap(([name, list]) => list.map((value) => line(name, value)));
  return [line('dn', dn), ...CLASSES.map((name) => `objectClass: ${name}`), ...values, ''].join('\n');
}

export function parseLdif(text: string): Map<string, Record<string, string[]>> {
  const entries = new Map<string, Record<string, string[]>>();
  for (const block of text.replaceAll('\n ', '').split(/\n\n+/)) {
    const attributes: Record<string, string[]> = {};
    for (const line of block.split('\n')) {
      const [, name, encoded, value] = /^([\w;.-]+):(:?) ?(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      (attributes[name] ??= []).push(encoded === '' ? value : Buffer.from(value, 'base64').toString('utf8'));
    }
    const key = attributes['uid']?.[0];
    if (key !== undefined) entries.set(key, attributes);
  }
  return entries;
}

let subtrees = 0;

/** A subtree of its own, so that one server serves many tests. */
export async function freshBase(slapd: Slapd): Promise<string> {
  subtrees += 1;
  const base = `ou=t${String(subtrees)},${slapd.suffix}`;
  await slapd.run('ldapadd', [], `dn: ${base}\nobjectClass: organizationalUnit\nou: t${String(subtrees)}\n`);
  return base;
}

export function ldapHarness(server: () => Slapd): ContractHarness {
  let base = '';
  return {
    transactional: false,
    idChosenBy: 'System',
    skims: true,
    nameOf: (key) => uidDn(key, base),
    async start(seed) {
      const slapd = server();
      base = await freshBase(slapd);
      const here = base;
      const ldif = seed.map((entry) => toLdif(uidDn(entry['uid']?.[0] ?? '', here), entry)).join('\n');
      if (ldif !== '') await slapd.run('ldapadd', [], ldif);
      return {
        open: ({ writable }) => openOn(slapd, here, { writable }),
        contents: async () =>
          parseLdif(await slapd.run('ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', '-b', here, '(uid=*)'])),
        stop: async () => undefined,
      };
    },
  };
}
