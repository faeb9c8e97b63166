/** What kstatus, Argo CD and people may rely on in every status that anybody can ever see. */
import { conditionTypes, reasons, type Condition } from '../../src/api/conditions.ts';
import type { Kind } from '../../src/api/names.ts';

const LARGEST_STATUS_BYTES = 16 * 1024;

export interface SeenStatus {
  readonly kind: Kind;
  readonly uid: string;
  readonly generation: number;
  readonly status: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

type Check = readonly [isRight: boolean, problem: string];

/** Everything that is wrong with a status; `before`: the one before it, of the same object. */
export function statusProblems(seen: SeenStatus, before?: SeenStatus): string[] {
  const { conditions = [] } = seen.status;
  const checks = [
    ...wholeChecks(seen, conditions),
    ...progressChecks(seen, before),
    ...conditions.flatMap((one) => conditionChecks(seen.kind, one, before)),
  ];
  return checks.filter(([isRight]) => !isRight).map(([, problem]) => problem);
}

function wholeChecks({ status }: SeenStatus, conditions: readonly Condition[]): Check[] {
  const of = (type: string): Condition | undefined => conditions.find((one) => one.type === type);
  const [ready, reconciling, stalled] = [of('Ready'), of('Reconciling'), of('Stalled')];
  return [
    [ready !== undefined, 'there is no Ready'],
    [!(reconciling && stalled), 'Reconciling and Stalled together'],
    [!stalled || ready?.status === 'False', 'Stalled, and Ready is not False'],
    [ready?.status !== 'Unknown' || reconciling !== undefined, 'Ready is Unknown, and nothing is going on'],
    [new Set(conditions.map(({ type }) => type)).size === conditions.length, 'a condition twice'],
    [JSON.stringify(status).length <= LARGEST_STATUS_BYTES, 'larger than 16 KiB'],
  ];
}

function progressChecks({ generation, status }: SeenStatus, before: SeenStatus | undefined): Check[] {
  const { observedGeneration = NaN, conditions = [] } = status;
  const stalled = conditions.find(({ type }) => type === 'Stalled');
  return [
    [observedGeneration <= generation, 'observedGeneration is ahead of generation'],
    [
      conditions.every((one) => (one.observedGeneration ?? NaN) <= generation),
      'a condition is of the future',
    ],
    [!stalled || observedGeneration === stalled.observedGeneration, 'Stalled, and not observed'],
    [observedGeneration >= (before?.status.observedGeneration ?? -1), 'observedGeneration went back'],
  ];
}

function conditionChecks(kind: Kind, one: Condition, before: SeenStatus | undefined): Check[] {
  const meaning = conditionTypes[one.type];
  const last = before?.status.conditions?.find(({ type }) => type === one.type);
  const hasMoved = last !== undefined && last.lastTransitionTime !== one.lastTransitionTime;
  return [
    [meaning.kinds.includes(kind), `${one.type} is no condition of ${kind}`],
    [meaning.polarity === 'NormalTrue' || one.status === 'True', `${one.type} is there and not True`],
    [Object.hasOwn(reasons, one.reason), `unknown reason ${one.reason}`],
    [one.message !== '', `${one.type} has no message`],
    [!hasMoved || last.status !== one.status, `lastTransitionTime of ${one.type} moved without its status`],
  ];
}
