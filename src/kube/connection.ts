/** What a connection to an API server does, over whichever version of HTTP. */

export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws where it breaks off. Leaving it early ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Connection {
  /** When something came from the other side, by performance.now(). */
  heardAt: number;
  /** New requests may be sent over it. */
  readonly isOpen: boolean;
  /** Rejects with UnsentError where certainly nothing happened, and at once when the signal ends. */
  request(outgoing: Outgoing, signal: AbortSignal): Promise<Reply>;
  /** Ends when its last request has. */
  close(): void;
  /** Ends now, and all that is open on it fails. */
  destroy(error: Error): void;
}
