/** What an answer to a write makes true: of the link, of our mark, of the record. */
import { sideOf, type Definition } from './definition.ts';
import type { Entry } from './entry.ts';
import { printOf } from './fingerprint.ts';
import { keyOfId } from './matching.ts';
import type { LinkEffect, Operation, OperationBody } from './operation.ts';
import type { LinkWrites } from './plan-context.ts';
import type { Digest, Memory, StoredLink, Written } from './ports.ts';
import type { EntryRecord } from './entry-record.ts';
import { isPureLink } from './summary.ts';

export interface ConcludeContext {
  readonly definition: Definition;
  readonly memory: Memory;
  readonly links: LinkWrites;
  readonly digest: Digest;
  readonly now: () => number;
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
  if (link.kind === 'Put') context.links.put(linkOf(link, body, written, context));
  const { targetKey } = operation;
  if (targetKey === undefined) return;
  if (mark === 'Put') memory.putMark('Target', targetKey);
  if (mark === 'Drop') memory.dropMark('Target', targetKey);
}

function linkOf(link: Put, body: OperationBody, written: Done, context: ConcludeContext): StoredLink {
  const sourceId = link.sourceId ?? written.id;
  const targetId = link.targetId ?? written.id;
  const sourceKey = keyOf('Source', sourceId, context);
  const targetKey = keyOf('Target', targetId, context);
  const known = context.memory.links.bySource(sourceKey);
  const same = known?.targetKey === targetKey ? known : undefined;
  const agreed = new Map([...(same?.agreed ?? []), ...link.agreed]);
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
