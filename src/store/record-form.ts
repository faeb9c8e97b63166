/**
 * Records as the store keeps them: what very many of a run have in common is kept once, as their kind; of each there is
 * left whom it is about, and the values. A text as written here is never read in another way later.
 */
import type {
  EntryOutcome,
  EntryRecord,
  HeldBy,
  RecordedDifference,
  RecordedValue,
} from '../engine/entry-record.ts';

type KindBody = [
  situation: string | null,
  row: string | null,
  response: string | null,
  rule: string | null,
  outcome: EntryOutcome,
  changes: readonly string[],
  passedOver: readonly string[],
  heldBy: HeldBy | null,
  error: readonly [code: string, attribute: string | null, rule: string | null] | null,
  named: readonly [source: 0 | 1, target: 0 | 1],
  attributes: readonly (string | null)[],
];

/** One value stands for itself, none for 0. */
type PackedValues = 0 | RecordedValue | readonly RecordedValue[];

type Values = readonly [
  sourceName: string | null,
  targetName: string | null,
  differences: readonly PackedValues[],
  heldReason?: string | null,
  errorMessage?: string | null,
];

/** What a record has in common with others, as text: equal for those, and only those, of one kind. */
export function kindTextOf(record: EntryRecord): string {
  const { situation, row, response, rule, outcome, changes, passedOver, held, error } = record;
  const body: KindBody = [
    situation,
    row,
    response,
    rule,
    outcome,
    changes,
    passedOver,
    held && held.by,
    error && [error.code, error.attribute, error.rule],
    [record.source === null ? 0 : 1, record.target === null ? 0 : 1],
    record.differences.flatMap(({ attribute, author }) => [attribute, author]),
  ];
  return JSON.stringify(body);
}

/** Whether their kinds are certainly the same; false: their texts say it. */
export function areOfOneKind(one: EntryRecord, other: EntryRecord): boolean {
  if (one.situation !== other.situation || one.row !== other.row || one.outcome !== other.outcome)
    return false;
  if (one.response !== other.response || one.rule !== other.rule) return false;
  return isPlain(one) && isPlain(other) && areNamedAlike(one, other) && haveSameAttributes(one, other);
}

/** With nothing that few others have. */
function isPlain({ changes, passedOver, held, error }: EntryRecord): boolean {
  return changes.length + passedOver.length === 0 && held === null && error === null;
}

function areNamedAlike(one: EntryRecord, other: EntryRecord): boolean {
  return (
    (one.source === null) === (other.source === null) && (one.target === null) === (other.target === null)
  );
}

function haveSameAttributes({ differences: one }: EntryRecord, { differences: other }: EntryRecord): boolean {
  if (one.length !== other.length) return false;
  return one.every(
    ({ attribute, author }, at) => attribute === other[at]?.attribute && author === other[at]?.author,
  );
}

/** What is left of a record: the text for `unpackRecord`. */
export function valuesTextOf({ sourceName, targetName, differences, held, error }: EntryRecord): string {
  const packed: PackedValues[] = [];
  for (const { from, to } of differences) packed.push(packValues(from), packValues(to));
  const values: Values =
    held || error
      ? [sourceName, targetName, packed, held && held.reason, error && error.message]
      : [sourceName, targetName, packed];
  return JSON.stringify(values);
}

/** A record of the kind that is about nobody: without ids, names, values, reasons and messages. */
export function unpackKind(text: string): EntryRecord {
  const [situation, row, response, rule, outcome, changes, passedOver, heldBy, error, named, attributes] =
    JSON.parse(text) as KindBody;
  return {
    situation,
    row,
    changes,
    response,
    rule,
    source: named[0] === 1 ? '' : null,
    sourceName: null,
    target: named[1] === 1 ? '' : null,
    targetName: null,
    outcome,
    held: heldBy && { by: heldBy, reason: '' },
    differences: differencesOf(attributes),
    error: error && { code: error[0], attribute: error[1], rule: error[2], message: '' },
    passedOver,
  };
}

export interface PackedRecord {
  readonly source: string;
  readonly target: string;
  readonly values: string;
}

export function unpackRecord(kind: EntryRecord, { source, target, values }: PackedRecord): EntryRecord {
  const [sourceName, targetName, packed, reason, message] = JSON.parse(values) as Values;
  const differences = kind.differences.map(({ attribute, author }, at) => ({
    attribute,
    author,
    from: unpackValues(packed[2 * at]),
    to: unpackValues(packed[2 * at + 1]),
  }));
  return {
    ...kind,
    source: kind.source === null ? null : source,
    target: kind.target === null ? null : target,
    sourceName,
    targetName,
    held: kind.held && { ...kind.held, reason: reason ?? '' },
    differences,
    error: kind.error && { ...kind.error, message: message ?? '' },
  };
}

function differencesOf(attributes: readonly (string | null)[]): RecordedDifference[] {
  const differences: RecordedDifference[] = [];
  for (let at = 0; at < attributes.length; at += 2)
    differences.push({
      attribute: attributes[at] ?? '',
      author: attributes[at + 1] ?? null,
      from: [],
      to: [],
    });
  return differences;
}

function packValues(values: readonly RecordedValue[]): PackedValues {
  const [first] = values;
  if (first === undefined) return 0;
  return values.length === 1 ? first : values;
}

function unpackValues(packed: PackedValues | undefined): readonly RecordedValue[] {
  if (packed === undefined || packed === 0) return [];
  return isSeveral(packed) ? packed : [packed];
}

function isSeveral(packed: RecordedValue | readonly RecordedValue[]): packed is readonly RecordedValue[] {
  return Array.isArray(packed);
}
