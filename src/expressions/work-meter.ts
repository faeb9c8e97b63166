/** What one evaluation may spend, so that no expression and no entry can hold up a run. */
import { EvaluationError } from './evaluation-error.ts';

/** Elements that macros and `in` of one evaluation may visit: a fraction of a second. */
const MAX_WORK = 1_000_000;
/** Elements of one list that a macro may run over, or that an expression may make. */
const MAX_LIST = 10_000;
/** Characters, or octets, of what an expression makes: it would be written to a directory. */
const MAX_TEXT = 65_536;

export class WorkMeter {
  #left = MAX_WORK;

  reset(): void {
    this.#left = MAX_WORK;
  }

  spend(elements: number): void {
    this.#left -= elements;
    this.check();
  }

  /** Asked at the end too: `||` and macros go on after an error, and may forget it. */
  check(): void {
    if (this.#left < 0) throw new EvaluationError(`more than ${MAX_WORK} elements are visited`);
  }
}

export function boundedList(length: number): void {
  if (length > MAX_LIST) throw new EvaluationError(`a list of ${length} elements is longer than ${MAX_LIST}`);
}

export function boundedText(length: number): void {
  if (length > MAX_TEXT) throw new EvaluationError(`a text would be longer than ${MAX_TEXT} characters`);
}
