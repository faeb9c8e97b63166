/** How much of time and memory a connection may take. */
export interface Limits {
  /** For the socket to be there, and to be safe where TLS is asked for. */
  readonly connectMs: number;
  /** Without any message for a request: generous, because a directory may look through all it has. */
  readonly silenceMs: number;
  /** Requests that wait for their answer; more wait to be sent. mdb gains nothing above 8, OpenLDAP closes above 100. */
  readonly window: number;
  /** Received and not yet taken. Then the socket is not read, and in the end the server waits. */
  readonly heldBytes: number;
}

export const LIMITS: Limits = {
  connectMs: 15_000,
  silenceMs: 120_000,
  window: 32,
  heldBytes: 1024 * 1024,
};
