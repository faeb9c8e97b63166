/**
 * Builds what a Dockerfile describes without a container engine: every stage in a folder of its own, its RUN commands
 * by the shell of this machine, on the Node.js that runs the tests. The base image's files are not there. What it does
 * not understand it refuses, so that nothing in a Dockerfile goes untested in silence.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export interface Image {
  /** The folder that stands for `/`. */
  readonly root: string;
  readonly base: string;
  readonly folder: string;
  readonly user: string;
  readonly ports: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

type Draft = { -readonly [K in keyof Image]: Image[K] };

interface Build {
  /** The folder with the Dockerfile, .dockerignore, and what they copy. */
  readonly context: string;
  /** Where the stages' folders are made. */
  readonly into: string;
  readonly built: Map<string, Image>;
}

const STEP_TIMEOUT_MS = 300_000;

/** The last stage; the others lie beside it, by name. */
export async function buildImage(context: string, into: string): Promise<Image> {
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const build: Build = { context, into, built: new Map() };
  for (const stage of stages) build.built.set(stage.name, await buildStage(stage, build));
  const last = build.built.get(stages.at(-1)?.name ?? '');
  if (last === undefined) throw new Error('the Dockerfile has no stage');
  return last;
}

/** What the image's program finds in its environment. */
export function environmentOf(dockerfile: string): Record<string, string> {
  const instructions = parseDockerfile(dockerfile).at(-1)?.instructions ?? [];
  return Object.fromEntries(
    instructions.filter(({ word }) => word === 'ENV').map(({ rest }) => variable(rest)),
  );
}

export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const global = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    if (word === 'FROM') stages.push(startStage(rest, stages.length, global));
    else if (stages.length > 0) stages.at(-1)?.instructions.push({ word, rest });
    else if (word === 'ARG') declare(rest, global);
    else throw new Error(`not understood before the first FROM: ${line}`);
  }
  return stages;
}

function startStage(
  rest: string,
  index: number,
  global: ReadonlyMap<string, string>,
): { name: string; base: string; instructions: Instruction[] } {
  const [, base = '', name = String(index)] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
  return { name, base: expand(base, global), instructions: [] };
}

function variable(rest: string): [name: string, value: string] {
  const [name = '', value = ''] = rest.split('=');
  return [name, value];
}

function declare(rest: string, global: Map<string, string>): void {
  const [name = '', ...value] = rest.split('=');
  global.set(name, expand(value.join('='), global));
}

function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`nothing declares ${name}`);
    return value;
  });
}

async function buildStage({ name, base, instructions }: Stage, build: Build): Promise<Image> {
  const draft: Draft = {
    root: join(build.into, name),
    base,
    folder: '/',
    user: 'root',
    ports: [],
    environment: {},
    entrypoint: [],
    command: [],
  };
  mkdirSync(draft.root, { recursive: true });
  for (const instruction of instructions) {
    const { word, rest } = instruction;
    const step = steps[word];
    if (step === undefined) throw new Error(`not understood: ${word} ${rest}`);
    await step(rest, draft, build);
  }
  return draft;
}

const steps: Readonly<Record<string, (rest: string, draft: Draft, build: Build) => void | Promise<void>>> = {
  WORKDIR: (rest, draft) => {
    draft.folder = rest;
    mkdirSync(join(draft.root, rest), { recursive: true });
  },
  USER: (rest, draft) => {
    draft.user = rest;
  },
  EXPOSE: (rest, draft) => {
    draft.ports = rest.split(' ');
  },
  ENV: (rest, draft) => {
    const [name, value] = variable(rest);
    draft.environment = { ...draft.environment, [name]: value };
  },
  ENTRYPOINT: (rest, draft) => {
    draft.entrypoint = JSON.parse(rest) as string[];
  },
  CMD: (rest, draft) => {
    draft.command = JSON.parse(rest) as string[];
  },
  COPY: copy,
  RUN: run,
};

function copy(rest: string, draft: Draft, build: Build): void {
  const words = rest.split(' ');
  const [from] = words.filter((word) => word.startsWith('--from='));
  const other = words.find((word) => word.startsWith('--') && word !== from);
  if (other !== undefined) throw new Error(`not understood: COPY ${other}`);
  const paths = words.filter((word) => word !== from);
  const target = paths.at(-1) ?? '';
  const into = target.startsWith('/') ? join(draft.root, target) : join(draft.root, draft.folder, target);
  for (const source of paths.slice(0, -1)) {
    const path = from === undefined ? inContext(source, build) : inStage(source, from, build);
    const isFolder = statSync(path).isDirectory();
    const place = isFolder || !target.endsWith('/') ? into : join(into, basename(source));
    mkdirSync(dirname(place), { recursive: true });
    cpSync(path, place, { recursive: true });
  }
}

function inStage(source: string, from: string, { built }: Build): string {
  const stage = built.get(from.slice('--from='.length));
  if (stage === undefined) throw new Error(`no stage ${from}`);
  return join(stage.root, source);
}

/** What .dockerignore leaves out is not in the context, and the engine would say so. */
function inContext(source: string, { context }: Build): string {
  const [everything, ...kept] = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (everything !== '*' || kept.some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore is not `*` followed by what is kept');
  const path = join(context, source);
  if (!kept.includes(`!${source}`) || !existsSync(path)) throw new Error(`${source} is not in the context`);
  return path;
}

async function run(rest: string, draft: Draft): Promise<void> {
  if (rest.startsWith('-') || rest.startsWith('[')) throw new Error(`not understood: RUN ${rest}`);
  const { NODE_ENV: ofTests, ...environment } = process.env;
  void ofTests;
  await promisify(execFile)('nice', ['sh', '-c', rest], {
    cwd: join(draft.root, draft.folder),
    env: {
      ...environment,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      ...draft.environment,
    },
    timeout: STEP_TIMEOUT_MS,
    maxBuffer: 1 << 24,
  });
}
