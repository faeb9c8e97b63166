/**
 * The conditions in status and the reasons they give, each with its meaning. They are part of the contract:
 * people alert on them, so a word is added, never reused. The README's table of reasons is checked against this.
 */
import type { Kind } from './names.ts';

/** As in every Kubernetes API; kstatus reads Ready, Reconciling and Stalled. */
export interface Condition {
  type: ConditionType;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number;
  /** When `status` last changed. A new message alone does not move it. */
  lastTransitionTime: string;
  reason: Reason;
  message: string;
}

interface ConditionMeaning {
  readonly kinds: readonly Kind[];
  /** Normal-true conditions are always there; abnormal-true ones only while they are true. */
  readonly polarity: 'NormalTrue' | 'AbnormalTrue';
  readonly meaning: string;
}

export type ConditionType =
  'Ready' | 'Reconciling' | 'Stalled' | 'ResolvedRefs' | 'Reachable' | 'InSync' | 'Held' | 'Accepted';

const all: readonly Kind[] = ['ManagedSystem', 'ReconMapping', 'SituationPolicy'];

export const conditionTypes: Readonly<Record<ConditionType, ConditionMeaning>> = {
  Ready: { kinds: all, polarity: 'NormalTrue', meaning: 'The summary: what it is for works.' },
  Reconciling: {
    kinds: all,
    polarity: 'AbnormalTrue',
    meaning: 'A run or another attempt is under way for this generation.',
  },
  Stalled: {
    kinds: all,
    polarity: 'AbnormalTrue',
    meaning: 'It goes on only when somebody changes something. Never together with Reconciling.',
  },
  ResolvedRefs: {
    kinds: ['ManagedSystem', 'ReconMapping'],
    polarity: 'NormalTrue',
    meaning: 'Everything that is referred to exists and can be read.',
  },
  Reachable: {
    kinds: ['ManagedSystem'],
    polarity: 'NormalTrue',
    meaning: 'The last attempt to connect, authenticate and read the schema succeeded.',
  },
  InSync: {
    kinds: ['ReconMapping'],
    polarity: 'NormalTrue',
    meaning: 'The last complete run left nothing to change.',
  },
  Held: {
    kinds: ['ReconMapping'],
    polarity: 'AbnormalTrue',
    meaning: 'A guard holds changes back until they are approved or the inputs change.',
  },
  Accepted: {
    kinds: ['SituationPolicy'],
    polarity: 'NormalTrue',
    meaning: 'Every rule compiles and none contradicts another.',
  },
};

export type Reason =
  | 'Succeeded'
  | 'Connected'
  | 'Accepted'
  | 'PlanPending'
  | 'EntriesFailed'
  | 'ChangesHeld'
  | 'Progressing'
  | 'ProgressingWithRetry'
  | 'Suspended'
  | 'NotYetRun'
  | 'SystemNotReady'
  | 'PolicyNotReady'
  | 'ResolvedRefs'
  | 'RefNotFound'
  | 'SecretNotFound'
  | 'SecretKeyMissing'
  | 'InvalidSpec'
  | 'SchemaMismatch'
  | 'AccessDenied'
  | 'UnsupportedValue'
  | 'NotSettling'
  | 'KeyMissing'
  | 'SystemUnreachable'
  | 'AuthenticationFailed'
  | 'TLSVerificationFailed'
  | 'ReadFailed'
  | 'WritesFailed'
  | 'Timeout'
  | 'RunFailed'
  | 'BudgetExceeded'
  | 'EmptySource'
  | 'EmptyTarget'
  | 'SourceShrunk'
  | 'TargetShrunk'
  | 'AttributeVanished'
  | 'EvidenceMissing'
  | 'DependencyPending'
  | 'Protected';

/** In the order of the outcome that gives them: success, progress, waiting, refusal, retry, guard. */
export const reasons: Readonly<Record<Reason, string>> = {
  Succeeded: 'The last run found nothing to change, or applied all of it.',
  Connected: 'The system answered, accepted our credentials, and its schema could be read.',
  Accepted: 'The object is valid.',
  PlanPending: 'Differences were found, and the mapping only observes. Set mode: Enforce to apply them.',
  EntriesFailed: 'Some entries could not be judged or written. The history names them.',
  ChangesHeld:
    'Some changes are held back; the others were applied. Approve status.plan.digest to release them.',

  Progressing: 'The first run of this generation is under way.',
  ProgressingWithRetry: 'The last attempt failed; it is tried again with growing pauses.',
  Suspended: 'It is suspended (spec.suspend): nothing is read and nothing is written.',
  NotYetRun:
    'It is valid, and no run of this generation has been due yet: it runs on request, or by its schedule.',

  SystemNotReady: 'One of its systems is not ready. The mapping waits for it.',
  PolicyNotReady: 'Its policy is not accepted. The mapping waits for it.',
  ResolvedRefs: 'Everything that is referred to was found.',
  RefNotFound: 'An object that is referred to does not exist in this namespace.',
  SecretNotFound: 'A Secret that is referred to does not exist in this namespace.',
  SecretKeyMissing: 'A Secret or ConfigMap exists, but lacks the key that is asked for.',

  InvalidSpec: 'The object contradicts itself or what it refers to. The message lists every problem.',
  SchemaMismatch: 'The system lacks an attribute or an object class that is asked for.',
  AccessDenied: 'Something is to be written, but the system has access ReadOnly or cannot write.',
  UnsupportedValue: 'A newer version wrote a value that this one does not know. Upgrade the operator.',
  NotSettling: 'Mappings keep changing what each other wrote. The message names them and the attribute.',
  KeyMissing: "The installation's key is not with its state. Restore it; a new key would forget everything.",

  SystemUnreachable: 'The system does not answer.',
  AuthenticationFailed:
    'The system refuses our credentials. Tried again rarely, so that no account is locked.',
  TLSVerificationFailed: "The system's certificate is not trusted, or carries another name.",
  ReadFailed: 'A side could not be read.',
  WritesFailed: 'The run was ended, because the system refused one write after the other.',
  Timeout: 'The system did not answer in time.',
  RunFailed: 'The run could not be done; the message says why.',

  BudgetExceeded: 'More changes of one kind were planned than the guards allow.',
  EmptySource: 'The source has no entry in scope, though the target is not empty or links exist.',
  EmptyTarget: 'The target has no entry in scope, though links exist.',
  SourceShrunk: 'The source has far fewer entries than at the last accepted read.',
  TargetShrunk: 'The target has far fewer entries than at the last accepted read.',
  AttributeVanished: 'An attribute that had values at the last accepted read has none now.',
  EvidenceMissing: 'A read was contradicted, so what it did not show is not believed to be gone.',
  DependencyPending: 'Another mapping with the same target has to finish a run first.',
  Protected: 'Entries that the system protects were to be changed.',
};
