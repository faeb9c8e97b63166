/**
 * What a directory says about its attributes: the attribute type descriptions of RFC 4512 section 4.1.2, turned
 * into types and matching rules of ours.
 */
import type { AttributeSchema, AttributeType, Match } from '../../engine/entry.ts';
import { plainAttribute } from '../schema.ts';

export interface AttributeDescription {
  readonly oid: string;
  readonly names: readonly string[];
  readonly superior: string | undefined;
  readonly equality: string | undefined;
  readonly syntax: string | undefined;
  readonly singleValue: boolean;
  readonly noUserModification: boolean;
}

export interface DirectorySchema {
  /** Every name and alias → the attribute under its first name. */
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  /** First names of attributes whose values the server cannot compare: they are replaced as a whole. */
  readonly withoutEquality: ReadonlySet<string>;
  /** First names of attributes that travel as `name;binary` (RFC 4522). */
  readonly binaryTransfer: ReadonlySet<string>;
}

const SYNTAX = '1.3.6.1.4.1.1466.115.121.1.';

const TYPE_OF_SYNTAX: ReadonlyMap<string, AttributeType> = new Map<string, AttributeType>([
  [`${SYNTAX}7`, 'Boolean'],
  [`${SYNTAX}24`, 'Time'],
  [`${SYNTAX}27`, 'Integer'],
  [`${SYNTAX}4`, 'Binary'], // Audio
  [`${SYNTAX}5`, 'Binary'],
  [`${SYNTAX}8`, 'Binary'], // Certificate
  [`${SYNTAX}9`, 'Binary'],
  [`${SYNTAX}10`, 'Binary'],
  [`${SYNTAX}23`, 'Binary'], // Fax
  [`${SYNTAX}28`, 'Binary'], // JPEG
  [`${SYNTAX}40`, 'Binary'], // Octet String
  [`${SYNTAX}49`, 'Binary'],
]);

const BINARY_TRANSFER: ReadonlySet<string> = new Set([
  `${SYNTAX}8`,
  `${SYNTAX}9`,
  `${SYNTAX}10`,
  `${SYNTAX}49`,
]);

/** RFC 4517 section 4.2. A numeric string ignores spaces, and has no hyphens that could matter. */
const MATCH_OF_RULE: ReadonlyMap<string, Match> = new Map<string, Match>([
  ['caseignorematch', 'IgnoreCaseAndSpace'],
  ['caseignoreia5match', 'IgnoreCaseAndSpace'],
  ['caseignorelistmatch', 'IgnoreCaseAndSpace'],
  ['caseexactmatch', 'IgnoreSpace'],
  ['caseexactia5match', 'IgnoreSpace'],
  ['telephonenumbermatch', 'TelephoneNumber'],
  ['numericstringmatch', 'TelephoneNumber'],
  ['distinguishednamematch', 'DistinguishedName'],
  ['uniquemembermatch', 'DistinguishedName'],
  ['generalizedtimematch', 'GeneralizedTime'],
  ['integermatch', 'Integer'],
  ['booleanmatch', 'Boolean'],
  ['octetstringmatch', 'OctetString'],
  ['uuidmatch', 'IgnoreCase'],
  ['objectidentifiermatch', 'IgnoreCase'],
]);

/** Undefined for what is no description. */
export function parseAttributeType(text: string): AttributeDescription | undefined {
  const tokens: readonly string[] = text.match(/'[^']*'|[()]|[^\s()']+/g) ?? [];
  const [open, oid] = tokens;
  if (open !== '(' || oid === undefined) return undefined;
  const after = (keyword: string): string | undefined => {
    const at = tokens.indexOf(keyword);
    return at < 0 ? undefined : tokens[at + 1];
  };
  return {
    oid,
    names: namesIn(tokens),
    superior: after('SUP'),
    equality: after('EQUALITY'),
    syntax: after('SYNTAX')
      ?.replace(/\{\d+\}$/, '')
      .replaceAll("'", ''),
    singleValue: tokens.includes('SINGLE-VALUE'),
    noUserModification: tokens.includes('NO-USER-MODIFICATION'),
  };
}

function namesIn(tokens: readonly string[]): string[] {
  const at = tokens.indexOf('NAME');
  if (at < 0) return [];
  const list =
    tokens[at + 1] === '(' ? tokens.slice(at + 2, tokens.indexOf(')', at)) : tokens.slice(at + 1, at + 2);
  return list.map((name) => name.replaceAll("'", ''));
}

export function toDirectorySchema(descriptions: readonly string[]): DirectorySchema {
  const parsed = descriptions.flatMap((text) => parseAttributeType(text) ?? []);
  const byName = new Map<string, AttributeDescription>();
  for (const description of parsed) {
    for (const name of [description.oid, ...description.names]) byName.set(name.toLowerCase(), description);
  }
  const attributes = new Map<string, AttributeSchema>();
  const withoutEquality = new Set<string>();
  const binaryTransfer = new Set<string>();
  for (const description of parsed) {
    const name = description.names[0] ?? description.oid;
    const whole = inherit(description, byName);
    const attribute = toAttribute(name, whole);
    for (const alias of [name, ...description.names]) attributes.set(alias, attribute);
    if (whole.equality === undefined) withoutEquality.add(name);
    if (BINARY_TRANSFER.has(whole.syntax ?? '')) binaryTransfer.add(name);
  }
  return { attributes, withoutEquality, binaryTransfer };
}

/** Matching rule and syntax come from the supertype where the type has none of its own (RFC 4512 section 2.5.1). */
function inherit(
  description: AttributeDescription,
  byName: ReadonlyMap<string, AttributeDescription>,
): AttributeDescription {
  let { equality, syntax } = description;
  let current: AttributeDescription | undefined = description;
  // A chain that is longer is a circle.
  for (let depth = 0; current && depth < 20; depth += 1) {
    equality ??= current.equality;
    syntax ??= current.syntax;
    current = current.superior === undefined ? undefined : byName.get(current.superior.toLowerCase());
  }
  return { ...description, equality, syntax };
}

function toAttribute(name: string, description: AttributeDescription): AttributeSchema {
  const password = name.toLowerCase() === 'userpassword';
  const type = password ? 'String' : (TYPE_OF_SYNTAX.get(description.syntax ?? '') ?? 'String');
  return {
    ...plainAttribute(name),
    type,
    match: password ? 'Exact' : matchOf(description, type),
    values: description.singleValue ? 'Single' : 'Either',
    writeOnly: password,
    sensitive: password,
    readOnly: description.noUserModification,
  };
}

function matchOf(description: AttributeDescription, type: AttributeType): Match {
  const byRule = MATCH_OF_RULE.get(description.equality?.toLowerCase() ?? '');
  if (byRule !== undefined) return byRule;
  return type === 'Binary' ? 'OctetString' : 'Exact';
}
