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

/** What a person can do something about; anything else is a fault of ours and stays as it is. */
export function explained(path: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  if (/not a database|malformed/.test(message)) {
    const told = `${path} is damaged or no database of this program; restore it from a backup`;
    return new StateError('Damaged', told, error);
  }
  if (/disk is full|disk I\/O error|readonly database|unable to open/.test(message)) {
    const told = `${path} cannot be written: ${message}; make room on its disk, or allow this program to write there, and run again`;
    return new StateError('NotWritable', told, error);
  }
  return error;
}
