import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCredentials, openServiceAccount } from '../../src/kube/credentials.ts';
import { KubeConfigCredentials } from '../../src/kube/kube-config.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-credentials-'));
});

afterEach(() => rm(folder, { recursive: true }));

const at = (file: string): string => join(folder, file);
const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };

interface Config {
  readonly server?: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly name?: string;
}

async function writeConfig(file: string, config: Config = {}): Promise<string> {
  const {
    server = 'https://api.example.org:6443',
    cluster = {},
    user = { token: 'first' },
    name = 'main',
  } = config;
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `home-of-${name}` } }],
  };
  await writeFile(at(file), JSON.stringify(content));
  return at(file);
}

async function writeAccount(): Promise<string> {
  await mkdir(at('account'));
  await writeFile(at('account/token'), 'pod-token\n');
  await writeFile(at('account/ca.crt'), 'authority');
  await writeFile(at('account/namespace'), 'identity');
  return at('account');
}

describe('credentials are found', () => {
  it('in a pod, in its account', async () => {
    const serviceAccountFolder = await writeAccount();
    const found = await findCredentials({ environment: inPod, serviceAccountFolder });
    expect(found.namespace).toBe('identity');
    expect(await found.access()).toEqual({
      server: 'https://10.0.0.1:6443',
      tls: { ca: 'authority' },
      headers: { Authorization: 'Bearer pod-token' },
    });
  });

  it('in a pod whose API server has an address of IPv6', async () => {
    const serviceAccountFolder = await writeAccount();
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1' };
    const found = await findCredentials({ environment, serviceAccountFolder });
    expect((await found.access()).server).toBe('https://[fd00::1]:443');
  });

  it('in the file that was named, though there is a pod and KUBECONFIG', async () => {
    const serviceAccountFolder = await writeAccount();
    const kubeconfig = await writeConfig('named', { server: 'https://named.example.org/' });
    const environment = { ...inPod, KUBECONFIG: await writeConfig('other') };
    const found = await findCredentials({ environment, kubeconfig, serviceAccountFolder });
    expect((await found.access()).server).toBe('https://named.example.org');
    expect(found.namespace).toBe('home-of-main');
  });

  it('in the files of KUBECONFIG together, and the first says which context', async () => {
    const first = await writeConfig('one', { name: 'one' });
    const second = await writeConfig('two', { name: 'two', server: 'https://two.example.org' });
    const environment = { KUBECONFIG: `${first}:${second}` };
    expect((await findCredentials({ environment })).namespace).toBe('home-of-one');
    const other = await findCredentials({ environment, context: 'two' });
    expect((await other.access()).server).toBe('https://two.example.org');
  });

  it('in the home of the user', async () => {
    await mkdir(at('.kube'));
    await writeConfig('.kube/config');
    const found = await findCredentials({ environment: {}, homeFolder: folder });
    expect((await found.access()).server).toBe('https://api.example.org:6443');
  });

  it('nowhere: it says what to do', async () => {
    const nowhere = findCredentials({ environment: {}, homeFolder: folder });
    await expect(nowhere).rejects.toThrow('run in a pod, set KUBECONFIG or name a kubeconfig');
  });

  it('not in a context that does not exist', async () => {
    const kubeconfig = await writeConfig('named');
    const wrong = findCredentials({ environment: {}, kubeconfig, context: 'nonsense' });
    await expect(wrong).rejects.toThrow('nonsense');
  });
});

