/** From a configuration to a connection that is safe and is somebody: connect, TLS, bind, one after the other. */
import { ConnectorError } from '../../engine/errors.ts';
import type { LdapConfig } from './config.ts';
import { Connection } from './connection.ts';
import { ask } from './exchange.ts';
import { LIMITS, type Limits } from './limits.ts';
import { bindRequest, extendedRequest } from './wire-request.ts';
import { resultError, SUCCESS } from './result.ts';
import { openSocket, wrapInTls, type Patience } from './socket.ts';
import { isLocal, parseTarget, tlsOptions } from './target.ts';

/** RFC 4511 section 4.14. */
const START_TLS = '1.3.6.1.4.1.1466.20037';

/** Throws Unreachable, AuthenticationFailed, InvalidConfiguration, Timeout, and the reason of the signal. */
export async function openConnection(
  config: LdapConfig,
  signal: AbortSignal,
  limits: Limits = LIMITS,
): Promise<Connection> {
  signal.throwIfAborted();
  const { label, address } = parseTarget(config);
  const patience = { label, connectMs: limits.connectMs, signal };
  const plain = await openSocket(address, patience);
  const socket =
    config.tls.mode === 'LDAPS' && !isLocal(config)
      ? await wrapInTls(plain, tlsOptions(config), patience)
      : plain;
  const connection = new Connection(socket, label, limits);
  try {
    if (config.tls.mode === 'StartTLS') await startTls(connection, config, patience);
    await bind(connection, config, signal);
    return connection;
  } catch (error) {
    connection.destroy('it could not be opened');
    throw error;
  }
}

async function startTls(connection: Connection, config: LdapConfig, patience: Patience): Promise<void> {
  const response = await ask(connection, extendedRequest('start TLS', START_TLS), patience.signal);
  if (response.status !== SUCCESS) {
    const { code, message } = resultError(response, `start TLS at ${connection.host}`);
    throw new ConnectorError(code, `${message}; use ldaps, or give the server a certificate`);
  }
  await connection.secure((socket) => wrapInTls(socket, tlsOptions(config), patience));
}

/** Without an account: who the process is over a local socket, nobody elsewhere. */
async function bind(connection: Connection, config: LdapConfig, signal: AbortSignal): Promise<void> {
  const anonymous = isLocal(config) ? ({ mechanism: 'EXTERNAL' } as const) : { dn: '', password: '' };
  const who = config.bind ? { dn: config.bind.dn, password: config.bind.password.reveal() } : anonymous;
  const { status } = await ask(connection, bindRequest(who), signal);
  // The diagnostic of a failed bind is for whoever guesses passwords.
  if (status !== SUCCESS) throw resultError({ status, errorMessage: '' }, `log in at ${connection.host}`);
}
