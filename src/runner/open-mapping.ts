/** Both sides of a mapping, open, and the definition that their schemas make of it. */
import { assumedAttribute, keyOf } from '../controller/definition-side.ts';
import type { ParsedDefinition } from '../controller/definition.ts';
import {
  definitionOf,
  namespaceOf,
  type DefinitionContext,
  type LinkedMapping,
  type LinkedSide,
  type References,
} from '../controller/linked-mapping.ts';
import type { Session } from '../connectors/connector.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import type { Clock } from '../engine/ports.ts';
import type { KnownMapping } from '../store/mappings.ts';
import type { MappingEnds } from '../store/memory.ts';
import type { State } from '../store/state.ts';
import { openSide, withWriter } from './open-side.ts';

export interface OpenMappingOptions {
  readonly expressions: ExpressionCompiler;
  readonly references: References;
  readonly state: State;
  readonly clock: Clock;
  /** Asked before every write; absent: nobody can take over. */
  readonly mayWrite?: (() => boolean) | undefined;
}

export interface OpenedMapping extends AsyncDisposable {
  readonly source: Session;
  readonly target: Session;
  readonly parsed: ParsedDefinition;
}

/** Throws ConnectorError where a system cannot be opened. */
export async function openMapping(
  one: LinkedMapping,
  options: OpenMappingOptions,
  signal: AbortSignal,
): Promise<OpenedMapping> {
  await using opening = new AsyncDisposableStack();
  const source = opening.use(await open(one.source, options, signal));
  const target = opening.use(await open(one.target, options, signal));
  const sides = extendSchemas(one, options, { source, target });
  const parsed = definitionOf(one, contextOf(options), {
    source: sides.source.schema,
    target: sides.target.schema,
  });
  const all = opening.move();
  return { ...sides, parsed, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export function endsOf({ source, target }: LinkedMapping): MappingEnds {
  return {
    sourceSystem: keyOf(source.system.object),
    sourceObject: source.object.name,
    targetSystem: keyOf(target.system.object),
    targetObject: target.object.name,
  };
}

/** As the store knows it. */
export function knownMapping(one: LinkedMapping): KnownMapping {
  const { linksFrom } = one.mapping.object.spec;
  const from = linksFrom === undefined ? undefined : `${namespaceOf(one.mapping)}/${linksFrom}`;
  return { name: one.key, ends: endsOf(one), linksFrom: from };
}

function open(
  { system, object }: LinkedSide,
  { references, state, clock, mayWrite }: OpenMappingOptions,
  signal: AbortSignal,
): Promise<Session> {
  return openSide(
    { system, object, references, database: state.database, now: () => clock.now(), mayWrite },
    signal,
  );
}

function contextOf({ expressions, references, state }: OpenMappingOptions): DefinitionContext {
  return { expressions, references, digest: state.digest };
}

/**
 * A column that the mapping reads and the file lacks is no mistake in the mapping: it may have vanished, and the
 * engine's guards answer that. So it joins the schema, and the session names it as missing.
 */
function extendSchemas(
  one: LinkedMapping,
  options: OpenMappingOptions,
  sessions: { readonly source: Session; readonly target: Session },
): { readonly source: Session; readonly target: Session } {
  if (!isFile(one.source) && !isFile(one.target)) return sessions;
  const offline = definitionOf(one, contextOf(options), { source: undefined, target: undefined });
  const read = offline.kind === 'Parsed' ? offline.definition : undefined;
  return {
    source: extend(sessions.source, one.source, read?.source.request.attributes ?? []),
    target: extend(sessions.target, one.target, read?.target.request.attributes ?? []),
  };
}

function isFile({ system }: LinkedSide): boolean {
  return system.object.spec.type === 'CSV';
}

function extend(session: Session, side: LinkedSide, names: readonly string[]): Session {
  if (!isFile(side)) return session;
  const absent = names.filter((name) => !session.schema.attributes.has(name));
  if (absent.length === 0) return session;
  const assumed = absent.map(
    (name) => [name, { ...assumedAttribute(name), values: 'Single' as const }] as const,
  );
  const schema = { ...session.schema, attributes: new Map([...session.schema.attributes, ...assumed]) };
  const missingAttributes = [...(session.missingAttributes ?? []), ...absent];
  return { ...withWriter(session, session.writer), schema, missingAttributes };
}
