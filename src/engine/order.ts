/**
 * The order of writes: who frees a name before who takes it, parents before children on create, children before
 * parents on delete. Operations of one level do not depend on each other and may be written at the same time.
 */
import type { Operation } from './operation.ts';

export function inCanonicalOrder(operations: readonly Operation[]): Operation[][] {
  const needs = dependencies(operations);
  const levels: Operation[][] = [];
  const known = new Map<Operation, number>();
  for (const operation of operations) {
    const level = levelOf(operation, needs, known);
    (levels[level] ??= []).push(operation);
  }
  // Holes stand where only a cycle (two entries that swap names) would have put an operation.
  return levels.filter((level) => level.length > 0);
}

function levelOf(
  start: Operation,
  needs: ReadonlyMap<Operation, readonly Operation[]>,
  known: Map<Operation, number>,
): number {
  const needed = needs.get(start);
  if (!needed) return 0;
  const finished = known.get(start);
  if (finished !== undefined) return finished;
  // A cycle cannot be ordered; its first operation goes without waiting, and the system has the last word.
  known.set(start, 0);
  let level = 0;
  for (const other of needed) level = Math.max(level, levelOf(other, needs, known) + 1);
  known.set(start, level);
  return level;
}

function dependencies(operations: readonly Operation[]): Map<Operation, Operation[]> {
  const freeing = new Map<string, Operation>();
  const taking = new Map<string, Operation>();
  const deletedChildren = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.frees !== undefined) freeing.set(operation.frees, operation);
    if (operation.takes !== undefined) taking.set(operation.takes, operation);
    if (operation.kind !== 'Delete' || operation.parent === undefined) continue;
    const siblings = deletedChildren.get(operation.parent);
    if (siblings) siblings.push(operation);
    else deletedChildren.set(operation.parent, [operation]);
  }
  const needs = new Map<Operation, Operation[]>();
  for (const operation of operations) {
    const needed = neededBy(operation, freeing, taking, deletedChildren).filter(
      (other) => other !== operation,
    );
    if (needed.length > 0) needs.set(operation, needed);
  }
  return needs;
}

function neededBy(
  operation: Operation,
  freeing: ReadonlyMap<string, Operation>,
  taking: ReadonlyMap<string, Operation>,
  deletedChildren: ReadonlyMap<string, Operation[]>,
): Operation[] {
  if (operation.kind === 'Delete')
    return operation.frees === undefined ? [] : (deletedChildren.get(operation.frees) ?? []);
  const needed: Operation[] = [];
  for (const other of [freeing.get(operation.takes ?? ''), taking.get(operation.parent ?? '')])
    if (other) needed.push(other);
  return needed;
}
