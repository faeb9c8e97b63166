/** What planning needs of its run, and one pair as it is seen while it is planned. */
import type { Judged } from './judged.ts';
import type { Decision } from './decide.ts';
import type { Definition, Scope, Situation } from './definition.ts';
import type { Entry } from './entry.ts';
import type { KnownLinks } from './known-links.ts';
import type { LinkTable } from './link-table.ts';
import type { OperationBody } from './operation.ts';
import type { Digest, Memory, Since, Spool, StoredLink } from './ports.ts';
import type { Roll } from './roll.ts';
import type { SinceClocks } from './since.ts';
import type { Summary } from './summary.ts';
import type { UnlinkedRemembered } from './unlinked-remembered.ts';
import type { ValueHashes } from './value-hashes.ts';

/** Every link that is written in a run goes through here, so that what is known of all of them stays true. */
export type RunLinks = Pick<KnownLinks, 'bySource' | 'isAtHand' | 'put' | 'remove'>;

export interface PlanContext {
  readonly definition: Definition;
  readonly memory: Memory;
  readonly links: RunLinks & { readonly links: Pick<LinkTable, 'findOld' | 'before'> };
  readonly digest: Digest;
  readonly valueHashes: ValueHashes;
  readonly source: Roll;
  readonly target: Roll;
  readonly entries: Spool<Entry>;
  readonly bodies: Spool<OperationBody>;
  readonly clocks: SinceClocks;
  /** Told of every pair about which nothing is done. */
  readonly remembered: UnlinkedRemembered;
  readonly summary: Summary;
  readonly now: number;
  /** Target key → attribute → hash that one of our own unfinished writes was to set. */
  readonly unfinished: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** May links be settled and remembered values moved? Not when observing. */
  readonly remembers: boolean;
}

export interface PairView {
  readonly judged: Judged;
  readonly situation: Situation;
  readonly source: Entry | undefined;
  readonly target: Entry | undefined;
  readonly link: StoredLink | undefined;
  readonly scope: Scope;
  readonly since: Since;
}

/** Both were listed, and the target is in scope by itself, not only by our mark. */
export function isPlainlyInScope({ judged }: PairView): boolean {
  const { verdict, target } = judged;
  const isListed = verdict?.row.startsWith('A') === true && target?.listed === true;
  return isListed && target.state === 'InScope' && !target.marked;
}

/** The target is only a hit of correlation, not yet linked to this source. */
export function isNominated({ judged }: PairView): boolean {
  return ['A2', 'A8', 'A12', 'A14', 'A18'].includes(judged.verdict?.row ?? '');
}

export function isPassive({ response }: Decision): boolean {
  return response === 'Ignore' || response === 'Report' || response === 'Fail';
}
