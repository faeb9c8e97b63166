/**
 * The CEL rules of the schemas (x-kubernetes-validations), with the API server's semantics: `self` is the value
 * at which the rule stands, a rule on an absent field is not asked, and a rule about a change (`oldSelf`) holds
 * where there was nothing before.
 */
import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { printableValue, type PathKey, type Problem } from './problem.ts';
import { isRecord, type Schema, type ValidationRule } from './schema.ts';

export type RuleCheck = (value: unknown, found: readonly Problem[]) => Problem[];

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly holds: Evaluate;
}

type Evaluate = (bindings: Readonly<Record<string, CelInput>>) => unknown;
type CompiledRules = ReadonlyMap<Schema, readonly CompiledRule[]>;

/** The check skips a rule whose answer would be noise after the problems that were found before. */
export function compileRules(root: Schema): RuleCheck {
  const env = celEnv({ funcs: strings });
  const compile = (text: string): Evaluate => plan(env, parse(text));
  const rules = new Map<Schema, readonly CompiledRule[]>();
  for (const schema of schemasWithin(root)) {
    const compiled = (schema['x-kubernetes-validations'] ?? [])
      .filter((rule) => !/\boldSelf\b/.test(rule.rule))
      .map((rule) => ({ rule, holds: whenAsked(() => compile(rule.rule)) }));
    if (compiled.length > 0) rules.set(schema, compiled);
  }
  return (value, found) => check(value, root, [], { rules, found });
}

/** Most rules are about fields that most objects do not have. */
function whenAsked(compile: () => Evaluate): Evaluate {
  let compiled: Evaluate | undefined;
  return (bindings) => (compiled ??= compile())(bindings);
}

function schemasWithin(schema: Schema): Schema[] {
  const below = [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})];
  return [schema, ...below.flatMap((member) => (member === undefined ? [] : schemasWithin(member)))];
}

interface Checking {
  readonly rules: CompiledRules;
  readonly found: readonly Problem[];
}

function check(value: unknown, schema: Schema, path: readonly PathKey[], checking: Checking): Problem[] {
  if (value === undefined || value === null) return [];
  const rules = checking.rules.get(schema) ?? [];
  const asked = checking.found.some((problem) => blocks(problem, path)) ? [] : rules;
  const self = asked.length === 0 ? null : toCel(value, schema);
  return [
    ...asked
      .flatMap((rule) => ask(rule, self, path))
      .map((problem) => ({ ...problem, value: printableValue(path, value) })),
    ...childrenOf(value, schema).flatMap(([key, child, member]) =>
      check(child, member, [...path, key], checking),
    ),
  ];
}

function childrenOf(value: unknown, schema: Schema): [PathKey, unknown, Schema][] {
  const { items, properties } = schema;
  if (Array.isArray(value))
    return items === undefined ? [] : value.map((item, index) => [index, item, items]);
  if (!isRecord(value) || properties === undefined) return [];
  return Object.entries(properties).map(([key, member]) => [key, value[key], member]);
}

function ask(
  { rule, holds }: CompiledRule,
  self: CelInput,
  path: readonly PathKey[],
): Omit<Problem, 'value'>[] {
  const answer = holds({ self });
  if (answer === true) return [];
  const message = rule.message ?? `breaks the rule ${rule.rule}`;
  const failure = isCelError(answer) ? ` (${answer.message})` : '';
  return [{ path, rule: rule.rule, message: message + failure }];
}

/** What makes a rule's answer noise: the value itself is wrong, or something below is missing or not what it should be. */
function blocks(problem: Problem, path: readonly PathKey[]): boolean {
  if (!path.every((key, index) => problem.path[index] === key)) return false;
  return problem.path.length === path.length || blockingRules.has(problem.rule);
}

const blockingRules: ReadonlySet<string> = new Set(['type', 'required', 'enum', 'anyOf', 'const']);

/** JSON as CEL sees it: integers are integers by the schema, and unknown fields are not there. */
function toCel(value: unknown, schema: Schema): CelInput {
  if (typeof value === 'number')
    return schema.type === 'number' || !Number.isInteger(value) ? value : BigInt(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map((item) => toCel(item, schema.items ?? {}));
  }
  if (!isRecord(value)) return null;
  const members = Object.entries(value).filter(
    ([key, member]) => member !== undefined && hasMember(schema, key),
  );
  return new Map(members.map(([key, member]) => [key, toCel(member, schema.properties?.[key] ?? {})]));
}

/** A schema without properties (metadata) is open. */
function hasMember(schema: Schema, key: string): boolean {
  return schema.properties === undefined || Object.hasOwn(schema.properties, key);
}
