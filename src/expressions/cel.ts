/**
 * Expressions of a mapping and a policy: CEL, parsed and checked once, evaluated for every entry that matters.
 * Each attribute that an expression reads becomes a variable of its own, so nothing else of an entry is in reach:
 * there is no object to walk, no prototype, no input or output. What is absent is null.
 */
import {
  celEnv,
  isCelError,
  isCelList,
  isCelUint,
  parse,
  plan,
  type CelEnv,
  type CelFunc,
  type CelInput,
} from '@bufbuild/cel';
import { isMessage } from '@bufbuild/protobuf';
import { timestampDate, timestampFromMs, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type {
  Compiled,
  CompileOptions,
  Evaluated,
  Expression,
  ExpressionCompiler,
  Scope,
} from '../engine/definition.ts';
import {
  attributeOf,
  valuesOf,
  type AttributeSchema,
  type Entry,
  type ObjectSchema,
  type Value,
} from '../engine/entry.ts';
import { expressionFunctions, WorkMeter } from './functions.ts';
import {
  attributeAccess,
  callOf,
  childrenOf,
  depthOf,
  identifier,
  identOf,
  nullOf,
  text,
  type Node,
} from './syntax.ts';
import { typeOf, type StaticType } from './types.ts';

const MAX_LENGTH = 4_096;
const MAX_DEPTH = 64;
const MAX_COMPREHENSIONS = 2;

type Loader = (scope: Scope) => CelInput;

interface Slot {
  readonly name: string;
  readonly load: Loader;
  readonly type: StaticType;
}

/** Compiles expressions in one environment; safe to share, keeps no entry. */
export class CelExpressions implements ExpressionCompiler {
  readonly #meter: WorkMeter = new WorkMeter();
  readonly #environment: CelEnv;
  readonly #functions: Map<string, CelFunc[]> = new Map();

  constructor() {
    this.#environment = celEnv({ funcs: expressionFunctions(this.#meter) });
    for (const one of this.#environment.funcs) {
      const known = this.#functions.get(one.name);
      if (known) known.push(one);
      else this.#functions.set(one.name, [one]);
    }
  }

  compile(source: string, options: CompileOptions): Compiled {
    if (source.length > MAX_LENGTH) return invalid(`it is longer than ${MAX_LENGTH} characters`);
    let tree: Node;
    try {
      tree = parse(source).expr;
    } catch (error) {
      return invalid(
        error instanceof Error ? error.message.replace(/^<input>:/, 'at ') : 'it cannot be parsed',
      );
    }
    const depth = depthOf(tree);
    if (depth.nodes > MAX_DEPTH) return invalid(`it is nested deeper than ${MAX_DEPTH}`);
    if (depth.comprehensions > MAX_COMPREHENSIONS)
      return invalid(`more than ${MAX_COMPREHENSIONS} macros over lists stand within each other`);
    const binder = new Binder(options);
    const bound = binder.bind(tree, false, new Set());
    const problem = binder.problem ?? this.#typeProblem(bound, binder.slots, options);
    if (problem !== undefined) return invalid(problem);
    return { kind: 'Compiled', expression: this.#expression(source, bound, binder) };
  }

  #typeProblem(tree: Node, slots: ReadonlyMap<string, Slot>, { result }: CompileOptions): string | undefined {
    const variables = new Map([...slots.values()].map((slot) => [slot.name, slot.type]));
    const type = typeOf(tree, { functions: this.#functions, variables });
    if (typeof type === 'object') return type.problem;
    if (result === 'Condition' && type !== 'bool' && type !== 'any')
      return `it gives a ${type}, not true or false`;
    if (result === 'Values' && (type === 'map' || type === 'duration'))
      return `it gives a ${type}, which is no attribute value`;
    return undefined;
  }

  #expression(source: string, tree: Node, binder: Binder): Expression {
    const evaluate = plan(this.#environment, tree);
    const slots = [...binder.slots.values()];
    const meter = this.#meter;
    return Object.freeze({
      text: source,
      reads: binder.reads,
      usesNow: binder.uses.has('now'),
      usesSecret: binder.uses.has('secret'),
      evaluate(scope: Scope): Evaluated {
        meter.reset();
        const variables: Record<string, CelInput> = Object.create(null) as Record<string, CelInput>;
        try {
          for (const slot of slots) variables[slot.name] = slot.load(scope);
          return valuesOfResult(evaluate(variables));
        } catch (error) {
          return { kind: 'Failed', message: reasonOf(error) };
        }
      },
    });
  }
}

function invalid(problem: string): Compiled {
  return { kind: 'Invalid', problem };
}

/** Turns every access to the world into a variable of its own, and finds what is read. */
class Binder {
  readonly #options: CompileOptions;
  readonly slots: Map<string, Slot> = new Map();
  readonly reads: {
    readonly source: Set<string>;
    readonly target: Set<string>;
    readonly entry: Set<string>;
  } = {
    source: new Set(),
    target: new Set(),
    entry: new Set(),
  };
  readonly uses: Set<string> = new Set();
  problem: string | undefined;

  constructor(options: CompileOptions) {
    this.#options = options;
  }

  /** `local`: names that a macro introduces. The tree is changed in place where a child is replaced. */
  bind(node: Node, asList: boolean, local: ReadonlySet<string>): Node {
    const replaced = this.#replace(node, asList, local);
    if (replaced) return replaced;
    const inner = withLocals(node, local);
    const fresh = new Map<Node, Node>();
    for (const child of childrenOf(node)) fresh.set(child.node, this.bind(child.node, child.asList, inner));
    replaceChildren(node, fresh);
    return node;
  }

  #replace(node: Node, asList: boolean, local: ReadonlySet<string>): Node | undefined {
    const secret = this.#secretCall(node);
    if (secret) return secret;
    if (isNamespaced(node, 'dn') && node.exprKind.case === 'callExpr') {
      const { value } = node.exprKind;
      return this.bind(callOf(`dn.${value.function}`, value.args, node), false, local);
    }
    const access = attributeAccess(node);
    if (access && !local.has(access.variable)) return this.#access(node, access, asList);
    const name = identifier(node);
    return name === undefined || local.has(name) || name.startsWith('@') ? undefined : this.#name(node, name);
  }

  #access(
    node: Node,
    access: { variable: string; attribute: string; asks: boolean },
    asList: boolean,
  ): Node | undefined {
    const { variable, attribute, asks } = access;
    const { sides, also } = this.#options;
    if (variable === 'link' && also.includes('link')) return this.#linkField(node, attribute);
    if (
      !(variable === 'source' || variable === 'target' || variable === 'entry') ||
      !Object.hasOwn(sides, variable)
    ) {
      this.#complain(`unknown name '${variable}'; there is ${this.#known()}`);
      return node;
    }
    const slot = this.#attribute(variable, attribute, asList);
    if (!slot) return node;
    const ident = identOf(slot, node);
    return asks ? callOf('_!=_', [ident, nullOf(node)], node) : ident;
  }

  #attribute(
    variable: 'source' | 'target' | 'entry',
    attribute: string,
    asList: boolean,
  ): string | undefined {
    const schema = this.#options.sides[variable];
    const found = schema ? attributeOf(schema, attribute) : undefined;
    if (schema && !found) {
      const known = [...schema.attributes.keys()].slice(0, 20).join(', ');
      this.#complain(`unknown attribute '${variable}.${attribute}'; there is ${known}`);
      return undefined;
    }
    const name = found?.name ?? attribute;
    this.reads[variable].add(name);
    const list = found ? found.values === 'Multi' || (found.values === 'Either' && asList) : asList;
    const slot = `${variable}.${name}${list ? '[]' : ''}`;
    const load: Loader = (scope) => loadAttribute(scope[variable], name, found, schema, list);
    this.slots.set(slot, { name: slot, load, type: list ? 'list' : found ? TYPES[found.type] : 'any' });
    return slot;
  }

  #linkField(node: Node, field: string): Node {
    if (field !== 'linkedAt') this.#complain(`unknown field 'link.${field}'; there is link.linkedAt`);
    const load: Loader = ({ linkedAt }) => (linkedAt === undefined ? null : timestampFromMs(linkedAt));
    this.slots.set('link.linkedAt', { name: 'link.linkedAt', load, type: 'timestamp' });
    return identOf('link.linkedAt', node);
  }

  #name(node: Node, name: string): Node {
    const { also, mapping } = this.#options;
    const plain: Readonly<Record<string, Slot>> = {
      now: { name, load: (scope) => timestampFromMs(scope.now), type: 'timestamp' },
      mapping: { name, load: () => mapping, type: 'string' },
      changed: { name, load: (scope) => scope.changed ?? [], type: 'list' },
      link: { name, load: (scope) => (scope.linkedAt === undefined ? null : true), type: 'any' },
    };
    const slot = also.some((one) => one === name) ? plain[name] : undefined;
    if (!slot) {
      const isSide = Object.hasOwn(this.#options.sides, name);
      this.#complain(
        isSide
          ? `'${name}' stands alone; name an attribute, as in ${name}.mail`
          : `unknown name '${name}'; there is ${this.#known()}`,
      );
      return node;
    }
    this.uses.add(name);
    this.slots.set(name, slot);
    return node;
  }

  #secretCall(node: Node): Node | undefined {
    if (node.exprKind.case !== 'callExpr' || node.exprKind.value.function !== 'secret') return undefined;
    const [name, key] = node.exprKind.value.args.map(text);
    if (!this.#options.also.includes('secret'))
      this.#complain('secret() can be used in outbound and inbound attributes only');
    else if (name === undefined || key === undefined)
      this.#complain("secret() takes two texts: secret('name', 'key')");
    else return this.#secret(node, name, key);
    return node;
  }

  #secret(node: Node, name: string, key: string): Node {
    const value = this.#options.secret(name, key);
    if (value === undefined)
      this.#complain(`there is no Secret '${name}' with a key '${key}' in this namespace`);
    this.uses.add('secret');
    const slot = `secret.${name}.${key}`;
    this.slots.set(slot, { name: slot, load: () => value ?? null, type: 'string' });
    return identOf(slot, node);
  }

  #known(): string {
    return [...Object.keys(this.#options.sides), ...this.#options.also].join(', ');
  }

  #complain(problem: string): void {
    this.problem ??= problem;
  }
}

