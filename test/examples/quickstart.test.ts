import { describe, expect, it } from 'vitest';
import { liveThrough } from '../support/lived-example.ts';

describe('npm run quickstart', () => {
  it('lives through the week it promises, leaves its folder and stops its directory', async () => {
    const { code, text, step } = await liveThrough('cookbook');
    expect(text).toContain('== Done.');
    expect(code).toBe(0);

    expect(step(1)).toMatch(/dn: uid=snow123,ou=people,dc=example,dc=org\n/);
    expect(step(1)).toMatch(/mail: jane\.doe@example\.com/);
    expect(step(2)).toContain('writes that the directory saw: 0');
    const uuids = [...step(3).matchAll(/dn: uid=(doe456|stark456),\S*\nentryUUID: (\S+)/g)].map((match) => [
      match[1],
      match[2],
    ]);
    expect(uuids.map(([name]) => name)).toEqual(['doe456', 'stark456']);
    expect(uuids[0]?.[1]).toBe(uuids[1]?.[1]);
    expect(step(4)).toContain('SourceMissing (B5), Report, Reported: 1');
    expect(step(5)).toContain('employeeType: disabled');
    expect(step(6)).toContain('employeeType: active');
    expect(step(7)).toContain('000 → 5551234 (TargetDrifted)');
    expect(step(8)).toContain('EmptySource');
    expect(text).not.toContain('FooBar123');
  }, 120_000);
});
