/**
 * Expressions of a mapping and a policy: CEL, parsed and checked once, evaluated for every entry that matters.
 * Each attribute that an expression reads becomes a variable of its own, so nothing else of an entry is in reach:
 * there is no object to walk, no prototype, no input or output. What is absent is null. docs/expressions.md is
 * the user's page.
 */
import {
  celEnv,
  celError,
  isCelError,
  parse,
  plan,
  type CelEnv,
  type CelFunc,
  type CelInput,
} from '@bufbuild/cel';
import type {
  Compiled,
  CompileOptions,
  Evaluated,
  Expression,
  ExpressionCompiler,
  Scope,
} from '../engine/definition.ts';
import { Binder, type Slot } from './binder.ts';
import { reasonOf } from './evaluation-error.ts';
import { expressionFunctions } from './functions.ts';
import { depthOf, type Node } from './syntax.ts';
import { typeOf } from './types.ts';
import { valuesOfResult } from './values.ts';
import { WorkMeter } from './work-meter.ts';

const MAX_LENGTH = 4_096;
/** Enough for a hundred texts added one to another, and far from where a recursion could end the program. */
const MAX_DEPTH = 128;
const MAX_COMPREHENSIONS = 2;

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
    try {
      const tree = parse(source).expr;
      return tooDeep(tree) ?? this.#bound(source, tree, options);
    } catch (error) {
      return invalid(parseProblem(error));
    }
  }

  #bound(source: string, tree: Node, options: CompileOptions): Compiled {
    const binder = new Binder(options);
    const bound = binder.bind(tree, false, new Set());
    const problem = binder.problem ?? this.#typeProblem(bound, binder.slots, options);
    if (problem !== undefined) return invalid(problem);
    const { reads, uses } = binder;
    const expression: Expression = {
      text: source,
      reads,
      usesNow: uses.has('now'),
      usesSecret: uses.has('secret'),
      evaluate: this.#evaluation(bound, binder.slots, options.result),
    };
    return { kind: 'Compiled', expression: Object.freeze(expression) };
  }

  #typeProblem(tree: Node, slots: readonly Slot[], { result }: CompileOptions): string | undefined {
    const variables = new Map(slots.map((slot) => [slot.variable, slot.type]));
    const type = typeOf(tree, { functions: this.#functions, variables });
    if (typeof type === 'object') return type.problem;
    if (result === 'Condition' && type !== 'bool' && type !== 'any')
      return `it gives a ${type}, not true or false`;
    if (result === 'Values' && (type === 'map' || type === 'duration'))
      return `it gives a ${type}, which is no attribute value`;
    return undefined;
  }

  #evaluation(
    tree: Node,
    slots: readonly Slot[],
    expected: CompileOptions['result'],
  ): Expression['evaluate'] {
    const evaluate = plan(this.#environment, tree);
    const meter = this.#meter;
    return (scope): Evaluated => {
      meter.reset();
      try {
        const result = evaluate(variablesOf(slots, scope));
        meter.check();
        if (isCelError(result)) return { kind: 'Failed', message: reasonOf(result) };
        if (expected === 'Condition' && typeof result !== 'boolean' && result !== null)
          return { kind: 'Failed', message: 'it gives a value that is not true or false' };
        return { kind: 'Values', values: valuesOfResult(result) };
      } catch (error) {
        return { kind: 'Failed', message: reasonOf(error) };
      }
    };
  }
}

/** A value that cannot be loaded fails what uses it, not a branch that does not. */
function variablesOf(slots: readonly Slot[], scope: Scope): Record<string, CelInput> {
  const variables = Object.create(null) as Record<string, CelInput>;
  for (const { variable, load } of slots) {
    try {
      variables[variable] = load(scope);
    } catch (error) {
      variables[variable] = celError(error) as unknown as CelInput;
    }
  }
  return variables;
}

function tooDeep(tree: Node): Compiled | undefined {
  const depth = depthOf(tree);
  if (depth.nodes > MAX_DEPTH) return invalid(`it is nested deeper than ${MAX_DEPTH}`);
  if (depth.comprehensions <= MAX_COMPREHENSIONS) return undefined;
  return invalid(`more than ${MAX_COMPREHENSIONS} macros over lists stand within each other`);
}

function parseProblem(error: unknown): string {
  if (error instanceof RangeError) return `it is nested deeper than ${MAX_DEPTH}`;
  return error instanceof Error ? error.message.replace(/^<input>:/, 'at ') : 'it cannot be parsed';
}

function invalid(problem: string): Compiled {
  return { kind: 'Invalid', problem };
}
