/** What ends a command, with the exit code that says of what kind it is (DESIGN.md, "Command line"). */
import { ConnectorError } from '../engine/errors.ts';
import { StateError } from '../store/state-error.ts';
export const EXIT = { ok: 0, failed: 1, pending: 2, invalid: 3, interrupted: 130, terminated: 143 } as const;

export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** What says by itself what is wrong; undefined: the fault is ours. */
export function toldOf(error: unknown): string | undefined {
  const isKnown =
    error instanceof CommandFailure || error instanceof ConnectorError || error instanceof StateError;
  return isKnown ? error.message : undefined;
}
