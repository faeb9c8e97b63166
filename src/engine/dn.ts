/**
 * Distinguished names as text (RFC 4514): building them with escaped values, taking them apart, and a
 * normal form for comparison. The engine needs no more of LDAP than this.
 */

export interface RelativeName {
  readonly attribute: string;
  /** Unescaped. */
  readonly value: string;
}

/** RFC 4514 section 2.4: what has to be escaped in a value. */
export function escapeValue(value: string): string {
  return value
    .replace(/[\\",+;<>=]/g, (character) => `\\${character}`)
    .replace(/\0/g, '\\00')
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/ $/, '\\ ');
}

export function childName(rdn: RelativeName, parent: string): string {
  const own = `${rdn.attribute}=${escapeValue(rdn.value)}`;
  return parent === '' ? own : `${own},${parent}`;
}

/** The name's components as written, leaf first; a separator that is escaped or quoted does not split. */
function splitName(name: string, separators: string = ',;'): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < name.length; at++) {
    const character = name.charAt(at);
    if (character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && separators.includes(character)) {
      parts.push(name.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(name.slice(start));
  return parts;
}

/** Nothing quoted or escaped, one value a component, no space around a separator: most names are plain. */
const NOT_PLAIN = /[\\"+;#<>]|[,=] | [,=]| {2}|^ | $|=[^,]*=/;

export function parentOf(name: string): string {
  const comma = NOT_PLAIN.test(name) ? -1 : name.indexOf(',');
  if (comma !== -1) return name.slice(comma + 1);
  return splitName(name).slice(1).join(',');
}

/** The attribute and unescaped value of each part of the leaf component (`cn=a+uid=b` has two). */
export function leafOf(name: string): RelativeName[] {
  return splitName(splitName(name)[0] ?? '', '+').map(parsePart);
}

function parsePart(part: string): RelativeName {
  const at = part.indexOf('=');
  return { attribute: part.slice(0, at).trim(), value: unescapeValue(trimUnescaped(part.slice(at + 1))) };
}

/** Spaces around a value do not belong to it; an escaped one at its end does. */
function trimUnescaped(text: string): string {
  const start = text.trimStart();
  const end = start.trimEnd();
  return end.endsWith('\\') && end.length < start.length ? `${end} ` : end;
}

function unescapeValue(text: string): string {
  const bare = text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text;
  return bare.replace(/((?:\\[0-9a-fA-F]{2})+)|\\(.)/g, (_match, hex: string | undefined, literal: string) =>
    hex === undefined ? literal : decodePairs(hex),
  );
}

function decodePairs(hex: string): string {
  const bytes = hex
    .split('\\')
    .slice(1)
    .map((pair) => Number.parseInt(pair, 16));
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/**
 * A form that is equal for equal names: types and values in lower case, spaces folded (RFC 4517
 * distinguishedNameMatch with caseIgnoreMatch, which is what naming attributes use in practice).
 */
export function normalName(name: string): string {
  if (!NOT_PLAIN.test(name)) return name.toLowerCase();
  if (name.trim() === '') return '';
  return splitName(name)
    .map((component) => splitName(component, '+').map(normalPart).toSorted().join('+'))
    .join(',');
}

function normalPart(part: string): string {
  const { attribute, value } = parsePart(part);
  return `${attribute.toLowerCase()}=${escapeValue(value.toLowerCase().replace(/ +/g, ' '))}`;
}
