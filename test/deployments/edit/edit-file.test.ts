import { describe, expect, it } from 'vitest'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import { add, edited, editError, newDigest, set } from '../../support/editing.ts'

const image = `registry.example.com/team/api:1.5.0@${newDigest}`

describe('an edit changes the value and no other byte', () => {
  it.each([
    ['with CRLF', 'a: 1\r\nimage: x:1\r\nb: 2\r\n', `a: 1\r\nimage: ${image}\r\nb: 2\r\n`],
    ['after a byte order mark', '\u{feff}image: x:1\n', `\u{feff}image: ${image}\n`],
    ['before a tab and a comment', 'image: x:1\t# current\n', `image: ${image}\t# current\n`],
    ['without a final newline', 'image: x:1', `image: ${image}`],
    ['with mixed line endings', 'a: 1\r\nimage: x:1\nb: 2\r\n', `a: 1\r\nimage: ${image}\nb: 2\r\n`],
    ['with spaces after it', 'image: x:1   \nb: 2\n', `image: ${image}   \nb: 2\n`],
    ['with spaces around the colon', 'image  :   x:1\n', `image  :   ${image}\n`],
    ['on the next line', 'image:\n    x:1\nb: 2\n', `image:\n    ${image}\nb: 2\n`],
    ['after %YAML', '%YAML 1.2\n---\nimage: x:1\n...\n', `%YAML 1.2\n---\nimage: ${image}\n...\n`],
    ['in double quotes', 'image: "x:1" # c\n', `image: "${image}" # c\n`],
    ['in single quotes', "image: 'x:1' # c\n", `image: '${image}' # c\n`],
    ['with a tag', 'image: !!str x:1 # c\n', `image: !!str ${image} # c\n`],
    ['with a tag of another program', 'image: !image x:1\n', `image: !image ${image}\n`],
    ['with an anchor', 'image: &main x:1 # c\n', `image: &main ${image} # c\n`],
    ['after an explicit key', '? image\n: x:1\nb: 2\n', `? image\n: ${image}\nb: 2\n`],
    ['after a key in quotes', '"image": x:1\n', `"image": ${image}\n`],
    ['with other languages around it', 'ä: 漢字 😀\nimage: x:1 # ü\n', `ä: 漢字 😀\nimage: ${image} # ü\n`],
    ['in a flow map', '{ a: 1, image: x:1, b: [2] }\n', `{ a: 1, image: ${image}, b: [2] }\n`],
    ['in JSON in a YAML file', '{"image":"x:1","b":2}', `{"image":"${image}","b":2}`],
    ['that has an escape', 'image: "x\\u003a1"\n', `image: "${image}"\n`],
  ])('%s', (_, before, after) => {
    expect(edited(before, [set('image', image)])).toBe(after)
  })

  it('in the third document only', () => {
    const text = '# first\nimage: x:1\n---\nimage: x:1\n---\n\nimage: x:1 # third\n---\nimage: x:1\n'
    const expected = `# first\nimage: x:1\n---\nimage: x:1\n---\n\nimage: ${image} # third\n---\nimage: x:1\n`
    expect(edited(text, [set('3: image', image)])).toBe(expected)
  })

  it('of a JSON file without spaces', () => {
    const text = '{"spec":{"containers":[{"image":"x:1","n":1.50}]}}'
    const expected = `{"spec":{"containers":[{"image":"${image}","n":1.50}]}}`
    expect(edited(text, [set('spec.containers[0].image', image)], { name: 'pod.json' })).toBe(expected)
  })

  it('of a JSON file with tabs and CRLF', () => {
    const text = '{\r\n\t"image": {\r\n\t\t"tag": 1.10\r\n\t}\r\n}\r\n'
    const expected = '{\r\n\t"image": {\r\n\t\t"tag": "1.5.0"\r\n\t}\r\n}\r\n'
    expect(edited(text, [set('image.tag', '1.5.0')], { name: 'values.json' })).toBe(expected)
  })

  it('of JSON variables of Terraform', () => {
    const text = '{\n  "api_digest": "sha256:1",\n  "n": 2\n}\n'
    const expected = `{\n  "api_digest": "${newDigest}",\n  "n": 2\n}\n`
    expect(edited(text, [set('api_digest', newDigest)], { name: 'prod.tfvars.json' })).toBe(expected)
  })

  it('of several values, reported in the order of the file', () => {
    const text = 'b:\n  tag: 1\na:\n  tag: "2"\n'
    const changes = [set('a.tag', '4'), set('b.tag', '3.0.0')]
    const { bytes, edits } = editFile({ name: 'f.yaml', bytes: Buffer.from(text) }, changes)
    expect(Buffer.from(bytes).toString()).toBe('b:\n  tag: 3.0.0\na:\n  tag: "4"\n')
    expect(edits).toEqual([
      { document: 1, place: 'b.tag', line: 2, before: '1', after: '3.0.0' },
      { document: 1, place: 'a.tag', line: 4, before: '2', after: '4' },
    ])
  })
})

