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

/** Of the conditions that kstatus reads. */
function togetherProblems(conditions: readonly Condition[], object: Observed): string[] {
  const generation = object.metadata.generation ?? 0;
  const observed = object.status?.observedGeneration ?? -1;
  const is = conditions
    .filter(({ type }) => ['Ready', 'Reconciling', 'Stalled'].includes(type))
    .map(({ type, status }) => (type === 'Ready' ? `Ready=${status}` : type))
    .join(' ');
  const ready = conditions.find(({ type }) => type === 'Ready');
  return when([
    [conditions.length > 0 && !allowed(conditions, observed === generation).includes(is), is],
    [observed > generation, 'observedGeneration is of a generation to come'],
    [isOlder(ready, observed), 'Ready=True for an older generation than the observed one'],
  ]);
}

function allowed(conditions: readonly Condition[], wasReady: boolean): string[] {
  const reasonOf = (name: string): string | undefined => conditions.find(({ type }) => type === name)?.reason;
  return [
    'Ready=True',
    'Ready=Unknown Reconciling',
    'Ready=False Reconciling',
    'Ready=False Stalled',
    // A later run of a generation that was ready.
    ...(wasReady && reasonOf('Reconciling') === 'Progressing' ? ['Ready=True Reconciling'] : []),
    // Too many entries failed: the next run looks at them, and no retry before.
    ...(reasonOf('InSync') === 'EntriesFailed' ? ['Ready=False'] : []),
  ];
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
