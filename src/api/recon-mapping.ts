// Generated from crds/reconmappings.yaml by `npm run generate`. Do not edit.
import type { Condition } from './conditions.ts';
import type { ObjectMetadata } from './names.ts';

/**
 * How the objects of one system correspond to the objects of another, when to look, and how much may change in one go.
 */
export interface ReconMapping {
  /**
   * Version of this schema: rollcall.dev/v1alpha1.
   */
  apiVersion: 'rollcall.dev/v1alpha1';
  /**
   * Kind of this object: ReconMapping.
   */
  kind: 'ReconMapping';
  metadata: ObjectMetadata;
  spec: ReconMappingSpec;
  status?: ReconMappingStatus;
}
/**
 * What corresponds to what, when to look, and how much may change.
 */
export interface ReconMappingSpec {
  source: MappingSource;
  target: MappingTarget;
  /**
   * The SituationPolicy that says what to do about each situation. Without it the defaults hold, none of which takes anything away from an account.
   */
  policyRef?: {
    /**
     * Its name, in the namespace of this mapping.
     */
    name: string;
  };
  /**
   * Observe plans and reports, and writes nothing; Enforce applies the plan within its guards.
   */
  mode: 'Observe' | 'Enforce';
  /**
   * How long from the start of one run to the start of the next, as a Go duration such as 15m or 1h30m, from 30s to 168h.
   */
  interval?: string;
  /**
   * When to run, as the five fields of cron (minute, hour, day of month, month, day of week), such as "0 2 * * *". A missed run is made up for once.
   */
  schedule?: string;
  /**
   * The time zone of the schedule by its IANA name, such as Europe/Berlin. UTC when left out.
   */
  timeZone?: string;
  /**
   * While true nothing is read and nothing is written. Links stay.
   */
  suspend: boolean;
  /**
   * How the partner of an entry is found that has none. Rules are tried in order; the first one with at least one hit decides. May be empty.
   *
   * @maxItems 16
   */
  correlate?: CorrelationRule[];
  /**
   * The outbound rules, from source to target. Attributes without a rule are left alone.
   *
   * @maxItems 128
   */
  attributes?: OutboundAttribute[];
  /**
   * The rules from target to source, for the responses CreateSource and UpdateSource.
   *
   * @maxItems 128
   */
  inbound?: InboundAttribute[];
  guards: Guards;
  /**
   * The digest of a held plan, from status.plan.digest. Exactly its operations are released, each once. The annotation rollcall.dev/approve-plan does the same.
   */
  approvedPlan?: string;
  /**
   * The name that this mapping had before; its links are taken over when both systems and objects are the same.
   */
  linksFrom?: string;
}
/**
 * Where the objects come from. Which side is authoritative is decided per situation, not by this word.
 */
export interface MappingSource {
  /**
   * The ManagedSystem.
   */
  systemRef: {
    /**
     * Its name, in the namespace of this mapping.
     */
    name: string;
  };
  /**
   * The name of one of its objects.
   */
  object: string;
  /**
   * A filter in the system's own language, evaluated by the system, in addition to the object's own.
   */
  filter?: string;
  /**
   * CEL over `source`. Entries for which it is false are out of scope; a linked one becomes Unqualified.
   */
  where?: string;
  /**
   * CEL over `source`. An entry for which it is true is still listed, but counts as deleted at the source.
   */
  deletedWhen?: string;
}
/**
 * Where the corresponding objects live.
 */
export interface MappingTarget {
  /**
   * The ManagedSystem.
   */
  systemRef: {
    /**
     * Its name, in the namespace of this mapping.
     */
    name: string;
  };
  /**
   * The name of one of its objects.
   */
  object: string;
  /**
   * A filter in the system's own language, evaluated by the system, in addition to the object's own.
   */
  filter?: string;
  /**
   * CEL over `target`. Entries for which it is false are out of scope.
   */
  where?: string;
}
/**
 * One way to find a partner.
 */
export interface CorrelationRule {
  /**
   * A source attribute. Each of its values is a key; an entry without a value has no hit.
   */
  source?: string;
  /**
   * CEL over `source` that yields a key, a list of keys, or null for none.
   */
  expression?: string;
  /**
   * The target attribute that carries the key. Its matching rule decides what equals what.
   */
  target: string;
}
/**
 * How one target attribute gets its value.
 */
