/**
 * A real OpenLDAP server for tests and for the quickstart: found or installed, started on free loopback ports in a
 * temporary folder, and ended with everything it made. It ends only the process it started.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { baseLdif, makeCertificates, slapdConfig } from './slapd-config.ts';
import { ENVIRONMENT, ensureSlapd, execute, INSTALL_TIMEOUT_MS, succeeds } from './slapd-programs.ts';

/** Ubuntu confines /usr/sbin/slapd to its packaged folders. The profile goes by the path of the program. */
const APPARMOR_PROFILE = '/etc/apparmor.d/usr.sbin.slapd';
const START_TIMEOUT_MS = 15_000;
const LOG_WAIT_MS = 1_000;
const DOCKER_IMAGE = 'debian:12-slim';

export interface SlapdOptions {
  /** `sizelimit` of slapd.conf, for everybody but the rootdn. */
  readonly sizeLimit?: number;
  /** Writes survive a crash. Off by default: tests need speed. */
  readonly durable?: boolean;
  /** Added to slapd.conf before the database: schema, modules. */
  readonly globalConfig?: string;
  /** Added to slapd.conf after the database: overlays, access, limits. */
  readonly databaseConfig?: string;
  /** Added to the base and ou=people, before the server starts. */
  readonly ldif?: string;
  /** An empty folder to live in, which `stop` then leaves as it is; else a temporary one that ends with the server. */
  readonly folder?: string;
  /** Where the programs are missing and may not be installed, run them in a container. Tests need the real process. */
  readonly mayUseDocker?: boolean;
}

export interface Operation {
  readonly op: string;
  /** The entry, or the base of a search. */
  readonly dn: string | undefined;
}

