/** One pair, or one entry alone, and what was found out about it. */
import type { Verdict } from './classify.ts';
import type { Pair } from './pairs.ts';
import type { RecordedError } from './entry-record.ts';
import type { Item } from './item.ts';

/** Without a situation it could not be judged, and fails alone. */
export interface Judged {
  readonly verdict: Verdict | undefined;
  readonly error: RecordedError | undefined;
  readonly source: Item | undefined;
  readonly target: Item | undefined;
  /** The link this is about: its own, and on A14 the one of the old source. */
  readonly pair: Pair | undefined;
  /** A source entry other than this one wants the target. */
  readonly wanted: boolean;
  /** B2: the other mapping that links or wants the entry. */
  readonly holder: string | undefined;
}

export interface End {
  readonly id: string;
  readonly key: string;
}

/** The ids of both sides: of the entries where they are known, else of the link. */
export function endsOf({ source, target, pair }: Judged): {
  source: End | undefined;
  target: End | undefined;
} {
  return {
    source: source ?? (pair && { id: pair.sourceId, key: pair.sourceKey }),
    target: target ?? (pair && { id: pair.targetId, key: pair.targetKey }),
  };
}

/** The canonical order: by source id, then by target id. */
export function byIds(one: Judged, other: Judged): number {
  const [left, right] = [endsOf(one), endsOf(other)];
  const bySource = compareText(left.source?.id ?? '', right.source?.id ?? '');
  return bySource || compareText(left.target?.id ?? '', right.target?.id ?? '');
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
