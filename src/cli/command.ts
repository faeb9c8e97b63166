/** One command from its settings to its exit code. Results go to standard output, everything else to standard error. */
import { resolve } from 'node:path';
import { ConnectorError } from '../engine/errors.ts';
import type { Contract } from '../api/validation.ts';
import { StateError } from '../store/state-error.ts';
import type { Command, Settings } from '../settings.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT, toldOf } from './failure.ts';
import { reported, writeDocument } from './output.ts';
import { loadProject, type Project } from './project.ts';
import { problemLine, validate } from './validate.ts';

/** What a process has, and what a test puts in its place. */
type Surroundings = Pick<Context, 'output' | 'notes'> & {
  /** Loaded before, by who runs many commands. */
  readonly contract?: Contract;
};

const STANDARD: Surroundings = {
  output: { write: (text) => void process.stdout.write(text) },
  notes: { write: (text) => void process.stderr.write(text) },
};

export async function runCommand(
  settings: Settings,
  signal: AbortSignal,
  stoppedBy: () => number | undefined,
  { contract, ...streams }: Surroundings = STANDARD,
): Promise<number> {
  const context: Context = { settings, ...streams, signal, stoppedBy };
  try {
    return await dispatch(context, contract);
  } catch (error) {
    return failure(error, context);
  }
}

type Perform = (project: Project, context: Context) => number | Promise<number>;

/** Loaded when it is asked for: what a run needs would make `validate` a third slower. */
const COMMANDS: Readonly<Record<Exclude<Command, 'validate'>, () => Promise<Perform>>> = {
  plan: async () => (await import('./roll-call.ts')).takeRollCall,
  run: async () => (await import('./roll-call.ts')).takeRollCall,
  explain: async () => (await import('./explain.ts')).explain,
  get: async () => (await import('./get.ts')).get,
  history: async () => (await import('./history.ts')).history,
  objects: async () => (await import('./objects.ts')).objects,
  approve: async () => (await import('./approve.ts')).approve,
  link: async () => (await import('./link.ts')).link,
  unlink: async () => (await import('./unlink.ts')).unlink,
};

async function dispatch(context: Context, contract: Contract | undefined): Promise<number> {
  const { command, operands, state } = context.settings;
  const folder = command === 'get' ? operands[1] : operands[0];
  if (command === 'history' && folder === undefined && state !== undefined) {
    const { historyOfState } = await import('./history.ts');
    return historyOfState(resolve(state), context);
  }
  const project = await loadProject(folder ?? '.', state, contract);
  for (const { file, line, message } of project.manifests.notes)
    context.notes.write(`${file}:${line}: note: ${message}\n`);
  if (command === 'validate') return validate(project, context);
  if (project.problems.length > 0) return refuse(project, context);
  const perform = await COMMANDS[command]();
  return perform(project, context);
}

/** Manifests that are not valid run nothing, not even those beside the mistake. */
function refuse(project: Project, context: Context): number {
  const { settings, output, notes } = context;
  const isDocument =
    settings.output === 'json' && (settings.command === 'plan' || settings.command === 'run');
  if (isDocument)
    writeDocument({ exitCode: EXIT.invalid, problems: project.problems.map(reported), runs: [] }, output);
  for (const problem of project.problems) notes.write(problemLine(problem));
  notes.write(
    `rollcall: ${project.problems.length} ${project.problems.length === 1 ? 'problem' : 'problems'}; nothing was done\n`,
  );
  return EXIT.invalid;
}

/** One sentence for people; a stack only where the fault is ours. */
function failure(error: unknown, { settings, output, notes, stoppedBy }: Context): number {
  const exitCode = error instanceof CommandFailure ? error.exitCode : (stoppedBy() ?? EXIT.failed);
  const told = toldOf(error);
  if (printsDocument(settings)) {
    const message = told ?? 'internal error';
    const problem = { file: null, line: null, path: null, rule: ruleOf(error), message, mapping: null };
    writeDocument({ exitCode, problems: [problem], runs: [] }, output);
  }
  if (stoppedBy() === undefined) notes.write(`rollcall: ${told ?? `internal error: ${stackOf(error)}`}\n`);
  return exitCode;
}

function ruleOf(error: unknown): string {
  return error instanceof StateError || error instanceof ConnectorError ? error.code : 'Error';
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function printsDocument({ output, command }: Settings): boolean {
  return output === 'json' && (command === 'plan' || command === 'run');
}
