/**
 * What scenarios are made of: a directory, people in files, folders of manifests with their state, and the commands over
 * them. A file is made once for each kind and size.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, linkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from './directory.ts';
import { writeCsv, writeLdif } from './files.ts';
import type { Described } from './manifests.ts';
import type { Command } from './measure.ts';
import { OUT_OF_SCOPE, person, type Person } from './people.ts';

const CHANGED_ONE_IN = 100;

export interface WorldOptions {
  readonly seed: number;
  /** The file that node runs as `rollcall`. */
  readonly program: string;
  /** Words for node before it, and what its environment has more. */
  readonly nodeWords?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class World implements AsyncDisposable {
  readonly directory: Directory;
  readonly folder: string = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  readonly #options: WorldOptions;

  private constructor(directory: Directory, options: WorldOptions) {
    this.directory = directory;
    this.#options = options;
  }

  static async open(options: WorldOptions): Promise<World> {
    return new World(await Directory.start(), options);
  }

  /** Of so many people: all of them, or with those on top whom the source leaves out and has no account for. */
  *people(count: number): Generator<Person> {
    for (let at = 0; at < count; at++) yield person(this.#options.seed, at);
  }

  *outOfScope(count: number): Generator<Person> {
    for (let at = 0; at < count; at++)
      yield {
        ...person(this.#options.seed + 1, at),
        uid: `o${String(at).padStart(8, '0')}`,
        l: OUT_OF_SCOPE,
      };
  }

  *unassigned(count: number): Generator<Person> {
    for (let at = 0; at < count; at++)
      yield { ...person(this.#options.seed + 2, at), uid: `x${String(at).padStart(8, '0')}` };
  }

  /** One in a hundred has got a new title. */
  *partlyChanged(count: number, title: string): Generator<Person> {
    let at = 0;
    for (const one of this.people(count)) yield at++ % CHANGED_ONE_IN === 0 ? { ...one, title } : one;
  }

  *changedOnes(count: number): Generator<Person> {
    for (let at = 0; at < count; at += CHANGED_ONE_IN) yield person(this.#options.seed, at);
  }

  csv(name: string, people: () => readonly Iterable<Person>[]): string {
    return this.#made(`${name}.csv`, (path) => writeCsv(path, people()));
  }

  ldif(name: string, people: () => readonly Iterable<Person>[]): string {
    return this.#made(`${name}.ldif`, (path) => writeLdif(path, this.directory.people, people()));
  }

  /** A folder of its own with these manifests and this file of people; what a project of that name knew stays. */
  project(name: string, manifests: string, csv: string): Project {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'manifests.yaml'), manifests);
    const project = new Project(folder, (words) => this.rollcall(words));
    project.use(csv);
    return project;
  }

  describe(more: Partial<Described> = {}): Described {
    const { slapd, people } = this.directory;
    return {
      url: slapd.url,
      base: people,
      bind: { dn: slapd.adminDn, password: slapd.adminPassword },
      ...more,
    };
  }

  rollcall(words: readonly string[]): Command {
    const { program, nodeWords = [], env = {} } = this.#options;
    return {
      program: process.execPath,
      args: [...nodeWords, program, ...words],
      env,
      output: join(this.folder, 'output'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #made(name: string, make: (path: string) => void): string {
    const path = join(this.folder, name);
    if (!existsSync(path)) make(path);
    return path;
  }
}

export class Project {
  readonly folder: string;
  readonly #rollcall: (words: readonly string[]) => Command;

  constructor(folder: string, rollcall: (words: readonly string[]) => Command) {
    this.folder = folder;
    this.#rollcall = rollcall;
  }

  /** From now on these are the people. */
  use(csv: string): void {
    const link = join(this.folder, 'people.csv');
    rmSync(link, { force: true });
    linkSync(csv, link);
  }

  forget(): void {
    rmSync(join(this.folder, '.rollcall'), { recursive: true, force: true });
  }

  run(mapping: string): Command {
    return this.#rollcall(['run', this.folder, '--mapping', mapping]);
  }

  plan(mapping: string): Command {
    return this.#rollcall(['plan', this.folder, '--mapping', mapping, '-o', 'json']);
  }
}
