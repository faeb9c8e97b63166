import { describe, expect, it } from 'vitest';

import { isWithin, normalise, parentOf, rdnOf, rdnValues } from '../../src/connectors/ldap/dn.ts';
import { resultError } from '../../src/connectors/ldap/result.ts';
import { parseAttributeType, toDirectorySchema } from '../../src/connectors/ldap/subschema.ts';

describe('distinguished names', () => {
  it.each([
    ['uid=a,ou=p,dc=x', 'uid=a', 'ou=p,dc=x'],
    ['cn=a\\,b,ou=p', 'cn=a\\,b', 'ou=p'],
    ['cn=a\\\\,ou=p', 'cn=a\\\\', 'ou=p'],
    ['cn=a\\2Cb,ou=p', 'cn=a\\2Cb', 'ou=p'],
    ['cn="a,b",ou=p', 'cn="a,b"', 'ou=p'],
    ['cn=a+uid=b,ou=p', 'cn=a+uid=b', 'ou=p'],
    ['dc=x', 'dc=x', ''],
  ])('%s is %s under %s', (dn, rdn, parent) => {
    expect([rdnOf(dn), parentOf(dn)]).toEqual([rdn, parent]);
  });

  it.each([
    ['cn=a\\,b', [['cn', 'a,b']]],
    ['cn=\\ a\\ ', [['cn', ' a ']]],
    ['cn = a ', [['cn', 'a']]],
    ['cn=a\\5c', [['cn', 'a\\']]],
    ['cn=M\\c3\\bcller', [['cn', 'Müller']]],
    [
      'cn=a\\+b+uid=c',
      [
        ['cn', 'a+b'],
        ['uid', 'c'],
      ],
    ],
    ['cn=#0401ff', [['cn', undefined]]],
    ['cn=a=b', [['cn', 'a=b']]],
  ])('%s holds its values', (rdn, values) => {
    expect(rdnValues(rdn).map(({ attribute, value }) => [attribute, value])).toEqual(values);
  });

  it.each([
    ['OU=People, DC=x', 'ou=people,dc=x', true],
    ['cn=a\\2Cb', 'cn=a\\,b', true],
    ['cn=a+uid=b', 'uid=b+cn=a', true],
    ['cn=a\\,dc=x', 'cn=a,dc=x', false],
  ])('%s and %s: the same is %s', (one, other, same) => {
    expect(normalise(one) === normalise(other)).toBe(same);
  });

  it.each([
    ['uid=a,OU=p,dc=x', 'ou=P, dc=x', 'Subtree', true],
    ['uid=a,ou=q,ou=p,dc=x', 'ou=p,dc=x', 'One', false],
    ['uid=a,ou=p,dc=x', 'ou=p,dc=x', 'One', true],
    ['ou=p,dc=x', 'ou=p,dc=x', 'One', false],
    ['ou=p,dc=x', 'ou=p,dc=x', 'Base', true],
    ['uid=a,ou=xp,dc=x', 'p,dc=x', 'Subtree', false],
    ['uid=a', '', 'Subtree', true],
  ] as const)('%s within %s (%s): %s', (dn, base, scope, within) => {
    expect(isWithin(dn, base, scope)).toBe(within);
  });
});

describe('attribute type descriptions', () => {
  const descriptions = [
    "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
    "( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'family (last) name' SUP name )",
    "(1.2.3 NAME 'flag' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation)",
    "( 1.2.4 NAME 'photo' SYNTAX '1.3.6.1.4.1.1466.115.121.1.28' )",
    "( 1.2.5 NAME 'loop' SUP loop )",
    'nonsense',
  ];

  it('are read with names, limits and blanks in any place', () => {
    expect(parseAttributeType(descriptions[2] ?? '')).toMatchObject({
      names: ['flag'],
      singleValue: true,
      noUserModification: true,
    });
    expect(parseAttributeType(descriptions[0] ?? '')?.syntax).toBe('1.3.6.1.4.1.1466.115.121.1.15');
    expect(parseAttributeType('nonsense')).toBeUndefined();
  });

  it('become attributes, with what they inherit', () => {
    const { attributes, withoutEquality } = toDirectorySchema(descriptions);
    expect(attributes.get('surname')).toBe(attributes.get('sn'));
    expect(attributes.get('sn')).toMatchObject({ name: 'sn', match: 'IgnoreCaseAndSpace', values: 'Either' });
    expect(attributes.get('flag')).toMatchObject({ type: 'Boolean', values: 'Single', readOnly: true });
    expect(attributes.get('photo')).toMatchObject({ type: 'Binary', match: 'OctetString' });
    expect([...withoutEquality]).toEqual(['photo', 'loop']);
  });
});

describe('diagnostics', () => {
  it.each([
    [65, "object class 'person' requires attribute 'sn'", 'sn', true],
    [17, 'foo: attribute type undefined', 'foo', true],
    [21, 'mail: value #0 invalid per syntax', 'mail', true],
    [20, 'modify/add: ou: value #0 already exists', 'ou', false],
    [19, 'Password fails quality checking: geheim', undefined, false],
    [19, '0000207D: UpdErr: DSID-03150FA0, geheim', undefined, false],
    [64, "value of naming attribute 'uid' is not present in entry", 'uid', true],
  ])('%i %s: attribute %s', (status, errorMessage, attribute, kept) => {
    const error = resultError({ status, errorMessage }, 'add');
    expect(error.attribute).toBe(attribute);
    expect(error.message.includes(errorMessage)).toBe(kept);
    expect(error.message).not.toContain('geheim');
  });
});
