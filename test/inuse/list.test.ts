import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../src/errors.ts'
import { readList } from '../../src/inuse/list.ts'
import { formatReference } from '../../src/oci/reference.ts'
import { notedCall } from '../support/http-world.ts'

async function* inChunks(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

/** The references of a list with where they stand. */
async function read(text: string | Uint8Array, chunk = 7): Promise<readonly (readonly [string, string])[]> {
  const { images } = await readList({ name: 'list', read: () => inChunks(text, chunk) }, notedCall())
  return images.map(({ reference, by }) => [formatReference(reference), by] as const)
}

async function failure(text: string | Uint8Array): Promise<DrayError> {
  const thrown: unknown = await read(text).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(DrayError)
  return thrown as DrayError
}

const object = (kind: string, name: string, image: string): object => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ image }] },
})
const digest = `sha256:${'a'.repeat(64)}`

describe('a list of what runs', () => {
  it('has a reference on each line, with comments and empty lines', async () => {
    const text = `\n# made by hand\nnginx\n  r.io/a:1  # web\r\n\n\tr.io/b@${digest}\nnginx\n`
    expect(await read(text)).toEqual([
      ['docker.io/library/nginx:latest', 'list, line 3'],
      ['r.io/a:1', 'list, line 4'],
      [`r.io/b@${digest}`, 'list, line 6'],
    ])
  })

  it('may be an array of strings, in JSON or YAML', async () => {
    expect(await read('["a:1", "r.io/b:1.10"]')).toEqual([
      ['docker.io/library/a:1', 'list: [0]'],
      ['r.io/b:1.10', 'list: [1]'],
    ])
    expect(await read('- a:1\n- r.io/b:1.10\n')).toHaveLength(2)
  })

  it('may be what kubectl prints, one object or a list, or several after each other', async () => {
    const list = {
      apiVersion: 'v1',
      items: [object('Pod', 'a', 'a:1'), object('Job', 'b', 'b:1')],
      kind: 'List',
    }
    const text = `${JSON.stringify(list, null, 4)}\n${JSON.stringify(object('Pod', 'c', 'c:1'))}\n`
    expect(await read(text)).toEqual([
      ['docker.io/library/a:1', 'list: Pod shop/a: spec.containers[0].image'],
      ['docker.io/library/b:1', 'list: Job shop/b: spec.containers[0].image'],
      ['docker.io/library/c:1', 'list: Pod shop/c: spec.containers[0].image'],
    ])
  })

  it('may be what helm template prints', async () => {
    const text =
      '---\n# Source: api/templates/deployment.yaml\nkind: Pod\nspec: { containers: [{ image: a:1 }] }\n---\n---\nkind: X\nspec: { image: b:2 }\n'
    expect((await read(text)).map(([name]) => name)).toEqual([
      'docker.io/library/a:1',
      'docker.io/library/b:2',
    ])
  })

  it('may be objects in an array, and begin with a byte order mark', async () => {
    expect(await read(`\u{feff}${JSON.stringify([object('Pod', 'a', 'a:1')])}`)).toHaveLength(1)
    expect(await read(`\u{feff}${JSON.stringify(object('Pod', 'a', 'a:1'))}`)).toHaveLength(1)
    expect(await read('\u{feff}a:1\n')).toHaveLength(1)
  })

  it.each(['', '\n\n', '# nothing runs\n', '[]', '{"kind":"List","items":[]}', '{}', '---\na: b\n'])(
    'is refused where it is empty: %j',
    async (text) => {
      expect((await failure(text)).code).toBe('refused')
    },
  )

  it.each([
    ['a line that is no reference', 'a:1\nNot-One\n', 'list, line 2'],
    ['two on a line', 'a:1\nb:2 c:3\n', 'list, line 2'],
    ['a table', 'REPOSITORY  TAG\nnginx  1.2\n', 'list'],
    ['an error of another program', 'Error: release: not found\n', 'list'],
    ['an entry that is a number', '["a:1", 5, {}]', 'list'],
    ['JSON that ends too early', JSON.stringify({ items: [object('Pod', 'a', 'a:1')] }).slice(0, -1), 'list'],
    ['JSON with a key twice', '{"items":[{"image":"a:1","image":"b:1"}]}', 'list'],
    ['JSON with words behind it', '{"image":"a:1"} and more', 'list'],
    ['JSON with a text behind it', '{"image":"a:1"}"b:1"', 'list'],
    ['items with one missing', '{"items":[{"image":"a:1"},]}', 'list'],
    ['items with two commas', '{"items":[{"image":"a:1"},,{"image":"a:1"}]}', 'list'],
    ['brackets that do not fit', '{"items":[{"image":"a:1"}}]', 'list'],
    ['levels without end', `{"items":[${'['.repeat(100_000)}`, 'list'],
    [
      'a number as a tag, of which a digit is lost',
      '{"image":{"repository":"r.io/a","tag":1.10}}',
      'list: image.tag',
    ],
    ['bytes', Buffer.from([0x61, 0x3a, 0xff]), 'list'],
    ['bytes in JSON', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'list'],
  ])('is refused: %s', async (_name, text, where) => {
    const error = await failure(text)
    expect(error.code).toBe('malformed')
    expect(error.message).toContain(where)
  })

  it('is refused where it is one page of several', async () => {
    const text = JSON.stringify({ items: [object('Pod', 'a', 'a:1')], metadata: { continue: 'abc' } })
    expect((await failure(text)).code).toBe('refused')
  })

  it('is refused where it is larger than any list, before all of it is read', async () => {
    const line = Buffer.from('a:1\n'.repeat(256 * 1024))
    let given = 0
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += line.byteLength
        yield line
      }
    }
    await expect(readList({ name: 'list', read: endless }, notedCall())).rejects.toMatchObject({
      code: 'malformed',
    })
    expect(given).toBeLessThan(20 * 1024 * 1024)
  })

  it('says the same however its bytes are cut', async () => {
    const tricky = object('Pod', 'ü"}],\\', 'r.io/a:1')
    const list = {
      first: ['items', { items: [1] }],
      items: [tricky, { items: [{ image: 'b:1' }] }, null, 5],
      kind: '"items":[',
    }
    const text = JSON.stringify(list)
    const whole = await read(text, text.length * 4)
    expect(whole).toHaveLength(2)
    for (let size = 1; size < 40; size++) expect(await read(text, size)).toEqual(whole)
  })

  it('of any JSON is read as the parser of JSON does, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ maxDepth: 4 }),
        fc.integer({ min: 1, max: 20 }),
        async (value, size) => {
          const text = JSON.stringify({
            before: value,
            items: [value, object('Pod', 'x', 'x:1'), value],
            after: value,
          })
          expect((await read(text, size)).map(([name]) => name)).toContain('docker.io/library/x:1')
        },
      ),
      { numRuns: 100 },
    )
  })
})