describe('a value that is already there', () => {
  it.each([
    ['in plain text', 'tag: 1.5.0\n'],
    ['in quotes', "tag: '1.5.0'\n"],
    ['with a string tag', 'tag: !!str 1.5.0\n'],
  ])('gives no edit, and the same bytes: %s', (_, text) => {
    const bytes = Buffer.from(text)
    const result = editFile({ name: 'f.yaml', bytes }, [set('tag', '1.5.0')])
    expect(result.edits).toEqual([])
    expect(result.bytes).toBe(bytes)
  })

  it('gives no edit if its key is to be added', () => {
    const bytes = Buffer.from(`tag: 1\ndigest: ${newDigest}\n`)
    expect(editFile({ name: 'f.yaml', bytes }, [add('tag', 'digest', newDigest)]).edits).toEqual([])
  })

  it('is written in quotes if it is a number without them', () => {
    expect(edited('tag: 1.10 # c\n', [set('tag', '1.10')])).toBe('tag: "1.10" # c\n')
    expect(edited('tag: 12e4567\n', [set('tag', '12e4567')])).toBe('tag: "12e4567"\n')
  })
})

describe('an empty value', () => {
  it.each([
    ['tag:   # none\n', 'tag: 1.5.0   # none\n'],
    ['tag:\t# none\n', 'tag: 1.5.0\t# none\n'],
    ['tag:\n', 'tag: 1.5.0\n'],
    ['tag:', 'tag: 1.5.0'],
    ['tag: ', 'tag: 1.5.0 '],
    ['tag:\r\nb: 1\r\n', 'tag: 1.5.0\r\nb: 1\r\n'],
    ['tag:\n# about b\nb: 1\n', 'tag: 1.5.0\n# about b\nb: 1\n'],
    ['tag: ~\n', 'tag: 1.5.0\n'],
    ['tag: null # c\n', 'tag: 1.5.0 # c\n'],
    ['tag: ""\n', 'tag: "1.5.0"\n'],
    ["tag: ''", "tag: '1.5.0'"],
    ['tag: &t   # c\n', 'tag: &t 1.5.0   # c\n'],
    ['tag: !!str # c\n', 'tag: !!str 1.5.0 # c\n'],
    ['{ tag: , b: 1 }', '{ tag: 1.5.0 , b: 1 }'],
    ['{tag:, b: 1}', '{tag: 1.5.0, b: 1}'],
    ['{"tag":null}', '{"tag":"1.5.0"}'],
    ['? tag\n:\n', '? tag\n: 1.5.0\n'],
  ])('%j is filled in place', (before, after) => {
    expect(edited(before, [set('tag', '1.5.0')])).toBe(after)
  })

  it('in an array is filled after its dash', () => {
    expect(edited('a:\n  - b\n  -   # c\n  - d\n', [set('a[1]', 'x')])).toBe(
      'a:\n  - b\n  - x   # c\n  - d\n',
    )
  })

  it('at the end of the file is filled', () => {
    expect(edited('tag: 1.5.0\ndigest:', [set('digest', newDigest)])).toBe(`tag: 1.5.0\ndigest: ${newDigest}`)
  })

  it('is reported as an empty text', () => {
    const { edits } = editFile({ name: 'f.yaml', bytes: Buffer.from('a:\n  tag:\n') }, [set('a.tag', '2')])
    expect(edits).toEqual([{ document: 1, place: 'a.tag', line: 2, before: '', after: '2' }])
  })
})

