/** `rollcall unlink`: takes a link back by hand. Neither entry is written; the next run may correlate them again. */
import { sideOf } from '../engine/definition.ts';
import type { StoredLink } from '../engine/ports.ts';
import type { Context } from './context.ts';
import { findEntry, notFound } from './find-entry.ts';
import { foresee } from './foresee.ts';
import { nextCommand } from './next-command.ts';
import { actByHand, keyOn, pairing, refuse, requireFinished, type Pairing } from './pairing.ts';
import type { Project } from './project.ts';

export async function unlink(project: Project, context: Context): Promise<number> {
  const { output, notes, signal } = context;
  return pairing(project, context, async (pair) => {
    const { one, memory } = pair;
    const link = await findLink(pair, context);
    requireFinished(pair, { source: link.sourceKey, target: link.targetKey });
    const what = { source: link.sourceId, target: link.targetId, name: link.targetId };
    actByHand(pair, context, { kind: 'Unlink', what }, () => memory.links.remove(link.sourceKey));
    output.write(`${one.key}: unlinked ${link.sourceId} → ${link.targetId}\n`);
    const pairOf = ['--source', link.sourceId, '--target', link.targetId];
    const undo = nextCommand('link', project.directory, '--mapping', one.key, ...pairOf);
    output.write(`  undo it with: ${undo}\n`);
    const { records } = await foresee(one, { side: 'Source', id: link.sourceId }, project, signal);
    const again = records.find((record) => record.situation === 'Found' && record.target === link.targetId);
    if (again)
      notes.write(
        `${one.key}: warning: spec.correlate finds the same pair again, so the next run links it as before; make spec.correlate or the data tell them apart, or answer Found with Report in a SituationPolicy rule\n`,
      );
    return { source: link.sourceId };
  });
}

async function findLink(pair: Pairing, { settings, signal }: Context): Promise<StoredLink> {
  const { source, target } = settings;
  const side = source === undefined ? 'Target' : 'Source';
  const link = await linkOf(pair, side, source ?? target ?? '', signal);
  if (source === undefined || target === undefined) return link;
  const other = await linkOf(pair, 'Target', target, signal);
  if (other.sourceKey === link.sourceKey) return link;
  throw refuse(
    `${pair.one.key}: source ${link.sourceId} is linked to target ${link.targetId}, not to ${target}`,
  );
}

/** By id first: an entry that is gone may well be linked. */
async function linkOf(
  pair: Pairing,
  side: 'Source' | 'Target',
  asked: string,
  signal: AbortSignal,
): Promise<StoredLink> {
  const { definition, opened, one } = pair;
  const byId = linkByKey(pair, side, asked);
  if (byId) return byId;
  const session = side === 'Source' ? opened.source : opened.target;
  const found = await findEntry({ definition, side, session, asked }, signal);
  if (found.kind !== 'There')
    throw refuse(
      `${one.key}: no link of '${asked}' is known, and ${notFound(found, asked, sideOf(definition, side))}`,
    );
  const link = linkByKey(pair, side, found.entry.id);
  if (link) return link;
  throw refuse(`${one.key}: ${side.toLowerCase()} entry ${found.entry.id} is not linked`);
}

function linkByKey(pair: Pairing, side: 'Source' | 'Target', id: string): StoredLink | undefined {
  const { links } = pair.memory;
  return side === 'Source' ? links.bySource(keyOn(pair, side, id)) : links.byTarget(keyOn(pair, side, id));
}
