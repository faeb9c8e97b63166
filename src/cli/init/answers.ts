/** What `init` has to know before it looks: from flags, from a terminal, or a list of the flags that are missing. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { LdapConfig } from '../../connectors/ldap/config.ts';
import type { InitSettings, TlsMode } from '../../init-settings.ts';
import { Secret } from '../../lib/secret.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { nextCommand } from '../next-command.ts';
import type { Asker } from './asker.ts';

export interface Answers {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  readonly ldap: LdapConfig;
  readonly ca: string | undefined;
}

export function refuse(message: string): CommandFailure {
  return new CommandFailure(EXIT.invalid, `${message}; nothing was written`);
}

export async function answersOf(settings: InitSettings, asker: Asker | undefined): Promise<Answers> {
  const missing = missingFlags(settings);
  if (!asker && missing.length > 0)
    throw refuse(
      `without a terminal rollcall init needs ${missing.join(', ')}; rollcall init --help explains them`,
    );
  const path = pathIn(settings.directory, settings.csv ?? (await asked(asker).ask('CSV file of people')));
  const url = settings.url ?? (await asked(asker).ask('LDAP server', 'ldaps://localhost'));
  const tls = await tlsOf(settings, url, asker);
  const ca = caOf(settings.ca);
  const bind = await bindOf(settings, url, asker);
  const ldap = { url, tls: ca === undefined ? { mode: tls } : { mode: tls, ca }, ...(bind ? { bind } : {}) };
  return { path, ldap, ca };
}

/** Only asked for what no flag says, and then there is a terminal. */
function asked(asker: Asker | undefined): Asker {
  if (!asker) throw new Error('nobody to ask');
  return asker;
}

function missingFlags({ csv, url, anonymous, bindDn, passwordFile }: InitSettings): string[] {
  const isLocal = url?.startsWith('ldapi:') === true && bindDn === undefined;
  const binds = !anonymous && !isLocal;
  return [
    ...(csv === undefined ? ['--csv FILE'] : []),
    ...(url === undefined ? ['--ldap URL'] : []),
    ...(binds && bindDn === undefined ? ['--bind-dn DN (or --anonymous)'] : []),
    ...(binds && passwordFile === undefined ? ['--password-file FILE'] : []),
  ];
}

/** A manifest names files below its own folder, so that it means the same wherever the folder goes. */
function pathIn(directory: string, csv: string): string {
  if (!existsSync(csv)) throw refuse(`there is no file '${csv}'`);
  const folder = existsSync(directory) ? realpathSync(directory) : resolve(directory);
  const inside = relative(folder, realpathSync(csv));
  if (inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside))
    return inside.split(sep).join('/');
  const copy = join(directory, basename(csv));
  const again = nextCommand('init', directory, '--csv', copy);
  throw refuse(
    `'${csv}' is not in ${directory}, and manifests read files of their own folder only; put it there (as ${copy}), then: ${again}`,
  );
}

function caOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const ca = readText(file, '--ca');
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return ca;
  throw refuse(`--ca ${file} holds no certificate in PEM`);
}

/** Plain text has to be asked for. */
async function tlsOf(
  { tls, anonymous }: InitSettings,
  url: string,
  asker: Asker | undefined,
): Promise<TlsMode> {
  if (url.startsWith('ldaps:')) return 'LDAPS';
  if (url.startsWith('ldapi:')) return 'Disabled';
  if (tls !== undefined) return tls;
  if (!asker) return 'StartTLS';
  const secret = anonymous ? '' : ', and the password with it';
  const answer = await asker.ask(
    `TLS: StartTLS, or Disabled, which sends everything in the clear${secret}`,
    'StartTLS',
  );
  return answer.toLowerCase() === 'disabled' ? 'Disabled' : 'StartTLS';
}

async function bindOf(
  { anonymous, bindDn, passwordFile }: InitSettings,
  url: string,
  asker: Asker | undefined,
): Promise<LdapConfig['bind']> {
  if (anonymous || (url.startsWith('ldapi:') && bindDn === undefined)) return undefined;
  const dn = bindDn ?? (await asked(asker).ask('DN that Rollcall binds as'));
  if (passwordFile === undefined)
    return { dn, password: new Secret(await asked(asker).askSecret('Its password')) };
  const password = readText(passwordFile, '--password-file').replace(/\r?\n$/, '');
  if (password === '') throw refuse(`--password-file ${passwordFile} is empty`);
  return { dn, password: new Secret(password) };
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refuse(`${flag} ${file} cannot be read (${code})`);
  }
}