const TYPES: Readonly<Record<AttributeSchema['type'], StaticType>> = {
  String: 'string',
  Integer: 'int',
  Boolean: 'bool',
  Time: 'timestamp',
  Binary: 'bytes',
};

function isNamespaced(node: Node, namespace: string): boolean {
  return node.exprKind.case === 'callExpr' && identifier(node.exprKind.value.target) === namespace;
}

function withLocals(node: Node, local: ReadonlySet<string>): ReadonlySet<string> {
  if (node.exprKind.case !== 'comprehensionExpr') return local;
  const { iterVar, iterVar2, accuVar } = node.exprKind.value;
  return new Set([...local, iterVar, iterVar2, accuVar]);
}

/** Comprehensions run over `@bounded(range)`, which counts their work. */
function replaceChildren({ exprKind }: Node, fresh: ReadonlyMap<Node, Node>): void {
  const swap = (node: Node): Node => fresh.get(node) ?? node;
  switch (exprKind.case) {
    case 'selectExpr':
      if (exprKind.value.operand) exprKind.value.operand = swap(exprKind.value.operand);
      return;
    case 'callExpr':
      if (exprKind.value.target) exprKind.value.target = swap(exprKind.value.target);
      exprKind.value.args = exprKind.value.args.map(swap);
      return;
    case 'listExpr':
      exprKind.value.elements = exprKind.value.elements.map(swap);
      return;
    case 'structExpr':
      for (const entry of exprKind.value.entries) if (entry.value) entry.value = swap(entry.value);
      return;
    case 'comprehensionExpr': {
      const { value } = exprKind;
      if (value.iterRange) value.iterRange = callOf('@bounded', [swap(value.iterRange)], value.iterRange);
      if (value.accuInit) value.accuInit = swap(value.accuInit);
      if (value.loopCondition) value.loopCondition = swap(value.loopCondition);
      if (value.loopStep) value.loopStep = swap(value.loopStep);
      if (value.result) value.result = swap(value.result);
      return;
    }
    case 'constExpr':
    case 'identExpr':
    case undefined:
  }
}

