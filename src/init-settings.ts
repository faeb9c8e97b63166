/** Flags of `rollcall init`, or everything that is wrong with them. What is missing may be asked on a terminal. */
import { parseArgs } from 'node:util';
import type { Parsed } from './service-settings.ts';

export const TLS_MODES = ['LDAPS', 'StartTLS', 'Disabled'] as const;
export type TlsMode = (typeof TLS_MODES)[number];
const ENCODINGS = ['UTF-8', 'ISO-8859-1', 'Windows-1252', 'UTF-16LE'] as const;

export interface InitSettings {
  readonly directory: string;
  readonly csv: string | undefined;
  readonly delimiter: string | undefined;
  readonly encoding: (typeof ENCODINGS)[number] | undefined;
  readonly id: string | undefined;
  readonly url: string | undefined;
  readonly tls: TlsMode | undefined;
  readonly ca: string | undefined;
  readonly anonymous: boolean;
  readonly bindDn: string | undefined;
  readonly passwordFile: string | undefined;
  readonly base: string | undefined;
  readonly filter: string | undefined;
  readonly objectClasses: readonly string[];
}

const OPTIONS = {
  csv: { type: 'string' },
  delimiter: { type: 'string' },
  encoding: { type: 'string' },
  id: { type: 'string' },
  ldap: { type: 'string' },
  tls: { type: 'string' },
  ca: { type: 'string' },
  anonymous: { type: 'boolean', default: false },
  'bind-dn': { type: 'string' },
  'password-file': { type: 'string' },
  base: { type: 'string' },
  filter: { type: 'string' },
  'object-class': { type: 'string', multiple: true, default: [] as string[] },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Values = ReturnType<typeof parseAll>['values'];

function parseAll(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
}

export function parseInit(argv: readonly string[]): Parsed<InitSettings> {
  try {
    const { values, positionals } = parseAll(argv);
    if (values.help) return { kind: 'Help' };
    const problems = problemsOf(values, positionals);
    if (problems.length > 0) return { kind: 'Invalid', problems };
    return { kind: 'Parsed', settings: settingsOf(values, positionals[0] ?? '') };
  } catch (error) {
    return { kind: 'Invalid', problems: [error instanceof Error ? error.message : String(error)] };
  }
}

type Check = readonly [isWrong: boolean, message: string];

function problemsOf(values: Values, positionals: readonly string[]): string[] {
  const checks = [...operandChecks(positionals), ...choiceChecks(values), ...serverChecks(values)];
  return checks.filter(([isWrong]) => isWrong).map(([, message]) => message);
}

function operandChecks([directory, ...more]: readonly string[]): Check[] {
  return [
    [
      directory === undefined,
      'rollcall init needs DIR, the folder to write to; rollcall init --help shows how',
    ],
    [directory === '-', 'rollcall init writes a folder, not standard output'],
    [more.length > 0, `rollcall init takes one DIR, not also '${more.join(' ')}'`],
  ];
}

function choiceChecks({ tls, encoding, delimiter }: Values): Check[] {
  const isOneOf = (all: readonly string[], value: string | undefined): boolean =>
    value === undefined || all.includes(value);
  return [
    [!isOneOf(TLS_MODES, tls), `--tls takes ${TLS_MODES.join(', ')}, not '${tls ?? ''}'`],
    [!isOneOf(ENCODINGS, encoding), `--encoding takes ${ENCODINGS.join(', ')}, not '${encoding ?? ''}'`],
    [
      delimiter !== undefined && !/^[^\r\n"]$/.test(tabOf(delimiter)),
      '--delimiter takes one character, or \\t for a tab',
    ],
  ];
}

const URL_FORM = /^(ldaps?:\/\/[^\s/?#@]+\/?|ldapi:\/\/[^\s?#@]*)$/;

function serverChecks({ tls, ldap = '', ca, anonymous, ...more }: Values): Check[] {
  const isSecure = ldap.startsWith('ldaps:');
  return [
    [
      ldap !== '' && !URL_FORM.test(ldap),
      '--ldap takes ldaps://HOST[:PORT], ldap://HOST[:PORT] or ldapi://SOCKET, without credentials and without a base',
    ],
    [tls === 'LDAPS' && ldap.startsWith('ldap:'), '--tls LDAPS needs a URL that begins with ldaps://'],
    [
      isSecure && tls !== undefined && tls !== 'LDAPS',
      `--tls ${tls ?? ''} needs a URL that begins with ldap://`,
    ],
    [ca !== undefined && tls === 'Disabled', '--ca means nothing with --tls Disabled'],
    [
      anonymous && (more['bind-dn'] ?? more['password-file']) !== undefined,
      '--anonymous excludes --bind-dn and --password-file',
    ],
  ];
}

function tabOf(delimiter: string): string {
  return delimiter === String.raw`\t` ? '\t' : delimiter;
}

function settingsOf(values: Values, directory: string): InitSettings {
  return {
    directory,
    csv: values.csv,
    delimiter: values.delimiter === undefined ? undefined : tabOf(values.delimiter),
    encoding: ENCODINGS.find((one) => one === values.encoding),
    id: values.id,
    url: values.ldap,
    tls: TLS_MODES.find((one) => one === values.tls),
    ca: values.ca,
    anonymous: values.anonymous,
    bindDn: values['bind-dn'],
    passwordFile: values['password-file'],
    base: values.base,
    filter: values.filter,
    objectClasses: values['object-class'],
  };
}
