/** A slapd of the benchmark's own that is filled from files, by slapadd: as fast as it goes. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENVIRONMENT, execute } from '../support/slapd-programs.ts';
import { startSlapd, type Slapd } from '../support/slapd.ts';
import { baseLdif } from '../support/slapd-config.ts';
import type { Command } from './measure.ts';

const SLAPADD_TIMEOUT_MS = 1_800_000;
/** The last line of slapd.conf counts. It is only room that is laid out, not used. */
const ROOM = 'maxsize 17179869184';

export class Directory implements AsyncDisposable {
  readonly slapd: Slapd;
  readonly people: string;
  /** Nobody is ever put here. */
  readonly nobody: string;
  #holds: string | undefined;

  private constructor(slapd: Slapd) {
    this.slapd = slapd;
    this.people = slapd.people;
    this.nobody = `ou=nobody,${slapd.suffix}`;
  }

  static async start(): Promise<Directory> {
    return new Directory(await startSlapd({ databaseConfig: ROOM }));
  }

  /** Exactly what the file holds, from now on; undefined: nobody. What is there already is not loaded again. */
  async hold(ldif: string | undefined): Promise<void> {
    const wanted = ldif ?? 'nobody';
    if (this.#holds === wanted) return;
    this.#holds = undefined;
    const { slapd } = this;
    await slapd.kill();
    await rm(join(slapd.folder, 'db'), { recursive: true });
    await mkdir(join(slapd.folder, 'db'));
    await writeFile(join(slapd.folder, 'log'), '');
    const base = join(slapd.folder, 'base.ldif');
    const nobody = `dn: ${this.nobody}\nobjectClass: organizationalUnit\nou: nobody\n`;
    await writeFile(base, `${baseLdif(slapd.suffix)}\n${nobody}`);
    await this.#slapadd(base);
    if (ldif !== undefined) await this.#slapadd(ldif);
    await slapd.restart();
    this.#holds = wanted;
  }

  /** Somebody has written to it: it is loaded again when it is next asked for. */
  changed(): void {
    this.#holds = undefined;
  }

  /** One of OpenLDAP's tools, as the administrator. */
  tool(program: string, words: readonly string[], url: string = this.slapd.url): Command {
    const { adminDn, adminPassword, folder } = this.slapd;
    const args = ['-x', '-H', url, '-D', adminDn, '-w', adminPassword, ...words];
    return { program, args, env: { LDAPTLS_CACERT: join(folder, 'ca.crt') } };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.slapd.stop();
  }

  async #slapadd(ldif: string): Promise<void> {
    const { folder } = this.slapd;
    const own = join(folder, 'slapd');
    const program = existsSync(own) ? own : 'slapd';
    await execute(program, ['-T', 'add', '-q', '-f', join(folder, 'slapd.conf'), '-l', ldif], {
      env: ENVIRONMENT,
      timeout: SLAPADD_TIMEOUT_MS,
    });
  }
}
