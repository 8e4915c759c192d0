import { describe, expect, it } from 'vitest'
import { openFile } from '../../../src/deployments/edit/open-file.ts'
import { proveEdit } from '../../../src/deployments/edit/prove-edit.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import { placeOf } from '../../support/editing.ts'

interface Planned {
  readonly place: string
  readonly value: string
  readonly kind?: 'set' | 'add'
}

/** Proves an edit of a text; returns why it is not exact, undefined if it is. */
function prove(
  before: string,
  after: string,
  planned: readonly Planned[],
  name = 'file.yaml',
): string | undefined {
  const opened = openFile({ name, bytes: Buffer.from(before) })
  const edits = planned.map(({ place, value, kind = 'set' }) => ({
    splice: { start: 0, end: 0, text: '' },
    edit: { document: 1, place, line: 1, before: null, after: value },
    places: [placeOf(place)],
    kind,
  }))
  try {
    proveEdit(opened, { name, bytes: Buffer.from(after) }, edits)
    return undefined
  } catch (error) {
    const isFailure = isDrayError(error) && error.message === `the edit of ${name} is not exact`
    if (!isFailure || error.code !== 'internal') throw error
    return error.why
  }
}

const tag = [{ place: 'a.tag', value: '1.5.0' }]

describe('an edit is proved', () => {
  it.each([
    ['if the planned value changes', 'a: { tag: 1.4.2, b: 1 }', 'a: { tag: 1.5.0, b: 1 }'],
    ['if spaces and comments change', 'a: { tag: 1.4.2, b: 1.0 }', 'a: {  tag: "1.5.0", b: 1.0 } # c'],
    [
      'beside booleans, dates and bytes',
      'a: { tag: 1, b: true, c: 2026-11-28, d: !!binary eDox }',
      'a: { tag: 1.5.0, b: true, c: 2026-11-28, d: !!binary eDox }',
    ],
  ])('%s', (_, before, after) => {
    expect(prove(before, after, tag)).toBeUndefined()
  })
})

describe('an edit is not exact', () => {
  it.each([
    [
      'if a comment joins the value',
      'a:\n  tag:   # none\n',
      'a:\n  tag: 1.5.0# none\n',
      'a.tag: it is not the written string',
    ],
    ['if the value is a number', 'a: { tag: 1 }', 'a: { tag: 1.5 }', 'a.tag: it is not the written string'],
    [
      'if another value changes',
      'a: { tag: 1, b: 1 }',
      'a: { tag: 1.5.0, b: 2 }',
      'a.b: it changes, and is not planned to',
    ],
    [
      'if a number gets another form',
      'a: { tag: 1, b: 1.10 }',
      'a: { tag: 1.5.0, b: 1.1 }',
      'a.b: it changes, and is not planned to',
    ],
    [
      'if a string becomes a boolean',
      'a: { tag: 1, b: "true" }',
      'a: { tag: 1.5.0, b: True }',
      'a.b: it changes, and is not planned to',
    ],
    [
      'if a string becomes a number',
      'a: { tag: 1, b: "1" }',
      'a: { tag: 1.5.0, b: 1 }',
      'a.b: it changes, and is not planned to',
    ],
    [
      'if a string becomes null',
      'a: { tag: 1, b: "" }',
      'a: { tag: 1.5.0, b: }',
      'a.b: it changes, and is not planned to',
    ],
    ['if a key is removed', 'a: { tag: 1, b: 1 }', 'a: { tag: 1.5.0 }', 'a: its keys change'],
    ['if a key is added', 'a: { tag: 1 }', 'a: { tag: 1.5.0, b: 1 }', 'a: its keys change'],
    ['if keys change their order', 'a: { tag: 1, b: 1 }', 'a: { b: 1, tag: 1.5.0 }', 'a: its keys change'],
    [
      'if a map becomes an array',
      'a: { tag: 1 }',
      'a: [ tag ]',
      'a: it is not a map or array before and after',
    ],
    [
      'if a document is added',
      'a: { tag: 1 }',
      'a: { tag: 1.5.0 }\n---\nb: 1',
      'the number of documents changes',
    ],
    [
      'if an alias reads the value elsewhere',
      'a: { tag: &t v }\nb: *t',
      'a: { tag: &t 1.5.0 }\nb: *t',
      'b: it changes, and is not planned to',
    ],
    ['if the file is broken', 'a: { tag: 1 }', 'a: { tag: 1.5.0', /^the file would be broken: /],
    [
      'if a key occurs twice',
      'a: { tag: 1 }',
      'a: { tag: 1.5.0, tag: 1.5.0 }',
      /^the file would be broken: .*occurs twice/,
    ],
  ])('%s', (_, before, after, why) => {
    expect(prove(before, after, tag)).toMatch(why)
  })

  it('if an added key is missing, or has another value', () => {
    const added = [{ place: 'a.digest', value: 'D', kind: 'add' as const }]
    expect(prove('a: { tag: 1 }', 'a: { tag: 1, digest: D }', added)).toBeUndefined()
    expect(prove('a: { tag: 1 }', 'a: { tag: 1 }', added)).toBe('a: a planned key is missing')
    expect(prove('a: { tag: 1 }', 'a: { tag: 1, digest: E }', added)).toBe(
      'a.digest: it is not the written string',
    )
  })

  it('if an embedded text changes in another value', () => {
    const planned = [{ place: 'v > tag', value: '1.5.0' }]
    expect(prove('v: |\n  tag: 1\n  b: 1\n', 'v: |\n  tag: 1.5.0\n  b: 1\n', planned)).toBeUndefined()
    expect(prove('v: |\n  tag: 1\n  b: 1\n', 'v: |\n  tag: 1.5.0\n  b: 2\n', planned)).toBe(
      'v.b: it changes, and is not planned to',
    )
    expect(prove('v: |\n  tag: 1\n', 'v: [1]\n', planned)).toBe('v: it is no text before or after')
  })

  it('if a JSON file is no JSON', () => {
    const why = prove('{"a":{"tag":"1"}}', '{"a":{"tag":"1.5.0",}}', tag, 'f.json')
    expect(why).toBe('the file would be broken: it is not JSON')
  })

  it('if another variable of Terraform changes', () => {
    const planned = [{ place: 'a', value: '2' }]
    expect(prove('a = "1"\nb = 1\n', 'a = "2"\nb = 1\n', planned, 'f.tfvars')).toBeUndefined()
    expect(prove('a = "1"\nb = 1\n', 'a = "2"\nb = 2\n', planned, 'f.tfvars')).toBe(
      'b: it changes, and is not planned to',
    )
    expect(prove('a = "1"\n', 'a = "2\n', planned, 'f.tfvars')).toBe('the file would be broken')
  })
})
