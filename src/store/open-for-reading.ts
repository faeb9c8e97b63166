import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { explained } from './state-error.ts';

/** Beside a writer, and also where nothing may be written at all: without a log there is nothing that could be missed. */
export function openForReading(path: string): DatabaseSync {
  const usual = new DatabaseSync(path, { readOnly: true });
  try {
    usual.prepare('PRAGMA user_version').get();
    return usual;
  } catch (error) {
    usual.close();
    const cannotMakeLog = error instanceof Error && /unable to open|readonly/.test(error.message);
    if (!cannotMakeLog || existsSync(`${path}-wal`)) throw explained(path, error);
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, { readOnly: true });
  }
}