export interface Slapd extends AsyncDisposable {
  readonly url: string;
  readonly ldapsUrl: string;
  readonly ldapiUrl: string;
  readonly folder: string;
  readonly suffix: string;
  readonly people: string;
  readonly adminDn: string;
  readonly adminPassword: string;
  /** PEM of the authority that signed the server's certificate, which names localhost and 127.0.0.1. */
  readonly ca: string;
  /** What clients asked for since the start or the last `forget`, from the server's own log. */
  operations(): Promise<readonly Operation[]>;
  /** Makes `operations` begin here. */
  forget(): Promise<void>;
  /** Runs ldapsearch, ldapadd and the like as the administrator; returns what it printed. */
  run(tool: string, args: readonly string[], input?: string): Promise<string>;
  /** As if the machine had lost power. */
  kill(): Promise<void>;
  /** Stops the process for a while: connections stay, nobody answers. */
  pause(): Promise<void>;
  resume(): void;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'rollcall-slapd-')));
  const server = new RunningSlapd(folder, await freePort(), await freePort(), options.folder !== undefined);
  try {
    await ensureSlapd().catch(async (error: unknown) => {
      if (!options.mayUseDocker || !(await succeeds('docker', ['info']))) throw error;
      await server.useDocker();
    });
    await server.prepare(options);
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

class RunningSlapd implements Slapd {
  readonly suffix = 'dc=example,dc=org';
  readonly people = `ou=people,${this.suffix}`;
  readonly adminDn = `cn=admin,${this.suffix}`;
  readonly adminPassword = randomBytes(18).toString('base64url');
  readonly folder: string;
  readonly url: string;
  readonly ldapsUrl: string;
  readonly ldapiUrl: string;
  readonly #port: number;
  ca = '';
  #slapd = 'slapd';
  #container: string | undefined;
  #process: ChildProcess | undefined;
  #forgotten = 0;

  readonly #stays: boolean;

  constructor(folder: string, port: number, tlsPort: number, stays: boolean) {
    this.folder = folder;
    this.#stays = stays;
    this.#port = port;
    this.url = `ldap://127.0.0.1:${String(port)}`;
    this.ldapsUrl = `ldaps://localhost:${String(tlsPort)}`;
    this.ldapiUrl = `ldapi://${encodeURIComponent(join(folder, 'ldapi'))}`;
  }

  /** A Debian of its own that has the programs, sees the folder under its own name, and lends its ports. */
  async useDocker(): Promise<void> {
    const container = `rollcall-${randomBytes(6).toString('hex')}`;
    const ports = [this.url, this.ldapsUrl].flatMap((url) => [
      '-p',
      `127.0.0.1:${new URL(url).port}:${new URL(url).port}`,
    ]);
    const packages =
      'apt-get update -qq && apt-get install -y -qq --no-install-recommends slapd ldap-utils openssl';
    const run = [
      'run',
      '-d',
      '--rm',
      '--name',
      container,
      '-v',
      `${this.folder}:${this.folder}`,
      ...ports,
      DOCKER_IMAGE,
      'sleep',
      'infinity',
    ];
    await execute('docker', run, { timeout: INSTALL_TIMEOUT_MS });
    this.#container = container;
    const env = ['-e', 'DEBIAN_FRONTEND=noninteractive'];
    await execute('docker', ['exec', ...env, container, 'sh', '-c', packages], {
      timeout: INSTALL_TIMEOUT_MS,
    });
  }

  get inContainer(): boolean {
    return this.#container !== undefined;
  }

  /** A program and its arguments, in the container where there is one. */
  #command(program: string, args: readonly string[]): [string, string[]] {
    if (this.#container === undefined) return [program, [...args]];
    return ['docker', ['exec', '-i', this.#container, program, ...args]];
  }

  async prepare(options: SlapdOptions): Promise<void> {
    await mkdir(join(this.folder, 'db'));
    await makeCertificates(this.folder, (args) => this.#tool('openssl', args, ''));
    this.ca = await readFile(join(this.folder, 'ca.crt'), 'utf8');
    await writeFile(join(this.folder, 'slapd.conf'), slapdConfig(this, options), { mode: 0o600 });
    await writeFile(join(this.folder, 'password'), this.adminPassword, { mode: 0o600 });
    await this.#copyProgram();
    const ldif = `${baseLdif(this.suffix)}\n${options.ldif ?? ''}`;
    await this.#tool(this.#slapd, ['-T', 'add', '-q', '-f', join(this.folder, 'slapd.conf')], ldif);
  }

  async start(): Promise<void> {
    const address = this.#container === undefined ? '127.0.0.1' : '0.0.0.0';
    const urls = [this.url, this.ldapsUrl, this.ldapiUrl].map((url) =>
      url.replace(/localhost|127\.0\.0\.1/, address),
    );
    const args = ['-f', join(this.folder, 'slapd.conf'), '-h', urls.join(' '), '-d', 'stats'];
    // Where the system can do it, the server dies with us even when we are killed.
    const [slapd, slapdArgs] = this.#command(this.#slapd, args);
    const wrapper = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
    const [program = slapd, ...rest] = [...wrapper, slapd, ...slapdArgs];
    // Straight into the file: what passes a log on takes a quarter of a processor from whom it measures.
    const log = await open(join(this.folder, 'log'), 'a');
    const child = spawn(program, rest, { env: ENVIRONMENT, stdio: ['ignore', 'ignore', log.fd] });
    await log.close();
    this.#process = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(this.#port))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`slapd does not start:\n${await readFile(join(this.folder, 'log'), 'utf8')}`);
      }
      await sleep(20);
    }
  }

  async operations(): Promise<readonly Operation[]> {
    return (await this.#allOperations()).slice(this.#forgotten);
  }

  async forget(): Promise<void> {
    this.#forgotten = (await this.#allOperations()).length;
  }

  async run(tool: string, args: readonly string[], input = ''): Promise<string> {
    const before = (await this.#log()).length;
    const words = ['-x', '-H', this.url, '-D', this.adminDn, '-w', this.adminPassword, ...args];
    const output = await this.#tool(tool, words, input);
    await this.#hasLogged(before);
    return output;
  }

  #log(): Promise<string> {
    return readFile(join(this.folder, 'log'), 'utf8');
  }

  /** Answers may be there before their lines in the log are; that a connection was closed stands behind them. */
  async #hasLogged(from: number): Promise<void> {
    for (let waited = 0; waited < LOG_WAIT_MS; waited += 5) {
      if (/ closed/.test((await this.#log()).slice(from))) return;
      await sleep(5);
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async pause(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    child.kill('SIGSTOP');
    const isStopped = async (): Promise<boolean> => {
      const status = await readFile(`/proc/${String(child.pid)}/status`, 'utf8').catch(() => 'State:\tT');
      return /^State:\s*[Tt]/m.test(status);
    };
    while (!(await isStopped())) await sleep(5);
    // The state is that of one thread; the others follow at their next step.
    await sleep(20);
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#end('SIGTERM');
    if (this.#container !== undefined) await execute('docker', ['rm', '-f', this.#container]);
    if (!this.#stays) await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill(signal);
    await ended;
  }

  async #allOperations(): Promise<Operation[]> {
    // The server writes its log line before it answers; what nobody waits for needs a moment more.
    await sleep(50);
    const log = await this.#log();
    return [...log.matchAll(OPERATION)]
      .filter((match) => match[1] !== 'BIND' || !match[4]?.startsWith(' mech='))
      .map((match) => ({ op: match[1] ?? '', dn: match[2] }));
  }

  async #tool(tool: string, args: readonly string[], input: string): Promise<string> {
    const [program, all] = this.#command(tool, args);
    const running = execute(program, all, { env: ENVIRONMENT, maxBuffer: 1 << 28 });
    // A tool that fails, or needs no input, closes its end first.
    running.child.stdin?.on('error', () => undefined);
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  async #copyProgram(): Promise<void> {
    if (!existsSync(APPARMOR_PROFILE)) return;
    this.#slapd = join(this.folder, 'slapd');
    await copyFile('/usr/sbin/slapd', this.#slapd);
  }
}

/** `conn=1000 op=1 SRCH base="…" scope=2 …`; a search's attributes and a bind's mechanism are lines of their own. */
const OPERATION =
  /conn=\d+ op=\d+ (ADD|MODRDN|MOD|DEL|SRCH|CMP|BIND|EXT) (?:(?:dn|base)="([^"\n]*)"|oid=(\S+))(.*)$/gm;

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
