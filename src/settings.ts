/** The command line as one frozen value, or everything that is wrong with it at once. */
import { parseArgs } from 'node:util';
import { nearestName } from './lib/nearest-name.ts';

export const COMMANDS = [
  'validate',
  'plan',
  'run',
  'explain',
  'get',
  'history',
  'objects',
  'approve',
  'link',
  'unlink',
] as const;
export type Command = (typeof COMMANDS)[number];
/** Those with flags of their own: init-settings.ts and service-settings.ts have them. */
export const STANDALONE = ['init', 'up', 'operator'] as const;
export type Standalone = (typeof STANDALONE)[number];

export interface Settings {
  readonly command: Command;
  /** What follows the command, in order. */
  readonly operands: readonly string[];
  readonly output: 'table' | 'wide' | 'json' | 'csv';
  readonly state: string | undefined;
  readonly mapping: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly plan: string | undefined;
  readonly run: string | undefined;
  readonly file: string | undefined;
  /** Who acts by hand; undefined: the user of the system. */
  readonly by: string | undefined;
  readonly limit: number;
  readonly all: boolean;
}

export type ParsedSettings =
  | { readonly kind: 'Settings'; readonly settings: Settings }
  | { readonly kind: 'Help'; readonly command: Command | Standalone | undefined }
  | { readonly kind: 'Version' }
  | { readonly kind: 'Invalid'; readonly problems: readonly string[] };

const OPTIONS = {
  output: { type: 'string', short: 'o', default: 'table' },
  state: { type: 'string' },
  mapping: { type: 'string' },
  source: { type: 'string' },
  target: { type: 'string' },
  plan: { type: 'string' },
  run: { type: 'string' },
  file: { type: 'string', short: 'f' },
  by: { type: 'string' },
  limit: { type: 'string', default: '20' },
  all: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const;

/** Options that a command understands beside `--state`, `-o` and `--help`. */
const OPTIONS_OF: Readonly<Record<Command, readonly string[]>> = {
  validate: [],
  plan: ['mapping', 'source', 'target', 'all'],
  run: ['mapping', 'source', 'target', 'all'],
  explain: ['mapping', 'source', 'target'],
  get: [],
  history: ['mapping', 'run', 'limit'],
  objects: ['file'],
  approve: ['mapping', 'plan', 'by'],
  link: ['mapping', 'source', 'target', 'by'],
  unlink: ['mapping', 'source', 'target', 'by'],
};

export function parseSettings(argv: readonly string[]): ParsedSettings {
  const parsed = parse(argv);
  if ('problem' in parsed) return { kind: 'Invalid', problems: [parsed.problem] };
  const { values, positionals, tokens } = parsed;
  const [word, ...operands] = positionals;
  if (values.version) return { kind: 'Version' };
  const command = COMMANDS.find((one) => one === word);
  if (values.help || word === undefined || word === 'help') {
    return {
      kind: 'Help',
      command: command ?? [...COMMANDS, ...STANDALONE].find((one) => one === operands[0]),
    };
  }
  if (!command) return { kind: 'Invalid', problems: [unknownCommand(word)] };
  const given = tokens.filter((token) => token.kind === 'option').map((token) => token.name);
  const problems = [...optionProblems(command, given), ...valueProblems(command, values, operands)];
  if (problems.length > 0) return { kind: 'Invalid', problems };
  const output = (['table', 'wide', 'json', 'csv'] as const).find((one) => one === values.output) ?? 'table';
  const { state, mapping, source, target, plan, run, file, by, all } = values;
  const settings = {
    command,
    operands,
    output,
    state,
    mapping,
    source,
    target,
    plan,
    run,
    file,
    by,
    all,
    limit: Number(values.limit),
  };
  return { kind: 'Settings', settings: Object.freeze(settings) };
}

function parse(argv: readonly string[]): ReturnType<typeof parseAll> | { problem: string } {
  try {
    return parseAll(argv);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function parseAll(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, tokens: true });
}

function unknownCommand(word: string): string {
  const near = nearestName(word, [...COMMANDS, ...STANDALONE]);
  return `unknown command '${word}'${near === undefined ? '' : `, did you mean '${near}'?`}; rollcall --help lists the commands`;
}

function optionProblems(command: Command, given: readonly string[]): string[] {
  const known = [...OPTIONS_OF[command], 'state', 'output', 'help', 'version'];
  return given
    .filter((name) => !known.includes(name))
    .map((name) => `rollcall ${command} has no option --${name}; rollcall ${command} --help lists them`);
}

interface Values {
  readonly output: string;
  readonly limit: string;
  readonly mapping?: string | undefined;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly plan?: string | undefined;
  readonly by?: string | undefined;
}

function valueProblems(command: Command, values: Values, operands: readonly string[]): string[] {
  const { output, limit, mapping, source, target, by } = values;
  const single = source !== undefined || target !== undefined;
  const checks: readonly (readonly [boolean, string])[] = [
    [
      !['table', 'wide', 'json', 'csv'].includes(output),
      `-o takes table, wide, json or csv, not '${output}'`,
    ],
    [!/^[1-9]\d{0,5}$/.test(limit), `--limit takes a number from 1 on, not '${limit}'`],
    [by !== undefined && !/^\S.{0,99}$/.test(by), '--by takes a name of up to 100 characters'],
    [
      source !== undefined && target !== undefined && !OF_PAIRS.includes(command),
      '--source and --target exclude each other',
    ],
    [single && mapping === undefined, '--source and --target need --mapping NAMESPACE/NAME'],
    [lacks(command, values), `rollcall ${command} needs ${NEEDED[command]?.words ?? ''}`],
    [
      operands.length < minimum(command),
      `rollcall ${command} needs ${OPERANDS[command]}; rollcall ${command} --help shows how`,
    ],
  ];
  return checks.filter(([wrong]) => wrong).map(([, message]) => message);
}

const OF_PAIRS: readonly Command[] = ['link', 'unlink'];

type Needed = keyof Pick<Values, 'mapping' | 'source' | 'target' | 'plan'>;

/** Flags that a command cannot do without; one of each list is enough. */
const NEEDED: Readonly<
  Partial<Record<Command, { readonly flags: readonly (readonly Needed[])[]; readonly words: string }>>
> = {
  explain: {
    flags: [['mapping'], ['source', 'target']],
    words: '--mapping, and --source ID or --target ID',
  },
  approve: { flags: [['mapping'], ['plan']], words: '--mapping and --plan DIGEST' },
  link: { flags: [['mapping'], ['source'], ['target']], words: '--mapping, --source ID and --target ID' },
  unlink: {
    flags: [['mapping'], ['source', 'target']],
    words: '--mapping, and --source ID or --target ID',
  },
};

function lacks(command: Command, values: Values): boolean {
  return NEEDED[command]?.flags.some((flags) => flags.every((flag) => !values[flag])) ?? false;
}

const OPERANDS: Readonly<Record<Command, string>> = {
  validate: 'DIR',
  plan: 'DIR',
  run: 'DIR',
  explain: 'DIR',
  approve: 'DIR',
  link: 'DIR',
  unlink: 'DIR',
  history: 'DIR',
  get: 'KIND',
  objects: 'DIR SYSTEM OBJECT',
};

function minimum(command: Command): number {
  if (command === 'objects') return 3;
  return command === 'history' ? 0 : 1;
}
