/** Regular expressions of RE2, whose time grows with the text and never with its square. */
import { RE2JS } from 're2js';
import { EvaluationError } from './evaluation-error.ts';

/** A pattern may come from an attribute, so those that are remembered are few. */
const MAX_REMEMBERED = 200;
const MAX_PATTERN = 1_000;

export class Patterns {
  readonly #remembered: Map<string, RE2JS> = new Map();

  /** The groups of the first match, by number; undefined: there is none. */
  find(pattern: string, text: string): ((group: number) => string | null) | undefined {
    const compiled = this.#compile(pattern);
    const matcher = compiled.matcher(text);
    if (!matcher.find()) return undefined;
    return (group) => {
      if (!(group >= 0 && group <= matcher.groupCount()))
        throw new EvaluationError(`the pattern has no group ${group}`);
      return matcher.group(group) ?? null;
    };
  }

  #compile(pattern: string): RE2JS {
    const known = this.#remembered.get(pattern);
    if (known) return known;
    const problem = patternProblem(pattern);
    if (problem !== undefined) throw new EvaluationError('a pattern cannot be understood');
    const compiled = RE2JS.compile(pattern);
    if (this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(pattern, compiled);
    return compiled;
  }
}

/** For a pattern that stands in the expression itself. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN) return `a pattern is longer than ${MAX_PATTERN} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return `the pattern '${pattern}' cannot be understood: ${error instanceof Error ? error.message : 'unknown'}`;
  }
}
