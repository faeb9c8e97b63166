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
export const INSTALL_TIMEOUT_MS = 300_000;

const INSTALL_COMMAND =
  'sudo apt-get update && sudo apt-get install -y --no-install-recommends slapd ldap-utils openssl';

/** Finds slapd and the LDAP tools, or installs them where it may; else an error that says what to install. */
export async function ensureSlapd(): Promise<void> {
  if (hasPrograms()) return;
  const asRoot = process.getuid?.() === 0;
  const sudo = asRoot || (await succeeds('sudo', ['-n', 'true']));
  if (existsSync('/usr/bin/apt-get') && sudo) {
    // Debian starts a service that it installs; an existing policy of the machine is left alone.
    const script = [
      'set -e',
      'policy=/usr/sbin/policy-rc.d',
      'if [ ! -e "$policy" ]; then printf "#!/bin/sh\\nexit 101\\n" > "$policy"; chmod 755 "$policy"; trap \'rm -f "$policy"\' EXIT; fi',
      'apt-get update -qq',
      'DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slapd ldap-utils openssl',
    ].join('\n');
    const command = asRoot
      ? (['sh', ['-c', script]] as const)
      : (['sudo', ['-n', 'sh', '-c', script]] as const);
    await execute(command[0], [...command[1]], { env: ENVIRONMENT, timeout: INSTALL_TIMEOUT_MS }).catch(
      (cause: unknown) => {
        throw new Error(`slapd could not be installed; install it by: ${INSTALL_COMMAND}`, { cause });
      },
    );
  }
  if (!hasPrograms())
    throw new Error(`slapd and ldap-utils are missing; install them by: ${INSTALL_COMMAND}`);
}

function hasPrograms(): boolean {
  const folders = (ENVIRONMENT['PATH'] ?? '').split(delimiter);
  return ['slapd', 'ldapsearch', 'openssl'].every((program) =>
    folders.some((folder) => existsSync(join(folder, program))),
  );
}

export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return execute(program, [...args], { env: ENVIRONMENT }).then(
    () => true,
    () => false,
  );
}
