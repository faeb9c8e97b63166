/** An entry that has to be looked at, as the index phase leaves it. */
import type { RecordedError } from './entry-record.ts';

/** InScope, OutOfScope and DeletedMark are there; Gone and Failed are what a look at it can say otherwise. */
export type ItemState = 'InScope' | 'OutOfScope' | 'DeletedMark' | 'Gone' | 'Failed';

/** One entry that has to be looked at. */
export interface Item {
  readonly side: 'Source' | 'Target';
  readonly id: string;
  readonly key: string;
  readonly name: string | undefined;
  state: ItemState;
  /** It was in the listing; false: known only by a re-read. */
  listed: boolean;
  /** Its content in the spool; undefined: it was not decoded in this run. */
  handle: number | undefined;
  /** Where its roll has its fingerprints and correlation keys; -1: it was not read. */
  readonly met: number;
  /** Row in the link table, or -1. */
  readonly link: number;
  /** Nothing was done about it: it is to be recognised the next time. */
  isRemembered: boolean;
  /** Row of an unlinked entry that was recognised, or -1. */
  readonly unlinked: number;
  /** A correlation rule could not be evaluated. It matters only where no rule before it has a hit. */
  keysError: { readonly rule: number; readonly error: RecordedError } | undefined;
  error: RecordedError | undefined;
  /** Target items: it carries our disable mark and is disabled. */
  marked: boolean;
  /** How often the id was read; two or more: nobody knows which is meant. */
  occurrences: number;
}
