/** `rollcall objects`: the objects that a Repository keeps. */
import { keyOf } from '../controller/definition-side.ts';
import type { Session } from '../connectors/connector.ts';
import type { Entry, Value } from '../engine/entry.ts';
import type { EntryWriter, Written } from '../engine/ports.ts';
import { openOverlay, openState, type State } from '../store/state.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { openSide } from '../runner/open-side.ts';
import { readObjectFile } from './object-file.ts';
import { writeListing } from './output.ts';
import type { SystemObject } from '../api/managed-system.ts';
import type { ManifestObject } from '../local/manifests.ts';
import type { Project } from './project.ts';
import { systemClock } from './roll-call.ts';

export async function objects(project: Project, context: Context): Promise<number> {
  const [, systemName = '', objectName = '', action = 'list', ...rest] = context.settings.operands;
  const [id, ...more] = action === 'list' ? [undefined, ...rest] : rest;
  if (more.length > 0)
    throw new CommandFailure(
      EXIT.invalid,
      `rollcall objects … ${action} takes ${action === 'list' ? 'no' : 'one'} ID, not also '${more.join(' ')}'`,
    );
  const { system, object, key } = findObject(project, systemName, objectName);
  const writes = action === 'put' || action === 'delete';
  using state: State = writes
    ? openState(project.stateFolder, process.pid)
    : await openOverlay(project.stateFolder);
  const input = {
    system,
    object,
    references: project.manifests,
    database: state.database,
    now: () => systemClock.now(),
  };
  await using session = await openSide(input, context.signal);
  return await act({ action, id, session, key }, context);
}

function findObject(
  { manifests }: Project,
  systemName: string,
  objectName: string,
): { system: ManifestObject<'ManagedSystem'>; object: SystemObject; key: string } {
  const key = systemName.includes('/') ? systemName : `default/${systemName}`;
  const repositories = manifests.systems.filter((one) => one.object.spec.type === 'Repository');
  const system = repositories.find((one) => keyOf(one.object) === key);
  if (!system) {
    const known = repositories.map((one) => keyOf(one.object)).join(', ') || 'none';
    throw new CommandFailure(EXIT.invalid, `there is no Repository '${key}'; there is ${known}`);
  }
  const { objects: known } = system.object.spec;
  const object = known.find((one) => one.name === objectName);
  if (object) return { system, object, key: `${key} ${objectName}` };
  const names = known.map((one) => one.name).join(', ');
  throw new CommandFailure(
    EXIT.invalid,
    `Repository ${key} has no object '${objectName}'; there is ${names}`,
  );
}

interface Action {
  readonly action: string;
  readonly id: string | undefined;
  readonly session: Session;
  readonly key: string;
}

async function act(asked: Action, context: Context): Promise<number> {
  switch (asked.action) {
    case 'list':
      return list(asked, context);
    case 'get':
      return show(asked, context);
    case 'put':
      return put(asked, context);
    case 'delete':
      return remove(asked, context);
    default:
      throw new CommandFailure(
        EXIT.invalid,
        `there is no action '${asked.action}'; there is list, get, put, delete`,
      );
  }
}

function requestOf({ session }: Action): { attributes: string[]; filter: undefined } {
  return { attributes: [...session.schema.attributes.keys()], filter: undefined };
}

async function list(asked: Action, context: Context): Promise<number> {
  const names = [...asked.session.schema.attributes.keys()].filter(
    (name) => name !== asked.session.schema.id,
  );
  const rows: string[][] = [];
  for await (const batch of asked.session.read(requestOf(asked), context.signal)) {
    for (const entry of batch)
      rows.push([entry.id, ...names.map((name) => shown(name, entry, asked.session))]);
  }
  const header = [asked.session.schema.id, ...names].map((name) =>
    context.settings.output === 'table' ? name.toUpperCase() : name,
  );
  writeListing({ header, rows }, context.settings.output, context.output);
  return EXIT.ok;
}

