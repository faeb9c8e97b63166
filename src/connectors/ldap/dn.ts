/** As much of RFC 4514 as writing needs: cutting a distinguished name, and telling whether one lies under another. */

export interface RdnValue {
  readonly attribute: string;
  /** Unescaped; undefined when it is given as hexadecimal BER (`#04…`). */
  readonly value: string | undefined;
}

/** The relative names from the entry up to the root, as they are written. */
function rdnsOf(dn: string): string[] {
  return cut(dn, ',;');
}

export function rdnOf(dn: string): string {
  return cut(dn, ',;', 1)[0] ?? '';
}

/** Empty for an entry directly under the root. */
export function parentOf(dn: string): string {
  return rdnsOf(dn).slice(1).join(',');
}

/** The attributes of a relative name; more than one where it is joined by `+`. */
export function rdnValues(rdn: string): RdnValue[] {
  return cut(rdn, '+').map((pair) => {
    const sign = pair.indexOf('=');
    const written = trimUnescaped(pair.slice(sign + 1));
    return {
      attribute: pair.slice(0, sign).trim(),
      value: written.startsWith('#') ? undefined : unescape(written),
    };
  });
}

/**
 * Equal names compare equal however they are escaped and in whatever case they are written. Attributes that are
 * compared by case are not told apart, which errs on the side of "not moved".
 */
export function normalise(dn: string): string {
  return rdnsOf(dn)
    .map((rdn) =>
      rdnValues(rdn)
        .map(({ attribute, value }) =>
          [attribute, value ?? ''].map((text) => JSON.stringify(fold(text))).join('='),
        )
        .sort()
        .join('+'),
    )
    .join(',');
}

export function isWithin(dn: string, base: string, scope: 'Base' | 'One' | 'Subtree'): boolean {
  const [entry, top] = [normalise(dn), normalise(base)];
  switch (scope) {
    case 'Base':
      return entry === top;
    case 'One':
      return normalise(parentOf(dn)) === top && entry !== top;
    case 'Subtree':
      return entry === top || top === '' || entry.endsWith(`,${top}`);
  }
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ');
}

/** Cuts where a separator is neither escaped nor (RFC 2253) inside quotes. No more than so many parts are looked for. */
function cut(text: string, separators: string, most: number = Infinity): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\\') index += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && separators.includes(character)) {
      parts.push(text.slice(start, index));
      if (parts.length === most) return parts;
      start = index + 1;
    }
  }
  const last = text.slice(start);
  if (last.trim() !== '' || parts.length > 0) parts.push(last);
  return parts;
}

function trimUnescaped(text: string): string {
  return text.replace(/^\s+/, '').replace(/((?:^|[^\\])(?:\\\\)*(?:\\ )?)\s+$/, '$1');
}

function unescape(text: string): string {
  const bare = /^".*"$/s.test(text) ? text.slice(1, -1) : text;
  if (!bare.includes('\\')) return bare;
  const octets: Buffer[] = [];
  for (const [part] of bare.matchAll(/\\[0-9a-fA-F]{2}|\\.|[^\\]+/gs)) {
    if (/^\\[0-9a-fA-F]{2}$/.test(part)) octets.push(Buffer.from(part.slice(1), 'hex'));
    else octets.push(Buffer.from(part.startsWith('\\') ? part.slice(1) : part, 'utf8'));
  }
  return Buffer.concat(octets).toString('utf8');
}
