/** What a response comes to for one pair, and what it is made of. */
import type { AttributeRule, Definition, Scope } from './definition.ts';
import type { AttributeSchema, Entry, Value } from './entry.ts';
import type { LinkEffect, OperationEffect, OperationKind, Write } from './operation.ts';
import type { Digest } from './ports.ts';
import type { RecordedError } from './entry-record.ts';
import type { ValueHashes } from './value-hashes.ts';

export interface RespondInput {
  readonly definition: Definition;
  readonly digest: Digest;
  readonly valueHashes: ValueHashes;
  readonly source: Entry | undefined;
  readonly target: Entry | undefined;
  readonly sourceKey: string | undefined;
  readonly targetKey: string | undefined;
  readonly scope: Scope;
  /** The link to remove on Unlink and Delete: the pair's own, on A14 the old source's. */
  readonly linked: { readonly sourceKey: string; readonly targetKey: string } | undefined;
  readonly marked: boolean;
  readonly prints: { readonly source: string | undefined; readonly target: string | undefined };
  /** Hashes of what is equal already. */
  readonly equal: ReadonlyMap<string, string>;
  /** This is all that the pair needs: when it is done the pair is settled. */
  readonly settles: boolean;
  /** Who has, or is about to get, this id on that side; undefined: it is free. */
  idHolder(side: 'Source' | 'Target', id: string): string | undefined;
  /** Unlinking would make the next run create a second target. */
  makesSecondTarget(): boolean;
}

/** A change for records: what stands there now and what shall. */
export interface Change {
  readonly attribute: AttributeSchema;
  readonly sensitive: boolean;
  readonly author: string | null;
  readonly from: readonly Value[];
  readonly to: readonly Value[];
  /** Attributes of the other side that it comes from. */
  readonly reads: ReadonlySet<string>;
  /** Its rule's condition, where it has one. */
  readonly when: AttributeRule['when'];
}

export interface Act {
  readonly kind: OperationKind;
  readonly side: 'Source' | 'Target' | 'Link';
  readonly write: Write;
  readonly link: LinkEffect;
  readonly mark: 'Put' | 'Drop' | undefined;
  readonly effects: readonly OperationEffect[];
  readonly changes: readonly Change[];
  readonly takes: string | undefined;
  readonly frees: string | undefined;
  readonly parent: string | undefined;
}

export type Failure = {
  readonly kind: 'Error';
  readonly outcome: 'Failed' | 'Refused';
  readonly error: RecordedError;
  readonly changes?: readonly Change[];
};

export type Responded =
  | { readonly kind: 'Nothing'; readonly outcome: 'Ignored' | 'Reported' | 'InSync' }
  | Failure
  | { readonly kind: 'Act'; readonly act: Act };

const NOTHING = {
  write: { kind: 'None' },
  mark: undefined,
  effects: [],
  changes: [],
  takes: undefined,
  frees: undefined,
  parent: undefined,
} as const;

export const IN_SYNC: Responded = { kind: 'Nothing', outcome: 'InSync' };

export function act(parts: Pick<Act, 'kind' | 'side' | 'link'> & Partial<Act>): Responded {
  return { kind: 'Act', act: { ...NOTHING, ...parts } };
}

export function failed(code: string, message: string, attribute: string | null = null): Failure {
  return { kind: 'Error', outcome: 'Failed', error: { code, attribute, rule: null, message } };
}

export function missing(what: string): Failure {
  return failed('NotFound', `there is no ${what} entry to take values from or to write to`);
}

export function changeOf(
  rule: AttributeRule,
  from: readonly Value[],
  to: readonly Value[],
  author: string | null = null,
): Change {
  const { attribute, sensitive, when } = rule;
  return { attribute, sensitive, author, from, to, reads: rule.reads, when };
}

type LinkSettles = Extract<LinkEffect, { kind: 'Put' }>['settles'];

/** `settles` undefined keeps the pair on the list for a full look. */
export function putLink(
  input: RespondInput,
  agreed: ReadonlyMap<string, string>,
  settles: LinkSettles,
): LinkEffect {
  return { kind: 'Put', sourceId: input.source?.id, targetId: input.target?.id, agreed, settles };
}
