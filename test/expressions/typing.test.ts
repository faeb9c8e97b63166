import { describe, expect, it } from 'vitest';

import { compiled, entry, NOW, problemOf, SAMPLE, told, valueOf } from '../support/sample-entry.ts';

describe('attributes have the type of the schema', () => {
  it.each([
    { text: 'source.level + 1', gives: ['4'] },
    { text: '!source.active', gives: ['false'] },
    { text: 'source.hired', gives: ['20240115080000Z'] },
    { text: 'source.hired + duration("24h")', gives: ['20240116080000Z'] },
    { text: 'string(source.hired)', gives: ['2024-01-15T08:00:00Z'] },
    { text: 'source.photo', gives: ['0xffd8'] },
    { text: 'source.photo + source.photo', gives: ['0xffd8ffd8'] },
    { text: 'source.roles', gives: ['admin', 'staff', 'admin'] },
    { text: 'source.ou', gives: ['IT'] },
    { text: 'source.ou.map(o, o + "!")', gives: ['IT!'] },
    { text: '"IT" in source.ou', gives: ['true'] },
    { text: 'source.ou[0]', gives: ['IT'] },
    { text: 'source.uid + source.dn', gives: ['123uid=123,ou=people,dc=example,dc=org'] },
    { text: '1.0 / 4.0', gives: ['0.25'] },
    { text: '3u', gives: ['3'] },
    { text: 'source.title', gives: [] },
    { text: '""', gives: [] },
    { text: '["", "a"]', gives: ['a'] },
  ])('$text', ({ text, gives }) => {
    expect(valueOf(text)).toEqual(gives);
  });

  it.each([
    { what: 'Integer', attribute: 'level', given: '+07', gives: ['7'] },
    {
      what: 'Integer',
      attribute: 'level',
      given: 'seven',
      gives: 'failed: attribute level is not an integer',
    },
    {
      what: 'Integer',
      attribute: 'level',
      given: '9'.repeat(30),
      gives: 'failed: attribute level is not an integer',
    },
    { what: 'Boolean', attribute: 'active', given: 'FALSE', gives: ['false'] },
    {
      what: 'Boolean',
      attribute: 'active',
      given: 'yes',
      gives: 'failed: attribute active is neither true nor false',
    },
    { what: 'Time', attribute: 'hired', given: '2024-01-15T09:00:00+01:00', gives: ['20240115080000Z'] },
    { what: 'Time', attribute: 'hired', given: '2024-01-15', gives: ['20240115000000Z'] },
    { what: 'Time', attribute: 'hired', given: '2024011509+0100', gives: ['20240115080000Z'] },
    { what: 'Time', attribute: 'hired', given: '20240115080000.5Z', gives: ['20240115080000Z'] },
    { what: 'Time', attribute: 'hired', given: 'March 7', gives: 'failed: attribute hired is not a time' },
    { what: 'Time', attribute: 'hired', given: '2024', gives: 'failed: attribute hired is not a time' },
    {
      what: 'Time',
      attribute: 'hired',
      given: '20241399000000Z',
      gives: 'failed: attribute hired is not a time',
    },
    { what: 'Binary', attribute: 'photo', given: 'text', gives: ['0x74657874'] },
  ])('$what takes $given', ({ attribute, given, gives }) => {
    expect(valueOf(`source.${attribute}`, entry({ [attribute]: [given] }))).toEqual(gives);
  });

  it('several values where one is expected fail what uses them, and nothing else', () => {
    const several = entry({ ou: ['IT', 'HR'] });
    expect(valueOf('source.ou', several)).toBe(
      'failed: attribute ou has 2 values where one is expected; declare it multiValued and treat it as a list',
    );
    expect(valueOf('size(source.ou) > 1 ? "many" : source.ou', several)).toEqual(['many']);
    expect(valueOf('has(source.ou)', several)).toEqual(['true']);
  });
});

describe('mistakes that are found before a run', () => {
  it.each([
    { text: 'source.level > "5"', problem: "'>' cannot be applied to int and string" },
    { text: 'source.mail + 1', problem: "'+' cannot be applied to string and int" },
    { text: 'source.roles.lower()', problem: 'no function list.lower(); there is string.lower()' },
    {
      text: 'source.mail.substring("a")',
      problem: /^no function string\.substring\(string\); there is string\.substring\(int\)/,
    },
    { text: 'source.mail ? 1 : 2', problem: 'the condition of ?: is a string, not a bool' },
    { text: 'source.active && source.mail', problem: '&& takes bools, not a string' },
    { text: 'duration("1h")', problem: 'it gives a duration, which is no attribute value' },
    { text: '{"a": 1}', problem: 'it gives a map, which is no attribute value' },
    { text: 'source.mail.matches("(")', problem: /^the pattern '\(' cannot be understood/ },
    { text: 'source.mail.extract("(?<=a)b")', problem: /^the pattern .* cannot be understood/ },
    { text: '1 +', problem: /^at 1:3: / },
    { text: '', problem: /^at / },
  ])('$text', ({ text, problem }) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it.each([
    { text: 'source.mail', problem: 'it gives a string, not true or false' },
    { text: 'source.level', problem: 'it gives a int, not true or false' },
    { text: 'source.active', problem: undefined },
    { text: 'source.roles.exists(r, r == "a")', problem: undefined },
  ])('a condition: $text', ({ text, problem }) => {
    expect(problemOf(text, { result: 'Condition' })).toBe(problem);
  });

  it('a condition that turns out to be something else fails, without showing it; null is not true', () => {
    const condition = compiled('source.x', { sides: { source: undefined }, result: 'Condition' });
    const result = condition.evaluate({ source: entry({ x: ['hush'] }), now: NOW });
    expect(told(result)).toBe('failed: it gives a value that is not true or false');
    expect(told(condition.evaluate({ source: entry({}), now: NOW }))).toEqual([]);
  });
});

describe('failures at run time', () => {
  it.each([
    { text: 'source.roles[9]', fails: 'an index is outside of its list or text' },
    { text: 'source.mail.substring(99)', fails: 'an index is outside of its list or text' },
    { text: "{'a': 'b'}[source.mail]", fails: 'a map has no such key' },
    { text: '1 / (source.level - 3)', fails: 'a number is divided by zero' },
    { text: 'int(source.mail)', fails: 'a text is no integer' },
    { text: 'double(source.mail)', fails: 'a text is no number' },
    { text: 'timestamp(source.mail)', fails: 'it failed on this value' },
    { text: "source.mail.extract('(z)', 2)", fails: undefined },
    { text: "source.mail.extract('(o)', 2)", fails: 'the pattern has no group 2' },
    { text: 'source.mail.matches(source.mail + "(")', fails: 'a pattern cannot be understood' },
    { text: 'source.mail.ascii("fr")', fails: "ascii knows the language 'de' only" },
    { text: "source.mail.replace('', 'x')", fails: 'replace needs a text to look for' },
    { text: 'source.roles.all(r, int(r) > 0)', fails: 'a text is no integer' },
    { text: '[[1]]', fails: 'the result is no attribute value' },
    { text: '[1, 2].join()', fails: 'join takes a list of texts' },
  ])('$text: $fails', ({ text, fails }) => {
    expect(valueOf(text)).toEqual(fails === undefined ? [] : `failed: ${fails}`);
  });

  it('the same input gives the same output', () => {
    const expression = compiled('[source.mail.lower(), string(now), source.roles.distinct().join(",")]');
    const once = told(expression.evaluate({ source: SAMPLE, now: NOW }));
    expect(told(expression.evaluate({ source: SAMPLE, now: NOW }))).toEqual(once);
  });
});
