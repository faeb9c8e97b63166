/** What a test's slapd is given: its configuration, its first entries, its certificates. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SlapdOptions } from './slapd.ts';

const SCHEMA_FOLDERS = ['/etc/ldap/schema', '/etc/openldap/schema', '/usr/local/etc/openldap/schema'];
/** Debian builds the database as a module; others have it built in. */
const MODULES = '/usr/lib/ldap';

export interface ConfiguredServer {
  readonly folder: string;
  readonly suffix: string;
  readonly adminDn: string;
  readonly adminPassword: string;
  /** It runs in a Debian of its own: what this machine has says nothing. */
  readonly inContainer: boolean;
}

function needsModule({ inContainer }: ConfiguredServer): boolean {
  return inContainer || existsSync(MODULES);
}

export function slapdConfig(server: ConfiguredServer, options: SlapdOptions): string {
  const at = (name: string): string => join(server.folder, name);
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis'];
  const indexes = ['objectClass', 'uid', 'cn', 'mail', 'employeeNumber', 'entryUUID'];
  const found = SCHEMA_FOLDERS.find((folder) => existsSync(folder));
  const schemaFolder = server.inContainer ? '/etc/ldap/schema' : (found ?? '/etc/ldap/schema');
  return [
    ...schemas.map((schema) => `include ${join(schemaFolder, `${schema}.schema`)}`),
    ...(needsModule(server) ? [`modulepath ${MODULES}`, 'moduleload back_mdb'] : []),
    `pidfile ${at('slapd.pid')}`,
    `TLSCACertificateFile ${at('ca.crt')}`,
    `TLSCertificateFile ${at('server.crt')}`,
    `TLSCertificateKeyFile ${at('server.key')}`,
    // A process of this user, over the local socket, is the administrator.
    `authz-regexp "gidNumber=[0-9]+\\\\+uidNumber=${String(process.getuid?.() ?? 0)},cn=peercred,cn=external,cn=auth" "${server.adminDn}"`,
    ...(options.sizeLimit === undefined
      ? ['sizelimit unlimited']
      : [`sizelimit ${String(options.sizeLimit)}`]),
    options.globalConfig ?? '',
    'database mdb',
    `suffix "${server.suffix}"`,
    `rootdn "${server.adminDn}"`,
    `rootpw ${server.adminPassword}`,
    `directory ${at('db')}`,
    'maxsize 4294967296',
    ...(options.durable ? [] : ['dbnosync']),
    ...indexes.map((attribute) => `index ${attribute} eq`),
    options.databaseConfig ?? '',
    '',
  ].join('\n');
}

export function baseLdif(suffix: string): string {
  return [
    `dn: ${suffix}`,
    'objectClass: dcObject',
    'objectClass: organization',
    'dc: example',
    'o: Example',
    '',
    `dn: ou=people,${suffix}`,
    'objectClass: organizationalUnit',
    'ou: people',
    '',
  ].join('\n');
}

export async function makeCertificates(
  folder: string,
  run: (args: string[]) => Promise<string>,
): Promise<void> {
  const at = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => {
    await run(args);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=Test CA',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  await writeFile(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  await openssl(
    'req',
    '-new',
    ...key.slice(0, -2),
    '-subj',
    '/CN=localhost',
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
  );
  const sign = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30'];
  await openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    ...sign,
    '-extfile',
    at('names'),
    '-out',
    at('server.crt'),
  );
}
