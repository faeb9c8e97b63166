/** From octets to messages, and from messages to entries: whatever the chunks, and whatever is in them. */
import { describe, expect, it } from 'vitest';

import { decoderFor, type Decoder } from '../../src/connectors/ldap/decode.ts';
import { addRequest, modifyRequest } from '../../src/connectors/ldap/encode.ts';
import { BerCursor } from '../../src/connectors/ldap/ber.ts';
import { Framer } from '../../src/connectors/ldap/framing.ts';
import { Message } from '../../src/connectors/ldap/message.ts';
import { toDirectorySchema } from '../../src/connectors/ldap/subschema.ts';
import { Attribute, Change } from 'ldapts';
import { control, element, entry, integer, message, result } from '../support/ldap-messages.ts';

const SEGMENT_BYTES = 1460;
const directory = toDirectorySchema([
  "( 1.2.1 NAME 'entryUUID' EQUALITY uuidMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE )",
  "( 1.2.2 NAME ( 'cn' 'commonName' ) EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
  "( 1.2.3 NAME 'photo' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 )",
  "( 1.2.4 NAME 'userCertificate' SYNTAX 1.3.6.1.4.1.1466.115.121.1.8 )",
  "( 1.2.5 NAME 'member' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
]);
const schema = {
  id: 'entryUUID',
  idChosenBy: 'System',
  name: 'dn',
  attributes: directory.attributes,
  ignoreCaseInNames: true,
} as const;

function decoder(...attributes: string[]): Decoder {
  return decoderFor({ attributes }, schema, directory);
}

function framesOf(chunks: Iterable<Buffer>): Buffer[] {
  const framer = new Framer();
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let frame = framer.next(); frame; frame = framer.next()) {
      messages.push(Buffer.from(frame.bytes.subarray(frame.start, frame.end)));
    }
  }
  expect(framer.isEmpty).toBe(true);
  return messages;
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function only(bytes: Buffer): Message {
  return new Message({ bytes, start: 0, end: bytes.length });
}

const MESSAGES = [
  result({ id: 1, op: 'Bind' }),
  entry(2, 'uid=a,dc=x', { entryUUID: ['1'], cn: ['Jörg', 'x'.repeat(200)] }),
  entry(2, 'uid=b,dc=x', { entryUUID: ['2'] }),
  result({ id: 2, op: 'Search' }),
];

