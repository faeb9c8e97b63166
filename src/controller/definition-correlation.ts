/** Correlation rules, from the manifest to what the engine evaluates. */
import type { CorrelationRule as CorrelationSpec } from '../api/recon-mapping.ts';
import type { CorrelationRule } from '../engine/definition.ts';
import { findAttribute, type ParseContext } from './definition-attributes.ts';

export function parseCorrelation(
  rules: readonly CorrelationSpec[],
  context: ParseContext,
): CorrelationRule[] {
  return rules.flatMap((rule, at) => {
    const path = ['spec', 'correlate', at];
    const target = findAttribute(rule.target, context.target, [...path, 'target'], context);
    const source = parseSource(rule, path, context);
    return target && source ? [{ source, target }] : [];
  });
}

function parseSource(
  rule: CorrelationSpec,
  path: (string | number)[],
  context: ParseContext,
): CorrelationRule['source'] | undefined {
  if (rule.source !== undefined) {
    const found = findAttribute(rule.source, context.source, [...path, 'source'], context);
    return found && { kind: 'Attribute', name: found.name };
  }
  const sides = { source: context.source.schema };
  const expression = context.problems.compile(rule.expression, [...path, 'expression'], {
    sides,
    also: ['mapping'],
    result: 'Values',
  });
  return expression && { kind: 'Expression', expression };
}
