/** Words for people: what each row of the tables means, and what to change next. */
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

/** The field to change next where entries of a situation are reported and nothing happens. */
export const NEXT_STEP: Readonly<Partial<Record<Situation, string>>> = {
  Moved: 'a SituationPolicy rule { situations: [Moved], response: UpdateTarget } takes the account along',
  FoundAlreadyLinked: 'look at spec.correlate: two source entries share a key',
  Ambiguous: 'make spec.correlate tell them apart, or correct the data',
  Missing:
    'a SituationPolicy rule { situations: [Missing], response: CreateTarget } makes it again, Unlink lets go',
  Unqualified:
    'a SituationPolicy rule { situations: [Unqualified], response: DisableTarget } disables the account',
  Unassigned:
    'spec.target.filter leaves entries out, a SituationPolicy rule for Unassigned decides about them',
  SourceMissing:
    'a SituationPolicy rule { situations: [SourceMissing], response: DisableTarget } disables the account',
  SourceDeleted:
    'a SituationPolicy rule { situations: [SourceDeleted], response: DisableTarget } disables the account',
};
