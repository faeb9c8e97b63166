/** What one run came to, as whoever asked for it is told. Its entries are in the store. */
import type { Outcome } from '../engine/outcome.ts';
import type { RunResult } from '../engine/run-ports.ts';

export interface RunSummary {
  readonly sequence: number;
  /** `namespace/name`. */
  readonly mapping: string;
  readonly id: string;
  readonly mode: 'Observe' | 'Enforce';
  /** What asked for it, as one word, such as Interval or Request. */
  readonly trigger: string;
  readonly outcome: Outcome;
  /** For people; may name an entry, so it is not for a status, an Event or a log. */
  readonly message: string | undefined;
  /** Why, as one word in PascalCase; undefined where it succeeded. */
  readonly code: string | undefined;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Undefined where it ended before the engine did. */
  readonly result: RunResult | undefined;
}
