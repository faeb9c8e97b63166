/** What one row of the table is: something to measure, and what it is measured beside. */
import { readFileSync } from 'node:fs';
import type { Command } from './measure.ts';
import type { World } from './world.ts';

export interface Step {
  /** Not measured. */
  readonly before?: () => Promise<void> | void;
  readonly command: () => Command;
  /** What it must have printed; only `rollcall` is asked. */
  readonly result?: RegExp;
}

export interface Reference {
  readonly name: string;
  /** Something to run, or a time that is given. */
  readonly beside: Step | number;
}

export interface Trial {
  readonly own: Step;
  readonly reference: Reference;
  /** What is taken off the time before it is compared. */
  readonly less?: Step;
}

export interface Scenario {
  readonly name: string;
  /** How many people there are when the table is about so many. */
  readonly sizeOf: (size: number) => number;
  /** Greatest ratio; undefined: the time is shown, and nothing is promised. */
  readonly bar: (size: number) => number | undefined;
  readonly barRssMiB?: number;
  readonly ready: (world: World, size: number) => Promise<Trial> | Trial;
}

/** Throws when it did not come to what it should have. */
export function checkResult({ result }: Step, { output }: Command): void {
  if (!result || output === undefined) return;
  const text = readFileSync(output).subarray(0, 4096).toString();
  if (!result.test(text)) throw new Error(`the result is not ${result.source}:\n${text}`);
}
