/** Search results as entries of ours, decoded by the schema and never by guess, and only what is wanted of them. */
import { attributeOf, type Entry, type ObjectSchema, type Value } from '../../engine/entry.ts';
import type { ReadRequest } from '../../engine/ports.ts';
import { OCTET_STRING, SEQUENCE, SET, type BerCursor } from './ber.ts';
import { SEARCH_ENTRY } from './message.ts';
import type { DirectorySchema } from './subschema.ts';

const BINARY_OPTION = ';binary';
/** An entry has a few dozen names; more is a server that makes them up, and need not be remembered. */
const REMEMBERED_NAMES = 1000;

interface Wanted {
  /** As the request spells it, which is how the entry shall. */
  readonly name: string;
  readonly binary: boolean;
}

/** An attribute description as a server spells it, looked up once. */
interface Name {
  readonly octets: Uint8Array;
  readonly isId: boolean;
  readonly wanted: Wanted | undefined;
}

export interface Decoder {
  /** What the server must be asked for. */
  readonly attributes: readonly string[];
  /** All that an entry's meaning depends on beside its octets. */
  readonly form: string;
  /** From where a SearchResultEntry begins. Undefined for an entry without id. Throws InvalidData. */
  decode(cursor: BerCursor): Entry | undefined;
}

export function decoderFor(
  request: Pick<ReadRequest, 'attributes'>,
  schema: ObjectSchema,
  directory: DirectorySchema,
): Decoder {
  const wanted = new Map<string, Wanted>();
  const asked = new Set([schema.id]);
  for (const name of request.attributes) {
    const attribute = attributeOf(schema, name);
    if (name === schema.name || attribute?.writeOnly) continue;
    const canonical = attribute?.name ?? name;
    asked.add(wireName(canonical, directory));
    wanted.set(canonical.toLowerCase(), { name, binary: attribute?.type === 'Binary' });
  }
  const idIsBinary = attributeOf(schema, schema.id)?.type === 'Binary';
  const names = new Names(schema.id, wanted);
  return {
    attributes: [...asked],
    form: JSON.stringify([schema.id, idIsBinary, [...wanted.values()]]),
    decode(cursor) {
      const attributes = new Map<string, readonly Value[]>();
      let id: string | undefined;
      cursor.enter(SEARCH_ENTRY);
      const dn = cursor.text();
      const outer = cursor.enter(SEQUENCE);
      for (let position = 0; !cursor.isDone; position += 1) {
        const list = cursor.enter(SEQUENCE);
        const name = names.read(cursor, position);
        if (name.wanted || name.isId) {
          const values = valuesAt(cursor, name.isId ? idIsBinary : name.wanted?.binary);
          if (name.isId) id = idOf(values[0], idIsBinary);
          if (name.wanted && values.length > 0) attributes.set(name.wanted.name, values);
        }
        cursor.leave(list);
      }
      cursor.leave(outer);
      return id === undefined ? undefined : { id, name: dn, attributes };
    },
  };
}

export interface PlainEntry {
  readonly name: string;
  /** As the server spells them. */
  readonly attributes: ReadonlyMap<string, readonly Value[]>;
}

/** Everything that an entry shows, without a schema: text where it is text. For what is read once. */
export function decodePlainly(cursor: BerCursor): PlainEntry {
  const attributes = new Map<string, readonly Value[]>();
  cursor.enter(SEARCH_ENTRY);
  const name = cursor.text();
  const outer = cursor.enter(SEQUENCE);
  while (!cursor.isDone) {
    const list = cursor.enter(SEQUENCE);
    const type = cursor.text();
    attributes.set(type, valuesAt(cursor, type.toLowerCase().endsWith(BINARY_OPTION)));
    cursor.leave(list);
  }
  cursor.leave(outer);
  return { name, attributes };
}

export function textsIn(values: readonly Value[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

/**
 * A server sends the attributes of all entries in much the same order, so a name is first compared with the one
 * that stood in its place before, and in most cases never becomes text again.
 */
class Names {
  readonly #idName: string;
  readonly #wanted: ReadonlyMap<string, Wanted>;
  readonly #known: Map<string, Name> = new Map();
  readonly #byPosition: Name[] = [];

  constructor(idName: string, wanted: ReadonlyMap<string, Wanted>) {
    this.#idName = idName.toLowerCase();
    this.#wanted = wanted;
  }

  read(cursor: BerCursor, position: number): Name {
    const guess = this.#byPosition[position];
    if (guess && cursor.consume(OCTET_STRING, guess.octets)) return guess;
    const octets = cursor.octets();
    const spelt = octets.toString('latin1');
    const name = this.#known.get(spelt) ?? this.#learn(spelt, octets);
    if (position < REMEMBERED_NAMES) this.#byPosition[position] = name;
    return name;
  }

  #learn(spelt: string, octets: Buffer): Name {
    const plain = plainName(spelt);
    const name = {
      octets: Uint8Array.from(octets),
      isId: plain === this.#idName,
      wanted: this.#wanted.get(plain),
    };
    if (this.#known.size < REMEMBERED_NAMES) this.#known.set(spelt, name);
    return name;
  }
}

/** The description under which an attribute travels (RFC 4522 for certificates). */
export function wireName(name: string, directory: DirectorySchema): string {
  return directory.binaryTransfer.has(name) ? `${name}${BINARY_OPTION}` : name;
}

function plainName(description: string): string {
  const folded = description.toLowerCase();
  return folded.endsWith(BINARY_OPTION) ? folded.slice(0, -BINARY_OPTION.length) : folded;
}

/** Octets are copied: what they come from is the socket's chunk, which holds much else. */
function valuesAt(cursor: BerCursor, binary: boolean | undefined): Value[] {
  const values: Value[] = [];
  const outer = cursor.enter(SET);
  while (!cursor.isDone) values.push(binary ? Uint8Array.from(cursor.octets()) : cursor.textOrOctets());
  cursor.leave(outer);
  return values;
}

function idOf(value: Value | undefined, binary: boolean): string | undefined {
  if (value === undefined || value.length === 0) return undefined;
  return typeof value === 'string' ? value : Buffer.from(value).toString(binary ? 'hex' : 'utf8');
}

/** The octets that an id stands for. */
export function idOctets(id: string, schema: ObjectSchema): Buffer {
  return Buffer.from(id, attributeOf(schema, schema.id)?.type === 'Binary' ? 'hex' : 'utf8');
}
