/** What a system's fault is called in a status, and what may be said of it there: never what an entry holds. */
import type { Reason } from '../api/conditions.ts';
import type { ConnectorErrorCode } from '../engine/errors.ts';

export interface Fault {
  readonly reason: Reason;
  readonly message: string;
}

interface Meaning {
  readonly reason: Reason;
  /** Undefined: the connector's own message, which speaks of the system and the manifest only. */
  readonly message: string | undefined;
}

const ENTRIES = 'rollcall history names what it is about';

const MEANINGS: Readonly<Record<ConnectorErrorCode, Meaning>> = {
  Unreachable: { reason: 'SystemUnreachable', message: undefined },
  Timeout: { reason: 'Timeout', message: undefined },
  AuthenticationFailed: {
    reason: 'AuthenticationFailed',
    message: 'the system refuses the credentials; correct the Secret that spec.ldap.bind refers to',
  },
  PermissionDenied: {
    reason: 'AccessDenied',
    message: 'the system does not let us do what the mapping needs; give the account more rights',
  },
  InvalidConfiguration: { reason: 'InvalidSpec', message: undefined },
  Unsupported: { reason: 'SchemaMismatch', message: undefined },
  UnknownAttribute: { reason: 'SchemaMismatch', message: undefined },
  NotFound: { reason: 'ReadFailed', message: undefined },
  InvalidData: { reason: 'ReadFailed', message: `what was read cannot be understood; ${ENTRIES}` },
  Changed: { reason: 'ReadFailed', message: 'what was read changed meanwhile; it is tried again' },
  Busy: { reason: 'ReadFailed', message: 'the system is busy; it is tried again' },
  LimitExceeded: {
    reason: 'ReadFailed',
    message: "a limit of the system ended the read; raise it for Rollcall's account",
  },
  AlreadyExists: { reason: 'RunFailed', message: `the system refused a write; ${ENTRIES}` },
  DuplicateKey: { reason: 'ReadFailed', message: `two entries carry the same id; ${ENTRIES}` },
  SchemaViolation: { reason: 'RunFailed', message: `the system refused a write; ${ENTRIES}` },
  Refused: { reason: 'RunFailed', message: `the system refused a request; ${ENTRIES}` },
};

/** As OpenSSL and Node name what is wrong with a certificate. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|certificate/;

export function faultOf(code: string | undefined, message: string): Fault {
  const meaning = isCode(code) ? MEANINGS[code] : undefined;
  if (!meaning) return { reason: 'RunFailed', message: `the run could not be done; ${ENTRIES}` };
  if (meaning.reason === 'SystemUnreachable' && CERTIFICATE.test(message))
    return { reason: 'TLSVerificationFailed', message };
  return { reason: meaning.reason, message: meaning.message ?? message };
}

function isCode(code: string | undefined): code is ConnectorErrorCode {
  return code !== undefined && Object.hasOwn(MEANINGS, code);
}
