/** Events of a folder: lines of JSON beside the state, and for people on the terminal. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RecordedEvent, Recorder, Timers } from '../controller/ports.ts';

/** Then the file becomes the old one, and the old one before it goes. */
const LARGEST_FILE_BYTES = 10 * 1024 * 1024;

export interface FileRecorderOptions {
  readonly file: string;
  readonly timers: Timers;
  /** For people; a line without its end. */
  readonly say: (line: string) => void;
}

export class FileRecorder implements Recorder {
  readonly #options: FileRecorderOptions;

  constructor(options: FileRecorderOptions) {
    this.#options = options;
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
  }

  record({ regarding, type, reason, action, note }: RecordedEvent): void {
    const { file, timers, say } = this.#options;
    const { namespace, name } = regarding.metadata;
    const time = new Date(timers.now()).toISOString();
    const line = { time, type, reason, action, kind: regarding.kind, namespace, name, note };
    if (sizeOf(file) > LARGEST_FILE_BYTES) renameSync(file, `${file}.old`);
    appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    say(
      `${time.slice(11, 19)}  ${type.padEnd(7)}  ${reason}  ${regarding.kind} ${namespace}/${name}: ${note}`,
    );
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
