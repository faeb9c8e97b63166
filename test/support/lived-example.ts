/** Lives through an example by the one command that its page names, and gives what was printed, step by step. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const RUN = new URL('../../examples/run.ts', import.meta.url).pathname;

export interface LivedExample {
  readonly code: number | null;
  readonly text: string;
  readonly step: (number: number) => string;
}

export async function liveThrough(name: string): Promise<LivedExample> {
  const child = spawn(process.execPath, [RUN, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const folder = new RegExp(`the manifests are in (\\S+/rollcall-${name}-\\S+)`).exec(text)?.[1];
  if (folder !== undefined) rmSync(folder, { recursive: true });
  return {
    code,
    text,
    step: (number) => text.split(`== ${number}.`)[1]?.split('\n== ')[0] ?? '',
  };
}
