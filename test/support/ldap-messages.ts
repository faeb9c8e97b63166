/** LDAP messages put together by hand, right or wrong, without any of the code that is to be tested. */

export interface PeerRequest {
  readonly id: number;
  readonly op: string;
  /** The base of a search, the name of what is written. */
  readonly dn: string;
  /** Of a search: the cookie of the page, '' for the first one; undefined without the control. */
  readonly cookie: string | undefined;
  /** Of an Abandon: which request. */
  readonly abandons: number | undefined;
}

export type Values = Readonly<Record<string, readonly (string | Buffer)[]>>;

/** By the tag of the request. */
export const OPERATIONS: Readonly<Record<number, string>> = {
  0x60: 'Bind',
  0x42: 'Unbind',
  0x50: 'Abandon',
  0x63: 'Search',
  0x66: 'Modify',
  0x68: 'Add',
  0x4a: 'Delete',
  0x6c: 'Rename',
  0x77: 'Extended',
};
/** By the operation, the tag of what ends it. */
export const ANSWERS: Readonly<Record<string, number>> = {
  Bind: 0x61,
  Search: 0x65,
  Modify: 0x67,
  Add: 0x69,
  Delete: 0x6b,
  Rename: 0x6d,
  Extended: 0x78,
};
const PAGED_RESULTS = '1.2.840.113556.1.4.319';
const NOTICE_OF_DISCONNECTION = '1.3.6.1.4.1.1466.20036';

export function element(tag: number, ...content: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), body]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  return Buffer.concat([Buffer.of(tag, 0x84), size, body]);
}

export function integer(value: number, tag = 0x02): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  return element(tag, octets);
}

export function message(id: number, operation: Buffer, ...controls: readonly Buffer[]): Buffer {
  return element(0x30, integer(id), operation, ...(controls.length > 0 ? [element(0xa0, ...controls)] : []));
}

export function control(type: string, value: Buffer): Buffer {
  return element(0x30, element(0x04, type), element(0x04, value));
}

export function pageControl(cookie: string): Buffer {
  return control(PAGED_RESULTS, element(0x30, integer(0), element(0x04, cookie)));
}

/** The answer that ends an operation of that kind. */
export function result(
  request: Pick<PeerRequest, 'id' | 'op'>,
  status = 0,
  ...controls: readonly Buffer[]
): Buffer {
  const tag = ANSWERS[request.op] ?? 0;
  return message(
    request.id,
    element(tag, element(0x0a, Buffer.of(status)), element(0x04), element(0x04)),
    ...controls,
  );
}

export function entry(id: number, dn: string, values: Values, ...controls: readonly Buffer[]): Buffer {
  const attributes = Object.entries(values).map(([name, list]) =>
    element(0x30, element(0x04, name), element(0x31, ...list.map((value) => element(0x04, value)))),
  );
  return message(id, element(0x64, element(0x04, dn), element(0x30, ...attributes)), ...controls);
}

export function reference(id: number, url = 'ldap://elsewhere/'): Buffer {
  return message(id, element(0x73, element(0x04, url)));
}

export function intermediate(id: number, name: string, value: string): Buffer {
  return message(id, element(0x79, element(0x80, name), element(0x81, value)));
}

export function notice(status: number, name = NOTICE_OF_DISCONNECTION): Buffer {
  const body = [element(0x0a, Buffer.of(status)), element(0x04), element(0x04, 'of the sëcret')];
  return message(0, element(0x78, ...body, element(0x8a, name)));
}

/** The messages that the octets hold, and the rest. What is no LDAP (the beginning of TLS) is passed over. */
export function cutRequests(bytes: Buffer): { readonly requests: PeerRequest[]; readonly rest: Buffer } {
  const requests: PeerRequest[] = [];
  if (bytes.length > 0 && bytes[0] !== 0x30) return { requests, rest: Buffer.alloc(0) };
  let at = 0;
  for (let next = partAt(bytes, at); next && next.end <= bytes.length; next = partAt(bytes, at)) {
    requests.push(readRequest(bytes.subarray(next.from, next.end)));
    at = next.end;
  }
  return { requests, rest: bytes.subarray(at) };
}

interface Part {
  readonly tag: number;
  readonly from: number;
  readonly end: number;
}

/** Tag, begin and end of the content of the element that begins there; undefined: too few octets to say. */
export function partAt(bytes: Buffer, at: number): Part | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  const width = first < 0x80 ? 0 : first & 0x7f;
  if (bytes.length < at + 2 + width) return undefined;
  const from = at + 2 + width;
  const length = width === 0 ? first : bytes.readUIntBE(at + 2, width);
  return { tag: bytes[at] ?? 0, from, end: from + length };
}

function partsOf(bytes: Buffer, from: number, end: number): Part[] {
  const parts: Part[] = [];
  for (let part = partAt(bytes, from); part && part.from <= end; part = partAt(bytes, part.end)) {
    parts.push(part);
    if (part.end >= end) break;
  }
  return parts;
}

function readRequest(body: Buffer): PeerRequest {
  const [number, operation, controls] = partsOf(body, 0, body.length);
  if (!number || !operation) throw new Error('a request that is none');
  const op = OPERATIONS[operation.tag] ?? 'Other';
  const integerIn = ({ from, end }: Part): number => body.readIntBE(from, end - from);
  const paging = controls && op === 'Search' ? body.subarray(controls.from, controls.end) : undefined;
  return {
    id: integerIn(number),
    op,
    dn: nameIn(body, op, operation),
    cookie: paging && cookieIn(paging),
    abandons: op === 'Abandon' ? integerIn(operation) : undefined,
  };
}

function nameIn(body: Buffer, op: string, operation: Part): string {
  const parts = op === 'Delete' ? [operation] : partsOf(body, operation.from, operation.end);
  const named = parts[op === 'Bind' ? 1 : 0];
  return named ? body.toString('utf8', named.from, named.end) : '';
}

function cookieIn(controls: Buffer): string | undefined {
  for (const one of partsOf(controls, 0, controls.length)) {
    const parts = partsOf(controls, one.from, one.end);
    const [type, value] = [parts[0], parts.at(-1)];
    if (!type || !value || controls.toString('utf8', type.from, type.end) !== PAGED_RESULTS) continue;
    const [sequence] = partsOf(controls, value.from, value.end);
    const cookie = sequence && partsOf(controls, sequence.from, sequence.end)[1];
    return cookie && controls.toString('utf8', cookie.from, cookie.end);
  }
  return undefined;
}
