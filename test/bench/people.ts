/** Made-up people: the same seed and number are the same person, whatever was made before. */

const GIVEN = 'Jörg Änne Zoë Łukasz Søren Björn Chloé Ünal José Małgorzata Anna Peter Mary Ivan Aiko'.split(
  ' ',
);
const FAMILY =
  'Müller Schröder Großmann Öztürk Núñez Sørensen Dvořák Żukowski Smith Jones Rossi Weiß Lindström Ivanova Tanaka'.split(
    ' ',
  );
const PLACES = 'München Köln Zürich Wrocław Århus Málaga Leeds Lyon Osaka Graz'.split(' ');
const TITLES = 'Engineer,Head of department,Nurse,Clerk,Architect,Teacher,Accountant,Technician'.split(',');

/** What is read of everybody, in the order of the file's columns. */
export const ATTRIBUTES = [
  'uid',
  'cn',
  'sn',
  'givenName',
  'mail',
  'telephoneNumber',
  'title',
  'departmentNumber',
  'employeeNumber',
  'l',
  'street',
  'description',
] as const;

/** The place of those whom the mapping's `where` leaves out. */
export const OUT_OF_SCOPE = 'Nowhere';

export type Person = Readonly<Record<(typeof ATTRIBUTES)[number], string>>;

export function person(seed: number, at: number): Person {
  const pick = (salt: number, from: number): number => scramble(seed + salt, at) % from;
  const [givenName = '', sn = ''] = [GIVEN[pick(1, GIVEN.length)], FAMILY[pick(2, FAMILY.length)]];
  const uid = `u${String(at).padStart(8, '0')}`;
  const phone = String(1_000_000 + pick(3, 8_999_999));
  return {
    uid,
    cn: `${givenName} ${sn} ${String(at)}`,
    sn,
    givenName,
    mail: `${uid}.${String(pick(4, 1000))}@example.org`,
    telephoneNumber: `+49 89 ${phone.slice(0, 3)} ${phone.slice(3)}`,
    title: TITLES[pick(5, TITLES.length)] ?? '',
    departmentNumber: String(1 + pick(6, 900)),
    employeeNumber: String(10_000_000 + at),
    l: PLACES[pick(7, PLACES.length)] ?? '',
    street: `${sn}straße ${String(1 + pick(8, 200))}`,
    description: `Joined in ${String(1980 + pick(9, 45))}, reference ${scramble(seed, at).toString(36)}`,
  };
}

/** A well-mixed 32-bit number of two numbers (the finalizer of MurmurHash3). */
function scramble(seed: number, at: number): number {
  let value = Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
