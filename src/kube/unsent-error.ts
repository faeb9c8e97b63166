/** The server certainly did nothing of what it was asked: it may be asked again, whatever it was. */
export class UnsentError extends Error {
  constructor(cause: unknown) {
    super('the server asked for another connection', { cause });
    this.name = 'UnsentError';
  }
}
