/** Process entry: settings, command, signals, exit code. */
import { setFlagsFromString } from 'node:v8';
import { runCommand } from './cli/command.ts';
import { HELP, OVERVIEW } from './cli/help.ts';
import { EXIT } from './cli/failure.ts';
import { VERSION } from './cli/version.ts';
import { parseInit } from './init-settings.ts';
import { parseSettings, type Standalone } from './settings.ts';
import { parseOperator, parseUp, type Parsed } from './service-settings.ts';

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/**
 * What is read is garbage as soon as it is compared. Left alone, V8 lets such a stream fill 400 MiB before it looks; a
 * young generation that stays small, and an old one that may only grow by half as much again, need a third less and no
 * more time (100 k pairs, measured).
 */
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=50');

/** Whoever reads the results may stop reading (`rollcall … | head`): what is being done is done to its end all the same. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

async function main(): Promise<number> {
  const [word, ...words] = process.argv.slice(2);
  if (word === 'init' || word === 'up' || word === 'operator') return standalone(word, words);
  const parsed = parseSettings(process.argv.slice(2));
  switch (parsed.kind) {
    case 'Help':
      process.stdout.write(parsed.command ? HELP[parsed.command] : OVERVIEW);
      return EXIT.ok;
    case 'Version':
      process.stdout.write(`rollcall ${VERSION}\n`);
      return EXIT.ok;
    case 'Invalid':
      return refuse(parsed.problems);
    case 'Settings': {
      const { signal, stoppedBy } = stopOnSignals();
      return runCommand(parsed.settings, signal, stoppedBy);
    }
  }
}

/** Loaded when it is asked for: what these need would slow every other command down. */
async function standalone(word: Standalone, words: readonly string[]): Promise<number> {
  if (word === 'init') {
    return withSettings(word, parseInit(words), async (settings) => {
      const { init } = await import('./cli/init/init.ts');
      return init(settings, stopOnSignals().signal);
    });
  }
  if (word === 'up') {
    return withSettings(word, parseUp(words), async (settings) => {
      const { up } = await import('./cli/up.ts');
      return up(settings, stopOnSignals().signal);
    });
  }
  return withSettings(word, parseOperator(words), async (settings) => {
    const { operate } = await import('./operator.ts');
    return operate(settings, stopOnSignals().signal);
  });
}

function withSettings<T>(
  word: Standalone,
  parsed: Parsed<T>,
  work: (settings: T) => Promise<number>,
): number | Promise<number> {
  switch (parsed.kind) {
    case 'Help':
      process.stdout.write(HELP[word]);
      return EXIT.ok;
    case 'Invalid':
      return refuse(parsed.problems);
    case 'Parsed':
      return work(parsed.settings);
  }
}

function refuse(problems: readonly string[]): number {
  for (const problem of problems) process.stderr.write(`rollcall: ${problem}\n`);
  return EXIT.invalid;
}

function stopOnSignals(): { readonly signal: AbortSignal; readonly stoppedBy: () => number | undefined } {
  const stopping = new AbortController();
  let stoppedBy: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one ends the process at once: whoever presses twice means it.
      if (stoppedBy !== undefined) process.exit(SIGNALS[signal]);
      stoppedBy = SIGNALS[signal];
      stopping.abort();
    });
  }
  return { signal: stopping.signal, stoppedBy: () => stoppedBy };
}

process.exitCode = await main();
