import { describe, expect, it } from 'vitest'
import { documentsOf } from '../../../src/deployments/references/documents.ts'
import { images, errorIn } from '../../support/in-use.ts'

describe('a file', () => {
  it.each([
    ['a key that stands twice', 'image: r.test/a:1\nimage: r.test/a:2'],
    ['a key that stands twice in JSON', '{"image": "r.test/a:1", "image": "r.test/a:2"}'],
    ['broken YAML', 'a: [1, 2'],
    ['broken JSON', '{"a": '],
    ['a zero byte', 'image: r.test/a:1\0'],
    ['a tab for indentation', 'a:\n\tb: 1'],
    ['a key that stands twice in a flow', 'a: { b: 1, "b": 2 }'],
    ['a key that is a map', '{ a: 1 }: b'],
    ['too many anchors', Array.from({ length: 10_001 }, (_, i) => `k${i}: &a${i} x`).join('\n')],
    ['an alias of nothing', 'image: *nothing'],
    ['a second document that is broken', 'image: r.test/a:1\n---\na: {'],
    ['half a JSON file behind a whole one', '{"image": "r.test/a:1"}{'],
    ['an alias that stands for what it is in', 'a: &a [*a]'],
    ['nesting without end', '['.repeat(100_000)],
    ['nesting that the parser bears and the rest does not', '['.repeat(2000) + ']'.repeat(2000)],
    ['nesting without end in blocks', '- '.repeat(100_000)],
  ])('with %s is an error, and not one without images', (_, text) => {
    expect(errorIn(text).code).toBe('malformed')
    expect(errorIn(text).message).toContain('file.yaml')
  })

  it('is an error with the line if it is malformed', () => {
    expect(errorIn('a: 1\nb: 2\nb: 3').why).toMatch(/^line 3: /)
  })

  it.each(['image: {{ .Values.image }}', '{{- if .Values.on }}\nimage: a\n{{- end }}', 'a: b\n{{ x }}: c'])(
    'is an error with a hint if it is a template: %s',
    (text) => {
      const error = errorIn(text)
      expect(error.message).toBe('file.yaml is a template, not YAML')
      expect(error.hint).toContain('helm template … | dray prune --in-use -')
    },
  )

  it('may contain template expressions if it is valid YAML', () => {
    const text = 'image: r.test/a:1\nannotations: { summary: "{{ $labels.pod }} is down" }'
    expect(Object.keys(images(text))).toEqual(['r.test/a:1'])
  })

  it('is an error if a few lines expand to gigabytes', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(errorIn(lines.join('\n')).code).toBe('malformed')
  })

  it('may have many keys in one map', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `k${i}: v`).join('\n')
    expect(Object.keys(images(`${text}\nimage: r.test/a:1`))).toEqual(['r.test/a:1'])
  })

  it('may merge several maps into one', () => {
    const text =
      'a: &a { image: r.test/a:1 }\nb: &b { x: y }\nc: { <<: *a, <<: *b }\nd: { <<: [*a, *b], x: z }'
    expect(Object.keys(images(text))).toEqual(['r.test/a:1'])
  })

  it('may use an anchor many times', () => {
    const text = `a: &a { image: r.test/a:1 }\nall: [${Array(500).fill('*a').join(', ')}]`
    expect(Object.keys(images(text))).toEqual(['r.test/a:1'])
  })

  it('may have YAML tags of other programs, and keys that are numbers', () => {
    const text = 'a: !reset null\nb: !vault |\n  xyz\n1: { 2.50: { image: r.test/a:1 } }'
    expect(images(text)).toEqual({ 'r.test/a:1': 'file.yaml: 1["2.50"].image' })
  })

  it('may begin with a comment, have no document, or have many empty ones', () => {
    expect([...documentsOf('# nothing\n', 'f')]).toEqual([])
    expect(Object.keys(images('# one\n---\n---\nimage: r.test/a:1\n...\n---\n'))).toEqual(['r.test/a:1'])
  })

  it('may have keys that are property names of JavaScript objects', () => {
    const text = '{"__proto__": {"image": "r.test/a:1"}, "constructor": {"image": "r.test/b:1"}}'
    expect(Object.keys(images(text))).toEqual(['r.test/a:1', 'r.test/b:1'])
    expect(Object.keys(images('__proto__: { image: r.test/a:1 }'))).toEqual(['r.test/a:1'])
  })
})
