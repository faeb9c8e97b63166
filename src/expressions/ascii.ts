/** Letters of the Latin script to ASCII. */
import { EvaluationError } from './evaluation-error.ts';

type Letters = Readonly<Record<string, string>>;

/** Letters that Unicode does not take apart into a base letter and a mark, two texts to a letter. */
const LETTERS: Letters = lettersOf(
  'ß ss ẞ SS æ ae Æ AE œ oe Œ OE ø o Ø O ł l Ł L đ d Đ D ð d Ð D þ th Þ Th ı i ħ h Ħ H ŋ n Ŋ N ĸ k ŧ t Ŧ T',
);
const LANGUAGES: Readonly<Record<string, Letters>> = { de: lettersOf('ä ae ö oe ü ue Ä Ae Ö Oe Ü Ue') };

/** What has no counterpart is left out. */
export function toAscii(text: string, language: string | undefined): string {
  const own = language === undefined ? {} : lettersOfLanguage(language);
  return text
    .normalize('NFC')
    .replace(/[^\x20-\x7e]/gu, (letter) => own[letter] ?? LETTERS[letter] ?? letter)
    .normalize('NFD')
    .replace(/[^\x20-\x7e]/g, '');
}

function lettersOfLanguage(language: string): Letters {
  const letters = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  if (!letters) throw new EvaluationError(`ascii knows the language 'de' only`);
  return letters;
}

function lettersOf(pairs: string): Letters {
  const letters = Object.create(null) as Record<string, string>;
  for (const [, letter = '', ascii = ''] of pairs.matchAll(/(\S+) (\S+)/g)) letters[letter] = ascii;
  return letters;
}
