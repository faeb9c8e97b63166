/** Attribute values and changes as LDAP carries them. */
import { Attribute, BerWriter, Change, Control } from 'ldapts';

import { attributeOf, type ObjectSchema, type Value } from '../../engine/entry.ts';
import type { AttributeChange } from '../../engine/ports.ts';
import { OCTET_STRING } from './ber.ts';
import { wireName } from './decode.ts';
import { POST_READ } from './directory.ts';
import { rdnOf, rdnValues } from './dn.ts';
import type { DirectorySchema } from './subschema.ts';

const USER_IDENTITY = 0x80;
const NEW_PASSWORD = 0x82;

export class Vocabulary {
  readonly #schema: ObjectSchema;
  readonly #directory: DirectorySchema;

  constructor(schema: ObjectSchema, directory: DirectorySchema) {
    this.#schema = schema;
    this.#directory = directory;
  }

  attribute(name: string, values: readonly Value[]): Attribute {
    const known = attributeOf(this.#schema, name);
    const type = wireName(known?.name ?? name, this.#directory);
    if (values.every((value) => typeof value === 'string')) {
      const texts = known?.type === 'Boolean' ? values.map((value) => value.toUpperCase()) : [...values];
      return new Attribute({ type, values: texts });
    }
    return new Attribute({ type, values: values.map((value) => Buffer.from(value)) });
  }

  /** Value by value where the server can tell values apart, so that what others add meanwhile survives. */
  changes(change: AttributeChange): Change[] {
    const of = (operation: 'add' | 'delete' | 'replace', values: readonly Value[]): Change =>
      new Change({ operation, modification: this.attribute(change.attribute, values) });
    if (this.#isReplaced(change.attribute)) return [of('replace', change.values)];
    return [
      ...(change.remove.length > 0 ? [of('delete', change.remove)] : []),
      ...(change.add.length > 0 ? [of('add', change.add)] : []),
    ];
  }

  /**
   * The attributes of a new entry: the object classes where none are given, and the values of its relative name,
   * which RFC 4511 section 4.7 asks for.
   */
  newAttributes(
    name: string,
    attributes: ReadonlyMap<string, readonly Value[]>,
    objectClasses: readonly string[],
  ): Attribute[] {
    const all = new Map<string, readonly Value[]>();
    for (const [attribute, values] of attributes) {
      if (attribute !== this.#schema.name && values.length > 0) all.set(this.#canonical(attribute), values);
    }
    if (!all.has('objectClass') && objectClasses.length > 0) all.set('objectClass', objectClasses);
    for (const { attribute, value } of rdnValues(rdnOf(name))) {
      const known = this.#canonical(attribute);
      const present = all.get(known) ?? [];
      if (value !== undefined && !present.some((other) => sameLoosely(other, value))) {
        all.set(known, [...present, value]);
      }
    }
    return [...all].map(([attribute, values]) => this.attribute(attribute, values));
  }

  #canonical(name: string): string {
    return attributeOf(this.#schema, name)?.name ?? name;
  }

  #isReplaced(name: string): boolean {
    const known = attributeOf(this.#schema, name);
    if (!known) return false;
    return known.values === 'Single' || known.writeOnly || this.#directory.withoutEquality.has(known.name);
  }
}

/** The server has the last word on which values are the same; this keeps a doubled one from being sent. */
function sameLoosely(one: Value, other: string): boolean {
  const fold = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();
  return typeof one === 'string' && fold(one) === fold(other);
}

/** Asks for the id of the entry in the same answer that says it was made (RFC 4527). */
export class PostReadControl extends Control {
  readonly #attributes: readonly string[];

  constructor(attributes: readonly string[]) {
    super(POST_READ);
    this.#attributes = attributes;
  }

  protected override writeControl(writer: BerWriter): void {
    const selection = new BerWriter();
    selection.startSequence();
    for (const attribute of this.#attributes) selection.writeString(attribute);
    selection.endSequence();
    writer.writeBuffer(selection.buffer, OCTET_STRING);
  }
}

/** RFC 3062 section 2: the server itself hashes, and applies its password policy. */
export function passwordModifyValue(name: string, password: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeString(name, USER_IDENTITY);
  writer.writeString(password, NEW_PASSWORD);
  writer.endSequence();
  return writer.buffer;
}
