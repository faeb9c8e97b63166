/** Writes the manifests: nothing that is there is overwritten, and the one with the password is nobody else's to read. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refuse } from './answers.ts';

export const SECRETS = 'secrets.yaml';
const FILES = ['systems.yaml', 'mappings.yaml', 'policy.yaml', SECRETS];

/** Asked before anything else: whoever has files there already need not answer questions first. */
export function requireNoFiles(directory: string): void {
  const there = FILES.filter((name) => existsSync(join(directory, name)));
  if (there.length > 0)
    throw refuse(
      `${directory} has ${there.join(', ')} already, and rollcall init overwrites nothing; give another folder, or remove them`,
    );
}

/** All or none. */
export function writeFiles(directory: string, files: ReadonlyMap<string, string>): void {
  const written: string[] = [];
  try {
    mkdirSync(directory, { recursive: true });
    if (files.has(SECRETS)) ignoreSecrets(directory);
    for (const [name, text] of files) {
      const path = join(directory, name);
      writeFileSync(path, text, { flag: 'wx', mode: name === SECRETS ? 0o600 : 0o644 });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refuse(`${directory} cannot be written (${code})`);
  }
}

/** First of all: a password that a tool commits in between is no secret any more. */
function ignoreSecrets(directory: string): void {
  const path = join(directory, '.gitignore');
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (known.split(/\r?\n/).some((line) => [SECRETS, `/${SECRETS}`, '*'].includes(line.trim()))) return;
  appendFileSync(path, `${known === '' || known.endsWith('\n') ? '' : '\n'}${SECRETS}\n`);
}
