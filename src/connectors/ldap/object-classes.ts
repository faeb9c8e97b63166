/** What a directory says about its object classes (RFC 4512 section 4.1.1): which attributes an entry must and may have. */

export interface ObjectClass {
  readonly name: string;
  readonly superiors: readonly string[];
  readonly kind: 'Abstract' | 'Structural' | 'Auxiliary';
  readonly must: readonly string[];
  readonly may: readonly string[];
}

/** By every name, in small letters. What is no description is left out. */
export function parseObjectClasses(descriptions: readonly string[]): Map<string, ObjectClass> {
  const classes = new Map<string, ObjectClass>();
  for (const text of descriptions) {
    const tokens: readonly string[] = text.match(/'[^']*'|[()$]|[^\s()$']+/g) ?? [];
    const names = listAfter('NAME', tokens).map((name) => name.replaceAll("'", ''));
    const [name] = names;
    if (tokens[0] !== '(' || name === undefined) continue;
    const found: ObjectClass = {
      name,
      superiors: listAfter('SUP', tokens),
      kind: kindOf(tokens),
      must: listAfter('MUST', tokens),
      may: listAfter('MAY', tokens),
    };
    for (const one of names) classes.set(one.toLowerCase(), found);
  }
  return classes;
}

function kindOf(tokens: readonly string[]): ObjectClass['kind'] {
  if (tokens.includes('AUXILIARY')) return 'Auxiliary';
  return tokens.includes('ABSTRACT') ? 'Abstract' : 'Structural';
}

function listAfter(keyword: string, tokens: readonly string[]): string[] {
  const at = tokens.indexOf(keyword);
  if (at < 0) return [];
  const list =
    tokens[at + 1] === '(' ? tokens.slice(at + 2, tokens.indexOf(')', at)) : [tokens[at + 1] ?? ''];
  return list.filter((token) => token !== '$');
}

/** The class and all that it inherits from. */
export function withSuperiors(name: string, classes: ReadonlyMap<string, ObjectClass>): ObjectClass[] {
  const found = new Set<ObjectClass>();
  const visit = (one: string): void => {
    const known = classes.get(one.toLowerCase());
    if (!known || found.has(known)) return;
    found.add(known);
    known.superiors.forEach(visit);
  };
  visit(name);
  return [...found];
}
