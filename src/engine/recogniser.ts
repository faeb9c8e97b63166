/** How a reader may ask whether a record is what it was, before it decodes it. */
import type { Entry } from './entry.ts';

/** What an earlier read left behind of records: by their octets alone it is known whether they are what they were. */
export interface Recogniser {
  /**
   * Undefined: the record is known, this was taken note of, and it need not be decoded. Else its fingerprint, to be
   * handed out with the entry. The octets are not kept.
   */
  recognise(raw: Uint8Array): string | undefined;
}

/**
 * `form` is everything that the meaning of a record's octets depends on beside them: a file's header and dialect,
 * the attributes that are decoded. Records of another form are never the same.
 */
export type RecogniserOf = (form: string) => Recogniser;

/** An entry that nobody recognised. */
export interface Unknown {
  readonly entry: Entry;
  /** Undefined where the record has no octets of its own that could be recognised. */
  readonly rawPrint: string | undefined;
}

/**
 * An entry that was written as the next listing will bring it, and the octets that it will show to a recogniser: only
 * from a writer that knows both for certain.
 */
export interface Foreseen {
  readonly entry: Entry;
  readonly raw: Uint8Array;
}
