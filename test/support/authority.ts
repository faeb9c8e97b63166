/** A certificate authority of a test's own: servers of loopback, and users by client certificate. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Identity {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  readonly file: string;
  /** PEM. */
  readonly certificate: string;
  /** For 127.0.0.1 and localhost. */
  server(name: string): Promise<Identity>;
  /** The API server takes the common name for the user and the organisations for the groups. */
  client(name: string, groups: readonly string[]): Promise<Identity>;
  /** A key without a certificate; its file. */
  key(name: string): Promise<string>;
}

const LIFETIME_DAYS = '30';

export async function createAuthority(folder: string): Promise<Authority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (file: string): string => join(folder, file);
  const openssl = async (...args: string[]): Promise<void> => {
    await promisify(execFile)('openssl', args);
  };
  const key = async (name: string): Promise<string> => {
    const file = at(`${name}.key`);
    await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file);
    return file;
  };
  const issue = async (name: string, subject: string, extensions: string): Promise<Identity> => {
    const [keyFile, certificateFile] = [await key(name), at(`${name}.crt`)];
    const [requestFile, extensionsFile] = [at(`${name}.csr`), at(`${name}.ext`)];
    await openssl('req', '-new', '-key', keyFile, '-subj', subject, '-out', requestFile);
    await writeFile(extensionsFile, extensions);
    await openssl(
      'x509',
      '-req',
      '-in',
      requestFile,
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      LIFETIME_DAYS,
      '-extfile',
      extensionsFile,
      '-out',
      certificateFile,
    );
    const [certificate, keyText] = [await readFile(certificateFile, 'utf8'), await readFile(keyFile, 'utf8')];
    return { certificateFile, keyFile, certificate, key: keyText };
  };
  // One after the other: they count in one file. And each once: two who ask for the same get the same.
  const issued = new Map<string, Promise<Identity>>();
  let last: Promise<unknown> = Promise.resolve();
  const issueOnce = (name: string, subject: string, extensions: string): Promise<Identity> => {
    const identity = issued.get(name) ?? last.then(() => issue(name, subject, extensions));
    issued.set(name, identity);
    last = identity;
    return identity;
  };
  await key('ca');
  const subject = '/CN=rollcall-test-ca';
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    at('ca.key'),
    '-subj',
    subject,
    '-days',
    LIFETIME_DAYS,
    '-out',
    at('ca.crt'),
  );
  return {
    file: at('ca.crt'),
    certificate: await readFile(at('ca.crt'), 'utf8'),
    key,
    server: (name) =>
      issueOnce(
        name,
        `/CN=${name}`,
        'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n',
      ),
    client: (name, groups) => {
      const organisations = groups.map((group) => `/O=${group}`).join('');
      return issueOnce(name, `${organisations}/CN=${name}`, 'extendedKeyUsage=clientAuth\n');
    },
  };
}
