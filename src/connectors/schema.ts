/**
 * Lays what a manifest declares over what a connector discovered. One rule for all systems: a declaration wins
 * member by member, everything left out stays as it was discovered.
 */
import type { AttributeSchema, AttributeType, Match } from '../engine/entry.ts';
import type { AttributeDeclaration } from './connector.ts';

/** How values of a type are compared when neither the system nor the manifest says it. */
const MATCH_OF_TYPE: Readonly<Record<AttributeType, Match>> = {
  String: 'Exact',
  Integer: 'Integer',
  Boolean: 'Boolean',
  Time: 'GeneralizedTime',
  Binary: 'OctetString',
};

/** An attribute as it is when nobody says anything about it: one text, compared exactly, readable and writable. */
export function plainAttribute(name: string): AttributeSchema {
  return {
    name,
    type: 'String',
    match: 'Exact',
    values: 'Single',
    writeOnly: false,
    sensitive: false,
    readOnly: false,
  };
}

/** A declared type brings its own matching rule along, unless it is the type that was discovered anyway. */
function declare(discovered: AttributeSchema, declaration: AttributeDeclaration): AttributeSchema {
  const type = declaration.type ?? discovered.type;
  const usual = type === discovered.type ? discovered.match : MATCH_OF_TYPE[type];
  return {
    ...discovered,
    type,
    match: declaration.match ?? usual,
    values: cardinality(discovered, declaration),
    writeOnly: declaration.writeOnly ?? discovered.writeOnly,
    sensitive: declaration.sensitive ?? discovered.sensitive,
  };
}

function cardinality(
  discovered: AttributeSchema,
  declaration: AttributeDeclaration,
): AttributeSchema['values'] {
  if (declaration.multiValued === undefined) return discovered.values;
  return declaration.multiValued ? 'Multi' : 'Single';
}

export interface MergedSchema {
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  /** Declared, but not discovered: in the schema all the same, so that whoever asked can say what is missing. */
  readonly missing: readonly string[];
}

/**
 * `discovered` may hold an attribute under several names (LDAP aliases): all of them then lead to the merged one.
 * `find` looks a declared name up the way the system does.
 */
export function mergeSchema(
  discovered: ReadonlyMap<string, AttributeSchema>,
  declarations: readonly AttributeDeclaration[] = [],
  find: (name: string) => AttributeSchema | undefined = (name) => discovered.get(name),
): MergedSchema {
  const merged = new Map<string, AttributeSchema>();
  const missing: string[] = [];
  const added: AttributeSchema[] = [];
  for (const declaration of declarations) {
    const known = find(declaration.name);
    if (known) {
      merged.set(known.name, declare(merged.get(known.name) ?? known, declaration));
    } else {
      missing.push(declaration.name);
      added.push(declare(plainAttribute(declaration.name), declaration));
    }
  }
  const attributes = new Map<string, AttributeSchema>();
  for (const [name, attribute] of discovered) attributes.set(name, merged.get(attribute.name) ?? attribute);
  for (const attribute of added) attributes.set(attribute.name, attribute);
  return { attributes, missing };
}
