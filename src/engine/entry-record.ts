/** What is recorded of a judged pair: the same for people, for programs and for history. */

/** A finding about one pair, as people and programs read it (DESIGN.md, "Command line"). */
export interface EntryRecord {
  readonly situation: string | null;
  readonly row: string | null;
  readonly changes: readonly string[];
  readonly response: string | null;
  readonly rule: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly sourceName: string | null;
  readonly targetName: string | null;
  readonly outcome: EntryOutcome;
  readonly held: { readonly by: HeldBy; readonly reason: string } | null;
  readonly differences: readonly RecordedDifference[];
  readonly error: RecordedError | null;
  /** Rules that would have fitted but for one condition, and which. */
  readonly passedOver: readonly string[];
}

export type HeldBy = 'Budget' | 'Evidence' | 'Protect' | 'Dependency';

export type EntryOutcome =
  | 'InSync'
  | 'Ignored'
  | 'Reported'
  | 'Linked'
  | 'Planned'
  | 'Applied'
  | 'Held'
  | 'Refused'
  | 'Unknown'
  | 'Failed';

/** Sensitive values are "[secret]", octets { base64 }. */
export type RecordedValue = string | { readonly base64: string };

export interface RecordedDifference {
  readonly attribute: string;
  readonly author: string | null;
  readonly from: readonly RecordedValue[];
  readonly to: readonly RecordedValue[];
}

export interface RecordedError {
  readonly code: string;
  readonly attribute: string | null;
  readonly rule: string | null;
  readonly message: string;
}
