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
    context.problems.add(
      [...path, written],
      `attribute '${attribute.name}' is kept by the system itself and cannot be written`,
    );
    return [];
  }
  const reads = readsOf(origin, otherThan(written));
  const { strength = 'Strong', merge = 'Replace' } = rule;
  const ownReads = expressionsOf(origin).flatMap((one) => [...one.reads[written]]);
  const other = context[otherThan(written)];
  const sensitive = isSensitive(attribute, origin, [
    ...[...reads].map((name) => [name, other] as const),
    ...ownReads.map((name) => [name, own] as const),
  ]);
  return [{ attribute, origin, reads, when, strength, merge, sensitive, ...writtenOn(rule, attribute, own) }];
}

/** A write-only attribute cannot be compared, so it is written once, unless the rule says otherwise. */
function writtenOn(
  { on }: Written,
  attribute: AttributeSchema,
  own: SideInput,
): Pick<AttributeRule, 'onCreate' | 'onUpdate'> {
  const times = on ?? (attribute.writeOnly ? ['Create'] : ['Create', 'Update']);
  return {
    onCreate: times.includes('Create'),
    onUpdate: times.includes('Update') && !isFixedId(attribute, own),
  };
}

/** The id of an entry never changes: its rule counts on create only. */
function isFixedId(attribute: AttributeSchema, own: SideInput): boolean {
  return attribute.name === own.object.id;
}

/** What a sensitive value goes into is sensitive. */
function isSensitive(
  attribute: AttributeSchema,
  origin: Origin,
  read: readonly (readonly [string, SideInput])[],
): boolean {
  if (attribute.sensitive || attribute.writeOnly) return true;
  if (expressionsOf(origin).some((one) => one.usesSecret)) return true;
  return read.some(([name, side]) => isSensitiveAttribute(name, side));
}

function isSensitiveAttribute(name: string, { schema, object }: SideInput): boolean {
  const known = schema && attributeOf(schema, name);
  if (known) return known.sensitive || known.writeOnly;
  return object.attributes?.some((one) => one.name === name && (one.sensitive ?? one.writeOnly)) ?? false;
}

export function expressionsOf(origin: Origin): Expression[] {
  if (origin.kind === 'Expression') return [origin.expression];
  return origin.kind === 'Name' ? [origin.rdn, origin.parent] : [];
}

function parseOrigin(
  rule: Written,
  path: readonly PathKey[],
  written: 'source' | 'target',
  context: ParseContext,
): Origin | undefined {
  if (rule.from !== undefined) {
    const from = findAttribute(rule.from, context[otherThan(written)], [...path, 'from'], context);
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

function otherThan(written: 'source' | 'target'): 'source' | 'target' {
  return written === 'target' ? 'source' : 'target';
}

/** What a copy reads is on the other side, and each rule has one. */
function readsOf(origin: Origin, side: 'source' | 'target'): Set<string> {
  if (origin.kind === 'From') return new Set([origin.attribute]);
  return new Set(expressionsOf(origin).flatMap((one) => [...one.reads[side]]));
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
