/** From a mapping's key to all that its run needs, or what it waits for, or what is wrong with it. */
import type { Kind } from '../api/names.ts';
import type { Reason } from '../api/conditions.ts';
import type { ExpressionCompiler } from '../engine/definition.ts';
import { policyProblems } from './definition-policy.ts';
import { keyOf } from './definition-side.ts';
import { definitionOf, type LinkedMapping, type Located, type References } from './linked-mapping.ts';
import type { MappingOutcome } from './mapping-outcome.ts';
import { describeProblems, type Objects } from './objects.ts';
import type { Cluster, ObjectKey } from './ports.ts';
import { neededByMapping, NO_DIGEST, readReferences } from './references.ts';
import { scheduleProblem } from './schedule.ts';

export interface ResolveContext {
  readonly objects: Objects;
  readonly cluster: Cluster;
  readonly expressions: ExpressionCompiler;
  /** Told what the mapping refers to, whether it exists or not. */
  readonly refersTo: (key: string, used: readonly ObjectKey[]) => void;
}

export interface Resolved {
  readonly kind: 'Resolved';
  readonly linked: LinkedMapping;
  readonly references: References;
  /** The systems that a run may write. */
  readonly writes: readonly string[];
}

type Obstacle = Extract<MappingOutcome, { kind: 'Invalid' | 'Waiting' }>;

/** Throws ClusterError where the cluster cannot answer. */
export async function resolveMapping(
  mapping: Located<'ReconMapping'>,
  context: ResolveContext,
  signal: AbortSignal,
): Promise<Resolved | Obstacle> {
  const { objects, cluster, expressions } = context;
  const key = keyOf(mapping.object);
  const named = namedBy(mapping);
  context.refersTo(key, named);
  for (const { kind, key: other } of named) {
    const obstacle = refused(kind, other, objects);
    if (obstacle) return obstacle;
  }
  const { linked, problems } = objects.link(key);
  if (!linked) return waiting('RefNotFound', describeProblems(problems), false);
  const needed = neededByMapping(linked, expressions);
  context.refersTo(key, [...named, ...needed]);
  const read = await readReferences(needed, cluster, signal);
  if (read.kind === 'Missing') return waiting(read.reason, read.message, false);
  const wrong = scheduleProblem(mapping.object.spec);
  if (wrong !== undefined) return { kind: 'Invalid', reason: 'InvalidSpec', message: wrong };
  const parsed = definitionOf(
    linked,
    { expressions, references: read.references, digest: NO_DIGEST },
    { source: undefined, target: undefined },
  );
  if (parsed.kind === 'Invalid')
    return { kind: 'Invalid', reason: 'InvalidSpec', message: describeProblems(parsed.problems) };
  return { kind: 'Resolved', linked, references: read.references, writes: writesOf(linked, parsed.asks) };
}

type Named = ObjectKey & { readonly kind: Exclude<Kind, 'ReconMapping'> };

function namedBy({ object }: Located<'ReconMapping'>): Named[] {
  const { source, target, policyRef } = object.spec;
  const namespace = object.metadata.namespace ?? 'default';
  const systems = [source, target].map(({ systemRef }): Named => ({
    kind: 'ManagedSystem',
    key: `${namespace}/${systemRef.name}`,
  }));
  const policy: Named[] = policyRef
    ? [{ kind: 'SituationPolicy', key: `${namespace}/${policyRef.name}` }]
    : [];
  return [...systems, ...policy];
}

/** What is there and not valid is not waited for in the same words as what is not there. */
function refused(kind: Named['kind'], key: string, objects: Objects): Obstacle | undefined {
  const seen = objects.get(kind, key);
  const reason = kind === 'SituationPolicy' ? 'PolicyNotReady' : 'SystemNotReady';
  if (seen.kind === 'Invalid')
    return waiting(reason, `${kind} ${key} is not valid; its status says why`, true);
  if (kind !== 'SituationPolicy' || seen.kind === 'Gone') return undefined;
  const policy = objects.get('SituationPolicy', key);
  const contradicts = policy.kind === 'Valid' && policyProblems(policy.located.object.spec.rules).length > 0;
  return contradicts
    ? waiting(reason, `${kind} ${key} is not accepted; its status says why`, true)
    : undefined;
}

function waiting(reason: Reason, message: string, resolved: boolean): Obstacle {
  return { kind: 'Waiting', reason, message, resolved };
}

function writesOf(
  { mapping, source, target }: LinkedMapping,
  asks: Readonly<Record<'Source' | 'Target', boolean>>,
): string[] {
  if (mapping.object.spec.mode !== 'Enforce') return [];
  const system = ({ system: { object } }: LinkedMapping['source']): string => keyOf(object);
  return [...(asks.Source ? [system(source)] : []), ...(asks.Target ? [system(target)] : [])];
}