export interface OutboundAttribute {
  /**
   * The target attribute; dn for the distinguished name of an LDAP entry.
   */
  target: string;
  /**
   * A source attribute that is copied.
   */
  from?: string;
  /**
   * CEL that yields the value or a list of values. Null clears the attribute; a failure fails the entry.
   */
  expression?: string;
  /**
   * A constant. A password does not belong here but in a Secret, which an expression reads by secret().
   */
  value?: string;
  rdn?: RelativeName;
  /**
   * CEL that yields the distinguished name of the entry above, such as `'ou=people,dc=example,dc=org'`.
   */
  parent?: string;
  /**
   * CEL that yields true or false. While it is false the attribute is neither compared nor written for this entry.
   */
  when?: string;
  /**
   * Strong keeps the attribute as the rule says; Weak writes it only where the target has none. Strong when left out.
   */
  strength?: 'Strong' | 'Weak';
  /**
   * When the rule is applied. Both when left out, Create alone for a write-only attribute. Quote this key ("on"), because kubectl reads a plain one as the boolean true.
   *
   * @minItems 1
   * @maxItems 2
   *
   * Items: One of the two occasions.
   */
  on?: ('Create' | 'Update')[];
  /**
   * For several values. Replace makes them what the rule says; Add never removes what others have put there. Replace when left out.
   */
  merge?: 'Replace' | 'Add';
}
/**
 * The relative distinguished name. The value is escaped by us.
 */
export interface RelativeName {
  /**
   * The naming attribute, such as uid.
   */
  attribute: string;
  /**
   * CEL that yields its value, unescaped.
   */
  expression: string;
}
/**
 * How one source attribute gets its value.
 */
export interface InboundAttribute {
  /**
   * The source attribute.
   */
  source: string;
  /**
   * A target attribute that is copied.
   */
  from?: string;
  /**
   * CEL that yields the value or a list of values. Null clears the attribute; a failure fails the entry.
   */
  expression?: string;
  /**
   * A constant. A password does not belong here but in a Secret, which an expression reads by secret().
   */
  value?: string;
  /**
   * CEL that yields true or false. While it is false the attribute is neither compared nor written for this entry.
   */
  when?: string;
  /**
   * Strong keeps the attribute as the rule says; Weak writes it only where the source has none. Strong when left out.
   */
  strength?: 'Strong' | 'Weak';
  /**
   * When the rule is applied. Both when left out, Create alone for a write-only attribute. Quote this key ("on"), because kubectl reads a plain one as the boolean true.
   *
   * @minItems 1
   * @maxItems 2
   *
   * Items: One of the two occasions.
   */
  on?: ('Create' | 'Update')[];
  /**
   * For several values. Replace makes them what the rule says; Add never removes what others have put there. Replace when left out.
   */
  merge?: 'Replace' | 'Add';
}
/**
 * How much may change in one go. There is no switch that turns the guards off; a held plan is released by its digest.
 */
export interface Guards {
  /**
   * Limits per effect. The defaults are 5 %, at least 3, for Clear, Rename, Disable and Delete; 25 %, at least 50, for Create; 50 %, at least 50, for Update; 10 % over all and 20 % of one group, at least 3, for RemoveMember.
   *
   * @maxItems 7
   */
  budgets?: Budget[];
  /**
   * What was applied this long ago still counts against the budgets, as a Go duration from 1m to 720h.
   */
  window: string;
  /**
   * A read that finds fewer entries than the last accepted one, by more than this percentage and by more than 5, is not believed.
   */
  maxShrinkPercent: number;
  /**
   * What happens over budget: HoldKind holds the operations with that effect and applies the others, HoldAll applies nothing, Fail applies nothing and fails the run.
   */
  onExceeded: 'HoldKind' | 'HoldAll' | 'Fail';
}
/**
 * The limit of one effect. It is the larger of minCount and maxPercent, capped by maxCount.
 */
export interface Budget {
  /**
   * What happens to an entry. Enabling counts as Update, unlinking as nothing.
   */
  effect: 'Create' | 'Update' | 'Clear' | 'Rename' | 'Disable' | 'Delete' | 'RemoveMember';
  /**
   * Percent of the population, which is the larger of the links and the entries in scope.
   */
  maxPercent?: number;
  /**
   * So many are always allowed, however small the population.
   */
  minCount?: number;
  /**
   * More than so many are never allowed, however large the population.
   */
  maxCount?: number;
}
/**
 * What the controller last found. Written by the controller alone.
 */
export interface ReconMappingStatus {
  /**
   * The generation of the spec that this status describes; -1 until the controller has looked.
   */
  observedGeneration?: number;
  /**
   * Conditions: Ready, ResolvedRefs, InSync; Reconciling, Stalled and Held only while true.
   *
   * @maxItems 8
   *
   * Items: One aspect of the present state.
   */
  conditions?: Condition[];
  /**
   * The value of the annotation rollcall.dev/run-requested-at that was last answered by a run.
   */
  lastHandledRequest?: string;
  /**
   * The digest that an annotation released last. What stays there releases nothing a second time.
   */
  lastHandledApproval?: string;
  /**
   * What the last run found, by situation.
   *
   * @maxItems 15
   */
  situations?: SituationCounts[];
  totals?: RunTotals;
  lastRun?: LastRun;
  /**
   * When the next run is due; absent when it runs on request only.
   */
  nextRunAt?: string;
  plan?: HeldPlan;
  /**
   * The last runs, newest first.
   *
   * @maxItems 5
   */
  history?: PastRun[];
}
/**
 * One situation.
 */
