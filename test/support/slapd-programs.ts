/** Finding slapd, the LDAP tools and openssl, or installing them where that may be done. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export const execute = promisify(execFile);

/** Where Debian keeps servers; not on the path of an ordinary user. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`,
};
const SHELL = ['sh', '-c'] as const;
export const INSTALL_TIMEOUT_MS = 300_000;

/** Finds slapd and the LDAP tools, or installs them where it may; else an error that says what to install. */
export async function ensureSlapd(): Promise<void> {
  const programs = ['slapd', 'ldapsearch', 'openssl'];
  await ensurePackages(['slapd', 'ldap-utils', 'openssl'], () => programs.every(isOnPath));
}

/** Installs Debian's packages where something is missing and that may be done; else an error that says what to do. */
export async function ensurePackages(packages: readonly string[], isThere: () => boolean): Promise<void> {
  if (isThere()) return;
  const names = packages.join(' ');
  const byHand = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${names}`;
  const asRoot = process.getuid?.() === 0;
  const mayInstall = asRoot || (await succeeds('sudo', ['-n', 'true']));
  if (existsSync('/usr/bin/apt-get') && mayInstall) {
    const [program, ...args] = asRoot ? SHELL : (['sudo', '-n', ...SHELL] as const);
    await execute(program, [...args, installScript(names)], {
      env: ENVIRONMENT,
      timeout: INSTALL_TIMEOUT_MS,
    }).catch((cause: unknown) => {
      throw new Error(`${names} could not be installed; install by: ${byHand}`, { cause });
    });
  }
  if (!isThere()) throw new Error(`${names}: missing; install by: ${byHand}`);
}

/** Debian starts a service that it installs; an existing policy of the machine is left alone. */
function installScript(names: string): string {
  return [
    'set -e',
    'policy=/usr/sbin/policy-rc.d',
    'if [ ! -e "$policy" ]; then printf "#!/bin/sh\\nexit 101\\n" > "$policy"; chmod 755 "$policy"; trap \'rm -f "$policy"\' EXIT; fi',
    'apt-get update -qq',
    `DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${names}`,
  ].join('\n');
}

function isOnPath(program: string): boolean {
  const folders = (ENVIRONMENT['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return execute(program, [...args], { env: ENVIRONMENT }).then(
    () => true,
    () => false,
  );
}
