/** Search results as entries of ours, decoded by the schema and never by guess. */
import type { SearchEntry } from 'ldapts';

import { attributeOf, type Entry, type ObjectSchema, type Value } from '../../engine/entry.ts';
import type { ReadRequest } from '../../engine/ports.ts';
import type { DirectorySchema } from './subschema.ts';

const BINARY_OPTION = ';binary';

interface Wanted {
  /** As the request spells it, which is how the entry shall. */
  readonly name: string;
  readonly binary: boolean;
}

export interface Decoder {
  /** What the server must be asked for. */
  readonly attributes: readonly string[];
  /** Undefined for an entry without id. */
  decode(found: SearchEntry): Entry | undefined;
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
  const idName = schema.id.toLowerCase();
  return {
    attributes: [...asked],
    decode(found) {
      const attributes = new Map<string, readonly Value[]>();
      let id: string | undefined;
      for (const attribute of found.attributes) {
        const name = plainName(attribute.type);
        if (name === idName) id = idOf(attribute.parsedBuffers[0], idIsBinary);
        const target = wanted.get(name);
        if (!target || attribute.parsedBuffers.length === 0) continue;
        attributes.set(target.name, valuesOf(attribute.parsedBuffers, attribute.values, target.binary));
      }
      return id === undefined ? undefined : { id, name: found.name, attributes };
    },
  };
}

/** The description under which an attribute travels (RFC 4522 for certificates). */
export function wireName(name: string, directory: DirectorySchema): string {
  return directory.binaryTransfer.has(name) ? `${name}${BINARY_OPTION}` : name;
}

function plainName(description: string): string {
  const folded = description.toLowerCase();
  return folded.endsWith(BINARY_OPTION) ? folded.slice(0, -BINARY_OPTION.length) : folded;
}

/** ldapts has decoded what is UTF-8 already; the octets are those of the socket's chunk, so they are copied. */
function valuesOf(
  octets: readonly Buffer[],
  decoded: readonly (string | Buffer)[],
  binary: boolean,
): readonly Value[] {
  return octets.map((value, index) => {
    const text = decoded[index];
    return binary || typeof text !== 'string' ? Uint8Array.from(value) : text;
  });
}

function idOf(octets: Buffer | undefined, binary: boolean): string | undefined {
  if (!octets || octets.length === 0) return undefined;
  return octets.toString(binary ? 'hex' : 'utf8');
}

/** The octets that an id stands for. */
export function idOctets(id: string, schema: ObjectSchema): Buffer {
  return Buffer.from(id, attributeOf(schema, schema.id)?.type === 'Binary' ? 'hex' : 'utf8');
}
