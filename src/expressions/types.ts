/**
 * A light type check, enough to find mistakes before a run: unknown functions, wrong arguments, a text where a
 * condition is asked for. What may be null at run time counts as its type; what cannot be known counts as any.
 */
import type { CelFunc, CelType } from '@bufbuild/cel';
import { nearestName } from '../lib/nearest-name.ts';
import { text } from './access.ts';
import { operator } from './operator-sign.ts';
import { patternProblem } from './patterns.ts';
import { childrenOf, type Kind, type Node } from './syntax.ts';

const STATIC_TYPES = [
  'any',
  'null',
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'timestamp',
  'duration',
] as const;
export type StaticType = (typeof STATIC_TYPES)[number];

export interface TypeInput {
  readonly functions: ReadonlyMap<string, readonly CelFunc[]>;
  /** Types of the variables that the tree may name. */
  readonly variables: ReadonlyMap<string, StaticType>;
}

/** The type of the whole, or what is wrong with it. */
export function typeOf(node: Node, input: TypeInput): StaticType | { problem: string } {
  const checking = new Checking(input);
  const type = checking.type(node);
  return checking.problem === undefined ? type : { problem: checking.problem };
}

type Call = Extract<Kind, { case: 'callExpr' }>['value'];

/** A call with the types of what it is given. */
interface TypedCall {
  readonly name: string;
  /** Undefined: it is no method. */
  readonly on: StaticType | undefined;
  readonly given: readonly StaticType[];
}

class Checking {
  readonly #input: TypeInput;
  problem: string | undefined;

  constructor(input: TypeInput) {
    this.#input = input;
  }

  type(node: Node): StaticType {
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'constExpr':
        return constantType(exprKind.value);
      case 'identExpr':
        return this.#input.variables.get(exprKind.value.name) ?? 'any';
      case 'callExpr':
        return this.#call(exprKind.value);
      case 'listExpr':
        return this.#each(node, 'list');
      case 'structExpr':
        return this.#struct(node, exprKind.value.messageName);
      case 'selectExpr':
        return this.#select(exprKind.value.operand, exprKind.value.field);
      case 'comprehensionExpr':
      case undefined:
        return this.#each(node, 'any');
    }
  }

  #select(operand: Node | undefined, field: string): StaticType {
    const type = operand ? this.type(operand) : 'any';
    if (type !== 'any' && type !== 'map') this.#complain(`a ${type} has no field '${field}'`);
    return 'any';
  }

  #struct(node: Node, messageName: string): StaticType {
    if (messageName !== '') this.#complain('an object cannot be made here');
    return this.#each(node, 'map');
  }

  #each(node: Node, type: StaticType): StaticType {
    for (const child of childrenOf(node)) this.type(child.node);
    return type;
  }

  #call({ function: name, target, args }: Call): StaticType {
    const on = target === undefined ? undefined : this.type(target);
    const given = args.map((arg) => this.type(arg));
    this.#pattern(name, args);
    if (name === '_?_:_') return this.#conditional(given);
    if (name === '_&&_' || name === '_||_') return this.#logical(name, given);
    if (name.startsWith('@not') || name === '_[_]') return 'any';
    return this.#function({ name, on, given });
  }

  #pattern(name: string, [pattern]: readonly Node[]): void {
    const constant = name === 'matches' || name === 'extract' ? text(pattern) : undefined;
    const problem = constant === undefined ? undefined : patternProblem(constant);
    if (problem !== undefined) this.#complain(problem);
  }

  #function(call: TypedCall): StaticType {
    const overloads = this.#input.functions.get(call.name);
    if (!overloads) {
      const near = nearestName(
        call.name,
        [...this.#input.functions.keys()].filter((one) => /^\w+$/.test(one)),
      );
      const hint = near === undefined ? '' : `; did you mean '${near}'?`;
      this.#complain(`unknown function '${call.name}'${hint}`);
      return 'any';
    }
    const fitting = overloads.filter((one) => fits(one, call));
    if (fitting.length === 0) this.#complain(noSuch(call, overloads));
    const results = new Set(fitting.map((one) => typeName(one.result)));
    const [only] = results;
    return results.size === 1 && only !== undefined ? only : 'any';
  }

  #conditional([condition = 'any', yes = 'any', no = 'any']: readonly StaticType[]): StaticType {
    if (condition !== 'any' && condition !== 'bool')
      this.#complain(`the condition of ?: is a ${condition}, not a bool`);
    if (yes === no || no === 'null') return yes;
    return yes === 'null' ? no : 'any';
  }

  #logical(name: string, given: readonly StaticType[]): StaticType {
    const wrong = given.find((one) => one !== 'any' && one !== 'bool');
    if (wrong !== undefined) this.#complain(`${operator(name) ?? name} takes bools, not a ${wrong}`);
    return 'bool';
  }

  #complain(problem: string): void {
    this.problem ??= problem;
  }
}

const SHOWN_OVERLOADS = 6;

function noSuch({ name, on, given }: TypedCall, overloads: readonly CelFunc[]): string {
  const sign = operator(name);
  if (sign !== undefined) return `'${sign}' cannot be applied to ${given.join(' and ')}`;
  const shown = `${on === undefined ? '' : `${on}.`}${name}(${given.join(', ')})`;
  const known = overloads.filter((one) => one.target?.name !== 'null_type').map((one) => one.id);
  return `no function ${shown}; there is ${known.slice(0, SHOWN_OVERLOADS).join(', ')}`;
}

function fits(one: CelFunc, { on, given }: TypedCall): boolean {
  if ((one.target === undefined) !== (on === undefined) || one.arguments.length !== given.length)
    return false;
  if (on !== undefined && one.target && !accepts(one.target, on)) return false;
  return given.every((type, at) => {
    const wanted = one.arguments[at];
    return wanted !== undefined && accepts(wanted, type);
  });
}

function accepts(wanted: CelType, given: StaticType): boolean {
  const name = typeName(wanted);
  return name === 'any' || given === 'any' || name === given;
}

const RENAMED: Readonly<Record<string, StaticType>> = {
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
  null_type: 'null',
};

function typeName({ name }: CelType): StaticType {
  return RENAMED[name] ?? STATIC_TYPES.find((type) => type === name) ?? 'any';
}

const CONSTANTS: Readonly<Record<string, StaticType>> = {
  boolValue: 'bool',
  int64Value: 'int',
  uint64Value: 'uint',
  doubleValue: 'double',
  stringValue: 'string',
  bytesValue: 'bytes',
  nullValue: 'null',
};

function constantType(constant: Extract<Kind, { case: 'constExpr' }>['value']): StaticType {
  return CONSTANTS[constant.constantKind.case ?? ''] ?? 'any';
}
