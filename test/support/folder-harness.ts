/** A folder of manifests as a place where objects live, for the Cluster contract and the controller suite. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersion, type Kind } from '../../src/api/names.ts';
import { realTimers } from '../../src/lib/timers.ts';
import { FolderCluster } from '../../src/local/cluster.ts';
import type { ContractObject } from './cluster-contract.ts';
import type { ControllerHarness } from './controller-world.ts';
import { RecordingLog } from './recording.ts';

export class FolderHarness implements ControllerHarness {
  readonly namespace = 'people';
  readonly folder: string = mkdtempSync(join(tmpdir(), 'rollcall-folder-'));
  readonly files: string = this.folder;
  readonly log: RecordingLog = new RecordingLog();
  readonly cluster: FolderCluster = this.another();

  get signal(): AbortSignal {
    return AbortSignal.timeout(10_000);
  }

  /** Another process on the same folder, after this one. */
  another(): FolderCluster {
    const records = join(this.folder, '.rollcall', 'objects');
    return new FolderCluster({ directory: this.folder, records, log: this.log, timers: realTimers });
  }

  fileOf(kind: string, key: string): string {
    return `${kind}-${key.replace('/', '-')}.yaml`;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  put({ kind, key, spec, annotations }: ContractObject): Promise<void> {
    const [namespace, name] = key.split('/');
    const object = { apiVersion, kind, metadata: { namespace, name, annotations }, spec };
    this.write(this.fileOf(kind, key), JSON.stringify(object));
    return Promise.resolve();
  }

  putSecret(key: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    this.#putValues('Secret', key, { stringData });
    return Promise.resolve();
  }

  putConfigMap(
    key: string,
    data: Readonly<Record<string, string>>,
    binary: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<void> {
    const binaryData = Object.fromEntries(
      Object.entries(binary).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
    );
    this.#putValues('ConfigMap', key, { data, binaryData });
    return Promise.resolve();
  }

  /** What is removed and made anew between two looks would be the same object, edited. */
  async remove(kind: Kind | 'Secret' | 'ConfigMap', key: string): Promise<void> {
    rmSync(join(this.folder, this.fileOf(kind, key)));
    await this.cluster.readSecret(key, this.signal);
  }

  async read(kind: Kind, key: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    return (await this.another().getLive(kind, key, this.signal))?.object;
  }

  [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }

  #putValues(kind: 'Secret' | 'ConfigMap', key: string, values: object): void {
    const [namespace, name] = key.split('/');
    const object = { apiVersion: 'v1', kind, metadata: { namespace, name }, ...values };
    this.write(this.fileOf(kind, key), JSON.stringify(object));
  }
}
