/** Process entry: settings, command, signals, exit code. */
import { setFlagsFromString } from 'node:v8';
import { runCommand } from './cli/command.ts';
import { HELP, OVERVIEW } from './cli/help.ts';
import { EXIT } from './cli/failure.ts';
import { VERSION } from './cli/version.ts';
import { parseSettings } from './settings.ts';

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/**
 * What is read is garbage as soon as it is compared. Left alone, V8 lets such a stream fill 400 MiB before it looks; a
 * young generation that stays small, and an old one that may only grow by half as much again, need a third less and no
 * more time (100 k pairs, measured).
 */
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=150');

/** Whoever reads the results may stop reading (`rollcall … | head`): what is being done is done to its end all the same. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

async function main(): Promise<number> {
  const parsed = parseSettings(process.argv.slice(2));
  switch (parsed.kind) {
    case 'Help':
      process.stdout.write(parsed.command ? HELP[parsed.command] : OVERVIEW);
      return EXIT.ok;
    case 'Version':
      process.stdout.write(`rollcall ${VERSION}\n`);
      return EXIT.ok;
    case 'Invalid':
      for (const problem of parsed.problems) process.stderr.write(`rollcall: ${problem}\n`);
      return EXIT.invalid;
    case 'Settings': {
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
      return runCommand(parsed.settings, stopping.signal, () => stoppedBy);
    }
  }
}

process.exitCode = await main();
