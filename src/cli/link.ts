/** `rollcall link`: settles by hand what correlation cannot. The next run takes the pair as linked, and compares all of it. */
import { sideOf } from '../engine/definition.ts';
import type { Entry } from '../engine/entry.ts';
import type { Context } from './context.ts';
import { findEntry, nameOf, notFound } from './find-entry.ts';
import { nextCommand } from './next-command.ts';
import { actByHand, keyOn, pairing, refuse, requireFinished, type Pairing } from './pairing.ts';
import type { Project } from './project.ts';
import { protection, unfitness } from './standing.ts';

export async function link(project: Project, context: Context): Promise<number> {
  const { settings, output, notes, signal } = context;
  return pairing(project, context, async (pair) => {
    const { one, memory, now } = pair;
    const source = await find(pair, 'Source', settings.source ?? '', signal);
    const target = await find(pair, 'Target', settings.target ?? '', signal);
    const keys = { source: keyOn(pair, 'Source', source.id), target: keyOn(pair, 'Target', target.id) };
    requireFree(pair, source, target, project.directory);
    requireFinished(pair, keys);
    const what = { source: source.id, target: target.id, name: target.name ?? target.id };
    actByHand(pair, context, { kind: 'Link', what }, () =>
      memory.links.put({
        sourceId: source.id,
        targetId: target.id,
        sourceKey: keys.source,
        targetKey: keys.target,
        sourcePrint: undefined,
        targetPrint: undefined,
        settledIn: undefined,
        agreed: new Map(),
        linkedAt: now,
      }),
    );
    output.write(`${one.key}: linked ${nameOf(source)} → ${nameOf(target)}\n`);
    const holder = memory.holder(keys.target);
    if (holder !== undefined) notes.write(`${one.key}: note: ${holder} links or wants the target as well\n`);
    const undo = nextCommand('unlink', project.directory, '--mapping', one.key, '--source', source.id);
    output.write(`  undo it with: ${undo}\n`);
    return { source: source.id };
  });
}

/** The entry that is meant, in scope and not protected. */
async function find(
  pair: Pairing,
  side: 'Source' | 'Target',
  asked: string,
  signal: AbortSignal,
): Promise<Entry> {
  const { definition, opened, now, state } = pair;
  const session = side === 'Source' ? opened.source : opened.target;
  const own = sideOf(definition, side);
  const found = await findEntry({ definition, side, session, asked }, signal);
  if (found.kind !== 'There') throw refuse(notFound(found, asked, own));
  const look = { ...found, now, digest: state.digest };
  const what = `${side.toLowerCase()} entry ${nameOf(found.entry)}`;
  const problem = unfitness(own, look);
  if (problem !== undefined) throw refuse(`${what} is ${problem}`);
  const rule = side === 'Target' ? protection(own, look) : undefined;
  if (rule !== undefined) throw refuse(`${what} is protected by ${rule} in ManagedSystem ${own.system}`);
  return found.entry;
}

function requireFree(pair: Pairing, source: Entry, target: Entry, directory: string): void {
  const letGo = (id: string): string =>
    nextCommand('unlink', directory, '--mapping', one.key, '--source', id);
  const { memory, one } = pair;
  const targetKey = keyOn(pair, 'Target', target.id);
  const own = memory.links.bySource(keyOn(pair, 'Source', source.id));
  if (own?.targetKey === targetKey)
    throw refuse(`${one.key}: ${nameOf(source)} and ${nameOf(target)} are linked already`);
  if (own)
    throw refuse(
      `${one.key}: source entry ${nameOf(source)} is linked to target ${own.targetId} already; this lets go of it: ${letGo(source.id)}`,
    );
  const other = memory.links.byTarget(targetKey);
  if (other)
    throw refuse(
      `${one.key}: target entry ${nameOf(target)} is linked to source ${other.sourceId}; this lets go of it: ${letGo(other.sourceId)}`,
    );
}
