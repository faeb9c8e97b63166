/** Questions on a terminal. A password is not shown while it is typed. */
import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandFailure, EXIT } from '../failure.ts';

export interface Asker extends Disposable {
  /** An empty answer takes the usual one; without a usual one it is asked again. */
  ask(question: string, usual?: string): Promise<string>;
  askSecret(question: string): Promise<string>;
}

/** Undefined: nobody is there to ask. */
export function terminalAsker(): Asker | undefined {
  return process.stdin.isTTY && process.stderr.isTTY ? new TerminalAsker() : undefined;
}

class TerminalAsker implements Asker {
  readonly #lines: Interface;
  readonly #ended: Promise<never>;
  /** While a password is typed nothing is echoed. */
  #isSilent = false;

  constructor() {
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#isSilent) process.stderr.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input: process.stdin, output, terminal: true });
    this.#ended = new Promise((_, reject) => {
      this.#lines.once('close', () =>
        reject(new CommandFailure(EXIT.interrupted, 'no more answers; nothing was written')),
      );
    });
    // Whoever ends the questions after the last one wants no error.
    this.#ended.catch(() => undefined);
    this.#lines.on('SIGINT', () => this.#lines.close());
  }

  async ask(question: string, usual?: string): Promise<string> {
    const shown = usual === undefined ? `${question}: ` : `${question} [${usual}]: `;
    for (;;) {
      const answer = (await Promise.race([this.#lines.question(shown), this.#ended])).trim();
      if (answer !== '') return answer;
      if (usual !== undefined) return usual;
    }
  }

  async askSecret(question: string): Promise<string> {
    for (;;) {
      process.stderr.write(`${question}: `);
      this.#isSilent = true;
      try {
        const answer = await Promise.race([this.#lines.question(''), this.#ended]);
        if (answer !== '') return answer;
      } finally {
        this.#isSilent = false;
        process.stderr.write('\n');
      }
    }
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}
