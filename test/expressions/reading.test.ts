/** What an expression may name, what it reads, and what it is told when it names something else. */
import { describe, expect, it } from 'vitest';

import { compiled, entry, NOW, problemOf, SAMPLE, SCHEMA, told, valueOf } from '../support/sample-entry.ts';

describe('the attributes that are read', () => {
  it.each([
    { text: 'source.mail', source: ['mail'] },
    { text: "source['employee-number']", source: ['employee-number'] },
    { text: 'has(source.mail)', source: ['mail'] },
    { text: 'source.mail.lower() + source.sn', source: ['mail', 'sn'] },
    { text: 'source.active ? source.mail : source.sn', source: ['active', 'mail', 'sn'] },
    { text: 'source.roles.filter(r, r in source.ou)', source: ['ou', 'roles'] },
    { text: 'source.roles.map(source, source + target.sn)', source: ['roles'], target: ['sn'] },
    { text: '{source.mail: source.sn}[target.mail]', source: ['mail', 'sn'], target: ['mail'] },
    { text: '[source.mail, [source.sn][0]]', source: ['mail', 'sn'] },
    { text: "dn.escape(source.sn) + 'x'", source: ['sn'] },
    { text: "coalesce(source.title, secret('initial-password', 'value'))", source: ['title'] },
    { text: 'mapping', source: [] },
  ])('in $text are $source', ({ text, source, target = [] }) => {
    const { reads } = compiled(text);
    expect([...reads.source].toSorted()).toEqual(source);
    expect([...reads.target]).toEqual(target);
  });

  it('are spelt as in the schema where the system ignores case', () => {
    const schema = { ...SCHEMA, ignoreCaseInNames: true };
    expect([...compiled('source.GIVENNAME', { sides: { source: schema } }).reads.source]).toEqual([
      'givenName',
    ]);
  });

  it('are anything while the schema is not known, and of any type', () => {
    const sides = { source: undefined };
    expect([...compiled('source.whatever.lower()', { sides }).reads.source]).toEqual(['whatever']);
    expect(valueOf('source.mail.lower()', SAMPLE, { sides })).toEqual(['joerg.mueller@example.org']);
  });

  it('are those of the entry in protect', () => {
    const { reads } = compiled("entry.uid == 'root'", {
      sides: { entry: SCHEMA },
      also: [],
      result: 'Condition',
    });
    expect([...reads.entry]).toEqual(['uid']);
  });
});

describe('time and secrets', () => {
  it.each([
    { text: 'source.hired < now', now: true, secret: false },
    { text: 'source.roles.exists(r, timestamp(r) < now)', now: true, secret: false },
    { text: "secret('initial-password', 'value')", now: false, secret: true },
    { text: "'now' + source.mail", now: false, secret: false },
    { text: '[1].map(now, string(now))[0]', now: false, secret: false },
  ])('$text: uses now $now, a secret $secret', ({ text, now, secret }) => {
    expect(compiled(text)).toMatchObject({ usesNow: now, usesSecret: secret });
  });

  it('a secret is in the result alone, and in no text of the expression', () => {
    const expression = compiled("secret('initial-password', 'value') + source.uid");
    expect(told(expression.evaluate({ source: SAMPLE, now: NOW }))).toEqual(['Welcome!123']);
    expect(JSON.stringify(expression) + String(expression.text)).not.toContain('Welcome!');
  });

  it('secrets whose names and keys run together are two secrets', () => {
    const secret = (name: string, key: string): string => `<${name}|${key}>`;
    expect(valueOf("secret('a', 'b.c') + secret('a.b', 'c')", SAMPLE, { secret })).toEqual([
      '<a|b.c><a.b|c>',
    ]);
  });
});

