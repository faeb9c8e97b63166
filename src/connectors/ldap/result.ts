/**
 * LDAP result codes (RFC 4511 section 4.1.9) as errors of ours. A server's diagnostic may repeat attribute values,
 * so it is kept only where its whole shape is known to hold names alone; elsewhere the attribute's name is taken
 * out of it and the rest is dropped.
 */
import { ConnectorError, type ConnectorErrorCode } from '../../engine/errors.ts';

export const SUCCESS = 0;
export const TIME_LIMIT_EXCEEDED = 3;
export const SIZE_LIMIT_EXCEEDED = 4;
export const REFERRAL = 10;
export const ADMIN_LIMIT_EXCEEDED = 11;
export const NO_SUCH_OBJECT = 32;
export const BUSY = 51;
export const UNAVAILABLE = 52;

/** The part of an answer that says how it went. */
export interface Result {
  readonly status: number;
  readonly errorMessage: string;
}

const CODES: ReadonlyMap<number, readonly [name: string, code: ConnectorErrorCode]> = new Map([
  [1, ['operationsError', 'Refused']],
  [2, ['protocolError', 'Unsupported']],
  [TIME_LIMIT_EXCEEDED, ['timeLimitExceeded', 'LimitExceeded']],
  [SIZE_LIMIT_EXCEEDED, ['sizeLimitExceeded', 'LimitExceeded']],
  [7, ['authMethodNotSupported', 'AuthenticationFailed']],
  [8, ['strongerAuthRequired', 'AuthenticationFailed']],
  [REFERRAL, ['referral', 'Refused']],
  [ADMIN_LIMIT_EXCEEDED, ['adminLimitExceeded', 'LimitExceeded']],
  [12, ['unavailableCriticalExtension', 'Unsupported']],
  [13, ['confidentialityRequired', 'AuthenticationFailed']],
  [16, ['noSuchAttribute', 'Changed']],
  [17, ['undefinedAttributeType', 'SchemaViolation']],
  [18, ['inappropriateMatching', 'SchemaViolation']],
  [19, ['constraintViolation', 'SchemaViolation']],
  [20, ['attributeOrValueExists', 'Changed']],
  [21, ['invalidAttributeSyntax', 'SchemaViolation']],
  [NO_SUCH_OBJECT, ['noSuchObject', 'NotFound']],
  [34, ['invalidDNSyntax', 'SchemaViolation']],
  [48, ['inappropriateAuthentication', 'AuthenticationFailed']],
  [49, ['invalidCredentials', 'AuthenticationFailed']],
  [50, ['insufficientAccessRights', 'PermissionDenied']],
  [BUSY, ['busy', 'Busy']],
  [UNAVAILABLE, ['unavailable', 'Busy']],
  [53, ['unwillingToPerform', 'Refused']],
  [64, ['namingViolation', 'SchemaViolation']],
  [65, ['objectClassViolation', 'SchemaViolation']],
  [66, ['notAllowedOnNonLeaf', 'Refused']],
  [67, ['notAllowedOnRDN', 'SchemaViolation']],
  [68, ['entryAlreadyExists', 'AlreadyExists']],
  [69, ['objectClassModsProhibited', 'SchemaViolation']],
  [71, ['affectsMultipleDSAs', 'Refused']],
]);

/** Diagnostics of OpenLDAP that consist of names. */
const HARMLESS: readonly RegExp[] = [
  /^object class '[\w.;-]+' requires attribute '[\w.;-]+'$/,
  /^attribute '[\w.;-]+' not allowed$/,
  /^[\w.;-]+: attribute type undefined$/,
  /^[\w.;-]+: value #\d+ invalid per syntax$/,
  /^[\w.;-]+: multiple values provided$/,
  /^[\w.;-]+: no user modification allowed$/,
  /^no objectClass attribute$/,
  /^no structural object class provided$/,
  /^(value of )?naming attribute '[\w.;-]+' is not \w+( in entry)?$/,
];

const ATTRIBUTE_IN_DIAGNOSTIC: readonly RegExp[] = [
  /requires attribute '([\w.;-]+)'/,
  /attribute '([\w.;-]+)' (?:not|is not)/,
  /^modify\/\w+: ([A-Za-z][\w.;-]*): /,
  /^([A-Za-z][\w.;-]*): /,
];

/** Some servers say adminLimitExceeded of an operation that is too large, and some of one that comes too soon. */
const THROTTLED = /throttl|rate limit|too many (?:requests|operations)|try again/i;

export function resultName(status: number): string {
  return CODES.get(status)?.[0] ?? `result code ${String(status)}`;
}

/** `action` says what was asked for, without values: 'add', 'read ou=people,…'. */
export function resultError(result: Result, action: string): ConnectorError {
  const code = codeOf(result);
  const diagnostic = result.errorMessage.trim();
  const attribute = code === 'SchemaViolation' || code === 'Changed' ? attributeIn(diagnostic) : undefined;
  const harmless = HARMLESS.some((shape) => shape.test(diagnostic)) ? `: ${diagnostic}` : '';
  const about = attribute !== undefined && harmless === '' ? ` for attribute '${attribute}'` : '';
  const message = `${action}: the directory answered ${resultName(result.status)}${about}${harmless}`;
  return new ConnectorError(code, message, attribute === undefined ? {} : { attribute });
}

function codeOf({ status, errorMessage }: Result): ConnectorErrorCode {
  if (status === ADMIN_LIMIT_EXCEEDED && THROTTLED.test(errorMessage)) return 'Busy';
  return CODES.get(status)?.[1] ?? 'Refused';
}

function attributeIn(diagnostic: string): string | undefined {
  for (const shape of ATTRIBUTE_IN_DIAGNOSTIC) {
    const found = shape.exec(diagnostic)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
