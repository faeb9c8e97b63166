/** What is wrong with a state folder, and what to do about it. */
export type StateErrorCode =
  | 'KeyMissing'
  | 'NewerVersion'
  | 'OlderVersion'
  | 'Locked'
  | 'Superseded' // another process has taken the state over
  | 'NotWritable'
  | 'NotState'
  | 'Damaged';

export class StateError extends Error {
  readonly code: StateErrorCode;

  constructor(code: StateErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StateError';
    this.code = code;
  }
}
