/** One process, from its start to its end: how long, how much memory, how much work. Linux alone says so. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { cpuSeconds } from '../support/process-figures.ts';
import { ENVIRONMENT } from '../support/slapd-programs.ts';

/** The high-water mark only rises, so looking now and then misses no more than what comes at the very end. */
const LOOK_MS = 25;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where standard output goes; undefined: nowhere. */
  readonly output?: string;
  /** Exit codes that are no failure. */
  readonly allowed?: readonly number[];
}

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
}

export async function measure(command: Command): Promise<Measured> {
  const { program, args, env, cwd, output, allowed = [0] } = command;
  const file = output === undefined ? undefined : openSync(output, 'w');
  const started = performance.now();
  const child = spawn(program, [...args], {
    env: { ...ENVIRONMENT, ...env },
    stdio: ['ignore', file ?? 'ignore', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text.slice(0, 4000)));
  const peak = { cpuSeconds: 0, peakRssMiB: 0 };
  const look = setInterval(() => Object.assign(peak, figuresOf(child.pid) ?? peak), LOOK_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    const seconds = (performance.now() - started) / 1000;
    if (!allowed.includes(code ?? -1))
      throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}:\n${complaints}`);
    return { ...peak, seconds };
  } finally {
    clearInterval(look);
    if (file !== undefined) closeSync(file);
  }
}

/** Undefined: it has just ended. */
function figuresOf(pid: number | undefined): Omit<Measured, 'seconds'> | undefined {
  if (pid === undefined) return undefined;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (kilobytes === undefined) return undefined;
    return { cpuSeconds: cpuSeconds(pid), peakRssMiB: Number(kilobytes) / 1024 };
  } catch {
    return undefined;
  }
}
