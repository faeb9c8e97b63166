/** Progress of long work on standard error: one line that moves on a terminal, structured lines elsewhere. */
import type { Progress } from '../engine/run-ports.ts';
import type { Output } from './output.ts';

/** Reported at least so often (DESIGN.md), and not before the work has proved to be long. */
const EVERY_MS = 2_000;
const ON_TERMINAL_MS = 200;

export interface ProgressReporter {
  report(mapping: string, progress: Progress): void;
  /** Clears the line. */
  end(): void;
}

export function progressReporter(output: Output, isTerminal: boolean, now: () => number): ProgressReporter {
  const started = now();
  let last = started;
  let shown = 0;
  const entries = { Source: 0, Target: 0 };
  return {
    report(mapping, progress) {
      if (progress.phase === 'Reading') entries[progress.side] = progress.entries;
      const at = now();
      if (at - last < (isTerminal ? ON_TERMINAL_MS : EVERY_MS)) return;
      last = at;
      const seconds = (at - started) / 1_000;
      if (!isTerminal) {
        output.write(
          `${JSON.stringify({ level: 'info', msg: 'Roll call in progress', mapping, ...progress, seconds })}\n`,
        );
        return;
      }
      const text = `${mapping}: ${describe(progress, entries, seconds)}`;
      output.write(`\r${text.padEnd(shown)}`);
      shown = text.length;
    },
    end() {
      if (shown > 0) output.write(`\r${' '.repeat(shown)}\r`);
      shown = 0;
    },
  };
}

function describe(
  progress: Progress,
  entries: Readonly<Record<'Source' | 'Target', number>>,
  seconds: number,
): string {
  switch (progress.phase) {
    case 'Reading': {
      const rate = Math.round((entries.Source + entries.Target) / Math.max(seconds, 0.1));
      return `reading, ${entries.Source} source and ${entries.Target} target entries, ${rate}/s`;
    }
    case 'Planning':
      return `planning ${progress.pairs} pairs`;
    case 'Applying':
      return `applying, ${progress.applied} of ${progress.planned}`;
  }
}
