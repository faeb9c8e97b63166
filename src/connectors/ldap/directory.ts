/** What a server says about itself (RFC 4512 section 5.1) and its schema, read once when a session opens. */
import type { Attribute, SearchEntry } from 'ldapts';

import type { Connection } from './connection.ts';
import { search, type Search } from './search.ts';
import { toDirectorySchema, type DirectorySchema } from './subschema.ts';

/** RFC 3062. */
export const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
/** RFC 4527. */
export const POST_READ = '1.3.6.1.1.13.2';

export interface Directory {
  readonly vendor: string;
  readonly controls: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
  readonly namingContexts: readonly string[];
  readonly schema: DirectorySchema;
}

const ROOT_DSE = [
  'vendorName',
  'vendorVersion',
  'supportedControl',
  'supportedExtension',
  'namingContexts',
  'subschemaSubentry',
  'objectClass',
];

/** A server that hides its root DSE or its schema is still of use: what it does not say is empty. */
export async function discover(connection: Connection, signal: AbortSignal): Promise<Directory> {
  const root = await readOne(
    connection,
    { base: '', filter: '(objectClass=*)', attributes: ROOT_DSE },
    signal,
  );
  const [subschema] = textsOf(root, 'subschemaSubentry');
  const schema =
    subschema === undefined
      ? undefined
      : await readOne(
          connection,
          { base: subschema, filter: '(objectClass=subschema)', attributes: ['attributeTypes'] },
          signal,
        );
  return {
    vendor: vendorOf(root),
    controls: new Set(textsOf(root, 'supportedControl')),
    extensions: new Set(textsOf(root, 'supportedExtension')),
    namingContexts: textsOf(root, 'namingContexts'),
    schema: toDirectorySchema(textsOf(schema, 'attributeTypes')),
  };
}

function vendorOf(root: SearchEntry | undefined): string {
  const named = [...textsOf(root, 'vendorName'), ...textsOf(root, 'vendorVersion')].join(' ');
  if (named !== '') return named;
  // OpenLDAP names itself by its root DSE's class alone.
  return textsOf(root, 'objectClass').includes('OpenLDAProotDSE') ? 'OpenLDAP' : 'LDAP server';
}

async function readOne(
  connection: Connection,
  what: Omit<Search, 'scope'>,
  signal: AbortSignal,
): Promise<SearchEntry | undefined> {
  const answer = await search(connection, { ...what, scope: 'Base' }, signal);
  return answer.searchEntries[0];
}

function attributeOf(entry: SearchEntry | undefined, name: string): Attribute | undefined {
  const folded = name.toLowerCase();
  return entry?.attributes.find((attribute) => attribute.type.toLowerCase() === folded);
}

function textsOf(entry: SearchEntry | undefined, name: string): string[] {
  return (attributeOf(entry, name)?.parsedBuffers ?? []).map((octets) => octets.toString('utf8'));
}
