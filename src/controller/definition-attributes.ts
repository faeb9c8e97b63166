/** Attribute rules of both directions, from the manifest to what the engine evaluates. */
import type { PathKey } from '../api/problem.ts';
import type { InboundAttribute, OutboundAttribute } from '../api/recon-mapping.ts';
import type { AttributeRule, CompileOptions, Expression, Origin } from '../engine/definition.ts';
import { attributeOf, type AttributeSchema } from '../engine/entry.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { assumedAttribute, type SideInput } from './definition-side.ts';
import type { Problems } from './definition-problems.ts';

export interface ParseContext {
  readonly problems: Problems;
  readonly source: SideInput;
  readonly target: SideInput;
}

type Written = Omit<OutboundAttribute, 'target'> & { readonly name: string };

export function parseOutbound(rules: readonly OutboundAttribute[], context: ParseContext): AttributeRule[] {
  return rules.flatMap((rule, at) =>
    parseRule({ ...rule, name: rule.target }, ['spec', 'attributes', at], 'target', context),
  );
}

export function parseInbound(rules: readonly InboundAttribute[], context: ParseContext): AttributeRule[] {
  return rules.flatMap((rule, at) =>
    parseRule({ ...rule, name: rule.source }, ['spec', 'inbound', at], 'source', context),
  );
}

function parseRule(
  rule: Written,
  path: readonly PathKey[],
  written: 'source' | 'target',
  context: ParseContext,
): AttributeRule[] {
  const own = context[written];
  const attribute = findAttribute(rule.name, own, [...path, written], context);
  const origin = parseOrigin(rule, path, written, context);
  const when = compile(rule.when, [...path, 'when'], 'Condition', context);
  if (!attribute || !origin) return [];
  if (attribute.readOnly) {
    const message = `attribute '${attribute.name}' is kept by the system itself and cannot be written`;
    context.problems.add([...path, written], message);
    return [];
  }
  const read = written === 'target' ? 'source' : 'target';
  const reads = readsOf(origin, read);
  const sensitive = isSensitive(attribute, origin, reads, context[read]);
  return [{ attribute, origin, reads, when, sensitive, ...howOf(rule, attribute, own) }];
}

/** Write-only attributes cannot be compared, so their rules count on create unless somebody asks for more. */
function howOf(
  rule: Written,
  attribute: AttributeSchema,
  own: SideInput,
): Pick<AttributeRule, 'strength' | 'onCreate' | 'onUpdate' | 'merge'> {
  const on = rule.on ?? (attribute.writeOnly ? ['Create'] : ['Create', 'Update']);
  return {
    strength: rule.strength ?? 'Strong',
    onCreate: on.includes('Create'),
    onUpdate: on.includes('Update') && !isFixedId(attribute, own),
    merge: rule.merge ?? 'Replace',
  };
}

/** The id of an entry never changes: its rule counts on create only. */
function isFixedId(attribute: AttributeSchema, own: SideInput): boolean {
  return attribute.name === own.object.id;
}

function isSensitive(
  attribute: AttributeSchema,
  origin: Origin,
  reads: ReadonlySet<string>,
  other: SideInput,
): boolean {
  if (attribute.sensitive || attribute.writeOnly) return true;
  if (origin.kind === 'Expression' && origin.expression.usesSecret) return true;
  return [...reads].some((name) => {
    const read = other.schema && attributeOf(other.schema, name);
    return read ? read.sensitive : other.object.attributes?.some((one) => one.name === name && one.sensitive);
  });
}

function parseOrigin(
  rule: Written,
  path: readonly PathKey[],
  written: 'source' | 'target',
  context: ParseContext,
): Origin | undefined {
  if (rule.from !== undefined) {
    const from = findAttribute(
      rule.from,
      context[written === 'target' ? 'source' : 'target'],
      [...path, 'from'],
      context,
    );
    if (from?.writeOnly)
      context.problems.add([...path, 'from'], `attribute '${from.name}' is write-only and cannot be read`);
    return from && { kind: 'From', attribute: from.name };
  }
  if (rule.value !== undefined) return { kind: 'Constant', value: rule.value };
  if (rule.rdn !== undefined) return parseName(rule.rdn, rule.parent ?? "''", path, context);
  const expression = compile(rule.expression, [...path, 'expression'], 'Values', context);
  return expression && { kind: 'Expression', expression };
}

function parseName(
  rdn: { readonly attribute: string; readonly expression: string },
  parent: string,
  path: readonly PathKey[],
  context: ParseContext,
): Origin | undefined {
  const value = compile(rdn.expression, [...path, 'rdn', 'expression'], 'Values', context);
  const above = compile(parent, [...path, 'parent'], 'Values', context);
  return value && above && { kind: 'Name', rdnAttribute: rdn.attribute, rdn: value, parent: above };
}

/** `now` is left out on purpose: a value that changes by itself would be written in every run. */
const ALSO: CompileOptions['also'] = ['link', 'mapping', 'secret'];

function compile(
  text: string | undefined,
  path: readonly PathKey[],
  result: CompileOptions['result'],
  { problems, source, target }: ParseContext,
): Expression | undefined {
  return problems.compile(text, path, {
    sides: { source: source.schema, target: target.schema },
    also: ALSO,
    result,
  });
}

function readsOf(origin: Origin, side: 'source' | 'target'): Set<string> {
  switch (origin.kind) {
    case 'From':
      return new Set([origin.attribute]);
    case 'Constant':
      return new Set();
    case 'Expression':
      return new Set(origin.expression.reads[side]);
    case 'Name':
      return new Set([...origin.rdn.reads[side], ...origin.parent.reads[side]]);
  }
}

export function findAttribute(
  name: string,
  { schema, object, system }: SideInput,
  path: readonly PathKey[],
  { problems }: ParseContext,
): AttributeSchema | undefined {
  if (!schema) {
    const declared = object.attributes?.find((one) => one.name === name);
    const assumed = assumedAttribute(name);
    return {
      ...assumed,
      writeOnly: declared?.writeOnly ?? assumed.writeOnly,
      sensitive: declared?.sensitive ?? assumed.sensitive,
    };
  }
  const found = attributeOf(schema, name);
  if (found) return found;
  const near = nearestName(name, [...schema.attributes.keys()]);
  const hint = near === undefined ? '' : `; did you mean '${near}'?`;
  problems.add(
    path,
    `ManagedSystem ${system.metadata.name} object ${object.name} has no attribute '${name}'${hint}`,
  );
  return undefined;
}
