import { describe, expect, it } from 'vitest'
import { entryAt, type ImagePaths } from '../../../../src/deployments/references/entry-at.ts'
import type { ImageEntry } from '../../../../src/deployments/references/image-entry.ts'
import { formatValuePath, parseValuePath } from '../../../../src/deployments/references/value-path.ts'
import type { DrayError } from '../../../../src/lib/errors.ts'
import { changesIn, newDigest, oldDigest, parsedFile } from '../../../support/image-entries.ts'

const values = `
web:
  version: "1.4.2"
  sha: ""
  a.b: { tag: x }
list: [{ name: api, tag: "1" }, { name: web, tag: "2" }]
data:
  values.yaml: |
    image: { tag: "3" }
`

function at(paths: ImagePaths, text = values): ImageEntry {
  return entryAt(parsedFile(text, 'apps/web.yaml'), paths)
}

function errorAt(paths: ImagePaths, text = values): DrayError {
  try {
    at(paths, text)
  } catch (error) {
    return error as DrayError
  }
  throw new Error('the path is right')
}

describe('an entry by paths', () => {
  it('has the values at the paths, and no name', () => {
    const entry = at({ tag: 'web.version', digest: 'web.sha' })
    expect(entry).toMatchObject({ names: [], tag: '1.4.2', by: 'apps/web.yaml: web.version' })
    expect(changesIn(entry)).toEqual({
      'web.version': '1.5.0',
      'web.sha': newDigest.slice('sha256:'.length),
    })
  })

  it('of a tag alone gets the digest behind the tag, or not with write: tag', () => {
    const entry = at({ tag: 'web.version' })
    expect(changesIn(entry)).toEqual({ 'web.version': `1.5.0@${newDigest}` })
    expect(changesIn(entry, 'tag')).toEqual({ 'web.version': '1.5.0' })
  })

  it.each([
    [String.raw`web.a\.b.tag`, 'web.a.b.tag'],
    ['web["a.b"].tag', 'web.a.b.tag'],
    ['list[0].tag', 'list.0.tag'],
    ['list.1.tag', 'list.1.tag'],
    ['list[name=web].tag', 'list.1.tag'],
    ['data["values.yaml"].image.tag', 'data.values.yaml > image.tag'],
    [String.raw`data.values\.yaml.image.tag`, 'data.values.yaml > image.tag'],
  ])('has a path such as %s', (path, place) => {
    expect(Object.keys(changesIn(at({ tag: path }), 'tag'))).toEqual([place])
  })

  it('is in the only document that has the path', () => {
    const text = 'kind: A\n---\nweb: { version: "1" }\n---\nweb: { other: x }'
    const entry = at({ tag: 'web.version' }, text)
    expect(entry.place).toEqual({ document: 1, path: ['web', 'version'] })
    expect(entry.by).toBe('apps/web.yaml, document 2: web.version')
  })

  it('may be a whole image in one text', () => {
    const entry = at({ tag: 'a.container' }, 'a: { container: r.test/a:1 }')
    expect(entry).toMatchObject({ form: 'image', names: ['r.test/a'], tag: '1' })
    expect(changesIn(entry)).toEqual({ 'a.container': `r.test/a:1.5.0@${newDigest}` })
  })

  it('may be in JSON', () => {
    const text = `{"web":{"digest":"${oldDigest}"}}`
    expect(changesIn(at({ digest: 'web.digest' }, text))).toEqual({ 'web.digest': newDigest })
  })
})

describe('a path without a value is an error that names the file and', () => {
  it.each([
    ['web.verison', 'web: it has no such key; its keys are version, sha, a.b', 'Did you mean "version"?'],
    ['wep.version', 'the document: it has no such key', 'Did you mean "web"?'],
    ['web.version.x', 'web.version: ', 'Correct the path'],
    ['list[2].tag', 'list: it is a list of 2 items', 'Correct the path'],
    ['list[name=x].tag', 'list: none of its items have name: x', 'Correct the path'],
    ['list.tag', 'list: it is a list of 2 items', 'Correct the path'],
    ['web[0]', 'web: it is a map, not a list', 'Correct the path'],
    ['data["values.yaml"].image.tga', 'its keys are tag', 'Did you mean "tag"?'],
    ['web.a\\.b', 'it is a map', 'Add a key to the path: tag'],
    ['list', 'it is a list', 'Add an index'],
  ])('the reason: %s', (path, why, hint) => {
    const error = errorAt({ tag: path })
    expect(error.code).toBe('config')
    expect(error.message).toContain('apps/web.yaml has no')
    expect(error.why).toContain(why)
    expect(error.hint).toContain(hint)
  })

  it('the documents if several have it', () => {
    const error = errorAt({ tag: 'a' }, 'a: "1"\n---\nb: "1"\n---\na: "2"')
    expect(error.message).toBe('apps/web.yaml has several values at a')
    expect(error.details).toEqual(['document 1: a', 'document 3: a'])
  })

  it.each([
    ['a: "x y"', 'it is neither empty nor a tag or digest'],
    ['a: "{{ .tag }}"', 'it contains a template or variable'],
    ['a: "${TAG}"', 'it contains a template or variable'],
    ['a: "r.test/X:1"', 'it is neither a tag nor an image'],
  ])('the kind of another value, without the value: %s', (text, why) => {
    const error = errorAt({ tag: 'a' }, text)
    expect(error.why).toBe(why)
    expect(error.message).toBe('the value at a in apps/web.yaml is not a tag or digest')
  })

  it('the path of the digest if the tag is one', () => {
    const error = errorAt({ tag: 'a', digest: 'b' }, 'a: "1"\nb: "hunter 2"')
    expect(error.message).toBe('the value at b in apps/web.yaml is not a tag or digest')
    expect(JSON.stringify(error)).not.toContain('hunter')
  })
})

describe('a path', () => {
  it.each(['a', 'a.b', String.raw`a\.b`, 'a[0].b', 'a[name=x y]', String.raw`a[k\=x=v\]]`, String.raw`a\\b`])(
    '%s is the same after it is parsed and formatted',
    (path) => {
      expect(formatValuePath(parseValuePath(path))).toBe(path)
    },
  )

  it.each(['', '.', '.a', 'a.', 'a..b', 'a[', 'a[]', 'a]', 'a[b]', '\\'])('%j is an error', (path) => {
    expect(() => parseValuePath(path)).toThrow('is not a path to a value')
  })
})
