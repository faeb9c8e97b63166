/**
 * The decoder against octets that nobody meant: valid messages that were cut, changed and put together at random.
 * ROLLCALL_FUZZ_SEED repeats a run, ROLLCALL_FUZZ_SECONDS makes it longer.
 */
import { describe, expect, it } from 'vitest';

import { BerCursor } from '../../src/connectors/ldap/ber.ts';
import { decodePlainly, decoderFor } from '../../src/connectors/ldap/decode.ts';
import { Framer } from '../../src/connectors/ldap/framing.ts';
import { Message, type Response } from '../../src/connectors/ldap/message.ts';
import { cookieOf } from '../../src/connectors/ldap/search.ts';
import { toDirectorySchema } from '../../src/connectors/ldap/subschema.ts';
import { ConnectorError } from '../../src/engine/errors.ts';
import {
  control,
  element,
  entry,
  intermediate,
  message,
  notice,
  pageControl,
  reference,
  result,
} from '../support/ldap-messages.ts';

const SECONDS = Number(process.env['ROLLCALL_FUZZ_SECONDS'] ?? 3);
const SEED = Number(process.env['ROLLCALL_FUZZ_SEED'] ?? Date.now() % 1_000_000);
/** Far above what one input takes; a loop that does not end takes longer. */
const SLOW_MS = 1000;
const INTERESTING = [0, 1, 4, 0x30, 0x31, 0x64, 0x65, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xa0, 0xff];

const directory = toDirectorySchema([
  "( 1.2.1 NAME 'entryUUID' EQUALITY uuidMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE )",
  "( 1.2.2 NAME 'cn' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
  "( 1.2.3 NAME 'photo' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 )",
]);
const schema = {
  id: 'entryUUID',
  idChosenBy: 'System',
  name: 'dn',
  attributes: directory.attributes,
  ignoreCaseInNames: true,
} as const;

const values = { entryUUID: ['1'], cn: ['Jörg', 'x'.repeat(150)], photo: [Buffer.of(0xff, 0xd8)], sn: [] };
const SEEDS = [
  result({ id: 1, op: 'Bind' }),
  entry(2, 'uid=a,dc=x', values),
  entry(70_000, '', { cn: ['a'] }, control('1.2.3', Buffer.from('x'))),
  reference(2),
  intermediate(2, '1.2.3', 'x'),
  result({ id: 2, op: 'Search' }, 0, pageControl('cookie'), control('1.2.4', Buffer.alloc(0))),
  notice(52),
  message(3, element(0x78, element(0x0a, Buffer.of(0)), element(4), element(4), element(0x8b, 'v'))),
];

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomFrom>;

function change(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1);
  const octet = random(2) === 0 ? random(256) : (INTERESTING[random(INTERESTING.length)] ?? 0);
  switch (random(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(octet), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(4))]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), SEEDS[random(SEEDS.length)] ?? bytes, bytes.subarray(at)]);
    default: {
      const changed = Buffer.from(bytes);
      if (at < changed.length) changed[at] = octet;
      return changed;
    }
  }
}

function makeInput(random: Random): Buffer {
  const picked = Array.from({ length: 1 + random(3) }, () => SEEDS[random(SEEDS.length)] ?? Buffer.alloc(0));
  let bytes: Buffer = Buffer.concat(picked);
  for (let changes = random(5); changes > 0; changes -= 1) bytes = change(bytes, random);
  return bytes;
}

/** All that is ever asked of a message, as text: what was found, or why it was refused. */
function look(message: Message): string[] {
  const decoder = decoderFor({ attributes: ['cn', 'photo'] }, schema, directory);
  const ways: (() => unknown)[] = [
    () => [message.id, message.operation, message.size, Buffer.from(message.raw).toString('hex')],
    () => message.controls().map(({ type, value }) => [type, value.toString('hex')]),
    () => shown(message.result()),
    () => {
      const found = decoder.decode(message.cursor());
      return found && [found.id, found.name, ...found.attributes];
    },
    () => [...decodePlainly(message.cursor()).attributes],
  ];
  return ways.map((way) => outcomeOf(way));
}

function shown(response: Response): unknown {
  return [response.status, response.errorMessage, response.name, cookieOf(response)?.toString('hex')];
}

function outcomeOf(way: () => unknown): string {
  try {
    return JSON.stringify(way()) ?? 'nothing';
  } catch (error) {
    if (error instanceof ConnectorError) return error.message;
    throw error;
  }
}

/** Every message in the chunks, and what ended it. */
function lookAll(chunks: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const framer = new Framer();
  const ended = outcomeOf(() => {
    for (const chunk of chunks) {
      framer.push(chunk);
      for (let frame = framer.next(); frame; frame = framer.next()) {
        expect(frame.end).toBeLessThanOrEqual(frame.bytes.length);
        seen.push(...look(new Message(frame)));
      }
    }
    return undefined;
  });
  return [...seen, ended];
}

function cutAtRandom(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random(random(2) === 0 ? 3 : bytes.length);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** The same octets in the middle of others: who reads beyond the end finds something else. */
function between(bytes: Buffer, filler: number): Buffer {
  const around = Buffer.alloc(64, filler);
  return Buffer.concat([around, bytes, around]).subarray(64, 64 + bytes.length);
}

describe('the decoder', () => {
  it(
    `takes whatever comes for ${String(SECONDS)} s (ROLLCALL_FUZZ_SEED=${String(SEED)})`,
    { timeout: (SECONDS + 60) * 1000 },
    () => {
      const end = performance.now() + SECONDS * 1000;
      let refused = 0;
      let rounds = 0;
      for (; performance.now() < end; rounds += 1) {
        const random = randomFrom(SEED + rounds);
        const input = makeInput(random);
        const started = performance.now();
        const whole = lookAll([between(input, 0)]);
        expect(lookAll([between(input, 0xff)]), `round ${String(rounds)}`).toEqual(whole);
        expect(lookAll(cutAtRandom(input, random)), `round ${String(rounds)}`).toEqual(whole);
        expect(performance.now() - started).toBeLessThan(SLOW_MS);
        if (whole.at(-1) !== 'nothing') refused += 1;
      }
      // A fuzzer whose inputs are all right, or all wrong at the first octet, finds nothing.
      expect(rounds).toBeGreaterThan(100);
      expect(refused / rounds).toBeGreaterThan(0.1);
      expect(refused / rounds).toBeLessThan(0.95);
    },
  );

  it('reads nothing before the place where it is put', () => {
    const bytes = between(entry(1, 'uid=a', values), 0x30);
    const cursor = new BerCursor(bytes, bytes.length, bytes.length);
    expect(cursor.peek()).toBeUndefined();
    expect(() => cursor.octets()).toThrow(/breaks off/);
  });
});
