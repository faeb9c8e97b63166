/** Why an evaluation failed, told without any value of an entry. */
import { operator } from './operator-sign.ts';

/** Where errors are merged, the library keeps their text alone: by this beginning ours are known. */
const OWN = 'evaluation: ';

/** An error whose message names no value of an entry. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(`${OWN}${message}`);
  }
}

/** What the library says of a fault, and how it is told here. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^index .* out of bounds/, 'an index is outside of its list or text'],
  [/^field not found/, 'a map has no such key'],
  [/divi(?:de|sion) by zero|modulus by zero/i, 'a number is divided by zero'],
];

/** What a library says about a value is left out: it may show the value. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  if (error.message.startsWith(OWN)) return error.message.slice(OWN.length);
  const overload = /^found no matching overload for '([^']+)' applied to '([^']*)'/.exec(error.message);
  if (!overload) return KNOWN.find(([told]) => told.test(error.message))?.[1] ?? 'it failed on this value';
  const [, name = '', given = ''] = overload;
  return `${operator(name) ?? name} cannot be applied to ${given}; is an attribute absent? (coalesce(value, other) gives a value then)`;
}
