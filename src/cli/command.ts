/** One command from its settings to its exit code. Results go to standard output, everything else to standard error. */
import { StateError } from '../store/state-error.ts';
import type { Settings } from '../settings.ts';
import { approve } from './approve.ts';
import { explain } from './explain.ts';
import { CommandFailure, EXIT } from './failure.ts';
import { get } from './get.ts';
import { history } from './history.ts';
import { objects } from './objects.ts';
import { reported, writeDocument, type Output } from './output.ts';
import { loadProject, type Project } from './project.ts';
import { takeRollCall } from './roll-call.ts';
import { validate } from './validate.ts';

export interface Context {
  readonly settings: Settings;
  readonly output: Output;
  /** For people, beside the results. */
  readonly notes: Output;
  readonly signal: AbortSignal;
  /** The exit code of the signal that asked to stop, if one did. */
  readonly stoppedBy: () => number | undefined;
}

export async function runCommand(
  settings: Settings,
  signal: AbortSignal,
  stoppedBy: () => number | undefined,
): Promise<number> {
  const context: Context = {
    settings,
    output: { write: (text) => void process.stdout.write(text) },
    notes: { write: (text) => void process.stderr.write(text) },
    signal,
    stoppedBy,
  };
  try {
    return await dispatch(context);
  } catch (error) {
    return failure(error, context);
  }
}

async function dispatch(context: Context): Promise<number> {
  const { command, operands, state } = context.settings;
  const folder = command === 'get' ? operands[1] : operands[0];
  const project = await loadProject(folder ?? '.', state);
  for (const { file, line, message } of project.manifests.notes)
    context.notes.write(`${file}:${line}: note: ${message}\n`);
  if (command === 'validate') return validate(project, context);
  if (project.problems.length > 0) return refuse(project, context);
  switch (command) {
    case 'plan':
    case 'run':
      return takeRollCall(project, context);
    case 'explain':
      return explain(project, context);
    case 'get':
      return get(project, context);
    case 'history':
      return history(project, context);
    case 'objects':
      return objects(project, context);
    case 'approve':
      return approve(project, context);
  }
}

/** Manifests that are not valid run nothing, not even those beside the mistake. */
function refuse(project: Project, context: Context): number {
  const { settings, output, notes } = context;
  const isDocument =
    settings.output === 'json' && (settings.command === 'plan' || settings.command === 'run');
  if (isDocument)
    writeDocument(
      { exitCode: EXIT.invalid, problems: project.problems.map(reported), runs: [] },
      undefined,
      output,
    );
  for (const { file, line, path, message } of project.problems)
    notes.write(`${file}:${line}: ${path === '' ? '' : `${path}: `}${message}\n`);
  notes.write(
    `rollcall: ${project.problems.length} ${project.problems.length === 1 ? 'problem' : 'problems'}; nothing was done\n`,
  );
  return EXIT.invalid;
}

/** One sentence for people; a stack only where the fault is ours. */
function failure(error: unknown, { settings, output, notes }: Context): number {
  const known = error instanceof StateError || error instanceof CommandFailure;
  const exitCode = error instanceof CommandFailure ? error.exitCode : EXIT.failed;
  const message =
    known && error instanceof Error
      ? error.message
      : `internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  if (settings.output === 'json' && (settings.command === 'plan' || settings.command === 'run')) {
    const rule = error instanceof StateError ? error.code : 'Error';
    const problem = {
      file: null,
      line: null,
      path: null,
      rule,
      message: known ? message : 'internal error',
      mapping: null,
    };
    writeDocument({ exitCode, problems: [problem], runs: [] }, undefined, output);
  }
  notes.write(`rollcall: ${message}\n`);
  return exitCode;
}