// --- values in, values out ------------------------------------------------------------------------------

/** An error whose message names no value of an entry. */
class EvaluationError extends Error {}

function loadAttribute(
  entry: Entry | undefined,
  name: string,
  attribute: AttributeSchema | undefined,
  schema: ObjectSchema | undefined,
  list: boolean,
): CelInput {
  const values =
    entry === undefined ? [] : schema ? valuesOf(entry, name, schema) : (entry.attributes.get(name) ?? []);
  const convert = (value: Value): CelInput => toCelValue(value, name, attribute);
  if (list) return values.map(convert);
  const [only] = values;
  if (values.length > 1) {
    throw new EvaluationError(
      `attribute ${name} has ${values.length} values where one is expected; declare it multiValued and treat it as a list`,
    );
  }
  return only === undefined ? null : convert(only);
}

function toCelValue(value: Value, name: string, attribute: AttributeSchema | undefined): CelInput {
  if (typeof value !== 'string') return value;
  switch (attribute?.type) {
    case 'Integer':
      if (!/^[+-]?\d{1,18}$/.test(value)) throw new EvaluationError(`attribute ${name} is not an integer`);
      return BigInt(value);
    case 'Boolean':
      if (!/^(?:true|false)$/i.test(value))
        throw new EvaluationError(`attribute ${name} is neither true nor false`);
      return value.toLowerCase() === 'true';
    case 'Time':
      return toTimestamp(value, name);
    case 'String':
    case 'Binary':
    case undefined:
      return value;
  }
}

