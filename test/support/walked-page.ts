/**
 * Walks through a page of docs/: does what its `sh` blocks say, in a folder of its own, and looks for every line of
 * its `text` blocks in what the block before has printed. `# exit code N` after a command says how it has to end
 * (0 where nothing is said), `…` in a text stands for anything.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PROGRAM } from './rollcall.ts';
import { startSlapd, type SlapdOptions } from './slapd.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

interface Block {
  readonly heading: string;
  readonly language: string;
  readonly text: string;
}

export function readPage(name: string): string {
  return readFileSync(join(ROOT, 'docs', `${name}.md`), 'utf8');
}

function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  let heading = '';
  for (const [, title, language = '', text = ''] of page.matchAll(/^#+ ([^\n]*)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (title === undefined) found.push({ heading, language, text });
    else heading = title;
  }
  return found;
}

/** The cells of every row under a heading, without the header of its table. */
export function rowsUnder(page: string, heading: string): string[][] {
  const [, section = ''] = page.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const lines = [...(section.split(/^#+ /m)[0] ?? '').matchAll(/^\| (.*) \|$/gm)].map(
    ([, line = '']) => line,
  );
  return lines.slice(2).map((line) => line.split(/ +\| +/).map((cell) => cell.trim()));
}

interface Walked {
  readonly commands: number;
  readonly problems: readonly string[];
}

/** `ldap://localhost:389` and `change-me` of the page are the address and the password of a directory of its own. */
export async function walk(name: string, options: SlapdOptions = {}): Promise<Walked> {
  await using slapd = await startSlapd(options);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-page-'));
  try {
    const real = (text: string): string =>
      text.replaceAll('ldap://localhost:389', slapd.url).replaceAll('change-me', slapd.adminPassword);
    const world = new World(folder, real);
    for (const block of blocksOf(readPage(name))) {
      if (block.language === 'sh') await world.run({ ...block, text: real(block.text) });
      if (block.language === 'text') world.expect({ ...block, text: real(block.text) });
    }
    return { commands: world.commands, problems: world.problems };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class World {
  readonly problems: string[] = [];
  commands = 0;
  readonly #folder: string;
  #printed = '';

  constructor(folder: string, real: (text: string) => string) {
    this.#folder = folder;
    mkdirSync(join(folder, 'bin'));
    const program = `#!/bin/sh\n'${process.execPath}' '${PROGRAM}' "$@" 2>&1\necho "$?" >> '${this.#codes}'\n`;
    writeFileSync(join(folder, 'bin/rollcall'), program, { mode: 0o755 });
    const examples = join(folder, 'examples');
    cpSync(join(ROOT, 'examples'), examples, { recursive: true });
    for (const file of readdirSync(examples, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.yaml'))
        writeFileSync(join(examples, file), real(readFileSync(join(examples, file), 'utf8')));
  }

  get #codes(): string {
    return join(this.#folder, 'codes');
  }

  async run({ heading, text }: Block): Promise<void> {
    const wanted = text
      .replaceAll('\\\n', '')
      .split('\n')
      .filter((line) => line.startsWith('rollcall '))
      .map((line) => /# exit code (\d+)/.exec(line)?.[1] ?? '0');
    rmSync(this.#codes, { force: true });
    const status = await this.#bash(text);
    const codes = existsSync(this.#codes) ? readFileSync(this.#codes, 'utf8').trim().split('\n') : [];
    this.commands += codes.length;
    if (status !== 0 || codes.join() !== wanted.join())
      this.problems.push(
        `${heading}: ended with ${codes.join()} (bash ${status}), not ${wanted.join()}\n${text}${this.#printed}`,
      );
  }

  /** Not in one go: the directory's log has to be read meanwhile. */
  async #bash(text: string): Promise<number | null> {
    const env = { ...process.env, PATH: [join(this.#folder, 'bin'), process.env['PATH']].join(delimiter) };
    const child = spawn('bash', ['-e', '-c', text], {
      cwd: this.#folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (this.#printed += part));
    return new Promise((resolve) => child.once('close', resolve));
  }

  expect({ heading, text }: Block): void {
    const printed = this.#printed.split('\n').map(oneSpaced);
    for (const line of text.split('\n').map(oneSpaced)) {
      const parts = line.split('…').map((part) => part.trim());
      if (printed.some((one) => holdsInOrder(one, parts))) continue;
      this.problems.push(`${heading}: is not printed: ${line}\n${this.#printed}`);
    }
  }
}

function oneSpaced(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

function holdsInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return true;
}
