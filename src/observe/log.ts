/** Lines of JSON on standard error: a constant sentence, fields beside it, and nothing of what an entry holds. */
import { pino, type Logger } from 'pino';
import type { Log } from '../controller/ports.ts';
import type { LogLevel } from '../lib/log-level.ts';

export function openLog(level: LogLevel, write: (line: string) => void): Log {
  const logger: Logger = pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    { write },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** Name, code and places, and the message only of errors of ours, which are written for people: others may quote what they choked on. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error ? error.code : undefined;
  const isOurs = ['ClusterError', 'StateError'].includes(error.name);
  const places = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(isOurs ? { message: error.message } : { stack: places.join('\n') }),
  };
}
