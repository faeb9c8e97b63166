/** From a ManagedSystem and one of its objects to an open session: references resolved, the right connector asked. */
import type { CsvExpectation, CsvLocation, LdapLocation, SystemObject } from '../api/managed-system.ts';
import { keyOf } from '../controller/definition-side.ts';
import { namespaceOf, type Located, type References } from '../controller/linked-mapping.ts';
import { monotonicNow } from '../controller/ports.ts';
import type { ObjectConfig, OpenOptions, Session } from '../connectors/connector.ts';
import { openCsv } from '../connectors/csv/open-csv.ts';
import { openLdap } from '../connectors/ldap/open-ldap.ts';
import type { LdapConfig } from '../connectors/ldap/config.ts';
import { Pace, paceWriter } from '../connectors/paced-writer.ts';
import { patientWriter } from '../connectors/patient-writer.ts';
import { mergeSchema, plainAttribute } from '../connectors/schema.ts';
import { ConnectorError } from '../engine/errors.ts';
import { Secret } from '../lib/secret.ts';
import type { Database } from '../store/database.ts';
import { openRepository } from '../store/repository.ts';
import { askFence, fenceWriter } from './fenced-writer.ts';

export interface OpenSideInput {
  readonly system: Located<'ManagedSystem'>;
  readonly object: SystemObject;
  readonly references: References;
  readonly database: Database;
  readonly now: () => number;
  /** Asked before every write; absent: nobody can take over. */
  readonly mayWrite?: (() => boolean) | undefined;
}

export async function openSide(input: OpenSideInput, signal: AbortSignal): Promise<Session> {
  const { spec } = input.system.object;
  const { writesPerSecond, writesInFlight } = spec.limits;
  const pace = writesPerSecond === undefined ? undefined : new Pace(writesPerSecond, monotonicNow);
  const session = await open(input, pace, signal);
  if (!session.writer) return session;
  const fenced = input.mayWrite ? fenceWriter(session.writer, input.mayWrite) : session.writer;
  if (fenced.transactional) return withWriter(session, fenced);
  const paced = pace ? paceWriter(fenced, pace) : fenced;
  // What is tried again waits for its turn like everything else.
  return withWriter(session, patientWriter(paced, { writesInFlight, chance: Math.random }));
}

