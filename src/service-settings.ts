/** Flags of the commands that go on until they are stopped, `up` and `operator`, or everything that is wrong with them. */
import { parseArgs } from 'node:util';
import { parseDuration } from './lib/duration.ts';
import { LOG_LEVELS, type LogLevel } from './lib/log-level.ts';

export interface ServiceSettings {
  readonly concurrentRuns: number;
  readonly probeEveryMs: number;
  readonly logLevel: LogLevel;
}

export interface UpSettings extends ServiceSettings {
  readonly directory: string;
  readonly state: string | undefined;
}

export interface OperatorSettings extends ServiceSettings {
  readonly state: string;
  readonly data: string;
  readonly namespaces: readonly string[] | 'All';
  readonly leaseName: string;
  /** Undefined: the namespace of the account. */
  readonly leaseNamespace: string | undefined;
  readonly metricsAddress: string;
  readonly healthAddress: string;
  readonly kubeconfig: string | undefined;
}

export type Parsed<T> =
  | { readonly kind: 'Parsed'; readonly settings: T }
  | { readonly kind: 'Help' }
  | { readonly kind: 'Invalid'; readonly problems: readonly string[] };

const SHARED = {
  'concurrent-runs': { type: 'string', default: '2' },
  'probe-interval': { type: 'string', default: '5m' },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const UP = { ...SHARED, state: { type: 'string' } } as const;

const OPERATOR = {
  ...SHARED,
  state: { type: 'string', default: '/var/lib/rollcall/state' },
  data: { type: 'string', default: '/var/lib/rollcall/data' },
  namespaces: { type: 'string', default: '' },
  'lease-name': { type: 'string', default: 'rollcall' },
  'lease-namespace': { type: 'string' },
  'metrics-address': { type: 'string', default: ':8080' },
  'health-address': { type: 'string', default: ':8081' },
  kubeconfig: { type: 'string' },
} as const;

export function parseUp(argv: readonly string[]): Parsed<UpSettings> {
  return attempt(() => {
    const { values, positionals } = parseArgs({ args: [...argv], options: UP, allowPositionals: true });
    if (values.help) return { kind: 'Help' };
    const [directory, ...more] = positionals;
    const problems = sharedProblems(values);
    if (directory === undefined) problems.push('rollcall up needs DIR; rollcall up --help shows how');
    if (directory === '-') problems.push('rollcall up watches a folder or a file, not standard input');
    if (more.length > 0) problems.push(`rollcall up takes one DIR, not also '${more.join(' ')}'`);
    if (problems.length > 0) return { kind: 'Invalid', problems };
    const shared = sharedOf(values, 'warn');
    return { kind: 'Parsed', settings: { ...shared, directory: directory ?? '', state: values.state } };
  });
}

export function parseOperator(argv: readonly string[]): Parsed<OperatorSettings> {
  return attempt(() => {
    const { values } = parseArgs({ args: [...argv], options: OPERATOR });
    if (values.help) return { kind: 'Help' };
    const problems = sharedProblems(values);
    for (const name of ['metrics-address', 'health-address'] as const)
      if (!/^.*:\d{1,5}$/.test(values[name]))
        problems.push(`--${name} takes host:port or :port, not '${values[name]}'`);
    if (problems.length > 0) return { kind: 'Invalid', problems };
    const namespaces = values.namespaces.split(',').filter((one) => one !== '');
    const settings: OperatorSettings = {
      ...sharedOf(values, 'info'),
      state: values.state,
      data: values.data,
      namespaces: namespaces.length === 0 ? 'All' : namespaces,
      leaseName: values['lease-name'],
      leaseNamespace: values['lease-namespace'],
      metricsAddress: values['metrics-address'],
      healthAddress: values['health-address'],
      kubeconfig: values.kubeconfig,
    };
    return { kind: 'Parsed', settings };
  });
}

interface SharedValues {
  readonly 'concurrent-runs': string;
  readonly 'probe-interval': string;
  readonly 'log-level'?: string | undefined;
}

function sharedProblems(values: SharedValues): string[] {
  const { 'concurrent-runs': runs, 'probe-interval': probe, 'log-level': level } = values;
  const problems: string[] = [];
  if (!/^[1-9]\d?$/.test(runs)) problems.push(`--concurrent-runs takes a number from 1 to 99, not '${runs}'`);
  if ((parseDuration(probe) ?? 0) < 1_000)
    problems.push(`--probe-interval takes a duration from 1s on, such as 5m, not '${probe}'`);
  if (level !== undefined && !LOG_LEVELS.some((one) => one === level))
    problems.push(`--log-level takes ${LOG_LEVELS.join(', ')}, not '${level}'`);
  return problems;
}

function sharedOf(values: SharedValues, usual: LogLevel): ServiceSettings {
  return {
    concurrentRuns: Number(values['concurrent-runs']),
    probeEveryMs: parseDuration(values['probe-interval']) ?? 0,
    logLevel: LOG_LEVELS.find((one) => one === values['log-level']) ?? usual,
  };
}

function attempt<T>(parse: () => Parsed<T>): Parsed<T> {
  try {
    return parse();
  } catch (error) {
    return { kind: 'Invalid', problems: [error instanceof Error ? error.message : String(error)] };
  }
}
