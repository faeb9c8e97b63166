/** Which attributes of a side have to be read: all that anything of the mapping, its policy or its system looks at. */
import type { AttributeRule, Definition, Expression, SideDefinition } from '../engine/definition.ts';
import type { ObjectSchema } from '../engine/entry.ts';
import { expressionsOf } from './definition-attributes.ts';

export interface ReadingRules extends Pick<Definition, 'correlate' | 'outbound' | 'inbound' | 'rules'> {
  readonly side: Pick<SideDefinition, 'where' | 'deletedWhen' | 'state' | 'protect'>;
}

/** Sorted; write-only ones cannot be read. */
export function attributesRead(
  side: 'Source' | 'Target',
  schema: ObjectSchema,
  rules: ReadingRules,
): string[] {
  const variable = side === 'Source' ? 'source' : 'target';
  const [own, other] = side === 'Source' ? [rules.inbound, rules.outbound] : [rules.outbound, rules.inbound];
  const { state, protect } = rules.side;
  const names = new Set([
    ...own.map((rule) => rule.attribute.name),
    ...other.flatMap((rule) => [...rule.reads]),
    ...conditionsAndValues(rules).flatMap((one) => [...one.reads[variable]]),
    ...protect.flatMap((one) => [...one.reads.entry]),
    ...(state ? [state.attribute.name] : []),
    ...(side === 'Target' ? rules.correlate.map(({ target }) => target.name) : sourceKeys(rules)),
  ]);
  return [...names].filter((name) => !schema.attributes.get(name)?.writeOnly).toSorted();
}

function conditionsAndValues({ outbound, inbound, rules, side }: ReadingRules): Expression[] {
  const mapped: readonly AttributeRule[] = [...outbound, ...inbound];
  const conditions = [...mapped, ...rules].map((rule) => rule.when).concat(side.where, side.deletedWhen);
  const values = mapped.flatMap((rule) => expressionsOf(rule.origin));
  return [...values, ...conditions.filter((one) => one !== undefined)];
}

function sourceKeys({ correlate }: ReadingRules): string[] {
  return correlate.flatMap(({ source }) =>
    source.kind === 'Attribute' ? [source.name] : [...source.expression.reads.source],
  );
}