describe('what cannot be named', () => {
  it.each([
    { text: 'sorce.mail', problem: /^unknown name 'sorce'; there is source, target, link, changed, now/ },
    { text: 'source.maill', problem: "unknown attribute 'source.maill'; did you mean 'mail'?" },
    { text: "source['']", problem: /^unknown attribute 'source\.'; there is uid, dn, givenName/ },
    { text: 'source', problem: "'source' stands alone; name an attribute, as in source.mail" },
    { text: 'source[source.mail]', problem: "'source' stands alone; name an attribute, as in source.mail" },
    { text: 'source.mail.lowr()', problem: "unknown function 'lowr'; did you mean 'lower'?" },
    { text: 'evil(1)', problem: "unknown function 'evil'" },
    { text: 'link.madeAt', problem: "unknown field 'link.madeAt'; there is link.linkedAt" },
    {
      text: 'source.userPassword',
      problem: "attribute 'source.userPassword' is write-only and cannot be read",
    },
    {
      text: "secret('nobody', 'value')",
      problem: "there is no Secret 'nobody' with a key 'value' in this namespace",
    },
    { text: 'secret(source.mail, source.sn)', problem: "secret() takes two texts: secret('name', 'key')" },
    { text: "secret('a')", problem: "secret() takes two texts: secret('name', 'key')" },
    { text: "source.mail.secret('a', 'b')", problem: "unknown function 'secret'" },
    { text: 'source.constructor', problem: /^unknown attribute 'source\.constructor'/ },
    { text: 'source.__proto__', problem: /^unknown attribute 'source\.__proto__'/ },
    { text: "source['hasOwnProperty']", problem: /^unknown attribute 'source\.hasOwnProperty'/ },
    { text: '__proto__', problem: /^unknown name '__proto__'/ },
    { text: 'constructor.constructor', problem: /^unknown name 'constructor'/ },
    { text: 'source.mail.constructor', problem: "a string has no field 'constructor'" },
    { text: "'a'.__proto__", problem: "a string has no field '__proto__'" },
    { text: '[1].length', problem: "a list has no field 'length'" },
    { text: 'google.protobuf.Timestamp{seconds: 1}', problem: 'an object cannot be made here' },
    { text: '[1].map(x, @result)', problem: /./ },
    { text: '[1].map(x, __result__)', problem: /^unknown name '__result__'/ },
  ])('$text', ({ text, problem }) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it.each([
    { also: [], text: 'now', problem: "unknown name 'now'; there is source, target" },
    {
      also: ['mapping'],
      text: "secret('a', 'b')",
      problem: 'secret() can be used in outbound and inbound attributes only',
    },
    { also: ['now'], text: 'link != null', problem: "unknown name 'link'; there is source, target, now" },
  ] as const)('$text where it is not given', ({ also, text, problem }) => {
    expect(problemOf(text, { also })).toBe(problem);
  });

  it('a text in place of an object leads nowhere at run time', () => {
    const sides = { source: undefined };
    for (const text of ['source.mail.constructor', 'source.mail.__proto__', "{'a': 1}.constructor"])
      expect(valueOf(text, SAMPLE, { sides })).toMatch(/^failed: /);
  });
});

describe('has() and null', () => {
  const absent = entry({});
  it.each([
    { text: 'has(source.mail)', there: ['true'], gone: ['false'] },
    { text: 'has(source.roles)', there: ['true'], gone: ['false'] },
    { text: 'has(source.ou)', there: ['true'], gone: ['false'] },
    { text: 'source.mail == null', there: ['false'], gone: ['true'] },
    { text: 'source.mail.lower()', there: ['joerg.mueller@example.org'], gone: [] },
    { text: "source.mail.contains('@')", there: ['true'], gone: ['false'] },
    { text: "source.mail.matches('@')", there: ['true'], gone: ['false'] },
    { text: "source.mail.extract('^[^@]+')", there: ['Joerg.Mueller'], gone: [] },
    { text: "coalesce(source.ou, 'none')", there: ['IT'], gone: ['none'] },
    { text: 'size(source.roles)', there: ['3'], gone: ['0'] },
    { text: "source.roles.join(';')", there: ['admin;staff;admin'], gone: [] },
    { text: "source.mail == 'x' || source.sn != null", there: ['true'], gone: ['false'] },
    {
      text: 'source.level > 2',
      there: ['true'],
      gone: /^failed: > cannot be applied to \(null_type, int\); is an attribute absent\?/,
    },
    { text: "source.sn + 'x'", there: ['Müller-Lüdenscheidtx'], gone: /^failed: \+ cannot be applied to/ },
  ])('$text', ({ text, there, gone }) => {
    expect(valueOf(text)).toEqual(there);
    if (gone instanceof RegExp) expect(valueOf(text, absent)).toMatch(gone);
    else expect(valueOf(text, absent)).toEqual(gone);
  });

  it('the whole side may be absent', () => {
    expect(valueOf('has(target.mail) || size(target.roles) > 0')).toEqual(['false']);
    expect(told(compiled('link == null').evaluate({ now: NOW }))).toEqual(['true']);
    expect(told(compiled('has(link.linkedAt)').evaluate({ now: NOW }))).toEqual(['false']);
    expect(told(compiled('link.linkedAt < now').evaluate({ now: NOW, linkedAt: 1 }))).toEqual(['true']);
    expect(told(compiled("'mail' in changed").evaluate({ now: NOW, changed: ['mail'] }))).toEqual(['true']);
    expect(told(compiled("'mail' in changed").evaluate({ now: NOW }))).toEqual(['false']);
  });
});
