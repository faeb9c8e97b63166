/** Conditions as status has them: sorted by type, a time that moves only with the status, a message that fits. */
import type { Condition, ConditionType, Reason } from '../api/conditions.ts';

/** What the definitions of our kinds allow. */
const LONGEST_MESSAGE = 1_024;

export interface Finding {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export type Findings = Readonly<Partial<Record<ConditionType, Finding | undefined>>>;

export interface Moment {
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Exactly these conditions; `previous` tells since when they have been so. */
export function conditionsOf(
  findings: Findings,
  previous: readonly Condition[],
  { generation, now }: Moment,
): Condition[] {
  const types = Object.keys(findings).filter((type) => isType(type, findings));
  return types.toSorted().map((type) => {
    const { status, reason, message } = findings[type] as Finding;
    const before = previous.find((one) => one.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now);
    return {
      type,
      status,
      reason,
      message: fit(message),
      observedGeneration: generation,
      lastTransitionTime,
    };
  });
}

function isType(type: string, findings: Findings): type is ConditionType {
  return findings[type as ConditionType] !== undefined;
}

/** RFC 3339 without fractions, as metav1.Time has it. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function fit(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  const cut = message.slice(0, LONGEST_MESSAGE - 1);
  // Never half a character.
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

export function findingOf(previous: readonly Condition[], type: ConditionType): Finding | undefined {
  return previous.find((one) => one.type === type);
}
