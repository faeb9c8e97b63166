/** What `link` and `unlink` share: one mapping, open, with the state that is to be changed, and the act that is recorded. */
import { userInfo } from 'node:os';
import type { LinkedMapping } from '../controller/linked-mapping.ts';
import { sideOf, type Definition } from '../engine/definition.ts';
import type { EntryRecord } from '../engine/entry-record.ts';
import { keyOfId } from '../engine/matching.ts';
import type { Memory } from '../engine/ports.ts';
import { endsOf, knownMapping, openMapping, type OpenedMapping } from '../runner/open-mapping.ts';
import { HandActs, type HandActKind } from '../store/hand-acts.ts';
import { FORGET_AFTER_MS, mappingRow } from '../store/mappings.ts';
import { SqliteMemory } from '../store/memory.ts';
import { openState, openStateForReading, type State } from '../store/state.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { foresee } from './foresee.ts';
import { nextCommand } from './next-command.ts';
import type { Project } from './project.ts';
import { describe } from './report.ts';
import { findMapping, systemClock } from './roll-call.ts';

export interface Pairing {
  readonly one: LinkedMapping;
  readonly definition: Definition;
  readonly opened: OpenedMapping;
  readonly memory: Memory;
  readonly state: State;
  readonly row: number;
  readonly now: number;
}

export function refuse(message: string): CommandFailure {
  return new CommandFailure(EXIT.invalid, `${message}; nothing was changed`);
}

/** Opens state and systems, does the work, and tells what the next run would make of it. */
export async function pairing(
  project: Project,
  context: Context,
  work: (pairing: Pairing) => Promise<{ readonly source: string }>,
): Promise<number> {
  const { settings, signal } = context;
  const one = findMapping(project, settings.mapping ?? '');
  requireState(project, one);
  using state = openState(project.stateFolder, process.pid);
  const now = systemClock.now();
  const { expressions, manifests } = project;
  await using opened = await openMapping(
    one,
    { expressions, references: manifests, state, clock: systemClock },
    signal,
  );
  const { parsed } = opened;
  if (parsed.kind === 'Invalid')
    throw refuse(
      `${one.key}: ${parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
    );
  const row = mappingRow(state.database, knownMapping(one), now);
  const options = { mapping: row, ends: endsOf(one), run: 0, forgottenBefore: now - FORGET_AFTER_MS };
  const memory = new SqliteMemory(state.database, options);
  const { source } = await work({ one, definition: parsed.definition, opened, memory, state, row, now });
  await tellNextRun(one, source, project, context);
  return EXIT.ok;
}

/** A slip in --state must not make a new state, with links that nobody will ever look at. */
function requireState({ stateFolder, directory }: Project, one: LinkedMapping): void {
  using known = openStateForReading(stateFolder);
  if (!known)
    throw refuse(
      `there is no state in ${stateFolder} yet, so nothing is linked in ${one.key}; --state names another, and this makes it, in Observe mode without writing anything else: ${nextCommand('run', directory)}`,
    );
}

/** The link change and the record of who made it become true together. */
export function actByHand(
  { state, row, now }: Pairing,
  context: Context,
  act: { readonly kind: HandActKind; readonly what: Readonly<Record<string, string>> },
  change: () => void,
): void {
  state.database.atomically(() => {
    change();
    new HandActs(state.database).add({ ...act, mapping: row, at: now, who: whoOf(context) });
  });
}

/** Who acts: as --by says, else the user of the system. */
export function whoOf({ settings }: Pick<Context, 'settings'>): string {
  if (settings.by !== undefined) return settings.by;
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return `user ${String(process.getuid?.() ?? '')}`.trim();
  }
}

export function keyOn({ definition }: Pairing, side: 'Source' | 'Target', id: string): string {
  return keyOfId(id, sideOf(definition, side).schema);
}

/** A write whose answer was lost is looked after by the next run, with the links as they were when it was sent. */
export function requireFinished({ memory, one }: Pairing, keys: { source: string; target: string }): void {
  const open = memory
    .unfinished()
    .some(({ sourceKey, targetKey }) => sourceKey === keys.source || targetKey === keys.target);
  if (open)
    throw refuse(
      `the answer to a write on this pair was lost, and the next run of ${one.key} looks what came of it: run it first`,
    );
}

async function tellNextRun(
  one: LinkedMapping,
  id: string,
  project: Project,
  { output, signal }: Context,
): Promise<void> {
  const { summary, records } = await foresee(one, { side: 'Source', id }, project, signal);
  if (!summary.result) {
    output.write(`  the next run cannot be foreseen: ${summary.message ?? summary.outcome}\n`);
    return;
  }
  for (const record of records) output.write(`  next run: ${foreseenLine(record)}\n`);
}

function foreseenLine(record: EntryRecord): string {
  const { situation, row, response } = record;
  return `${situation ?? 'not judged'}${row === null ? '' : ` (${row})`}, ${response ?? 'no response'}: ${describe(record)}`;
}
