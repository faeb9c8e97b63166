/**
 * A light type check, enough to find mistakes before a run: unknown functions, wrong arguments, a text where a
 * condition is asked for. What may be null at run time counts as its type; what cannot be known counts as any.
 */
import type { CelFunc, CelType } from '@bufbuild/cel';
import { childrenOf, identifier, type Kind, type Node } from './syntax.ts';

export type StaticType =
  | 'any'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration';

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
        this.#each(node);
        return 'list';
      case 'structExpr':
        this.#each(node);
        return 'map';
      case 'selectExpr':
      case 'comprehensionExpr':
      case undefined:
        this.#each(node);
        return 'any';
    }
  }

  #each(node: Node): void {
    for (const child of childrenOf(node)) this.type(child.node);
  }

  #call({ function: name, target, args }: Extract<Kind, { case: 'callExpr' }>['value']): StaticType {
    const on = target === undefined ? undefined : this.type(target);
    const given = args.map((arg) => this.type(arg));
    if (name === '_?_:_') return this.#conditional(given);
    if (name === '_&&_' || name === '_||_') return this.#logical(name, given);
    if (name.startsWith('@not') || name === '_[_]') return 'any';
    const overloads = this.#input.functions.get(name);
    if (!overloads) {
      this.problem ??= `unknown function '${target ? `${identifier(target) ?? ''}.` : ''}${name}'`;
      return 'any';
    }
    const fitting = overloads.filter((one) => fits(one, on, given));
    if (fitting.length === 0) {
      const shown = `${on === undefined ? '' : `${on}.`}${name}(${given.join(', ')})`;
      this.problem ??= `no function ${shown}; there is ${overloads
        .slice(0, 6)
        .map((one) => one.id)
        .join(', ')}`;
      return 'any';
    }
    const results = new Set(fitting.map((one) => typeName(one.result)));
    const [only] = results;
    return results.size === 1 && only !== undefined ? only : 'any';
  }

  #conditional([condition = 'any', yes = 'any', no = 'any']: readonly StaticType[]): StaticType {
    if (condition !== 'any' && condition !== 'bool')
      this.problem ??= `the condition of ?: is a ${condition}, not a bool`;
    if (yes === no || no === 'null') return yes;
    return yes === 'null' ? no : 'any';
  }

  #logical(name: string, given: readonly StaticType[]): StaticType {
    const wrong = given.find((one) => one !== 'any' && one !== 'bool');
    if (wrong !== undefined) this.problem ??= `${name.replaceAll('_', '')} takes bools, not a ${wrong}`;
    return 'bool';
  }
}

function fits(one: CelFunc, on: StaticType | undefined, given: readonly StaticType[]): boolean {
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

export function typeName(type: CelType): StaticType {
  switch (type.name) {
    case 'google.protobuf.Timestamp':
      return 'timestamp';
    case 'google.protobuf.Duration':
      return 'duration';
    case 'null_type':
      return 'null';
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'string':
    case 'bytes':
    case 'list':
    case 'map':
      return type.name;
    default:
      return 'any';
  }
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