function shown(name: string, entry: Entry, { schema }: Session): string {
  const values = entry.attributes.get(name) ?? [];
  if (values.length > 0 && schema.attributes.get(name)?.sensitive) return '[secret]';
  return values.map((value) => (typeof value === 'string' ? value : `${value.length} bytes`)).join(' | ');
}

async function show(asked: Action, context: Context): Promise<number> {
  const entry = await find(asked, context);
  const names = [...asked.session.schema.attributes.keys()].filter((name) => entry.attributes.has(name));
  const rows = [
    [asked.session.schema.id, entry.id],
    ...names.map((name) => [name, shown(name, entry, asked.session)]),
  ];
  writeListing({ header: ['ATTRIBUTE', 'VALUE'], rows }, context.settings.output, context.output);
  return EXIT.ok;
}

async function find(asked: Action, { signal }: Context): Promise<Entry> {
  const id = idOf(asked);
  for await (const answer of asked.session.fetch([id], requestOf(asked), signal))
    if (answer.kind === 'There') return answer.entry;
  throw new CommandFailure(EXIT.invalid, `${asked.key} has no object '${id}'`);
}

function idOf({ action, id }: Action): string {
  if (id === undefined || id.trim() === '')
    throw new CommandFailure(EXIT.invalid, `rollcall objects … ${action} needs an ID`);
  return id;
}

function writerOf({ session, key }: Action): EntryWriter {
  if (!session.writer)
    throw new CommandFailure(EXIT.invalid, `${key} is read-only; set access: ReadWrite in its ManagedSystem`);
  return session.writer;
}

async function put(asked: Action, context: Context): Promise<number> {
  const id = idOf(asked);
  const writer = writerOf(asked);
  const given = readFile(asked, id, context);
  const present = await existing(asked, context);
  const attributes = new Map<string, readonly Value[]>([...given, [asked.session.schema.id, [id]]]);
  const changes = [...new Set([...given.keys(), ...(present?.attributes.keys() ?? [])])].map((attribute) => {
    const values = given.get(attribute) ?? [];
    return { attribute, values, add: values, remove: [] };
  });
  const written = present
    ? await writer.update({ id, name: undefined, newName: undefined, changes }, context.signal)
    : await writer.create({ name: undefined, attributes }, context.signal);
  return report(
    await committed(written, asked, context),
    `${id} ${present ? 'replaced' : 'created'}`,
    asked,
    context,
  );
}

async function existing(asked: Action, { signal }: Context): Promise<Entry | undefined> {
  for await (const answer of asked.session.fetch([idOf(asked)], requestOf(asked), signal))
    if (answer.kind === 'There') return answer.entry;
  return undefined;
}

async function remove(asked: Action, context: Context): Promise<number> {
  const entry = await find(asked, context);
  const written = await writerOf(asked).delete({ id: entry.id, name: undefined }, context.signal);
  return report(await committed(written, asked, context), `${entry.id} deleted`, asked, context);
}

async function committed(written: Written, asked: Action, { signal }: Context): Promise<Written> {
  return written.kind === 'Applied' ? writerOf(asked).commit(signal) : written;
}

function report(written: Written, done: string, { key }: Action, { output, notes }: Context): number {
  if (written.kind !== 'Applied') {
    notes.write(`rollcall: ${key}: ${written.error.message}\n`);
    return EXIT.failed;
  }
  output.write(`${key}: ${done}\n`);
  return EXIT.ok;
}

function readFile(asked: Action, id: string, { settings }: Context): Map<string, string[]> {
  if (settings.file === undefined)
    throw new CommandFailure(
      EXIT.invalid,
      'rollcall objects … put needs --file FILE (or - for standard input)',
    );
  const { id: idName, attributes } = asked.session.schema;
  return readObjectFile({ file: settings.file, id, idName, known: [...attributes.keys()] });
}
