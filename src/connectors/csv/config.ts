/** What a CSV session needs to know. Defaults are stated in the CRD alone, so everything here is already decided. */
import type { ObjectConfig } from '../connector.ts';

export type CsvEncoding = 'UTF-8' | 'ISO-8859-1' | 'Windows-1252' | 'UTF-16LE';

export interface CsvDialect {
  /** One character. */
  readonly delimiter: string;
  /** One character, doubled inside a quoted cell; empty: cells are never quoted. */
  readonly quote: string;
  readonly encoding: CsvEncoding;
  /** Splits the cells of attributes that are declared `multiValued`. */
  readonly multiValueDelimiter?: string;
}

/** Who vouches that a file is whole. At most one member is meant to be set; each one that is set is checked. */
export interface CsvExpectation {
  /** Relative to the root: the output of `sha256sum`, or the bare hexadecimal digest. */
  readonly checksumFile?: string;
  /** How many data rows the file has. Only for a file that nobody writes. */
  readonly rows?: number;
  /**
   * The last line of the file, literally, with `{rows}` where it states the number of data rows:
   * `TRAILER,{rows}` fits a last line `TRAILER,1207`.
   */
  readonly trailer?: string;
}

/** A file below a root that it can never leave, or text from elsewhere (a ConfigMap), which is read-only. */
export type CsvPlace =
  | { readonly root: string; readonly path: string }
  | { readonly content: string | Uint8Array; readonly label: string };

export type CsvObject = ObjectConfig & CsvPlace & { readonly expect?: CsvExpectation };
