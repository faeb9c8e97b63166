/**
 * What the engine knows of an object on one side: an id that never changes there, a name for people where the
 * system has one (an LDAP DN), and attributes. Values are text, or octets where the schema says Binary.
 */
export type Value = string | Uint8Array;

export interface Entry {
  readonly id: string;
  /** A name that is unique on its side and may change (an LDAP distinguished name). */
  readonly name: string | undefined;
  /** Attribute name in the schema's spelling → its values. An attribute without a value is not in the map. */
  readonly attributes: ReadonlyMap<string, readonly Value[]>;
}

export type AttributeType = 'String' | 'Integer' | 'Boolean' | 'Time' | 'Binary';

/** How two values of an attribute are compared. The LDAP rules are those of RFC 4517 section 4.2. */
export type Match =
  | 'Exact'
  | 'IgnoreCase'
  | 'IgnoreSpace' // case matters; leading, trailing and repeated spaces do not
  | 'IgnoreCaseAndSpace' // LDAP caseIgnoreMatch
  | 'TelephoneNumber' // spaces and hyphens do not matter either
  | 'DistinguishedName'
  | 'GeneralizedTime'
  | 'Integer'
  | 'Boolean'
  | 'OctetString';

export interface AttributeSchema {
  readonly name: string;
  readonly type: AttributeType;
  readonly match: Match;
  /**
   * Single: at most one value. Multi: expressions see a list. Either: the system allows several and nobody has
   * declared which (most LDAP attributes); expressions see a list where a list is asked for, else the one value.
   */
  readonly values: 'Single' | 'Multi' | 'Either';
  /** Can be written, never read (a password). */
  readonly writeOnly: boolean;
  /** Its values reach no output. */
  readonly sensitive: boolean;
  /** Kept by the system itself; writing it is refused. */
  readonly readOnly: boolean;
}

export interface ObjectSchema {
  /** The attribute that holds the id. */
  readonly id: string;
  /** Whether who creates an entry chooses its id (a CSV key) or the system does (entryUUID). */
  readonly idChosenBy: 'Writer' | 'System';
  /** The attribute that stands for the entry's name (`dn`), where the system has names. */
  readonly name: string | undefined;
  /** By name in the schema's own spelling; look up with `attributeOf`. */
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  /** Whether the system ignores case in attribute names (LDAP does). */
  readonly ignoreCaseInNames: boolean;
}

/** An attribute's values: the id and the name are attributes like any other to whoever reads an entry. */
export function valuesOf(entry: Entry, attribute: string, schema: ObjectSchema): readonly Value[] {
  if (attribute === schema.id) return [entry.id];
  if (attribute === schema.name) return entry.name === undefined ? [] : [entry.name];
  return entry.attributes.get(attribute) ?? [];
}

export function attributeOf(schema: ObjectSchema, name: string): AttributeSchema | undefined {
  const exact = schema.attributes.get(name);
  if (exact || !schema.ignoreCaseInNames) return exact;
  const folded = name.toLowerCase();
  for (const attribute of schema.attributes.values()) {
    if (attribute.name.toLowerCase() === folded) return attribute;
  }
  return undefined;
}
