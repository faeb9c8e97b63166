/** What the guards hold back is recorded as held, and not done. */
import type { Operation, OperationBody } from './operation.ts';
import type { Spool } from './ports.ts';
import type { Summary } from './summary.ts';

export function withoutHeld(
  operations: readonly Operation[],
  bodies: Spool<OperationBody>,
  summary: Summary,
): Operation[] {
  return operations.filter((operation) => {
    if (!operation.held) return true;
    const { record } = bodies.get(operation.body);
    summary.add({ ...record, outcome: 'Held', held: operation.held }, operation);
    return false;
  });
}
