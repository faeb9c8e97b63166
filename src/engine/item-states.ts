/** What the state of an entry means to the tables. */
import type { Reread, SourceFacts } from './classify.ts';
import type { RecordedError } from './entry-record.ts';
import type { Item } from './item.ts';

export const UNJUDGED: RecordedError = {
  code: 'Unjudged',
  attribute: null,
  rule: null,
  message: 'the entry could not be judged',
};

export function isThere(item: Item): boolean {
  return item.state !== 'Gone' && item.state !== 'Failed';
}

/** A re-read failed: it may be there or not. */
export function isUnread(target: Item): boolean {
  return target.state === 'Failed' && !target.listed;
}

/** A source that is linked to an entry that failed fails too. */
export function partnerError(target: Item | undefined): RecordedError | undefined {
  if (target?.state !== 'Failed') return undefined;
  const cause = target.error ?? UNJUDGED;
  return { ...cause, message: `its target entry could not be judged: ${cause.message}` };
}

export function linkedState(target: Item | undefined): SourceFacts['linked'] {
  if (!target) return 'None';
  if (target.state === 'Gone') return 'Absent';
  return target.state === 'InScope' && (target.listed || target.marked) ? 'Present' : 'Outside';
}

export function rereadState(source: Item): Reread {
  return source.state === 'Gone' ? 'NotThere' : source.state;
}
