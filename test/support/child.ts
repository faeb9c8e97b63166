/** A TypeScript program as a child process of the test: real locks, real kills. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** The lines that it printed until now. */
  readonly lines: readonly string[];
  /** Resolves with the first line that starts so; rejects when the process ends before. */
  line(start: string): Promise<string>;
  /** Resolves when it has ended, however. */
  ended(): Promise<void>;
}

export function startChild(program: string, options: { readonly uid?: number } = {}): Child {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let output = '';
  let errors = '';
  const over = once(child, 'close').then(() => {
    for (const wake of waiting) wake();
  });
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    const complete = output.split('\n');
    output = complete.pop() ?? '';
    lines.push(...complete);
    for (const wake of waiting) wake();
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    process: child,
    lines,
    async line(start) {
      for (;;) {
        const found = lines.find((one) => one.startsWith(start));
        if (found !== undefined) return found;
        if (hasEnded()) throw new Error(`the child ended without '${start}': ${errors}`);
        await new Promise<void>((wake) => {
          waiting.add(wake);
        });
      }
    },
    ended: () => over,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await over;
    },
  };
}
