import { describe, expect, it } from 'vitest'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import { add, edited, editError, newDigest, set } from '../../support/editing.ts'

describe('a new key', () => {
  it.each([
    ['follows its sibling', 'tag: a\nb: 1\n', 'tag: a\ndigest: D\nb: 1\n'],
    ['follows the comment of its sibling', 'tag: a # c\nb: 1\n', 'tag: a # c\ndigest: D\nb: 1\n'],
    ['has the line ending of its sibling', 'a: 1\ntag: a\r\nb: 1\n', 'a: 1\ntag: a\r\ndigest: D\r\nb: 1\n'],
    ['ends a file without a final newline', 'a: 1\r\ntag: a', 'a: 1\r\ntag: a\r\ndigest: D'],
    ['ends a file of one line', 'tag: a', 'tag: a\ndigest: D'],
    ['ends a file with spaces', 'tag: a  ', 'tag: a  \ndigest: D'],
    ['follows a byte order mark', '\u{feff}tag: a\n', '\u{feff}tag: a\ndigest: D\n'],
    ['follows a missing value', 'tag:   # c\nb: 1\n', 'tag:   # c\ndigest: D\nb: 1\n'],
    ['follows a value on the next line', 'tag:\n    a # c\nb: 1\n', 'tag:\n    a # c\ndigest: D\nb: 1\n'],
    ['follows an anchor', 'tag: &t a\nb: *t\n', 'tag: &t a\ndigest: D\nb: *t\n'],
    ['follows an alias', 'b: &t a\ntag: *t # c\n', 'b: &t a\ntag: *t # c\ndigest: D\n'],
    ['follows a YAML tag', 'tag: !!str 1\n', 'tag: !!str 1\ndigest: D\n'],
    ['follows an explicit key', '? tag\n: a\nb: 1\n', '? tag\n: a\ndigest: D\nb: 1\n'],
    ['follows a key with an anchor', '&k tag: a\nb: *k\n', '&k tag: a\ndigest: D\nb: *k\n'],
    ['has the quotes of its sibling', '"tag": "a"\n', '"tag": "a"\n"digest": "D"\n'],
    ['has single quotes', "'tag': 'a'\n", "'tag': 'a'\n'digest': 'D'\n"],
    ['follows a value in brackets', 'tag: [a,\n  b] # c\n', 'tag: [a,\n  b] # c\ndigest: D\n'],
    ['follows quotes of several lines', 'tag: "a\n  b"\nc: 1\n', 'tag: "a\n  b"\ndigest: "D"\nc: 1\n'],
    ['comes before the end of a document', 'tag: a\n...\n---\nb: 1\n', 'tag: a\ndigest: D\n...\n---\nb: 1\n'],
    ['goes into a flow map', '{ tag: a, b: 1 }\n', '{ tag: a, digest: D, b: 1 }\n'],
    ['ends a flow map', '{b: 1, tag: a}\n', '{b: 1, tag: a, digest: D}\n'],
    ['ends a flow map with spaces', '{ tag: a }\n', '{ tag: a, digest: D }\n'],
    ['keeps a flow map without spaces', '{"b":1,"tag":"a"}\n', '{"b":1,"tag":"a","digest":"D"}\n'],
    ['ends a flow map with a comma', '{ tag: a, }\n', '{ tag: a, digest: D, }\n'],
    ['has a line in a flow map', '{\n  tag: a,\n  b: 1\n}\n', '{\n  tag: a,\n  digest: D,\n  b: 1\n}\n'],
    [
      'ends lines of a flow map',
      '{\r\n  b: 1,\r\n  tag: a\r\n}',
      '{\r\n  b: 1,\r\n  tag: a,\r\n  digest: D\r\n}',
    ],
    ['leaves a comment at its line', '{\n  tag: a, # c\n  b: 1\n}', '{\n  tag: a, digest: D, # c\n  b: 1\n}'],
    ['comes before the last comment', '{\n  tag: a # c\n}\n', '{\n  tag: a, digest: D # c\n}\n'],
    ['follows a comment in brackets', '{ # c\n  tag: a\n}\n', '{ # c\n  tag: a,\n  digest: D\n}\n'],
    ['follows a leading comma', '{ b: 1\n, tag: a\n}\n', '{ b: 1\n, tag: a, digest: D\n}\n'],
    ['follows a missing value in brackets', '{tag:, b: 1}\n', '{tag:, digest: D, b: 1}\n'],
  ])('%s', (_, before, after) => {
    expect(edited(before, [add('tag', 'digest', 'D')])).toBe(after)
  })

  it.each([
    ['of an array', 'a:\n  - name: x\n    b: 1\n', 'a:\n  - name: x\n    digest: D\n    b: 1\n'],
    ['of an array that is not indented', 'a:\n- name: x\n- b\n', 'a:\n- name: x\n  digest: D\n- b\n'],
    ['of an array with wide dashes', 'a:\n-   name: x\n-   b\n', 'a:\n-   name: x\n    digest: D\n-   b\n'],
    ['of an item on a line of its own', 'a:\n  -\n    name: x\n', 'a:\n  -\n    name: x\n    digest: D\n'],
    ['of an item with an anchor', 'a:\n  - &x\n    name: x\n', 'a:\n  - &x\n    name: x\n    digest: D\n'],
    ['of an item in brackets', 'a: [{ name: x }]\n', 'a: [{ name: x, digest: D }]\n'],
  ])('is in the map %s', (_, before, after) => {
    expect(edited(before, [add('a[0].name', 'digest', 'D')])).toBe(after)
  })

  it('is in an array of arrays', () => {
    expect(edited('- - name: x\n  - b\n', [add('[0][0].name', 'digest', 'D')])).toBe(
      '- - name: x\n    digest: D\n  - b\n',
    )
  })

  it('is on a line of its own in indented JSON', () => {
    const text = '{\n  "image": {\n    "tag": "a"\n  }\n}\n'
    const after = '{\n  "image": {\n    "tag": "a",\n    "digest": "D"\n  }\n}\n'
    expect(edited(text, [add('image.tag', 'digest', 'D')], { name: 'values.json' })).toBe(after)
  })

  it('has double quotes in JSON, beside a number', () => {
    const text = '{"tag":1.10,"b":2}'
    expect(edited(text, [add('tag', 'digest', 'D')], { name: 'v.json' })).toBe(
      '{"tag":1.10,"digest":"D","b":2}',
    )
  })

  it('has quotes if YAML would read a number', () => {
    expect(edited('repository: a\n', [add('repository', 'tag', '1.10')])).toBe('repository: a\ntag: "1.10"\n')
  })

  it('has quotes in a flow map if it has a colon, for older parsers', () => {
    expect(edited('{ tag: a }', [add('tag', 'digest', newDigest)])).toBe(`{ tag: a, digest: "${newDigest}" }`)
  })

  it('is added together with a change of its sibling, and with another key', () => {
    const changes = [set('tag', 'b'), add('tag', 'digest', 'D'), add('tag', 'c', 'E')]
    expect(edited('tag: a # c\nz: 1\n', changes)).toBe('tag: b # c\ndigest: D\nc: E\nz: 1\n')
    expect(edited('{ tag: a, z: 1 }', changes)).toBe('{ tag: b, digest: D, c: E, z: 1 }')
    expect(edited('{tag:, z: 1 }', changes)).toBe('{tag: b, digest: D, c: E, z: 1 }')
  })

  it('is reported with the line of its sibling, and without a value before', () => {
    const { edits } = editFile({ name: 'f', bytes: Buffer.from('a:\n  tag: b\n') }, [
      add('a.tag', 'digest', 'D'),
    ])
    expect(edits).toEqual([{ document: 1, place: 'a.digest', line: 2, before: null, after: 'D' }])
  })
})

describe('a new key is refused', () => {
  it.each([
    ['after a map', 'tag:\n  a: 1\n', 'the value beside digest is a block of several lines'],
    ['after an array', 'tag:\n- a\n', 'the value beside digest is a block of several lines'],
    ['after a literal block', 'tag: |\n  a\n', 'the value beside digest is a block of several lines'],
    ['after a key without colon', '{ tag, b: 1 }', 'the key beside digest has no colon'],
    ['after an explicit key without value', '? tag\nb: 1\n', 'the key beside digest has no colon'],
    ['if the file has it with another value', 'tag: a\ndigest: E\n', 'the file already has the key digest'],
    ['if its sibling is missing', 'b: 1\n', 'document 1 has no value at tag'],
  ])('%s', (_, text, why) => {
    expect(editError(text, [add('tag', 'digest', 'D')])).toMatchObject({ code: 'refused', why })
  })
})
