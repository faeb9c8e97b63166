/** What others make of an object: Argo CD by a health script, Flux and `helm --wait` by kstatus. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { goProgram } from './go-programs.ts';

export interface Judgement {
  readonly status: string;
  readonly message: string;
}

export async function argoHealth(scriptFile: string, object: unknown): Promise<Judgement> {
  return judge(await goProgram('argohealth'), [scriptFile], object);
}

export async function kstatus(object: unknown): Promise<Judgement> {
  return judge(await goProgram('kstatus'), [], object);
}

async function judge(program: string, args: readonly string[], object: unknown): Promise<Judgement> {
  const judging = promisify(execFile)(program, [...args]);
  judging.child.stdin?.on('error', () => undefined); // it may end before it has read everything
  judging.child.stdin?.end(JSON.stringify(object));
  const [status = '', message = ''] = (await judging).stdout.trimEnd().split('\t');
  return { status, message };
}