export interface SituationCounts {
  /**
   * Its name.
   */
  name:
    | 'Confirmed'
    | 'Found'
    | 'Moved'
    | 'FoundAlreadyLinked'
    | 'Absent'
    | 'Ambiguous'
    | 'Missing'
    | 'Unqualified'
    | 'SourceIgnored'
    | 'TargetIgnored'
    | 'Unassigned'
    | 'SourceMissing'
    | 'SourceDeleted'
    | 'LinkOnly'
    | 'AllGone';
  /**
   * Pairs in this situation.
   */
  count: number;
  /**
   * Operations that were planned.
   */
  planned?: number;
  /**
   * Operations that were applied.
   */
  applied?: number;
  /**
   * Operations that a guard, missing evidence, protection or another mapping holds back.
   */
  held?: number;
  /**
   * Operations that were refused, failed, or whose answer was lost.
   */
  failed?: number;
}
/**
 * What the last run found and did, over all situations.
 */
export interface RunTotals {
  /**
   * Pairs in which nothing differed.
   */
  inSync?: number;
  /**
   * Operations that were planned.
   */
  planned?: number;
  /**
   * Operations that were applied.
   */
  applied?: number;
  /**
   * Operations that a guard, missing evidence, protection or another mapping holds back.
   */
  held?: number;
  /**
   * Operations that were refused, failed, or whose answer was lost.
   */
  failed?: number;
  /**
   * Operations that are planned and not yet tried.
   */
  pending?: number;
}
/**
 * The last run.
 */
export interface LastRun {
  /**
   * Identifies the run in the journal and in the logs.
   */
  id?: string;
  /**
   * Whether it planned only, or applied as well.
   */
  mode?: 'Observe' | 'Enforce';
  /**
   * What asked for it, as one word, such as Interval or Request.
   */
  trigger?: string;
  /**
   * When it began.
   */
  startedAt?: string;
  /**
   * When it ended; absent while it goes on.
   */
  finishedAt?: string;
  /**
   * How long it took, in seconds.
   */
  durationSeconds?: number;
  /**
   * How it ended.
   */
  outcome?: 'Succeeded' | 'Degraded' | 'Held' | 'Failed' | 'Stalled';
  /**
   * Entries that were read from the source.
   */
  sourceEntries?: number;
  /**
   * Entries that were read from the target.
   */
  targetEntries?: number;
  /**
   * While it goes on, what it is doing.
   */
  step?: string;
  evidence?: RunEvidence;
}
/**
 * Whether the reads proved that they saw everything.
 */
export interface RunEvidence {
  source?: ReadEvidence;
  /**
   * The read of the target.
   */
  target?: ReadEvidence;
}
/**
 * The read of the source.
 */
export interface ReadEvidence {
  /**
   * Yes, a proof vouches; Unproved, nothing contradicts it; No, it is contradicted and nothing is withdrawn because of it.
   */
  complete?: 'Yes' | 'Unproved' | 'No';
  /**
   * What vouches, such as LastPage or Checksum.
   */
  proof?: string;
  /**
   * What contradicts it, as one word in PascalCase.
   */
  reason?: string;
}
/**
 * What is held and can be approved by its digest.
 */
export interface HeldPlan {
  /**
   * Names exactly the held operations. Put it into spec.approvedPlan to release them.
   */
  digest: string;
  /**
   * The held operations by effect.
   *
   * @maxItems 16
   */
  counts?: HeldEffect[];
  /**
   * When it can no longer be approved.
   */
  expiresAt?: string;
}
/**
 * The held operations of one effect.
 */
export interface HeldEffect {
  /**
   * The effect, as in guards.budgets.
   */
  effect: string;
  /**
   * Operations with this effect.
   */
  count: number;
}
/**
 * One run.
 */
export interface PastRun {
  /**
   * Identifies the run in the journal and in the logs.
   */
  id: string;
  /**
   * Whether it planned only, or applied as well.
   */
  mode?: 'Observe' | 'Enforce';
  /**
   * What asked for it, as one word, such as Interval or Request.
   */
  trigger?: string;
  /**
   * When it began.
   */
  startedAt?: string;
  /**
   * When it ended; absent while it goes on.
   */
  finishedAt?: string;
  /**
   * How long it took, in seconds.
   */
  durationSeconds?: number;
  /**
   * How it ended.
   */
  outcome?: 'Succeeded' | 'Degraded' | 'Held' | 'Failed' | 'Stalled';
  /**
   * Operations that were planned.
   */
  planned?: number;
  /**
   * Operations that were applied.
   */
  applied?: number;
  /**
   * Operations that a guard, missing evidence, protection or another mapping holds back.
   */
  held?: number;
  /**
   * Operations that were refused, failed, or whose answer was lost.
   */
  failed?: number;
}
