/** What a server says about itself (RFC 4512 section 5.1) and its schema, read once when a session opens. */
import type { Connection } from './connection.ts';
import { decodePlainly, textsIn } from './decode.ts';
import { PAGED_RESULTS, search, type Search } from './search.ts';
import { toDirectorySchema, type DirectorySchema } from './subschema.ts';

/** RFC 3062. */
export const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
/** RFC 4527. */
export const POST_READ = '1.3.6.1.1.13.2';

export interface Directory {
  readonly vendor: string;
  readonly controls: ReadonlySet<string>;
  /** Whether listings come in pages. Unknown: the server does not say, so it is asked for, and need not comply. */
  readonly paging: 'Yes' | 'No' | 'Unknown';
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
  const controls = new Set(textsOf(root, 'supportedControl'));
  const [subschema] = textsOf(root, 'subschemaSubentry');
  const schema =
    subschema === undefined
      ? new Map<string, string[]>()
      : await readOne(
          connection,
          { base: subschema, filter: '(objectClass=subschema)', attributes: ['attributeTypes'] },
          signal,
        );
  return {
    vendor: vendorOf(root),
    controls,
    paging: pagingOf(controls),
    extensions: new Set(textsOf(root, 'supportedExtension')),
    namingContexts: textsOf(root, 'namingContexts'),
    schema: toDirectorySchema(textsOf(schema, 'attributeTypes')),
  };
}

function pagingOf(controls: ReadonlySet<string>): Directory['paging'] {
  if (controls.has(PAGED_RESULTS)) return 'Yes';
  return controls.size === 0 ? 'Unknown' : 'No';
}

/** Text by attribute, in small letters. */
type Texts = ReadonlyMap<string, readonly string[]>;

function vendorOf(root: Texts): string {
  const named = [...textsOf(root, 'vendorName'), ...textsOf(root, 'vendorVersion')].join(' ');
  if (named !== '') return named;
  // OpenLDAP names itself by its root DSE's class alone.
  return textsOf(root, 'objectClass').includes('OpenLDAProotDSE') ? 'OpenLDAP' : 'LDAP server';
}

async function readOne(
  connection: Connection,
  what: Omit<Search, 'scope'>,
  signal: AbortSignal,
): Promise<Texts> {
  const { entries } = await search(connection, { ...what, scope: 'Base' }, signal);
  const attributes = entries[0] ? decodePlainly(entries[0].cursor()).attributes : [];
  return new Map([...attributes].map(([name, values]) => [name.toLowerCase(), textsIn(values)]));
}

function textsOf(entry: Texts, name: string): readonly string[] {
  return entry.get(name.toLowerCase()) ?? [];
}