describe('an anchor', () => {
  const shared = 'one:\n  image: &main x:1\ntwo:\n  image: *main\n'

  it('stays at a value that nothing else reads', () => {
    expect(edited('a: &a { image: &i x:1 }\n', [set('a.image', 'x:2')])).toBe('a: &a { image: &i x:2 }\n')
  })

  it('that two images share is refused, with the place of the other', () => {
    const error = editError(shared, [set('two.image', 'x:2')])
    expect(error.code).toBe('refused')
    expect(error.message).toBe('cannot edit file.yaml:2:16')
    expect(error.why).toBe('an anchor shares two.image with one.image')
    expect(error.hint).toBe('Write the value at each position instead of the alias.')
  })

  it('is edited once if both places change to the same value', () => {
    const after = 'one:\n  image: &main x:2\ntwo:\n  image: *main\n'
    const changes = [set('one.image', 'x:2'), set('two.image', 'x:2')]
    expect(edited(shared, changes)).toBe(after)
    expect(editFile({ name: 'f.yaml', bytes: Buffer.from(shared) }, changes).edits).toHaveLength(1)
  })

  it('is refused if the places change to two values', () => {
    const error = editError(shared, [set('one.image', 'x:2'), set('two.image', 'x:3')])
    expect(error.why).toBe('two.image would have two values: "x:2" and "x:3"')
  })

  it('is edited if the caller accepts all other places', () => {
    const asked: string[] = []
    const mayShare = ({ path }: { readonly path: readonly unknown[] }): boolean => {
      asked.push(path.join('.'))
      return true
    }
    expect(edited(shared, [set('two.image', 'x:2')], { mayShare })).toContain('&main x:2\n')
    expect(asked).toEqual(['one.image'])
  })

  it('may lie in an extension of Compose, which Compose does not read', () => {
    const text = 'x-api: &api\n  image: x:1\nservices:\n  api: *api\n'
    expect(edited(text, [set('services.api.image', 'x:2')])).toBe(text.replace('x:1', 'x:2'))
    expect(editError(text.replace('services', 'other'), [set('other.api.image', 'x:2')]).why).toBe(
      'an anchor shares other.api.image with x-api.image',
    )
  })

  it('in an array of many aliases names every place, up to a limit', () => {
    const text = `a: &a x:1\nb: [${Array(50).fill('*a').join(', ')}]\n`
    expect(editError(text, [set('a', 'x:2')]).why).toMatch(/^an anchor shares a with b\[0\], .* and 30 more$/)
  })

  it('of a key is not edited by its alias', () => {
    expect(editError('&k image: x:1\nb: *k\n', [set('b', 'x:2')]).why).toBe('an alias repeats a key of a map')
  })

  it('that is defined twice is edited at the last definition before the alias', () => {
    const text = 'a: &x v1\nb: &x v2\nc: *x\nd: &x v3\n'
    expect(edited(text, [set('b', 'w'), set('c', 'w')])).toBe('a: &x v1\nb: &x w\nc: *x\nd: &x v3\n')
  })
})

describe('a merged map', () => {
  const text = 'base: &base\n  image: x:1 # base\n  tag: a\nweb:\n  <<: *base\n  port: 1\n'

  it('is edited at its anchor if all places change', () => {
    const changes = [set('base.image', 'x:2'), set('web.image', 'x:2')]
    expect(edited(text, changes)).toBe(text.replace('x:1', 'x:2'))
  })

  it('is refused if only one place changes', () => {
    const error = editError(text, [set('web.image', 'x:2')])
    expect(error).toMatchObject({ code: 'refused', message: 'cannot edit file.yaml:2:10' })
    expect(error.why).toBe('an anchor shares web.image with base.image')
  })

  it('does not concern a key that a map overrides', () => {
    const own = `${text}own:\n  <<: *base\n  image: y:1\n`
    expect(edited(own, [set('own.image', 'y:2')])).toBe(own.replace('y:1', 'y:2'))
  })

  it('of several maps reads the first that has the key', () => {
    const many = 'a: &a { image: x:1 }\nb: &b { image: x:2, tag: t }\nc:\n  <<: [*a, *b]\n'
    const changes = [set('a.image', 'x:9'), set('c.image', 'x:9')]
    expect(edited(many, changes)).toBe(many.replace('x:1', 'x:9'))
    expect(edited(many, [set('b.image', 'x:9')])).toBe(many.replace('x:2', 'x:9'))
  })

  it('gets a new key only if all places get it', () => {
    const changes = [add('base.tag', 'digest', newDigest), add('web.tag', 'digest', newDigest)]
    const after = text.replace('  tag: a\n', `  tag: a\n  digest: ${newDigest}\n`)
    expect(edited(text, changes)).toBe(after)
    expect(editError(text, changes.slice(0, 1)).why).toBe('an anchor shares base.digest with web.digest')
  })

  it('refuses a new key that a place with another tag would get too', () => {
    const other = `${text}other:\n  <<: *base\n  tag: b\n`
    const changes = [add('base.tag', 'digest', newDigest), add('web.tag', 'digest', newDigest)]
    expect(editError(other, changes).why).toBe('an anchor shares base.digest with other.digest')
  })
})
