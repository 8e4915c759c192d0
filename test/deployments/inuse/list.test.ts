import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { readList } from '../../../src/deployments/inuse/list.ts'
import { resolveImages } from '../../../src/deployments/inuse/used-images.ts'
import { formatReference } from '../../../src/oci/reference.ts'
import { notedCall } from '../../support/http-world.ts'
import { oneDigest } from '../../support/in-use.ts'

async function* chunks(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.byteLength; at += 1000) yield bytes.subarray(at, at + 1000)
}

async function listed(text: string | Uint8Array): Promise<Record<string, string>> {
  const findings = await readList('running.txt', () => chunks(text), notedCall())
  return Object.fromEntries(
    resolveImages(findings).map(({ reference, by }) => [formatReference(reference), by]),
  )
}

async function failure(text: string | Uint8Array): Promise<DrayError> {
  const error: unknown = await listed(text).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

describe('a list of images', () => {
  it('has a reference in each line, with comments and blank lines', async () => {
    const text = `# what runs\n\nr.test/a:1\r\n  r.test:5000/b@${oneDigest}  # prod\n\tnginx\r\n`
    expect(await listed(text)).toEqual({
      'r.test/a:1': 'running.txt: line 3',
      [`r.test:5000/b@${oneDigest}`]: 'running.txt: line 4',
      'docker.io/library/nginx:latest': 'running.txt: line 5',
    })
  })

  it('may be JSON: an array of references', async () => {
    expect(await listed('["r.test/a:1", "nginx"]')).toEqual({
      'r.test/a:1': 'running.txt[0]',
      'docker.io/library/nginx:latest': 'running.txt[1]',
    })
  })

  it('may be the output of kubectl, or an array of its items', async () => {
    const pod = { kind: 'Pod', spec: { containers: [{ image: 'r.test/a:1' }] } }
    expect(await listed(JSON.stringify({ kind: 'List', items: [pod] }, undefined, 4))).toEqual({
      'r.test/a:1': 'running.txt: items[0].spec.containers[0].image',
    })
    expect(await listed(JSON.stringify([pod]))).toEqual({
      'r.test/a:1': 'running.txt: [0].spec.containers[0].image',
    })
  })

  it('may be the output of helm template', async () => {
    const text =
      '---\n# Source: a/templates/a.yaml\nkind: Pod\nspec:\n  containers:\n    - image: r.test/a:1\n---\n# Source: b\n'
    expect(await listed(text)).toEqual({ 'r.test/a:1': 'running.txt: spec.containers[0].image' })
  })

  it('may be YAML: a sequence of references', async () => {
    expect(Object.keys(await listed('# all\n- r.test/a:1\n- r.test/b:2\n'))).toEqual([
      'r.test/a:1',
      'r.test/b:2',
    ])
  })

  it.each([
    ['nothing', ''],
    ['blank lines', '\n  \n'],
    ['references and an error of another program', 'r.test/a:1\nError from server (Forbidden): no'],
    ['an error of another program and references', 'Error from server (Forbidden): no\nr.test/a:1'],
    ['documents of which one is a list in lines', '---\nimage: r.test/a:1\n---\nr.test/b:1\nr.test/c:1'],
    ['several words in a line', 'r.test/a:1\nr.test/b:1 r.test/c:1'],
    ['a line that is no reference', 'r.test/a:1\nNo resources found'],
    ['a header', 'IMAGE\nr.test/a:1'],
    ['an array with a hole', '["r.test/a:1", null]'],
    ['an array with an empty text', '["r.test/a:1", ""]'],
    ['half an array', '["r.test/a:1", "r.te'],
    ['a template', '{{ .Values.image }}'],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x61, 0)],
  ])('of %s is an error', async (_, text) => {
    expect((await failure(text)).code).toBe('malformed')
  })

  it('that is one page of several is an error', async () => {
    const page = { items: [{ image: 'r.test/a:1' }], metadata: { continue: 'next' } }
    expect(await failure(JSON.stringify(page))).toMatchObject({
      code: 'refused',
      message: 'running.txt is an incomplete list',
    })
  })

  it('is an error with the line of an invalid reference', async () => {
    expect((await failure('# a\nr.test/a:1\n<none>\n')).why).toBe(
      'running.txt: line 3: "<none>" is not an image reference',
    )
  })

  it('of very many blank lines is read in linear time', async () => {
    expect((await failure('\n'.repeat(2_000_000))).message).toBe('running.txt is empty')
    expect(Object.keys(await listed(`${'\n'.repeat(2_000_000)}nginx`))).toHaveLength(1)
  })
})
