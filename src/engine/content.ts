/** The content of entries that were recognised, read again because something is to be done about them after all. */
import type { Entry } from './entry.ts';
import type { RecordedError } from './entry-record.ts';
import { printOf } from './fingerprint.ts';
import type { Item } from './item.ts';
import type { Digest, EntryReader, Fetched, Spool } from './ports.ts';
import type { Roll } from './roll.ts';

export interface ContentContext {
  readonly reader: EntryReader;
  readonly roll: Roll;
  readonly spool: Spool<Entry>;
  readonly digest: Digest;
}

/** Who is not any more what was listed fails, and is looked at by the next run. */
export async function loadContent(
  items: readonly Item[],
  { reader, roll, spool, digest }: ContentContext,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map(items.map((item) => [item.id, item]));
  if (wanted.size === 0) return;
  const { request, schema } = roll.definition;
  for await (const answer of reader.fetch([...wanted.keys()], request, signal)) {
    const item = wanted.get(answer.id);
    if (!item) continue;
    wanted.delete(answer.id);
    const entry = answer.kind === 'There' && answer.listed ? answer.entry : undefined;
    const isSame = entry && printOf(entry, request.attributes, schema, digest) === roll.printOf(item);
    if (isSame) item.handle = spool.put(entry);
    else fail(item, answer);
  }
  for (const item of wanted.values()) fail(item, undefined);
}

function fail(item: Item, answer: Fetched | undefined): void {
  item.state = 'Failed';
  item.error = answer?.kind === 'Failed' ? { ...NOWHERE, ...told(answer) } : { ...NOWHERE, ...changed(item) };
}

const NOWHERE = { attribute: null, rule: null };

function told({ error }: Extract<Fetched, { kind: 'Failed' }>): Pick<RecordedError, 'code' | 'message'> {
  return { code: error.code, message: error.message };
}

function changed({ id, side }: Item): Pick<RecordedError, 'code' | 'message'> {
  const message = `entry '${id}' of the ${side.toLowerCase()} has changed since it was listed; the next run looks at it as it is then`;
  return { code: 'Changed', message };
}
