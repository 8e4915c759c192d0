import { describe, expect, it } from 'vitest'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import { openFile } from '../../../src/deployments/edit/open-file.ts'
import { add, edited, editError, newDigest, placeOf, set } from '../../support/editing.ts'

const name = 'prod.tfvars'
const change = [set('api_digest', newDigest)]

describe('a .tfvars file', () => {
  it.each([
    ['with comments', '# api\napi_digest = "sha256:1" # current\n// b\n'],
    ['with aligned values', 'region     = "eu"\napi_digest = "sha256:1"\n'],
    ['with CRLF and without a final newline', 'a = 1\r\napi_digest = "sha256:1"'],
    ['after a byte order mark', '\u{feff}api_digest="sha256:1"\n'],
    ['after a comment of several lines', '/* api_digest = "sha256:0"\n*/ api_digest = "sha256:1" /* c */\n'],
    [
      'after arrays and maps',
      'a = [\n  "x", # api_digest = "1"\n]\nm = {\n  api_digest = "z"\n}\napi_digest = "sha256:1"\n',
    ],
    ['after other values', 'n = -1.5e3\nb = true\nx = null\ns = "a \\" b"\napi_digest = "sha256:1"\n'],
    ['with a dollar sign that is text', 'p = "$${x} %%{y} $ {"\napi_digest = "sha256:1"\n'],
  ])('%s changes by its string only', (_, text) => {
    expect(edited(text, change, { name })).toBe(text.replace('sha256:1', newDigest))
  })

  it('gives the edit with its line, and no edit if the value is there', () => {
    const bytes = Buffer.from('a = 1\napi_digest = "sha256:1"\n')
    const { edits, bytes: after } = editFile({ name, bytes }, change)
    expect(edits).toEqual([
      { document: 1, place: 'api_digest', line: 2, before: 'sha256:1', after: newDigest },
    ])
    expect(editFile({ name, bytes: after }, change)).toEqual({ bytes: after, edits: [] })
  })

  it('has its strings as values', () => {
    const file = openFile({ name, bytes: Buffer.from('a = "x\\u00e9\\n"\nb = 2\nc = "d"\n') })
    expect(file.documents).toEqual([{ index: 0, value: { a: 'x\u{e9}\n', c: 'd' } }])
    expect(file.find(placeOf('c'))).toMatchObject({ kind: 'text', text: 'd', line: 3, column: 5 })
    expect(file.find(placeOf('b'))).toMatchObject({ kind: 'other' })
    expect(file.find(placeOf('d'))).toBeUndefined()
    expect(file.find(placeOf('c.d'))).toBeUndefined()
  })

  it.each([
    ['with a heredoc', 'a = <<EOF\napi_digest = "x"\nEOF\napi_digest = "y"\n', 1, 5],
    ['with an indented heredoc', 'api_digest = "y"\na = <<-EOF\n  x\n  EOF\n', 2, 5],
    ['with an interpolation', 'api_digest = "y"\na = "b-${var.c}"\n', 2, 8],
    ['with a directive', 'api_digest = "y"\na = "%{ if true }x%{ endif }"\n', 2, 6],
    ['with an interpolation after a percent sign', 'api_digest = "y"\na = "%${x}"\n', 2, 7],
    ['with a block', 'api_digest = "y"\nmodule "a" {\n}\n', 2, 1],
    ['with a name that occurs twice', 'api_digest = "y"\napi_digest = "z"\n', 2, 1],
    ['with a string on two lines', 'a = "x\ny"\n', 1, 5],
    ['with an unknown escape', 'a = "\\q"\n', 1, 5],
    ['with an open bracket', 'a = [\n', 1, 5],
    ['with a bracket too many', 'a = 1\nb = ]\n', 2, 5],
    ['with a comment that does not end', 'api_digest = "y"\n/* a\n', 2, 1],
    ['without a value', 'a =\nb = 1\n', 1, 4],
    ['with a key in quotes', '"a" = "b"\n', 1, 1],
    ['with a comparison', 'a == "b"\n', 1, 1],
  ])('%s is refused', (_, text, line, column) => {
    const error = editError(text, change, { name })
    expect(error).toMatchObject({ code: 'refused', message: `cannot edit prod.tfvars:${line}:${column}` })
    expect(error.hint).toBeTruthy()
  })

  it.each([
    ['an array', 'api_digest = ["x"]\n'],
    ['a call', 'api_digest = lower("X")\n'],
    ['a number', 'api_digest = 5\n'],
    ['a string with more after it', 'api_digest = "x" == "y"\n'],
  ])('is refused if the value is %s', (_, text) => {
    expect(editError(text, change, { name }).why).toBe('the value of api_digest is not one string')
  })

  it.each(['a"b', 'a\\b', 'a${b}', '%{b}', 'a\nb', '\u{e9}'])('is refused for the new value %j', (value) => {
    expect(editError('a = "b"\n', [set('a', value)], { name }).code).toBe('refused')
  })

  it('gets no new names', () => {
    expect(editError('a = "b"\n', [add('a', 'c', 'd')], { name }).code).toBe('refused')
    expect(editError('a = "b"\n', [set('c', 'd')], { name }).why).toBe('document 1 has no value at c')
  })
})

it('a long string that is not closed is refused without a search of all its parts', () => {
  const text = `a = "${'x'.repeat(100_000)}\n`
  expect(() => openFile({ name, bytes: Buffer.from(text) })).toThrow('cannot edit prod.tfvars')
})
