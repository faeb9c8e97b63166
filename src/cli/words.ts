/** Words for people: what each situation means. */
import type { Situation } from '../engine/definition.ts';

export const MEANING: Readonly<Record<Situation, string>> = {
  Confirmed: 'linked, and both sides are there',
  Found: 'not linked yet, exactly one free entry corresponds',
  Moved: 'the same person under a new id on one side',
  FoundAlreadyLinked: 'the entry that corresponds is linked to somebody else',
  Absent: 'nobody on the target corresponds',
  Ambiguous: 'it cannot be told which entry is meant; a person must choose',
  Missing: 'the linked target entry is gone',
  Unqualified: 'the source entry is not in scope any more',
  SourceIgnored: 'out of scope, and nobody corresponds',
  TargetIgnored: 'out of scope on the target, or held by another mapping',
  Unassigned: 'a target entry that belongs to nobody',
  SourceMissing: 'the linked source entry is gone',
  SourceDeleted: 'the source says that the entry is gone',
  LinkOnly: 'the target is gone, and the source does not want it any more',
  AllGone: 'both sides are gone',
};
