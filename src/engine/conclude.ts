/** What an answer to a write makes true: of the link, of our mark, of the record. */
import { sideOf, type Definition } from './definition.ts';
import type { Entry } from './entry.ts';
import { printOf } from './fingerprint.ts';
import { keyOfId } from './matching.ts';
import type { LinkEffect, Operation, OperationBody } from './operation.ts';
import type { RunLinks } from './plan-context.ts';
import type { Digest, Memory, StoredLink, Written } from './ports.ts';
import type { Foreseen } from './recogniser.ts';
import type { EntryRecord } from './entry-record.ts';
import { isPureLink } from './summary.ts';

export interface ConcludeContext {
  readonly definition: Definition;
  readonly memory: Memory;
  readonly links: RunLinks;
  readonly digest: Digest;
  readonly now: () => number;
  /** Told of what was written and is settled, where it is known how the next listing will bring it. */
  readonly foresee: (side: 'Source' | 'Target', foreseen: Foreseen) => void;
}

/** Neither side of the pair had a link when the operation was planned, so none has to be looked up. */
const NOT_LINKED: readonly string[] = ['Absent', 'Found', 'Unassigned'];

/** Only rows are added for it, and nothing is looked up. */
export function needsNothing({ mark, link, record }: OperationBody): boolean {
  return mark === undefined && link.kind === 'Put' && NOT_LINKED.includes(record.situation ?? '');
}

/** The link that it changes is at hand, and nothing else is needed from the store. */
export function needsNoStore(
  { sourceKey }: Operation,
  body: OperationBody,
  { links }: ConcludeContext,
): boolean {
  if (needsNothing(body)) return true;
  const changesLink = body.mark === undefined && body.write.kind === 'Update' && body.link.kind === 'Put';
  return changesLink && sourceKey !== undefined && links.isAtHand(sourceKey);
}

type Done = Extract<Written, { kind: 'Applied' }>;
type Put = Extract<LinkEffect, { kind: 'Put' }>;

/** The write was Applied. */
export function remember(
  operation: Operation,
  body: OperationBody,
  written: Done,
  context: ConcludeContext,
): void {
  const { memory } = context;
  const { link, mark } = body;
  if (link.kind === 'Remove') context.links.remove(link.sourceKey);
  if (link.kind === 'Put') {
    const isNew = NOT_LINKED.includes(operation.situation);
    const before = isNew ? undefined : (sourceKey: string) => context.links.bySource(sourceKey);
    context.links.put(linkOf(link, { body, written, before }, context));
    if (written.foreseen && link.settles && operation.side !== 'Link')
      context.foresee(operation.side, written.foreseen());
  }
  const { targetKey } = operation;
  if (targetKey === undefined) return;
  if (mark === 'Put') memory.putMark('Target', targetKey);
  if (mark === 'Drop') memory.dropMark('Target', targetKey);
}

interface Concluding {
  readonly body: OperationBody;
  readonly written: Done;
  /** The link of the source so far; absent: it certainly has none. */
  readonly before: ((sourceKey: string) => StoredLink | undefined) | undefined;
}

function linkOf(link: Put, { body, written, before }: Concluding, context: ConcludeContext): StoredLink {
  const sourceId = link.sourceId ?? written.id;
  const targetId = link.targetId ?? written.id;
  const sourceKey = keyOf('Source', sourceId, context);
  const targetKey = keyOf('Target', targetId, context);
  const known = before?.(sourceKey);
  const same = known?.targetKey === targetKey ? known : undefined;
  const agreed = same ? new Map([...same.agreed, ...link.agreed]) : link.agreed;
  const linkedAt = same?.linkedAt ?? context.now();
  return {
    sourceId,
    targetId,
    sourceKey,
    targetKey,
    agreed,
    linkedAt,
    ...settled(link, body, written, context),
  };
}

function settled(
  { settles }: Put,
  body: OperationBody,
  written: Done,
  context: ConcludeContext,
): Pick<StoredLink, 'sourcePrint' | 'targetPrint' | 'settledIn'> {
  if (!settles) return { sourcePrint: undefined, targetPrint: undefined, settledIn: undefined };
  const targetPrint = settles.target ?? printOfCreated(body, written, context);
  return { sourcePrint: settles.source, targetPrint, settledIn: context.definition.epoch };
}

function printOfCreated(
  { write }: OperationBody,
  written: Done,
  context: ConcludeContext,
): string | undefined {
  if (write.kind !== 'Create') return undefined;
  const { request, schema } = context.definition.target;
  const entry: Entry = { id: written.id, name: written.name, attributes: write.entry.attributes };
  return printOf(entry, request.attributes, schema, context.digest);
}

function keyOf(side: 'Source' | 'Target', id: string, { definition }: ConcludeContext): string {
  return keyOfId(id, sideOf(definition, side).schema);
}

export function concluded(operation: Operation, record: EntryRecord, written: Written): EntryRecord {
  if (written.kind !== 'Applied') {
    const { code, attribute, message } = written.error;
    return {
      ...record,
      outcome: written.kind,
      error: { code, attribute: attribute ?? null, rule: record.rule, message },
    };
  }
  const outcome = isPureLink(record) && operation.kind === 'Link' ? 'Linked' : 'Applied';
  if (operation.kind !== 'Create') return { ...record, outcome };
  const created =
    operation.side === 'Target'
      ? { target: written.id, targetName: written.name ?? null }
      : { source: written.id, sourceName: written.name ?? null };
  return { ...record, outcome, ...created };
}
