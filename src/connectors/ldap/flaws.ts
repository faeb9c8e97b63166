/** What a listing is worth as evidence, page by page. */
import { ConnectorError } from '../../engine/errors.ts';
import type { Evidence } from '../../engine/ports.ts';
import type { LdapObject } from './config.ts';
import type { Message, Response } from './message.ts';
import {
  ADMIN_LIMIT_EXCEEDED,
  BUSY,
  NO_SUCH_OBJECT,
  REFERRAL,
  resultError,
  SIZE_LIMIT_EXCEEDED,
  SUCCESS,
  TIME_LIMIT_EXCEEDED,
  UNAVAILABLE,
} from './result.ts';
import { cookieOf } from './search.ts';

const CUT_SHORT: ReadonlyMap<number, readonly [reason: string, advice: string]> = new Map([
  [
    SIZE_LIMIT_EXCEEDED,
    ['SizeLimit', 'raise the size limit of the bind account (OpenLDAP: limits … size=unlimited)'],
  ],
  [
    TIME_LIMIT_EXCEEDED,
    ['TimeLimit', 'raise the time limit of the bind account, or index what the filter asks for'],
  ],
  [
    ADMIN_LIMIT_EXCEEDED,
    ['AdminLimit', 'raise the look-through limit of the bind account, or index the filter'],
  ],
  [BUSY, ['Busy', 'try again when the server has less to do']],
  [UNAVAILABLE, ['Busy', 'try again when the server is available']],
  [REFERRAL, ['Referral', 'a part of the tree is on another server; make it a system of its own']],
]);

/** Collects what speaks against completeness; the first word wins. */
export class Flaws {
  readonly #object: LdapObject;
  readonly #mustSayLast: boolean;
  /** Whether the last page that was seen says that another one follows. */
  #hasMore = false;
  #reason: string | undefined;
  #message: string | undefined;

  constructor(object: LdapObject, mustSayLast: boolean) {
    this.#object = object;
    this.#mustSayLast = mustSayLast;
  }

  /** What ends a page. Throws what no evidence can express: the base is not there, reading is forbidden. */
  judge(result: Message): void {
    const response = result.result();
    const { status } = response;
    if (status === SUCCESS) {
      this.#lookForMore(response);
      return;
    }
    const cut = CUT_SHORT.get(status);
    if (cut) {
      this.#add(cut[0], `the directory cut the answer short: ${cut[1]}`);
      return;
    }
    if (status === NO_SUCH_OBJECT) {
      throw new ConnectorError(
        'InvalidConfiguration',
        `the base '${this.#object.base}' does not exist, or may not be seen`,
      );
    }
    throw resultError(response, `read ${this.#object.base}`);
  }

  /** A part of the tree that is not here. */
  refer(): void {
    this.#add('Referral', 'a part of the tree is on another server; referrals are not followed');
  }

  missId(): void {
    this.#add('MissingId', `an entry shows no '${this.#object.id}'; may the bind account read it?`);
  }

  /** To be asked when nothing more comes. */
  evidence(): Evidence {
    if (this.#hasMore) {
      this.#add(
        'MissingPage',
        'the directory has another page, which was not read; does it know paged results?',
      );
    }
    if (this.#reason !== undefined) {
      return {
        complete: 'No',
        proof: undefined,
        reason: this.#reason,
        message: this.#message,
        snapshot: false,
      };
    }
    return { complete: 'Yes', proof: 'LastPage', reason: undefined, message: undefined, snapshot: false };
  }

  #lookForMore(response: Response): void {
    const cookie = cookieOf(response);
    this.#hasMore = cookie !== undefined && cookie.length > 0;
    if (!cookie && this.#mustSayLast) {
      this.#add(
        'PageWithoutCookie',
        'the directory does not say whether a page was the last; ask its vendor',
      );
    }
  }

  #add(reason: string, message: string): void {
    this.#reason ??= reason;
    this.#message ??= `${this.#object.base}: ${message}`;
  }
}
