/** What the link table keeps from run to run, as its store sees it. */

/** Columns of the engine's own, cut into pages; what is in them is nobody else's business. */
export interface LinkPage {
  readonly part: 'raw' | 'ids' | 'keys';
  readonly page: number;
  readonly body: Uint8Array;
}

export interface LinkPages {
  /** Undefined: there are none, or a link has changed since they were written. */
  header(): string | undefined;
  read(part: LinkPage['part']): Iterable<Pick<LinkPage, 'page' | 'body'>>;
  readOne(part: LinkPage['part'], page: number): Uint8Array | undefined;
  /** Replaces these pages and leaves the others, of which so many are kept at most. All or nothing. */
  write(header: string, keep: number, pages: Iterable<LinkPage>): void;
}
