/**
 * The Repository connector: the objects that Rollcall itself keeps, in its own store. Types with a schema,
 * source and target alike, transactional, unique attributes, a deleted mark with its time, a change sequence.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenOptions, Session } from '../connectors/connector.ts';
import type { Entry } from '../engine/entry.ts';
import type { EntryReader, Evidence, Fetched, ReadRequest } from '../engine/ports.ts';
import type { RecogniserOf, Unknown } from '../engine/recogniser.ts';
import type { Database } from './database.ts';
import { RepositoryObjects, type RepositoryConfig } from './repository-objects.ts';
import { RepositoryWriter } from './repository-writer.ts';

/** After so many whoever waits for a system, such as the other side of the run, has a turn: nothing here waits for anything. */
const BATCH = 500;

export function openRepository(database: Database, config: RepositoryConfig, options: OpenOptions): Session {
  const objects = new RepositoryObjects(database, config);
  return {
    ...reader(objects),
    schema: config.schema,
    writer: options.writable ? new RepositoryWriter(objects) : undefined,
    probe: () =>
      Promise.resolve({ vendor: 'Rollcall repository', capabilities: ['Transaction', 'ChangeSequence'] }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const SNAPSHOT: Evidence = {
  complete: 'Yes',
  proof: 'Snapshot',
  reason: undefined,
  message: undefined,
  snapshot: true,
};

/** What was committed; what a writer has buffered is not seen. */
function reader(objects: RepositoryObjects): EntryReader {
  return {
    read: (request, signal) => readAll(objects, request, signal),
    skim: (request, recogniserOf, signal) => skimAll(objects, request, recogniserOf, signal),
    fetch: (ids, request, signal) => fetchAll(objects, ids, request, signal),
    // The writer chooses the id, so it is the name too.
    fetchByName: (names, request, signal) => fetchAll(objects, names, request, signal),
  };
}

async function* readAll(
  objects: RepositoryObjects,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[], Evidence> {
  signal.throwIfAborted();
  let batch: Entry[] = [];
  for (const entry of objects.all()) {
    batch.push(asAskedFor(entry, request));
    if (batch.length < BATCH) continue;
    yield batch;
    await nextTurn();
    signal.throwIfAborted();
    batch = [];
  }
  if (batch.length > 0) yield batch;
  return SNAPSHOT;
}

async function* skimAll(
  objects: RepositoryObjects,
  request: ReadRequest,
  recogniserOf: RecogniserOf,
  signal: AbortSignal,
): AsyncGenerator<readonly Unknown[], Evidence> {
  signal.throwIfAborted();
  const recogniser = recogniserOf(JSON.stringify(request.attributes));
  let unknown: Unknown[] = [];
  let read = 0;
  for (const { raw, decode } of objects.allRaw()) {
    const rawPrint = recogniser.recognise(raw);
    if (rawPrint !== undefined) unknown.push({ entry: asAskedFor(decode(), request), rawPrint });
    if (++read % BATCH > 0) continue;
    yield unknown;
    await nextTurn();
    signal.throwIfAborted();
    unknown = [];
  }
  yield unknown;
  return SNAPSHOT;
}

async function* fetchAll(
  objects: RepositoryObjects,
  ids: readonly string[],
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<Fetched> {
  for (const id of ids) {
    signal.throwIfAborted();
    const entry = objects.find(objects.keyOf(id));
    yield entry
      ? { kind: 'There', id, entry: asAskedFor(entry, request), listed: true }
      : { kind: 'NotThere', id };
  }
}

function asAskedFor(entry: Entry, { attributes }: ReadRequest): Entry {
  const wanted = attributes.flatMap((name) => {
    const values = entry.attributes.get(name);
    return values ? [[name, values] as const] : [];
  });
  return { ...entry, attributes: new Map(wanted) };
}
