/** A judged pair and what was decided, as a record for people and programs. No sensitive value gets through here. */
import { endsOf, type Judged } from './judged.ts';
import type { Decision } from './decide.ts';
import type { Value } from './entry.ts';
import type {
  EntryOutcome,
  EntryRecord,
  RecordedDifference,
  RecordedError,
  RecordedValue,
} from './entry-record.ts';
import type { Change } from './act.ts';

export interface RecordDraft {
  readonly judged: Judged;
  readonly decision?: Decision;
  readonly changes?: readonly Change[];
  readonly authors?: readonly string[];
  readonly error?: RecordedError | undefined;
  readonly passedOver?: readonly string[];
}

/** A1, A5 … judge a link: both its ids belong to the record, also of a side that is gone. */
const NAMES_NO_TARGET: readonly string[] = ['A4', 'A11', 'A13', 'A15', 'A19'];

export function recordOf(draft: RecordDraft, outcome: EntryOutcome): EntryRecord {
  const { judged, decision, authors = [], changes = [], error = null } = draft;
  const { situation = null, row = null } = judged.verdict ?? {};
  return {
    situation,
    row,
    changes: authors,
    response: orNull(decision?.response),
    rule: orNull(decision?.rule?.name),
    ...namesOf(judged),
    outcome,
    held: null,
    differences: changes.map(differenceOf),
    error,
    passedOver: passedOverOf(draft),
  };
}

function namesOf(judged: Judged): Pick<EntryRecord, 'source' | 'target' | 'sourceName' | 'targetName'> {
  const { verdict, source, target } = judged;
  const ends = endsOf(judged);
  const row = verdict?.row ?? '';
  // On A14 the link is the old source's: the record is about the new source.
  const sourceEnd = row === 'A14' ? source : ends.source;
  const targetEnd = NAMES_NO_TARGET.includes(row) ? undefined : ends.target;
  return {
    source: orNull(sourceEnd?.id),
    sourceName: orNull(source?.name),
    target: orNull(targetEnd?.id),
    targetName: orNull(targetEnd && target?.name),
  };
}

/** Programs read null where nothing is known. */
function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function passedOverOf({ judged, decision, passedOver }: RecordDraft): string[] {
  const held = judged.holder === undefined ? [] : [`mapping ${judged.holder} links or wants the entry`];
  return [...held, ...(passedOver ?? decision?.passedOver ?? [])];
}

function differenceOf({ attribute, sensitive, author, from, to }: Change): RecordedDifference {
  return { attribute: attribute.name, author, from: allShown(from, sensitive), to: allShown(to, sensitive) };
}

/** Texts that may be seen are shown as they are. */
function allShown(values: readonly Value[], sensitive: boolean): readonly RecordedValue[] {
  if (!sensitive && areTexts(values)) return values;
  return values.map((value) => shown(value, sensitive));
}

function areTexts(values: readonly Value[]): values is readonly string[] {
  return values.every((value) => typeof value === 'string');
}

function shown(value: Value, sensitive: boolean): RecordedValue {
  if (sensitive) return '[secret]';
  return typeof value === 'string' ? value : { base64: base64(value) };
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 section 4. The engine has no library to call. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const chunk = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      text += at + digit > bytes.length ? '=' : DIGITS.charAt((chunk >> (18 - 6 * digit)) & 63);
    }
  }
  return text;
}