describe('messages', () => {
  it('are found at whatever octet two chunks meet', () => {
    const stream = Buffer.concat(MESSAGES);
    for (let at = 0; at <= stream.length; at += 1) {
      expect(framesOf([stream.subarray(0, at), stream.subarray(at)])).toEqual(MESSAGES);
    }
  });

  it.each([1, 2, 3, 5, 7, 64, 100])('are found in chunks of %i octets', (size) => {
    expect(framesOf(pieces(Buffer.concat(MESSAGES), size))).toEqual(MESSAGES);
  });

  it.each([1, 2, 3])('are found with lengths of %i more octets', (width) => {
    const body = Buffer.concat([integer(1), element(0x65)]);
    const length = Buffer.alloc(width);
    length.writeUIntBE(body.length, 0, width);
    const wide = Buffer.concat([Buffer.of(0x30, 0x80 | width), length, body]);
    expect(framesOf(pieces(Buffer.concat([wide, wide]), 1))).toEqual([wide, wide]);
  });

  it('of 4 MB in segments take time in proportion to their size', () => {
    const large = entry(1, 'cn=g', { member: [Buffer.alloc(4 << 20, 0x61)] });
    const started = performance.now();
    expect(framesOf(pieces(large, SEGMENT_BYTES))[0]?.length).toBe(large.length);
    // Copying again what came before, for each of 2,900 segments, would move 6 GB.
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('of many values are found in single octets', () => {
    const large = entry(1, 'cn=g', { member: Array.from({ length: 5000 }, () => 'uid=a,dc=example') });
    expect(framesOf(pieces(large, 1))[0]?.equals(large)).toBe(true);
  });

  it.each([
    ['2 GB', Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff), /2147483653 bytes, where at most 134217728/],
    ['4 GB', Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), /4294967301 bytes/],
    ['more than numbers hold', Buffer.of(0x30, 0x88, 1, 2, 3, 4, 5, 6, 7, 8), /a length in a form/],
    ['no certain length', Buffer.of(0x30, 0x80, 0, 0), /a length in a form/],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request'), /no LDAP message/],
    ['a TLS alert', Buffer.of(0x15, 3, 3, 0, 2, 2, 70), /no LDAP message/],
  ])('that claim %s are refused, and no memory is taken', (_, bytes, reason) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => framesOf([bytes])).toThrow(reason);
    expect(() => framesOf(pieces(bytes, 1))).toThrow(reason);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it('that claim 100 MB take the memory of what has come', () => {
    const framer = new Framer();
    const before = process.memoryUsage().arrayBuffers;
    framer.push(Buffer.concat([Buffer.of(0x30, 0x84, 0x06, 0, 0, 0), Buffer.alloc(1000)]));
    expect(framer.next()).toBeUndefined();
    expect(framer.isEmpty).toBe(false);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it('show their raw octets without their number', () => {
    const values = { entryUUID: ['1'], cn: ['x'] };
    const [one, other] = [7, 70_000].map((id) => only(entry(id, 'uid=a', values)));
    expect(one?.raw).toEqual(other?.raw);
    expect(one?.raw).not.toEqual(only(entry(7, 'uid=a', { ...values, cn: ['y'] })).raw);
    expect(one?.raw[0]).toBe(0x64);
  });

  it('show their controls, on entries and on results', () => {
    const state = control('1.3.6.1.4.1.4203.1.9.1.2', Buffer.from('state'));
    const critical = element(
      0x30,
      element(0x04, '1.2.3'),
      element(0x01, Buffer.of(0xff)),
      element(0x04, 'x'),
    );
    const bare = element(0x30, element(0x04, '1.2.4'));
    const found = only(entry(1, 'uid=a', { cn: ['x'] }, state, critical, bare));
    expect(found.controls().map(({ type, value }) => [type, value.toString()])).toEqual([
      ['1.3.6.1.4.1.4203.1.9.1.2', 'state'],
      ['1.2.3', 'x'],
      ['1.2.4', ''],
    ]);
    expect(only(result({ id: 1, op: 'Search' }, 0, state)).result().controls).toHaveLength(1);
  });
});

describe('entries', () => {
  const dn = 'uid=a,dc=x';

  it('have the wanted attributes alone, spelt as they were asked for', () => {
    const found = only(entry(1, dn, { CN: ['Jörg'], sn: ['x'], EntryUuid: ['1-2'], member: [] }));
    expect(decoder('commonName', 'member').decode(found.cursor())).toEqual({
      id: '1-2',
      name: dn,
      attributes: new Map([['commonName', ['Jörg']]]),
    });
  });

  it('keep binary values by the schema, and copy them', () => {
    const bytes = entry(1, dn, {
      entryUUID: ['1'],
      photo: ['text'],
      'userCertificate;binary': [Buffer.of(0xff, 0)],
    });
    const { attributes } = decoder('photo', 'userCertificate').decode(only(bytes).cursor()) ?? {};
    bytes.fill(0);
    expect(attributes?.get('photo')).toEqual([Uint8Array.from(Buffer.from('text'))]);
    expect(attributes?.get('userCertificate')).toEqual([Uint8Array.of(0xff, 0)]);
  });

  it('keep the octets of text that is none, and a replacement character that is text', () => {
    const values = { entryUUID: ['1'], cn: [Buffer.of(0xff, 0x41), '\uFFFD', 'ü'] };
    const found = decoder('cn').decode(only(entry(1, dn, values)).cursor());
    expect(found?.attributes.get('cn')).toEqual([Uint8Array.of(0xff, 0x41), '\uFFFD', 'ü']);
  });

  it('are told from each other however the order of attributes changes', () => {
    const same = decoder('cn', 'member');
    const orders = [
      { entryUUID: ['1'], cn: ['a'], member: ['m'] },
      { member: ['m'], entryUUID: ['1'], cn: ['a'] },
      { cn: ['a'], member: ['m'], entryUUID: ['1'] },
      { sn: ['z'], cn: ['a'], member: ['m'], entryUUID: ['1'] },
    ];
    const expected = { cn: ['a'], member: ['m'] };
    for (const values of [...orders, ...orders]) {
      const found = same.decode(only(entry(1, dn, values)).cursor());
      expect(Object.fromEntries(found?.attributes ?? [])).toEqual(expected);
    }
    const alike = [
      { cn: ['a'], entryUUID: ['1'] },
      { co: ['a'], entryUUID: ['1'] },
    ].map((values) => same.decode(only(entry(1, dn, values)).cursor())?.attributes.has('cn'));
    expect(alike).toEqual([true, false]);
  });

  it.each([
    ['no id', { cn: ['x'] }],
    ['an id without a value', { entryUUID: [] }],
    ['an empty id', { entryUUID: [''] }],
  ])('with %s are none', (_, values) => {
    expect(decoder('cn').decode(only(entry(1, dn, values)).cursor())).toBeUndefined();
  });

  it.each([
    ['an attribute longer than the list', element(0x64, element(4, dn), Buffer.of(0x30, 2, 0x30, 9))],
    [
      'a value longer than its set',
      element(0x64, element(4, dn), element(0x30, Buffer.of(0x30, 6, 4, 2, 0x63, 0x6e, 0x31, 9))),
    ],
    ['text in place of a list', element(0x64, element(4, dn), element(4, 'x'))],
    ['nothing', element(0x64)],
  ])('with %s are refused', (_, operation) => {
    const found = only(message(1, operation));
    expect(() => decoder('cn').decode(found.cursor())).toThrow(
      expect.objectContaining({ code: 'InvalidData' }),
    );
  });
});

describe('what is written', () => {
  it('is exact at every length, where a length grows and where a buffer ends', () => {
    const sizes = [0, 1, 100, 126, 127, 128, 254, 255, 256, 900, 1000, 1023, 1024, 65_534, 65_536, 1 << 20];
    const around = sizes.flatMap((size) => Array.from({ length: 12 }, (_, index) => size + index));
    for (const size of [...around, 8128 + 100_000, 8139 + 100_000]) {
      const value = Buffer.alloc(size, 0xee);
      const attributes = [
        new Attribute({ type: 'photo', values: [value, Buffer.from('ä')] }),
        new Attribute({ type: 'a', values: [Buffer.from('b')] }),
      ];
      const list = [
        element(0x30, element(4, 'photo'), element(0x31, element(4, value), element(4, 'ä'))),
        element(0x30, element(4, 'a'), element(0x31, element(4, 'b'))),
      ];
      const added = Buffer.from(addRequest('cn=x', attributes, undefined).encode(300));
      expectSame(added, message(300, element(0x68, element(4, 'cn=x'), element(0x30, ...list))));
      const [modification = new Attribute()] = attributes;
      const changes = [new Change({ operation: 'replace', modification })];
      const modified = Buffer.from(modifyRequest('cn=x', changes).encode(1));
      const [photo = Buffer.alloc(0)] = list;
      const change = element(0x30, element(0x0a, Buffer.of(2)), photo);
      expectSame(modified, message(1, element(0x66, element(4, 'cn=x'), element(0x30, change))));
    }
  });

  it('numbers requests so that no number looks negative', () => {
    for (const id of [1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 8_388_608, 2_147_483_646]) {
      expect(only(Buffer.from(modifyRequest('', []).encode(id))).id).toBe(id);
    }
  });
});

/** Lengths and numbers may be spelt in several ways, so what is compared is what they say. */
function expectSame(one: Buffer, other: Buffer): void {
  const [first = [], second = []] = [one, other].map((bytes) =>
    flatten(new BerCursor(bytes, 0, bytes.length)),
  );
  expect(first.length).toBe(second.length);
  expect(first.every((part, index) => part === second[index])).toBe(true);
}

function flatten(cursor: BerCursor): string[] {
  const parts: string[] = [];
  while (!cursor.isDone) {
    const tag = cursor.peek() ?? 0;
    parts.push(String(tag));
    if ((tag & 0x20) !== 0) {
      const outer = cursor.enter(tag);
      parts.push(...flatten(cursor), 'end');
      cursor.leave(outer);
    } else if (tag === 2) parts.push(String(cursor.integer()));
    else parts.push(cursor.octets(tag).toString('latin1'));
  }
  return parts;
}
