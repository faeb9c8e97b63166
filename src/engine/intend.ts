/** What the journal and the budgets are told of an operation. */
import { sideOf, type Definition } from './definition.ts';
import { isLimited, type GuardInput } from './guard.ts';
import type { Operation, OperationBody } from './operation.ts';
import type { Intent, Spending } from './ports.ts';

export interface IntendContext {
  readonly definition: Definition;
  readonly newId: () => string;
  readonly limits: Pick<GuardInput, 'firstLoad' | 'firstEnforcedRun'>;
}

export function intend(operation: Operation, body: OperationBody, context: IntendContext): Intent {
  const { source, target } = body.record;
  const side = operation.side === 'Source' ? 'Source' : 'Target';
  return {
    id: context.newId(),
    kind: operation.kind,
    side,
    sourceKey: operation.sourceKey,
    targetKey: operation.targetKey,
    sourceId: source ?? undefined,
    targetId: target ?? undefined,
    naturalKey: naturalKey(side, body, context),
    hashes: body.hashes,
    spending: spendingOf(operation, context),
  };
}

export function spendingOf({ side, effects }: Operation, { limits }: IntendContext): Spending[] {
  if (side === 'Link') return [];
  return effects
    .filter(({ effect }) => isLimited(effect, limits))
    .map(({ effect, attribute }) => ({ side, effect, attribute, count: 1 }));
}

function naturalKey(
  side: 'Source' | 'Target',
  { write }: OperationBody,
  { definition }: IntendContext,
): string | undefined {
  if (write.kind !== 'Create') return undefined;
  if (write.entry.name !== undefined) return write.entry.name;
  const { schema } = sideOf(definition, side);
  const [id] = write.entry.attributes.get(schema.id) ?? [];
  return typeof id === 'string' ? id : undefined;
}
