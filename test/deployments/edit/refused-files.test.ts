import { describe, expect, it } from 'vitest'
import { maxEditedSize } from '../../../src/deployments/edit/text/decode.ts'
import { add, edited, editError, set } from '../../support/editing.ts'

const change = [set('image', 'x:2')]

describe('a file is refused, with line and column,', () => {
  it.each([
    ['if a value is a template', 'a: 1\nimage: {{ .Values.image }}\n', 2, 8],
    ['if a line is a template', 'image: x:1\n{{- if .Values.on }}\na: 1\n{{- end }}\n', 2, 1],
    ['if a key is a template', 'image: x:1\n{{ x }}: c\n', 2, 1],
    ['if a plain text has a template', 'image: x:1\nb: hello {{ name }}\n', 2, 10],
    ['if the rest of a quoted template is outside', 'image: "{{ default "x" .y }}"\nb: {{ z }}\n', 2, 4],
    ['if a key occurs twice', 'image: x:1\nb: 1\n"image": x:2\n', 3, 1],
    ['if a key occurs twice in brackets', 'image: x:1\nb: { c: 1, c: 2 }\n', 2, 12],
    ['if a key is a map', 'image: x:1\n{ a: 1 }: b\n', 2, 1],
    ['if it is broken', 'image: x:1\nb: [1, 2\n', 3, 1],
    ['if it is indented by a tab', 'image: x:1\nb:\n\tc: 1\n', 3, 1],
    ['if an alias has no anchor', 'image: *nothing\n', 1, 8],
    ['if a later document is broken', 'image: x:1\n---\na: {\n', 4, 1],
    ['if it has a zero byte', 'image: x:1\nb: \0\n', 2, 4],
    ['if it has a lone carriage return', 'image: x:1\nb: 1\rc: 2\n', 2, 5],
    ['if it is nested deeply', `image: x:1\nb: ${'['.repeat(100)}${']'.repeat(100)}\n`, 1, 1],
    ['if an alias contains itself', 'image: x:1\na: &a [*a]\n', 2, 8],
  ])('%s', (_, text, line, column) => {
    const error = editError(text, change)
    expect(error.code).toBe('refused')
    expect(error.message).toBe(`cannot edit file.yaml:${line}:${column}`)
    expect(error.why).toBeTruthy()
    expect(error.hint).toBeTruthy()
  })

  it('if it is a JSON file with a comma too many', () => {
    const error = editError('{"image": "x:1",}', change, { name: 'f.json' })
    expect(error).toMatchObject({ code: 'refused', message: 'cannot edit f.json:1:1' })
    expect(error.why).toBe('it is not JSON')
  })

  it('if blocks are nested more than 200 levels deep', () => {
    const text = Array.from({ length: 250 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')
    expect(editError(text, change).why).toBe('it is nested deeper than 200 levels')
  })

  it('if an embedded text is broken, by the position in the file', () => {
    const text = 'values: |\n  image: x:1\n  image: x:2\n'
    expect(editError(text, [set('values > image', 'x:3')]).message).toBe('cannot edit file.yaml:3:3')
  })
})

describe('a file is refused', () => {
  it.each([
    ['in UTF-16 with a byte order mark', Buffer.from('\u{feff}image: x:1\n', 'utf16le'), 'it is UTF-16'],
    ['in UTF-16 without a byte order mark', Buffer.from('image: x:1\n', 'utf16le'), 'it is UTF-16'],
    ['in big-endian UTF-16', Buffer.from('image: x:1\n', 'utf16le').swap16(), 'it is UTF-16'],
    ['in Latin-1', Buffer.from('image: x:1 # \u{fc}\n', 'latin1'), 'it is not UTF-8'],
    [
      'with more than 2 MiB',
      Buffer.alloc(maxEditedSize + 1, 0x23),
      `it is larger than ${maxEditedSize} bytes`,
    ],
  ])('%s', (_, bytes, why) => {
    expect(editError(bytes, change)).toMatchObject({ code: 'refused', message: 'cannot edit file.yaml', why })
  })

  it('if a few lines of aliases expand to gigabytes', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(editError(`image: x:1\n${lines.join('\n')}\n`, change).code).toBe('refused')
  })
})

describe('a value is refused, with line and column,', () => {
  it.each([
    ['if it is folded', 'a: 1\nimage: >-\n  x:1\n', 'the value is a folded block'],
    ['if it is a literal block', 'a: 1\nimage: |-\n  x:1\n', 'the value is a literal block'],
    ['if it is plain text of two lines', 'a: 1\nimage: x\n  y\n', 'the value has several lines'],
    ['if it is in quotes on two lines', 'a: 1\nimage: "x\n  y"\n', 'the value has several lines'],
    ['if it is a quoted template', 'a: 1\nimage: "{{ .x }}:1"\n', 'the value is a template'],
    ['if it is a map', 'a: 1\nimage: { b: 1 }\n', 'the value is a map'],
    ['if it is an array', 'a: 1\nimage: [b]\n', 'the value is an array'],
    ['if a tag makes a number of it', 'a: 1\nimage: !!int 5\n', 'a tag makes another type of the value'],
    ['if a tag makes bytes of it', 'a: 1\nimage: !!binary eDox\n', 'a tag makes another type of the value'],
  ])('%s', (_, text, why) => {
    const error = editError(text, change)
    expect(error).toMatchObject({ code: 'refused', why })
    expect(error.message).toMatch(/^cannot edit file\.yaml:2:\d+$/)
    expect(error.hint).toBeTruthy()
  })

  it('if it is a whole document', () => {
    expect(editError('x:1\n', [set('', 'x:2')]).why).toBe('the value is a whole document')
  })

  it.each(['a\nb', 'a\u{0}', 'a\u{2028}b', 'a\u{feff}', 'a\u{7f}'])('if its new text is %j', (value) => {
    expect(editError('image: x:1\n', [set('image', value)]).code).toBe('refused')
  })

  it.each([
    ['image', 'a: 1\n', 'document 1 has no value at image'],
    ['2: image', 'image: x:1\n', 'document 2 has no value at image'],
    ['image', '{ image, a: 1 }', 'document 1 has no value at image'],
    ['a[1]', 'a: [b]\n', 'document 1 has no value at a[1]'],
    ['image', '', 'document 1 has no value at image'],
  ])('if there is none at %s', (place, text, why) => {
    expect(editError(text, [set(place, 'x:2')])).toMatchObject({ code: 'refused', why })
  })
})

describe('a secret beside the image', () => {
  const secret = 's3cr3t'

  it.each([
    ['a JSON file', 'f.json', `{"image": "x:1", "password": ${secret} }`],
    ['text after a string', 'f.yaml', `image: x:1\npassword: "a" ${secret}\n`],
    ['text after brackets', 'f.yaml', `image: x:1\npassword: [a] ${secret}\n`],
    ['text after an alias', 'f.yaml', `image: &i x:1\npassword: *i ${secret}: b\n`],
    ['a wrong indentation', 'f.yaml', `image: x:1\n  password: ${secret}\n`],
    ['a bracket too many', 'f.yaml', `image: x:1\npassword: a\n] ${secret}\n`],
    ['a string without end', 'f.yaml', `image: x:1\npassword: "${secret}\n`],
    ['a reserved character', 'f.yaml', `image: x:1\npassword: @${secret}\n`],
    ['a variable of Terraform', 'f.tfvars', `image = "x:1"\npassword = "${secret}\n`],
    ['a value of an unknown form', 'f.tfvars', `image = "x:1"\n"${secret}" = 1\n`],
  ])('is in no message about %s', (_, name, text) => {
    const { message, why, hint, code } = editError(text, change, { name })
    expect(code).toBe('refused')
    expect(`${message} ${why} ${hint}`).not.toContain(secret)
  })
})

describe('a template', () => {
  it.each([
    ['in quotes', 'image: x:1\nb: "{{ .x }}"\nc: \'{{ .y }}\'\n'],
    ['in a comment', 'image: x:1 # {{ .x }}\n# {{ .y }}\n'],
    ['in a literal block', 'image: x:1\nb: |\n  {{ .x }}\nc: 1\n'],
    ['in a folded block with a comment', 'image: x:1\nb: >- # c\n  {{ .x }}\n  and {{ .y }}\n'],
  ])('%s does not refuse the other values of a file', (_, text) => {
    expect(edited(text, change)).toBe(text.replace('x:1', 'x:2'))
  })

  it('in braces that touch each other refuses the file', () => {
    expect(editError('image: x:1\nb: {{a: 1}: 2}\n', change).why).toBe(
      'it is a template: it has {{ outside of quotes',
    )
  })

  it('in an ApplicationSet leaves the elements of its generators editable', () => {
    const text = [
      'spec:',
      '  goTemplate: true',
      '  generators:',
      '    - list:',
      '        elements:',
      '          - { env: prod, tag: 1.4.2 }',
      '  template:',
      '    metadata: { name: "api-{{ .env }}" }',
      '    spec:',
      '      source:',
      '        helm:',
      '          parameters:',
      '            - { name: image.tag, value: "{{ .tag }}" }',
      '',
    ].join('\n')
    const changes = [set('spec.generators[0].list.elements[0].tag', '1.5.0')]
    expect(edited(text, changes)).toBe(text.replace('1.4.2', '1.5.0'))
    const template = [set('spec.template.spec.source.helm.parameters[0].value', '1.5.0')]
    expect(editError(text, template).why).toBe('the value is a template')
  })
})

describe('a text with YAML', () => {
  const embedded = [set('v > image.tag', '1.5.0'), add('v > image.tag', 'digest', 'D')]

  it.each([
    [
      'in a literal block',
      'a: 1\nv: |\n  # values\n  image:\n    tag: 1.4.2 # c\n\n  b: 2\nc: 3\n',
      'a: 1\nv: |\n  # values\n  image:\n    tag: 1.5.0 # c\n    digest: D\n\n  b: 2\nc: 3\n',
    ],
    [
      'whose first line has spaces of its own',
      'v: |2-\n    image:\n      tag: 1.4.2\n    b: 2\n',
      'v: |2-\n    image:\n      tag: 1.5.0\n      digest: D\n    b: 2\n',
    ],
    [
      'with CRLF',
      'v: |\r\n  image:\r\n    tag: 1.4.2\r\n  b: 2\r\n',
      'v: |\r\n  image:\r\n    tag: 1.5.0\r\n    digest: D\r\n  b: 2\r\n',
    ],
    [
      'that ends the file without a newline',
      'v: |\n  image:\n    tag: 1.4.2',
      'v: |\n  image:\n    tag: 1.5.0\n    digest: D',
    ],
    [
      'that keeps newlines at its end',
      'v: |+\n  image:\n    tag: 1.4.2\n\n\n# c\nb: 1\n',
      'v: |+\n  image:\n    tag: 1.5.0\n    digest: D\n\n\n# c\nb: 1\n',
    ],
    [
      'with lines of spaces',
      'v: |-\n \n  image:\n \n    tag: 1.4.2\n     \n',
      'v: |-\n \n  image:\n \n    tag: 1.5.0\n    digest: D\n     \n',
    ],
    [
      'of JSON',
      'v: |\n  {\n    "image": {"tag":"1.4.2"}\n  }\n',
      'v: |\n  {\n    "image": {"tag":"1.5.0","digest":"D"}\n  }\n',
    ],
    [
      'with an anchor and a comment',
      'v: &v | # values\n   image: { tag: 1.4.2 }\n',
      'v: &v | # values\n   image: { tag: 1.5.0, digest: D }\n',
    ],
  ])('is edited in place: %s', (_, before, after) => {
    expect(edited(before, embedded)).toBe(after)
  })

  it('within a text with YAML is edited in place', () => {
    const text = 'a:\r\n  v: |\r\n    w: |-\r\n      image:\r\n        tag: 1.4.2\r\n    x: 1\r\n'
    const changes = [set('a.v > w > image.tag', '1.5.0'), add('a.v > w > image.tag', 'digest', 'D')]
    const after = text.replace('1.4.2\r\n', '1.5.0\r\n        digest: D\r\n')
    expect(edited(text, changes)).toBe(after)
  })

  it('of two documents is edited in the second', () => {
    const text = 'v: |\n  a: 1\n  ---\n  image: x:1\n'
    expect(edited(text, [set('v > 2: image', 'x:2')])).toBe(text.replace('x:1', 'x:2'))
  })

  it('that an alias repeats is edited only if all places change', () => {
    const text = 'v: &v |\n  image: x:1\nw: *v\n'
    expect(editError(text, [set('v > image', 'x:2')]).why).toBe('an anchor shares v.image with w.image')
    const both = [set('v > image', 'x:2'), set('w > image', 'x:2')]
    expect(edited(text, both)).toBe(text.replace('x:1', 'x:2'))
  })

  it.each([
    ['folded', 'v: >\n  image: x:1\n'],
    ['in quotes', 'v: "image: x:1"\n'],
    ['in plain text', 'v: x\n'],
  ])('is refused if it is %s', (_, text) => {
    expect(editError(text, [set('v > image', 'x:2')])).toMatchObject({
      code: 'refused',
      message: 'cannot edit file.yaml:1:4',
      why: 'the YAML text in this value is not a literal block',
    })
  })

  it('is refused if it is a template, by the position in the file', () => {
    const text = 'a: 1\nv: |\n  image: x:1\n  b: {{ .x }}\n'
    expect(editError(text, [set('v > image', 'x:2')]).message).toBe('cannot edit file.yaml:4:6')
  })
})
