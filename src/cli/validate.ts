/** `rollcall validate`: every problem with file, line and path; no system is touched. */
import type { Context } from './context.ts';
import { EXIT } from './failure.ts';
import { nextCommand } from './next-command.ts';
import { table } from './output.ts';
import type { ManifestProblem } from '../local/manifests.ts';
import type { Project } from './project.ts';

export function validate(project: Project, { settings, output }: Context): number {
  const { manifests, problems, mappings, directory } = project;
  const exitCode = problems.length > 0 ? EXIT.invalid : EXIT.ok;
  if (settings.output === 'json') {
    output.write(`${JSON.stringify({ exitCode, problems, notes: manifests.notes }, null, 2)}\n`);
    return exitCode;
  }
  for (const problem of problems) output.write(problemLine(problem));
  if (problems.length > 0) {
    output.write(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n`);
    return exitCode;
  }
  const timed = mappings.filter((one) => readsTime(one.mapping.object.spec, one.policy?.object.spec));
  for (const one of timed)
    output.write(`${one.key}: 'now' decides here, so every entry is evaluated in every run\n`);
  const rows = [
    ['ManagedSystem', String(manifests.systems.length)],
    ['ReconMapping', String(manifests.mappings.length)],
    ['SituationPolicy', String(manifests.policies.length)],
  ];
  output.write(`${table(['KIND', 'VALID'], rows)}`);
  if (mappings.length > 0 && directory !== '-')
    output.write(`\nNext, see what a run would do:\n  ${nextCommand('plan', directory)}\n`);
  return exitCode;
}

export function problemLine({ file, line, path, message, value }: ManifestProblem): string {
  const found = value === undefined ? '' : ` (found ${value})`;
  return `${file}:${line}: ${path === '' ? '' : `${path}: `}${message}${found}\n`;
}

function readsTime(...specs: unknown[]): boolean {
  return /\bnow\b/.test(JSON.stringify(specs.map((spec) => conditionsOf(spec))));
}

function conditionsOf(spec: unknown): unknown[] {
  if (typeof spec !== 'object' || spec === null) return [];
  return Object.entries(spec).flatMap(([name, value]: [string, unknown]): unknown[] =>
    ['where', 'deletedWhen', 'when'].includes(name) ? [value] : conditionsOf(value),
  );
}
