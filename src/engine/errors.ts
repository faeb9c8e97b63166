/**
 * What a system can answer when it does not do as it was asked. The code decides what the engine does next;
 * the message is for people and names the object, the attribute and the way out, never a sensitive value.
 */
export type ConnectorErrorCode =
  | 'Unreachable' // no connection, or it broke: the run ends, nothing is concluded
  | 'AuthenticationFailed' // the system refuses who we are
  | 'PermissionDenied'
  | 'NotFound'
  | 'AlreadyExists'
  | 'DuplicateKey' // two entries of one side carry the same id
  | 'SchemaViolation' // the system refuses the content of one entry
  | 'InvalidData' // what was read cannot be understood
  | 'InvalidConfiguration'
  | 'UnknownAttribute'
  | 'Changed' // it is no longer what we read
  | 'Busy'
  | 'LimitExceeded'
  | 'Unsupported'
  | 'Timeout'
  | 'Refused';

export interface ConnectorErrorDetails {
  readonly cause?: unknown;
  /** The attribute that the system complained about, where it says so. */
  readonly attribute?: string;
}

/** The one error class of the border to other systems. */
export class ConnectorError extends Error {
  readonly code: ConnectorErrorCode;
  readonly attribute: string | undefined;

  constructor(code: ConnectorErrorCode, message: string, details: ConnectorErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ConnectorError';
    this.code = code;
    this.attribute = details.attribute;
  }
}