describe('a kubeconfig', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it('gives certificates, in itself or in files', async () => {
    await writeFile(at('client.key'), 'the key');
    const file = await writeConfig('config', {
      cluster: { 'certificate-authority-data': base64('authority'), 'tls-server-name': 'api' },
      user: { 'client-certificate-data': base64('certificate'), 'client-key': at('client.key') },
    });
    const { tls, headers } = await new KubeConfigCredentials({ files: [file] }).access();
    expect(tls).toEqual({
      ca: Buffer.from('authority'),
      cert: Buffer.from('certificate'),
      key: Buffer.from('the key'),
      servername: 'api',
    });
    expect(headers).toEqual({});
  });

  it('gives a name and a password, and a proxy', async () => {
    const file = await writeConfig('config', {
      cluster: { 'proxy-url': 'http://proxy.example.org:3128', 'insecure-skip-tls-verify': true },
      user: { username: 'ada', password: 'lovelace' },
    });
    const access = await new KubeConfigCredentials({ files: [file] }).access();
    expect(access.headers).toEqual({ Authorization: `Basic ${base64('ada:lovelace')}` });
    expect(access.proxy).toBe('http://proxy.example.org:3128');
    expect(access.tls).toEqual({ rejectUnauthorized: false });
  });

  it('is read anew when the server refused what it gave', async () => {
    const file = await writeConfig('config');
    const credentials = new KubeConfigCredentials({ files: [file] });
    expect((await credentials.access()).headers).toEqual({ Authorization: 'Bearer first' });
    await writeConfig('config', { user: { token: 'second' } });
    expect((await credentials.access()).headers).toEqual({ Authorization: 'Bearer first' });
    credentials.refused();
    expect((await credentials.access()).headers).toEqual({ Authorization: 'Bearer second' });
  });

  it.each([
    { what: 'beside the kubeconfig', tokenFile: 'token-file' },
    { what: 'anywhere', tokenFile: undefined },
  ])('takes the token from a file $what, and reads it anew', async ({ tokenFile = at('token-file') }) => {
    await writeFile(at('token-file'), 'one\n');
    const file = await writeConfig('config', { user: { tokenFile, token: 'old' } });
    const credentials = new KubeConfigCredentials({ files: [file] });
    expect((await credentials.access()).headers).toEqual({ Authorization: 'Bearer one' });
    await writeFile(at('token-file'), 'two\n');
    const token = async (): Promise<unknown> => (await credentials.access()).headers['Authorization'];
    await expect.poll(token, { timeout: 5_000 }).toBe('Bearer two');
    await writeFile(at('token-file'), 'three\n');
    credentials.refused();
    expect(await token()).toBe('Bearer three');
  });

  it('says so when the file with the token is not there', async () => {
    const file = await writeConfig('config', { user: { tokenFile: 'nowhere' } });
    await expect(new KubeConfigCredentials({ files: [file] }).access()).rejects.toThrow('nowhere');
  });

  it('runs its program once for many who ask, and again when the server refused what it gave', async () => {
    const script = `echo run >> ${at('runs')}; echo '{"kind":"ExecCredential","status":{"token":"'$(wc -l < ${at('runs')} | tr -d ' ')'"}}'`;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
    const file = await writeConfig('config', { user: { exec } });
    const credentials = new KubeConfigCredentials({ files: [file] });
    const tokens = await Promise.all([credentials.access(), credentials.access(), credentials.access()]);
    expect(tokens.map(({ headers }) => headers['Authorization'])).toEqual(Array(3).fill('Bearer 1'));
    credentials.refused();
    expect((await credentials.access()).headers['Authorization']).toBe('Bearer 2');
  });

  it('whose program fails says so each time it is asked', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'sh',
      args: ['-c', 'echo no >&2; exit 3'],
    };
    const file = await writeConfig('config', { user: { exec } });
    const credentials = new KubeConfigCredentials({ files: [file] });
    await expect(credentials.access()).rejects.toThrow('no');
    await expect(credentials.access()).rejects.toThrow('no');
  });
});

describe('the account of a pod', () => {
  it('is read anew at once when the server refused it', async () => {
    const credentials = await openServiceAccount('https://10.0.0.1', await writeAccount());
    await credentials.access();
    await writeFile(at('account/token'), 'next-token');
    expect((await credentials.access()).headers['Authorization']).toBe('Bearer pod-token');
    credentials.refused();
    expect((await credentials.access()).headers['Authorization']).toBe('Bearer next-token');
  });

  it('that is gone rejects', async () => {
    const credentials = await openServiceAccount('https://10.0.0.1', at('nothing'));
    await expect(credentials.access()).rejects.toThrow('ENOENT');
  });
});
