/** How the API server is reached and who we are there, as whoever sends requests needs to know it. */

export interface Access {
  /** Without a slash at the end. */
  readonly server: string;
  readonly tls: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  readonly proxy?: string;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Credentials {
  /** The namespace that we are at home in; undefined: nothing says so. */
  readonly namespace: string | undefined;
  /** As they are now; may read files or run a program. */
  access(): Promise<Access>;
  /** The server did not accept them: nothing remembered is used again. */
  refused(): void;
}

/** The files are small, and there are at most some twenty requests a second. */
export const FILES_MEMORY_MS = 1_000;
