/** A command that somebody is told to run next, ready to be pasted into a shell. */
export function nextCommand(...words: readonly string[]): string {
  return ['rollcall', ...words].map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
