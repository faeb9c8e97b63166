/** What every command is given. */
import type { Settings } from '../settings.ts';
import type { Output } from './output.ts';

export interface Context {
  readonly settings: Settings;
  readonly output: Output;
  /** For people, beside the results. */
  readonly notes: Output;
  readonly signal: AbortSignal;
  /** The exit code of the signal that asked to stop, if one did. */
  readonly stoppedBy: () => number | undefined;
}
