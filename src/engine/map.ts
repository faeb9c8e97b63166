/** What the mapping wants of the written side: attribute rules evaluated against the other side's entry. */
import type { AttributeRule, Expression, Scope } from './definition.ts';
import { childName } from './dn.ts';
import { valuesOf, type Entry, type ObjectSchema, type Value } from './entry.ts';
import type { RecordedError } from './entry-record.ts';

/** A rule that does not apply to this entry neither compares nor writes its attribute. */
export type Desired =
  | { readonly kind: 'Values'; readonly values: readonly Value[] }
  | { readonly kind: 'DoesNotApply' }
  | { readonly kind: 'Failed'; readonly error: RecordedError };

/** `from`: the entry the value comes from, with its schema. */
export function desiredOf(rule: AttributeRule, scope: Scope, from: Entry, schema: ObjectSchema): Desired {
  const name = rule.attribute.name;
  if (rule.when) {
    const applies = rule.when.evaluate(scope);
    if (applies.kind === 'Failed') return failed(name, `when: ${applies.message}`);
    if (applies.values[0] !== 'true') return { kind: 'DoesNotApply' };
  }
  const result = originOf(rule, scope, from, schema);
  if (result.kind === 'Values' && result.values.length > 1 && rule.attribute.values === 'Single') {
    return failed(name, `${result.values.length} values for an attribute that holds one`, 'TooManyValues');
  }
  return result;
}

function originOf(rule: AttributeRule, scope: Scope, from: Entry, schema: ObjectSchema): Desired {
  const { origin } = rule;
  switch (origin.kind) {
    case 'From':
      return { kind: 'Values', values: valuesOf(from, origin.attribute, schema) };
    case 'Constant':
      return { kind: 'Values', values: [origin.value] };
    case 'Expression':
      return evaluated(origin.expression, scope, rule.attribute.name);
    case 'Name':
      return nameOf(origin, scope, rule.attribute.name);
  }
}

function nameOf(
  origin: Extract<AttributeRule['origin'], { kind: 'Name' }>,
  scope: Scope,
  attribute: string,
): Desired {
  const rdn = evaluated(origin.rdn, scope, attribute);
  if (rdn.kind !== 'Values') return rdn;
  const parent = evaluated(origin.parent, scope, attribute);
  if (parent.kind !== 'Values') return parent;
  const [value] = rdn.values;
  const [above] = parent.values;
  if (typeof value !== 'string' || value === '')
    return failed(attribute, `the value of ${origin.rdnAttribute} is empty`);
  if (typeof above !== 'string') return failed(attribute, 'the parent is empty');
  return { kind: 'Values', values: [childName({ attribute: origin.rdnAttribute, value }, above)] };
}

function evaluated(expression: Expression, scope: Scope, attribute: string): Desired {
  const result = expression.evaluate(scope);
  return result.kind === 'Failed'
    ? failed(attribute, result.message)
    : { kind: 'Values', values: result.values };
}

function failed(attribute: string, message: string, code: string = 'ExpressionFailed'): Desired {
  return {
    kind: 'Failed',
    error: { code, attribute, rule: null, message: `attribute ${attribute}: ${message}` },
  };
}
