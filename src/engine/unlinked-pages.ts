/** What is kept of unlinked entries from run to run, as its store sees it. */

/** Columns of the engine's own, cut into pages; what is in them is nobody else's business. */
export interface UnlinkedPage {
  readonly side: 'Source' | 'Target';
  readonly part: 'raw' | 'text';
  readonly page: number;
  readonly body: Uint8Array;
}

type Place = Pick<UnlinkedPage, 'side' | 'part'>;

export interface UnlinkedPages {
  header(): string | undefined;
  read(place: Place): Iterable<Pick<UnlinkedPage, 'page' | 'body'>>;
  readOne(place: Place, page: number): Uint8Array | undefined;
  /** Replaces these pages and leaves the others, of which so many a side are kept at most. All or nothing. */
  write(
    header: string,
    keep: Readonly<Record<'Source' | 'Target', number>>,
    pages: Iterable<UnlinkedPage>,
  ): void;
}
