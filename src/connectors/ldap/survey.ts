/**
 * A first look at a directory that nobody has described yet: what it says of itself, and a sample of its entries with
 * all their attributes. What is secret or no text is left out. Never writes.
 */
import type { AttributeSchema } from '../../engine/entry.ts';
import { ConnectorError } from '../../engine/errors.ts';
import type { LdapConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { decodePlainly, textsIn, type PlainEntry } from './decode.ts';
import { discover } from './directory.ts';
import { parseObjectClasses, type ObjectClass } from './object-classes.ts';
import { openConnection } from './open-connection.ts';
import { resultError, SUCCESS } from './result.ts';
import { search } from './search.ts';

const PAGE_ENTRIES = 200;
/** What serves as an id that never changes, in order of preference. */
const IDS = ['entryUUID', 'objectGUID', 'nsUniqueId', 'ipaUniqueID'];

export interface SurveyedEntry {
  readonly name: string;
  /** By the schema's spelling. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

export interface DirectorySample {
  readonly entries: readonly SurveyedEntry[];
  /** Whether these are all. */
  readonly whole: boolean;
}

export interface DirectorySurvey extends AsyncDisposable {
  readonly vendor: string;
  readonly namingContexts: readonly string[];
  /** The attribute to serve as id. */
  readonly id: string;
  /** By name and alias, in small letters. */
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  readonly classes: ReadonlyMap<string, ObjectClass>;
  /** Throws ConnectorError where the base is not there or the search is refused. */
  sample(
    request: { readonly base: string; readonly filter: string; readonly entries: number },
    signal: AbortSignal,
  ): Promise<DirectorySample>;
}

/** Throws ConnectorError: Unreachable, AuthenticationFailed, InvalidConfiguration. */
export async function openSurvey(config: LdapConfig, signal: AbortSignal): Promise<DirectorySurvey> {
  await using opening = new AsyncDisposableStack();
  const connection = opening.use(await openConnection(config, signal));
  const { vendor, namingContexts, schema } = await discover(connection, signal);
  const attributes = new Map([...schema.attributes].map(([name, one]) => [name.toLowerCase(), one]));
  const classes = await readClasses(connection, signal);
  const id = IDS.find((name) => attributes.has(name.toLowerCase())) ?? 'entryUUID';
  const all = opening.move();
  return {
    vendor,
    namingContexts,
    id,
    attributes,
    classes,
    sample: (request, during) => readSample(connection, request, attributes, during),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function readClasses(connection: Connection, signal: AbortSignal): Promise<Map<string, ObjectClass>> {
  const read = async (base: string, attribute: string): Promise<string[]> => {
    const what = { base, scope: 'Base', filter: '(objectClass=*)', attributes: [attribute] } as const;
    const { entries } = await search(connection, what, signal);
    const shown = entries[0] ? [...decodePlainly(entries[0].cursor()).attributes] : [];
    const found = shown.find(([name]) => name.toLowerCase() === attribute.toLowerCase());
    return textsIn(found?.[1] ?? []);
  };
  const [subschema] = await read('', 'subschemaSubentry');
  return parseObjectClasses(subschema === undefined ? [] : await read(subschema, 'objectClasses'));
}

async function readSample(
  connection: Connection,
  request: { readonly base: string; readonly filter: string; readonly entries: number },
  schema: ReadonlyMap<string, AttributeSchema>,
  signal: AbortSignal,
): Promise<DirectorySample> {
  const { base, filter } = request;
  const what = { base, scope: 'Subtree', filter, attributes: ['*'] } as const;
  const entries: SurveyedEntry[] = [];
  let cookie: Buffer | undefined;
  do {
    const page = await search(connection, what, signal, { size: PAGE_ENTRIES, cookie });
    for (const found of page.entries) entries.push(surveyed(decodePlainly(found.cursor()), schema));
    if (page.status !== SUCCESS) {
      const error = resultError(page, `search below ${base}`);
      // What came before a limit is a sample all the same.
      if (entries.length === 0 || error.code !== 'LimitExceeded') throw error;
      return { entries, whole: false };
    }
    cookie = page.cookie;
  } while (cookie && entries.length < request.entries);
  return { entries, whole: cookie === undefined };
}

function surveyed(found: PlainEntry, schema: ReadonlyMap<string, AttributeSchema>): SurveyedEntry {
  const attributes = new Map<string, readonly string[]>();
  for (const [type, values] of found.attributes) {
    const known = schema.get(type.toLowerCase());
    const texts = textsIn(values);
    if (known?.sensitive || known?.type === 'Binary' || texts.length === 0) continue;
    attributes.set(known?.name ?? type, texts);
  }
  return { name: found.name, attributes };
}

/** The first filter that finds somebody, for who does not say which entries are accounts. */
export async function guessFilter(
  survey: DirectorySurvey,
  base: string,
  signal: AbortSignal,
): Promise<string> {
  const classes = ['inetOrgPerson', 'user', 'organizationalPerson', 'person', 'posixAccount'];
  for (const name of classes.filter((one) => survey.classes.has(one.toLowerCase()))) {
    const filter = `(objectClass=${name})`;
    const { entries } = await survey.sample({ base, filter, entries: 1 }, signal);
    if (entries.length > 0) return filter;
  }
  const message = `no entry below ${base} is a person (tried ${classes.join(', ')}); say which entries are accounts with --filter`;
  throw new ConnectorError('InvalidConfiguration', message);
}
