/** What went wrong, in the words of the port. No header, no body of an object and no credential is in a message. */
import { isRecord } from '../api/schema.ts';
import { ClusterError, type ClusterErrorCode } from '../controller/ports.ts';

/** An API server names objects and fields; whatever stands between may answer with pages. */
const LONGEST_MESSAGE = 500;

export interface FailedAnswer {
  /** `get /apis/…`, without the query. */
  readonly what: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export function errorOfAnswer({ what, status, retryAfter, body }: FailedAnswer): ClusterError {
  return errorOfStatus(what, { code: status, ...parseStatus(body) }, retryAfter);
}

/** `status`: a Status object of the API, also as the ERROR event of a watch has it. */
export function errorOfStatus(
  what: string,
  status: Readonly<Record<string, unknown>>,
  retryAfter?: string,
): ClusterError {
  const number = typeof status['code'] === 'number' ? status['code'] : 500;
  const words = [status['reason'], status['message']].filter(
    (part) => typeof part === 'string' && part !== '',
  );
  const message = [`${what}: ${String(number)}`, ...words].join(': ').slice(0, LONGEST_MESSAGE);
  const retryAfterMs = retryAfterOf(status, retryAfter);
  return new ClusterError(codeOf(number), message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** No answer at all: refused, reset, a certificate that nobody trusts. */
export function errorOfConnection(what: string, cause: unknown): ClusterError {
  const reason = cause instanceof Error ? cause.message : 'no connection';
  return new ClusterError('Unavailable', `${what}: ${reason}`.slice(0, LONGEST_MESSAGE), { cause });
}

function parseStatus(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) && parsed['kind'] === 'Status' ? parsed : {};
  } catch {
    return {}; // a path that is not served, and what stands between, answer in plain text
  }
}

function retryAfterOf(
  status: Readonly<Record<string, unknown>>,
  header: string | undefined,
): number | undefined {
  const details = status['details'];
  const asked = header ?? (isRecord(details) ? details['retryAfterSeconds'] : undefined);
  const seconds = Number(asked ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

const CODES: Readonly<Record<number, ClusterErrorCode>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  504: 'Timeout',
};

function codeOf(status: number): ClusterErrorCode {
  return CODES[status] ?? (status >= 400 && status < 500 ? 'Invalid' : 'Unavailable');
}
