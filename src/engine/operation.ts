/** One thing to be done to one entry or link: what it writes, what it counts as, and what makes it this operation. */
import type { Effect, Response } from './definition.ts';
import { shortHash } from './fingerprint.ts';
import type { Digest, EntryChange, NewEntry } from './ports.ts';
import type { EntryRecord, HeldBy } from './entry-record.ts';

export type Write =
  | { readonly kind: 'Create'; readonly entry: NewEntry }
  | { readonly kind: 'Update'; readonly change: EntryChange }
  | { readonly kind: 'Delete'; readonly id: string; readonly name: string | undefined }
  | { readonly kind: 'None' };

/** What becomes true of the link when the write is Applied. */
export type LinkEffect =
  | { readonly kind: 'None' }
  | { readonly kind: 'Remove'; readonly sourceKey: string }
  | {
      readonly kind: 'Put';
      /** Undefined: the id that the write brings. */
      readonly sourceId: string | undefined;
      readonly targetId: string | undefined;
      readonly agreed: ReadonlyMap<string, string>;
      /** The pair is settled with these fingerprints; the written side's is undefined where only the write tells the id. */
      readonly settles:
        { readonly source: string | undefined; readonly target: string | undefined } | undefined;
    };

/** The bulky part, kept in a spool between plan and apply. */
export interface OperationBody {
  readonly record: EntryRecord;
  readonly write: Write;
  readonly link: LinkEffect;
  readonly mark: 'Put' | 'Drop' | undefined;
  /** Attribute → keyed hash of the values to be set. */
  readonly hashes: Readonly<Record<string, string>>;
}

export interface OperationEffect {
  readonly effect: Effect;
  /** For Clear: which attribute. */
  readonly attribute: string;
}

export type OperationKind = 'Create' | 'Update' | 'Delete' | 'Disable' | 'Enable' | 'Link' | 'Unlink';

export interface Operation {
  readonly kind: OperationKind;
  /** Which side is written; Link: neither. */
  readonly side: 'Source' | 'Target' | 'Link';
  readonly response: Response;
  readonly situation: string;
  readonly row: string;
  readonly effects: readonly OperationEffect[];
  /** Deletes, disables, unlinks or clears something, on either side. */
  readonly withdraws: boolean;
  readonly sourceKey: string | undefined;
  readonly targetKey: string | undefined;
  /** Orders operations: source id, then target id. */
  readonly sourceId: string;
  readonly targetId: string;
  /** Normal form of the name that this operation takes, frees, and of the parent that has to be there. */
  readonly takes: string | undefined;
  readonly frees: string | undefined;
  readonly parent: string | undefined;
  /** Attributes of the other side that a written or clearing value comes from, by written attribute. */
  readonly clearedFrom: readonly string[];
  /** Attributes that a condition read which decided this operation. */
  readonly decidedBy: { readonly source: readonly string[]; readonly target: readonly string[] };
  readonly protectedBy: string | undefined;
  /** Another mapping that has to have looked first. */
  readonly waitsFor: string | undefined;
  readonly body: number;
  readonly digest: string;
  held: { readonly by: HeldBy; readonly reason: string } | undefined;
  released: boolean;
}

/** SITUATIONS.md, "Held plans": mapping, kind, ids, and per attribute the hash of the value to be written. */
export function digestOf(
  mapping: string,
  operation: Pick<Operation, 'kind' | 'side' | 'sourceId' | 'targetId' | 'takes'>,
  hashes: Readonly<Record<string, string>>,
  digest: Digest,
): string {
  const { kind, side, sourceId, targetId, takes = '' } = operation;
  const values = Object.keys(hashes).map((attribute) => `${attribute}=${hashes[attribute]}`);
  let text = 'operation';
  for (const part of [mapping, kind, side, sourceId, targetId, takes, ...values.sort()])
    text += `|${part.length}:${part}`;
  return shortHash(text, digest);
}

export function planDigest(digests: Iterable<string>, digest: Digest): string {
  return shortHash(`plan|${[...digests].toSorted().join('|')}`, digest);
}
