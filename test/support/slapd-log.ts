/** What a slapd has done, by its own log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SUCCESS = /(conn=\d+ op=\d+) RESULT .*?\berr=0\b/g;

/** Names of the entries of the operations of one kind that were carried out: asked for, and answered with success. */
export function carriedOut(folder: string, op: 'ADD' | 'MOD' | 'MODRDN' | 'DEL'): string[] {
  const log = readFileSync(join(folder, 'log'), 'utf8');
  const succeeded = new Set([...log.matchAll(SUCCESS)].map(([, which]) => which));
  const asked = new RegExp(`(conn=\\d+ op=\\d+) ${op} dn="([^"\\n]*)"`, 'g');
  return [...log.matchAll(asked)].flatMap(([, which, dn = '']) => (succeeded.has(which) ? [dn] : []));
}
