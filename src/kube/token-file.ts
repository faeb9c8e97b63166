/** `tokenFile` of a kubeconfig's user, which the client library does not know: a file whose token is read anew. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../api/schema.ts';

/** Relative paths start from the kubeconfig, as everywhere in it. The first file that has the user decides. */
export function tokenFileOf(user: string, files: readonly string[]): string | undefined {
  for (const file of files) {
    const config: unknown = parse(readFileSync(file, 'utf8'));
    const users: unknown = isRecord(config) ? config['users'] : undefined;
    const named = Array.isArray(users) ? users.filter((one) => isRecord(one)) : [];
    const found = named.find((one) => one['name'] === user)?.['user'];
    if (!isRecord(found)) continue;
    const { tokenFile } = found;
    return typeof tokenFile === 'string' && tokenFile !== '' ? resolve(dirname(file), tokenFile) : undefined;
  }
  return undefined;
}
