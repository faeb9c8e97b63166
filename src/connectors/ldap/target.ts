/** Where a directory is, as far as that can be judged without it. */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

import { ConnectorError } from '../../engine/errors.ts';
import type { LdapConfig } from './config.ts';

const LDAP_PORT = 389;
const LDAPS_PORT = 636;

export interface Target {
  /** For people. */
  readonly label: string;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
}

/** Throws InvalidConfiguration. */
export function parseTarget(config: LdapConfig): Target {
  // RFC 4513 section 5.1.2: a name without a password is accepted, and is nobody.
  if (config.bind && (config.bind.dn === '' || config.bind.password.reveal() === '')) {
    throw invalid('bind needs a dn and a password that are not empty: else the directory would see nobody');
  }
  return isLocal(config) ? parseLocal(config) : parseRemote(config);
}

export function isLocal(config: LdapConfig): boolean {
  return config.url.startsWith('ldapi:');
}

export function tlsOptions(config: LdapConfig): ConnectionOptions {
  const name = config.tls.serverName ?? hostOf(URL.parse(config.url));
  return {
    host: name,
    // An address has no place in server name indication (RFC 6066 section 3); the certificate is checked against `host`.
    ...(isIP(name) ? {} : { servername: name }),
    ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }),
  };
}

function parseLocal(config: LdapConfig): Target {
  const path = decodeURIComponent(/^ldapi:\/\/([^/?#]*)/.exec(config.url)?.[1] ?? '');
  if (!path.startsWith('/')) throw invalid('an ldapi url needs the percent-encoded path of a socket');
  if (config.tls.mode === 'StartTLS') throw invalid('StartTLS has no use on a local socket');
  return { label: path, address: { path } };
}

function parseRemote(config: LdapConfig): Target {
  const url = URL.parse(config.url);
  if (!url || url.hostname === '' || !['ldap:', 'ldaps:'].includes(url.protocol)) {
    throw invalid('url must be ldap://HOST, ldaps://HOST or ldapi://SOCKET');
  }
  const secure = url.protocol === 'ldaps:';
  if (secure !== (config.tls.mode === 'LDAPS')) {
    throw invalid(`tls.mode ${config.tls.mode} does not fit ${url.protocol}// in the url`);
  }
  const port = url.port === '' ? (secure ? LDAPS_PORT : LDAP_PORT) : Number(url.port);
  return { label: url.host, address: { host: hostOf(url), port } };
}

function hostOf(url: URL | null): string {
  return url?.hostname.replace(/^\[|\]$/g, '') ?? '';
}

function invalid(why: string): ConnectorError {
  return new ConnectorError('InvalidConfiguration', why);
}
