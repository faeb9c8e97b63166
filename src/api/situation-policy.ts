// Generated from crds/situationpolicies.yaml by `npm run generate`. Do not edit.
import type { Condition } from './conditions.ts';
import type { ObjectMetadata } from './names.ts';

/**
 * What to do about each situation that a comparison can find. Situations without a rule get their default, none of which takes anything away from an account.
 */
export interface SituationPolicy {
  /**
   * Version of this schema: rollcall.dev/v1alpha1.
   */
  apiVersion: 'rollcall.dev/v1alpha1';
  /**
   * Kind of this object: SituationPolicy.
   */
  kind: 'SituationPolicy';
  metadata: ObjectMetadata;
  spec: SituationPolicySpec;
  status?: SituationPolicyStatus;
}
/**
 * The rules.
 */
export interface SituationPolicySpec {
  /**
   * Rules in order; the first one that fits decides, and what no rule takes gets the default.
   *
   * @maxItems 64
   */
  rules: PolicyRule[];
}
/**
 * One answer to one or more situations.
 */
export interface PolicyRule {
  /**
   * Names the rule in records, Events and plans.
   */
  name: string;
  /**
   * The situations that it answers.
   *
   * @minItems 1
   * @maxItems 15
   *
   * Items: One situation.
   */
  situations: (
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
    | 'AllGone'
  )[];
  /**
   * Takes only the differences of this author: the source changed, somebody changed the target by hand, both did, or nobody knows. For Confirmed only.
   */
  change?: 'SourceChanged' | 'TargetDrifted' | 'Conflict' | 'NeverAgreed';
  /**
   * CEL over `source`, `target`, `link`, `mapping`, `changed` (the names of the differing attributes) and `now`. While it is false the rule is passed over; a failure fails the entry.
   */
  when?: string;
  /**
   * How long the situation must have lasted before the rule fits, as a Go duration up to 8760h, counted from the first run that saw it.
   */
  after?: string;
  /**
   * What is done.
   */
  response:
    | 'CreateTarget'
    | 'UpdateTarget'
    | 'DeleteTarget'
    | 'DisableTarget'
    | 'EnableTarget'
    | 'CreateSource'
    | 'UpdateSource'
    | 'DeleteSource'
    | 'DisableSource'
    | 'EnableSource'
    | 'Link'
    | 'Unlink'
    | 'Report'
    | 'Ignore'
    | 'Fail';
  /**
   * Also tells of it by an Event of this type, once per run and rule, with counts. None when left out.
   */
  event?: 'Normal' | 'Warning';
  /**
   * Lets DeleteTarget and DisableTarget reach accounts that were never linked to a source entry. Without it the rule is passed over for them.
   */
  evenIfNeverLinked?: boolean;
}
/**
 * What the controller last found. Written by the controller alone.
 */
export interface SituationPolicyStatus {
  /**
   * The generation of the spec that this status describes; -1 until the controller has looked.
   */
  observedGeneration?: number;
  /**
   * Conditions: Ready and Accepted; Stalled only while true.
   *
   * @maxItems 8
   *
   * Items: One aspect of the present state.
   */
  conditions?: Condition[];
  /**
   * Number of rules.
   */
  rules?: number;
  /**
   * Number of mappings that use this policy.
   */
  mappings?: number;
}