/** RFC 3339, or LDAP's generalised time (RFC 4517 section 3.3.13). */
function toTimestamp(value: string, name: string): CelInput {
  const compact = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d{4})$/.exec(value);
  const [, year, month, day, hour, minute = '00', second = '00', zone = 'Z'] = compact ?? [];
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const time = Date.parse(compact ? `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}` : value);
  if (Number.isNaN(time)) throw new EvaluationError(`attribute ${name} is not a time`);
  return timestampFromMs(time);
}

function valuesOfResult(result: unknown): Evaluated {
  if (isCelError(result)) return { kind: 'Failed', message: reasonOf(result) };
  if (isCelList(result))
    return { kind: 'Values', values: [...result].map(toValue).filter((value) => value !== '') };
  if (result === null) return { kind: 'Values', values: [] };
  const value = toValue(result);
  // An empty text is no value: systems cannot tell it from an absent one.
  return { kind: 'Values', values: value === '' ? [] : [value] };
}

function toValue(result: unknown): Value {
  switch (typeof result) {
    case 'string':
      return result;
    case 'bigint':
    case 'boolean':
    case 'number':
      return String(result);
    default:
  }
  if (result instanceof Uint8Array) return result;
  if (isCelUint(result)) return String(result.value);
  const message =
    typeof result === 'object' && result !== null && 'message' in result ? result.message : undefined;
  if (isMessage(message, TimestampSchema)) return generalizedTime(timestampDate(message));
  throw new EvaluationError('the result is no attribute value');
}

function generalizedTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}

/** Why an evaluation failed, without any value: what a library says about a value is left out. */
function reasonOf(error: unknown): string {
  if (error instanceof EvaluationError) return error.message;
  if (!(error instanceof Error)) return 'it failed';
  if (error.cause instanceof EvaluationError) return error.cause.message;
  const overload = /^found no matching overload for '([^']+)' applied to '([^']*)'/.exec(error.message);
  if (overload)
    return `${overload[1]} cannot be applied to ${overload[2]}; is an attribute absent? (coalesce(value, other) gives a value then)`;
  if (/^(?:a text longer|a list of|more than \d+ elements|replace needs|ascii knows)/.test(error.message))
    return error.message;
  return 'it failed on this value';
}