/** The same session with another writer. */
export function withWriter(session: Session, writer: Session['writer']): Session {
  const skim = session.skim?.bind(session);
  return {
    ...(skim ? { skim } : {}),
    schema: session.schema,
    missingAttributes: session.missingAttributes ?? [],
    writer,
    read: (request, signal) => session.read(request, signal),
    fetch: (ids, request, signal) => session.fetch(ids, request, signal),
    fetchByName: (names, request, signal) => session.fetchByName(names, request, signal),
    probe: (signal) => session.probe(signal),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

async function open(input: OpenSideInput, pace: Pace | undefined, signal: AbortSignal): Promise<Session> {
  const { spec } = input.system.object;
  const writable = spec.access === 'ReadWrite';
  switch (spec.type) {
    case 'CSV':
      return openCsvSide(input, writable, signal);
    case 'LDAP':
      return openLdapSide(input, { writable, turn: pace && turnOf(pace, input) }, signal);
    case 'Repository': {
      const { object, database, now } = input;
      const { attributes } = mergeSchema(
        new Map([[object.id, plainAttribute(object.id)]]),
        object.attributes,
      );
      const schema = {
        id: object.id,
        idChosenBy: 'Writer',
        name: undefined,
        attributes,
        ignoreCaseInNames: false,
      } as const;
      return openRepository(
        database,
        { ...configOf(object), system: keyOf(input.system.object), schema, now },
        { writable },
      );
    }
  }
}

function configOf({ name, id, attributes }: SystemObject): ObjectConfig {
  return { name, id, attributes: attributes ?? [] };
}

function openCsvSide(input: OpenSideInput, writable: boolean, signal: AbortSignal): Promise<Session> {
  const { object, system } = input;
  const { csv } = system.object.spec;
  if (!csv || !object.csv) throw invalid(input, 'csv');
  const place = placeOf(object.csv, input);
  const expectation = object.csv.expect ? { expect: expectationOf(object.csv.expect) } : {};
  return openCsv({ ...configOf(object), ...place, ...expectation }, csv, {
    writable: writable && 'path' in place,
  })(signal);
}

/** A trailer without `{rows}` is what stands before the number. */
function expectationOf(expect: CsvExpectation): CsvExpectation {
  const { trailer } = expect;
  return trailer === undefined || trailer.includes('{rows}')
    ? expect
    : { ...expect, trailer: `${trailer}{rows}` };
}

function placeOf(
  { path, configMapRef }: CsvLocation,
  input: OpenSideInput,
): { root: string; path: string } | { content: string | Uint8Array; label: string } {
  if (path !== undefined) return { root: input.system.folder, path };
  const { name = '', key = '' } = configMapRef ?? {};
  const content = input.references.configMaps.get(`${namespaceOf(input.system)}/${name}`)?.get(key);
  if (content === undefined) throw missing('ConfigMap', name, key, input);
  return { content, label: `ConfigMap ${name}/${key}` };
}

/** A turn is waited for: who may write may have changed meanwhile. */
function turnOf(pace: Pace, { mayWrite }: OpenSideInput): OpenOptions['turn'] {
  return async (signal) => {
    await pace.turn(signal);
    if (mayWrite) askFence(mayWrite);
  };
}

function openLdapSide(input: OpenSideInput, options: OpenOptions, signal: AbortSignal): Promise<Session> {
  const { object, system } = input;
  const { ldap } = system.object.spec;
  if (!ldap || !object.ldap) throw invalid(input, 'ldap');
  return openLdap(
    ldapConfig(ldap, input),
    { ...configOf(object), ...ldapObject(object.ldap) },
    options,
  )(signal);
}

const SCOPES = { Base: 'Base', OneLevel: 'One', Subtree: 'Subtree' } as const;

function ldapObject({ base, scope, filter, objectClasses }: LdapLocation): {
  base: string;
  scope: 'Base' | 'One' | 'Subtree';
  filter: string;
  objectClasses?: string[];
} {
  const classes = objectClasses ? { objectClasses } : {};
  return { base, scope: SCOPES[scope ?? 'Subtree'], filter: filter ?? '(objectClass=*)', ...classes };
}

function ldapConfig(
  ldap: NonNullable<OpenSideInput['system']['object']['spec']['ldap']>,
  input: OpenSideInput,
): LdapConfig {
  const { url, tls, bind } = ldap;
  const mode = tls?.mode ?? (url.startsWith('ldaps:') ? 'LDAPS' : 'Disabled');
  const ca = tls?.caRef ? { ca: caOf(tls.caRef, input) } : {};
  const serverName = tls?.serverName === undefined ? {} : { serverName: tls.serverName };
  const identity = bind ? { bind: bindOf(bind.secretRef.name, input) } : {};
  return { url, tls: { mode, ...ca, ...serverName }, ...identity };
}

function caOf(
  ref: { kind: 'Secret' | 'ConfigMap'; name: string; key: string },
  input: OpenSideInput,
): string {
  const store = ref.kind === 'Secret' ? input.references.secrets : input.references.configMaps;
  const value = store.get(`${namespaceOf(input.system)}/${ref.name}`)?.get(ref.key);
  if (value === undefined) throw missing(ref.kind, ref.name, ref.key, input);
  if (value instanceof Secret) return value.reveal();
  return typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
}

function bindOf(name: string, input: OpenSideInput): { dn: string; password: Secret } {
  const secret = input.references.secrets.get(`${namespaceOf(input.system)}/${name}`);
  const dn = secret?.get('dn');
  const password = secret?.get('password');
  if (!dn) throw missing('Secret', name, 'dn', input);
  if (!password) throw missing('Secret', name, 'password', input);
  return { dn: dn.reveal(), password };
}

function missing(kind: string, name: string, key: string, input: OpenSideInput): ConnectorError {
  const message = `ManagedSystem ${keyOf(input.system.object)} refers to key '${key}' of ${kind} ${namespaceOf(input.system)}/${name}, which is not there; add it to the manifests`;
  return new ConnectorError('InvalidConfiguration', message);
}

function invalid(input: OpenSideInput, member: string): ConnectorError {
  return new ConnectorError(
    'InvalidConfiguration',
    `ManagedSystem ${keyOf(input.system.object)}: '${member}' is missing in the system or its object`,
  );
}
