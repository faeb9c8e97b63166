/** One look at one policy: whether its rules make sense by themselves. */
import type { SituationPolicyStatus } from '../api/situation-policy.ts';
import { conditionsOf, type Findings } from './condition-list.ts';
import type { Next } from './controller.ts';
import { policyProblems } from './definition-policy.ts';
import { describeProblems, type Objects, type Seen } from './objects.ts';
import type { ClusterObject, DomainObserver, Recorder, Timers } from './ports.ts';
import type { StatusWriter } from './status-writer.ts';

export interface PolicyReconcilerOptions {
  readonly objects: Objects;
  readonly statuses: StatusWriter;
  readonly recorder: Recorder;
  readonly observer: DomainObserver;
  readonly timers: Timers;
  /** Number of mappings that use it. */
  readonly usedBy: (key: string) => number;
}

export class PolicyReconciler {
  readonly #options: PolicyReconcilerOptions;
  /** What was written last, by uid: a cache may be slower than we are. */
  readonly #statuses: Map<string, SituationPolicyStatus> = new Map();

  constructor(options: PolicyReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const { objects, observer, statuses, usedBy, timers } = this.#options;
    const valid = objects.get('SituationPolicy', key);
    if (valid.kind === 'Gone') {
      observer.forgotten('SituationPolicy', key);
      return { kind: 'Done' };
    }
    const { seen } = valid;
    const { uid = '', generation = 0 } = seen.metadata;
    const before = this.#statuses.get(uid) ?? statusOf(seen);
    const findings = findingsOf(valid);
    const status: SituationPolicyStatus = {
      observedGeneration: generation,
      conditions: conditionsOf(findings, before.conditions ?? [], { generation, now: timers.now() }),
      mappings: usedBy(key),
      ...(valid.kind === 'Valid' && { rules: valid.located.object.spec.rules.length }),
    };
    this.#tell(seen, findings, before);
    this.#statuses.set(uid, status);
    await statuses.write('SituationPolicy', seen, status, signal);
    return { kind: 'Done' };
  }

  #tell({ metadata }: ClusterObject, { Ready }: Findings, before: SituationPolicyStatus): void {
    const last = before.conditions?.find(({ type }) => type === 'Ready');
    if (Ready?.status !== 'False' || last?.message === Ready.message) return;
    const { reason, message: note } = Ready;
    const regarding = { kind: 'SituationPolicy', metadata } as const;
    this.#options.recorder.record({ regarding, type: 'Warning', reason, action: 'Validate', note });
  }
}

function statusOf({ object }: ClusterObject): SituationPolicyStatus {
  return (object['status'] ?? {}) as SituationPolicyStatus;
}

function findingsOf(valid: Exclude<Seen<'SituationPolicy'>, { kind: 'Gone' }>): Findings {
  const problems = valid.kind === 'Invalid' ? valid.problems : ownProblems(valid.located.object.spec.rules);
  if (problems.length > 0) {
    const message = describeProblems(problems);
    const bad = { status: 'False', reason: 'InvalidSpec', message } as const;
    return { Ready: bad, Accepted: bad, Stalled: { ...bad, status: 'True' } };
  }
  const good = {
    status: 'True',
    reason: 'Accepted',
    message: 'every rule can be reached and none contradicts another',
  } as const;
  return { Ready: good, Accepted: good };
}

function ownProblems(
  rules: Parameters<typeof policyProblems>[0],
): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  return policyProblems(rules).map(({ at, message }) => ({ path: ['spec', 'rules', at], message }));
}
