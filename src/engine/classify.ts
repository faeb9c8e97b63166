/**
 * Facts → situation: the tables A, B and C of SITUATIONS.md, row by row, first row that fits. Pure; the facts
 * are gathered elsewhere, and an entry that could not be judged never gets here.
 */
import type { Situation } from './definition.ts';

export interface Verdict {
  readonly row: string;
  readonly situation: Situation;
}

/** What correlation found for one source entry. */
export type Hits =
  | { readonly kind: 'None' }
  | { readonly kind: 'Several' }
  | {
      readonly kind: 'One';
      readonly inScope: boolean;
      /** Free: no link in this mapping. Unjudged: its owner, or the hit itself, could not be judged. */
      readonly owner: 'Free' | 'LinkedToPresent' | 'LinkedToLost' | 'Unjudged';
      /** Which source entries in scope want it. */
      readonly wantedBy: 'Nobody' | 'ThisAlone' | 'Others';
    };

export interface SourceFacts {
  readonly deletedMark: boolean;
  readonly inScope: boolean;
  /** The linked target; None: there is no link. */
  readonly linked: 'None' | 'Present' | 'Outside' | 'Absent';
  readonly hits: Hits;
}

/** One for each row, however many entries it is about. */
const VERDICTS: Map<string, Verdict> = new Map();

function verdict(row: string, situation: Situation): Verdict {
  const known = VERDICTS.get(row);
  if (known) return known;
  const fresh = { row, situation };
  VERDICTS.set(row, fresh);
  return fresh;
}

/** Table A. */
export function classifySource(facts: SourceFacts): Verdict {
  if (facts.deletedMark) return classifyMarked(facts);
  return facts.inScope ? classifyInScope(facts) : classifyOutOfScope(facts);
}

function classifyMarked(facts: SourceFacts): Verdict {
  if (facts.linked === 'Present' || facts.linked === 'Outside') return verdict('A1', 'SourceDeleted');
  if (facts.linked === 'Absent') return verdict('A3', 'LinkOnly');
  return isUnwanted(facts.hits) ? verdict('A2', 'SourceDeleted') : verdict('A4', 'AllGone');
}

function classifyOutOfScope(facts: SourceFacts): Verdict {
  if (facts.linked === 'Present' || facts.linked === 'Outside') return verdict('A16', 'Unqualified');
  if (facts.linked === 'Absent') return verdict('A17', 'LinkOnly');
  return isUnwanted(facts.hits) ? verdict('A18', 'Unqualified') : verdict('A19', 'SourceIgnored');
}

function classifyInScope(facts: SourceFacts): Verdict {
  switch (facts.linked) {
    case 'Present':
      return verdict('A5', 'Confirmed');
    case 'Outside':
      return verdict('A6', 'TargetIgnored');
    case 'Absent':
      return classifyTargetGone(facts.hits);
    case 'None':
      return classifyUnlinked(facts.hits);
  }
}

function classifyTargetGone(hits: Hits): Verdict {
  if (hits.kind === 'None') return verdict('A7', 'Missing');
  if (isOurs(hits)) return verdict('A8', 'Moved');
  if (hits.kind === 'One' && (hits.owner === 'LinkedToPresent' || hits.owner === 'LinkedToLost')) {
    return verdict('A9', 'FoundAlreadyLinked');
  }
  return verdict('A10', 'Ambiguous');
}

function classifyUnlinked(hits: Hits): Verdict {
  if (hits.kind === 'None') return verdict('A11', 'Absent');
  if (isOurs(hits)) return verdict('A12', 'Found');
  if (hits.kind === 'One' && hits.owner === 'LinkedToPresent') return verdict('A13', 'FoundAlreadyLinked');
  if (hits.kind === 'One' && hits.owner === 'LinkedToLost' && hits.wantedBy === 'ThisAlone')
    return verdict('A14', 'Moved');
  return verdict('A15', 'Ambiguous');
}

/** One hit, free, in scope, wanted by this source alone (A8, A12). */
function isOurs(hits: Hits): boolean {
  return hits.kind === 'One' && hits.owner === 'Free' && hits.inScope && hits.wantedBy === 'ThisAlone';
}

/** One hit, free, in scope, wanted by no entry in scope (A2, A18). */
function isUnwanted(hits: Hits): boolean {
  return hits.kind === 'One' && hits.owner === 'Free' && hits.inScope && hits.wantedBy === 'Nobody';
}

/** What a re-read of a source says. */
export type Reread = 'NotThere' | 'DeletedMark' | 'OutOfScope' | 'InScope' | 'Failed';

export type TargetFacts =
  | { readonly link: false; readonly inScope: boolean; readonly heldElsewhere: boolean }
  | { readonly link: true; readonly source: Reread };

/** Table B; undefined is B9: nothing is concluded, the entry fails. B3 is settled before. */
export function classifyTarget(facts: TargetFacts): Verdict | undefined {
  if (facts.link) return classifyLost(facts.source);
  if (!facts.inScope) return verdict('B1', 'TargetIgnored');
  return facts.heldElsewhere ? verdict('B2', 'TargetIgnored') : verdict('B4', 'Unassigned');
}

function classifyLost(source: Reread): Verdict | undefined {
  switch (source) {
    case 'NotThere':
      return verdict('B5', 'SourceMissing');
    case 'DeletedMark':
      return verdict('B6', 'SourceDeleted');
    case 'OutOfScope':
      return verdict('B7', 'Unqualified');
    case 'InScope':
      return verdict('B8', 'Confirmed');
    case 'Failed':
      return undefined;
  }
}

/** Table C for a link whose source is not there any more; C3 is judged by table A, C4 by nobody. */
export function classifyLink(targetThere: boolean): Verdict {
  return targetThere ? verdict('C2', 'SourceMissing') : verdict('C1', 'AllGone');
}

/**
 * Which of a source entry's hits its row takes for itself, so that table B leaves them alone: every free hit;
 * of several hits all; a single linked hit only on A10, A14 and A15.
 */
export function claimsLinkedHit(row: string): boolean {
  return row === 'A10' || row === 'A14' || row === 'A15';
}
