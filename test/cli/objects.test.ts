import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Folder, inProcess, rollcall, type Done } from '../support/rollcall.ts';

const HUB = `apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: hub }
spec:
  type: Repository
  repository: {}
  access: ReadWrite
  objects:
    - name: person
      type: User
      id: id
      attributes:
        - { name: name }
        - { name: mail, unique: true, match: IgnoreCase }
        - { name: age, type: Integer }
        - { name: roles, multiValued: true }
        - { name: pin, sensitive: true }
`;

function objects(folder: Folder, words: readonly string[], input = ''): Promise<Done> {
  folder.write('input.json', input);
  const file = join(folder.path, 'input.json');
  return inProcess([
    'objects',
    folder.path,
    'hub',
    'person',
    ...words.map((one) => (one === '-' ? file : one)),
  ]);
}

const put = (folder: Folder, id: string, input: string): Promise<Done> =>
  objects(folder, ['put', id, '-f', '-'], input);

describe('objects put and delete refuse what makes no sense', () => {
  it.each([
    { what: 'no id', words: ['put'], says: 'put needs an ID' },
    { what: 'an empty id', words: ['put', '', '-f', '-'], input: '{}', says: 'put needs an ID' },
    { what: 'two ids', words: ['delete', '1', '2'], says: "takes one ID, not also '2'" },
    { what: 'an id to list', words: ['list', '1'], says: "takes no ID, not also '1'" },
    { what: 'no file', words: ['put', '1'], says: 'needs --file FILE' },
    { what: 'a file that is not there', words: ['put', '1', '-f', 'nowhere.json'], says: 'no such file' },
    { what: 'a folder as file', words: ['put', '1', '-f', '.'], says: 'cannot be read (EISDIR)' },
    { what: 'nothing', input: '', says: 'input.json: it is empty' },
    {
      what: 'no JSON',
      input: '{"name": "Ann",\n "pin": geheim-4711}',
      says: 'input.json: it is not valid JSON',
    },
    { what: 'a list', input: '["geheim-4711"]', says: 'holds no JSON object' },
    { what: 'a number', input: '{"age": 4711}', says: "attribute 'age' holds a number" },
    { what: 'null', input: '{"name": null}', says: 'leave the attribute out to clear it' },
    { what: 'an object', input: '{"name": {"pin": "geheim-4711"}}', says: "attribute 'name' holds a object" },
    { what: 'an unknown attribute', input: '{"nam": "Ann"}', says: "did you mean 'name'?" },
    { what: 'the name of a prototype', input: '{"__proto__": "Ann"}', says: "no attribute '__proto__'" },
    { what: 'another id', input: '{"id": "2"}', says: "is not '1' as the command says" },
    { what: 'the wrong type', input: '{"age": "geheim-4711"}', says: 'declared Integer', exitCode: 1 },
    { what: 'too many values', input: '{"name": ["a", "b"]}', says: 'takes one value', exitCode: 1 },
    {
      what: 'a value that is taken',
      input: '{"mail": "ANN@X"}',
      says: "'9' has the same value",
      exitCode: 1,
    },
    { what: 'what is not there', words: ['delete', '1'], says: "has no object '1'" },
    { what: 'an unknown action', words: ['drop', '1'], says: 'there is list, get, put, delete' },
  ])('$what: $says', async ({ words = ['put', '1', '-f', '-'], input = '', says, exitCode = 3 }) => {
    using folder = new Folder({ 'hub.yaml': HUB });
    await put(folder, '9', '{"mail": "ann@x"}');
    const done = await objects(folder, words, input);
    expect(done.stderr).toContain(says);
    expect(done.stderr).not.toContain('geheim-4711');
    expect(done.stderr).not.toMatch(/\n\s+at /);
    expect(done.exitCode).toBe(exitCode);
    expect((await objects(folder, ['list', '-o', 'csv'])).stdout).toBe(
      'id,name,mail,age,roles,pin\r\n9,,ann@x,,,\r\n',
    );
  });

  it('standard input is read where the file is -', async () => {
    using folder = new Folder({ 'hub.yaml': HUB });
    const words = ['objects', folder.path, 'hub', 'person', 'put', '1', '-f', '-'];
    expect((await rollcall(words, '{"name": "Zoë"}')).stdout).toContain('1 created');
    expect((await rollcall(words, '')).stderr).toContain('standard input: it is empty');
  });

  it('bytes that are no UTF-8 are refused, not mended', async () => {
    using folder = new Folder({ 'hub.yaml': HUB });
    folder.write('one.json', Buffer.from([0x7b, 0x22, 0x6e, 0xff, 0x22, 0x7d]));
    const done = await objects(folder, ['put', '1', '-f', `${folder.path}/one.json`]);
    expect(done).toMatchObject({ exitCode: 3 });
    expect(done.stderr).toContain('it is not UTF-8');
  });
});
