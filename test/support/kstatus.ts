/**
 * What a status of ours must be like at every moment that anybody can see, by the rules that Flux and kstatus share.
 * Says everything that is wrong, in words.
 */
import { conditionTypes, reasons, type Condition } from '../../src/api/conditions.ts';
import type { Kind } from '../../src/api/names.ts';

export interface Observed {
  readonly kind: Kind;
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

const LARGEST_STATUS_BYTES = 16_384;

/** `before`: the version that was there until then. */
export function statusProblems(object: Observed, before?: Observed): string[] {
  const { status } = object;
  if (status === undefined) return [];
  const { conditions = [] } = status;
  return [
    ...conditions.flatMap((one) => conditionProblems(one, object)),
    ...listProblems(conditions, object),
    ...togetherProblems(conditions, object),
    ...(before ? changeProblems(object, before) : []),
    ...(Buffer.byteLength(JSON.stringify(status)) > LARGEST_STATUS_BYTES ? ['the status is too large'] : []),
  ];
}

export function conditionOf({ status }: Observed, type: string): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

function conditionProblems(one: Condition, { kind, metadata }: Observed): string[] {
  const { type, status, reason, message, observedGeneration, lastTransitionTime } = one;
  const generation = metadata.generation ?? 0;
  return when([
    [!Object.hasOwn(reasons, reason), `${type} gives the unknown reason ${reason}`],
    [!Object.hasOwn(conditionTypes, type), `there is no condition ${type}`],
    [!conditionTypes[type].kinds.includes(kind), `a ${kind} has no condition ${type}`],
    [conditionTypes[type].polarity === 'AbnormalTrue' && status !== 'True', `${type} is there and not True`],
    [observedGeneration === undefined, `${type} carries no observedGeneration`],
    [(observedGeneration ?? 0) > generation, `${type} is of a generation to come`],
    [message === '' || message.length > 1_024, `${type} has no message, or one that is too long`],
    [
      !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(lastTransitionTime),
      `${type} has the time ${lastTransitionTime}`,
    ],
  ]);
}

function listProblems(conditions: readonly Condition[], { kind }: Observed): string[] {
  if (conditions.length === 0) return [];
  const types = conditions.map(({ type }) => type);
  const missing = Object.entries(conditionTypes)
    .filter(([, { kinds, polarity }]) => polarity === 'NormalTrue' && kinds.includes(kind))
    .filter(([type]) => !types.some((one) => one === type));
  return [
    ...missing.map(([type]) => `${type} is missing`),
    ...when([[new Set(types).size < types.length, 'a condition is there twice']]),
  ];
}

/** Of the conditions that kstatus reads: status, and what else is said of it. */
function togetherProblems(conditions: readonly Condition[], { status, metadata }: Observed): string[] {
  const of = (type: string): Condition | undefined => conditions.find((one) => one.type === type);
  const [ready, reconciling, stalled] = [of('Ready'), of('Reconciling'), of('Stalled')];
  const observed = status?.observedGeneration ?? -1;
  const isOpen = reconciling !== undefined;
  const mayBe: Readonly<Record<Condition['status'], boolean>> = {
    // A later run of a generation that was ready.
    True: !stalled && (!isOpen || (observed === metadata.generation && reconciling.reason === 'Progressing')),
    Unknown: isOpen && !stalled,
    // Or too many entries failed, which the next run looks at.
    False: isOpen !== (stalled !== undefined) || of('InSync')?.reason === 'EntriesFailed',
  };
  return when([
    [isOpen && stalled !== undefined, 'Reconciling and Stalled at once'],
    [ready !== undefined && !mayBe[ready.status], `Ready=${ready?.status}, which the others contradict`],
    [observed > (metadata.generation ?? 0), 'observedGeneration is of a generation to come'],
    [isOlder(ready, observed), 'Ready=True for an older generation than the observed one'],
  ]);
}

function isOlder(ready: Condition | undefined, observed: number): boolean {
  return ready?.status === 'True' && (ready.observedGeneration ?? 0) < observed;
}

function changeProblems(object: Observed, before: Observed): string[] {
  const observed = (one: Observed): number => one.status?.observedGeneration ?? -1;
  const moved = (object.status?.conditions ?? []).flatMap((one) => {
    const last = conditionOf(before, one.type);
    if (last === undefined) return [];
    const isSame = last.status === one.status;
    const isSameTime = last.lastTransitionTime === one.lastTransitionTime;
    return when([
      [isSame && !isSameTime, `${one.type} stayed ${one.status} and its time moved`],
      [one.lastTransitionTime < last.lastTransitionTime, `the time of ${one.type} went back`],
    ]);
  });
  return [...moved, ...when([[observed(object) < observed(before), 'observedGeneration went back']])];
}

function when(claims: readonly (readonly [boolean, string])[]): string[] {
  return claims.filter(([isSo]) => isSo).map(([, what]) => what);
}
