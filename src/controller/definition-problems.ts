/** Collects what is wrong with a definition, each with the object and the path it is about. */
import type { ManagedSystem } from '../api/managed-system.ts';
import type { PathKey } from '../api/problem.ts';
import type { SituationPolicy } from '../api/situation-policy.ts';
import type { CompileOptions, Expression, ExpressionCompiler } from '../engine/definition.ts';

type Owner = ManagedSystem | SituationPolicy;

export interface DefinitionProblem {
  /** Undefined: the mapping itself. */
  readonly about: Owner | undefined;
  readonly path: readonly PathKey[];
  readonly message: string;
}

export class Problems {
  readonly all: DefinitionProblem[] = [];
  readonly #expressions: ExpressionCompiler;
  readonly #mapping: string;
  readonly #secret: CompileOptions['secret'];

  constructor(expressions: ExpressionCompiler, mapping: string, secret: CompileOptions['secret']) {
    this.#expressions = expressions;
    this.#mapping = mapping;
    this.#secret = secret;
  }

  add(path: readonly PathKey[], message: string, about?: Owner): void {
    this.all.push({ about, path, message });
  }

  compile(
    text: string | undefined,
    path: readonly PathKey[],
    options: Pick<CompileOptions, 'sides' | 'also' | 'result'>,
    about?: Owner,
  ): Expression | undefined {
    if (text === undefined) return undefined;
    const compiled = this.#expressions.compile(text, {
      ...options,
      mapping: this.#mapping,
      secret: this.#secret,
    });
    if (compiled.kind === 'Compiled') return compiled.expression;
    this.add(path, `the expression is not valid: ${compiled.problem}`, about);
    return undefined;
  }
}
