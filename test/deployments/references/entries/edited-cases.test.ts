import { describe, expect, it } from 'vitest'
import { editFile } from '../../../../src/deployments/edit/edit-file.ts'
import { openFile } from '../../../../src/deployments/edit/open-file.ts'
import { changesOf, type WrittenParts } from '../../../../src/deployments/references/changes-of.ts'
import { documentsOf } from '../../../../src/deployments/references/documents.ts'
import { entryAt, type ImagePaths } from '../../../../src/deployments/references/entry-at.ts'
import { findImageEntries } from '../../../../src/deployments/references/image-entries.ts'
import { newDigest, oldDigest } from '../../../support/image-entries.ts'

interface Edit {
  readonly tag?: string
  readonly write?: WrittenParts
  readonly name?: string
  /** by paths instead of all entries */
  readonly at?: ImagePaths
  /** only entries with this tag */
  readonly of?: string
}

/** Edits the entries of a file. */
function edited(text: string, { tag = '1.5.0', write = 'both', name = 'a.yaml', at, of }: Edit = {}): string {
  const file = openFile({ name, bytes: Buffer.from(text) })
  const entries = at === undefined ? findImageEntries(file).entries : [entryAt(file, at)]
  const selected = entries.filter((entry) => of === undefined || entry.tag === of)
  const changes = selected.flatMap((entry) => changesOf(entry, { digest: newDigest, tag }, write))
  return Buffer.from(editFile(file, changes).bytes).toString('utf8')
}

describe('case 3: a tag that is no string without quotes', () => {
  it.each(['1.10', '1e3', '0123', '20261128', '12e4567', 'on', 'null', '2026-11-28', '0x1f', '1_000', '.5'])(
    '%s gets quotes, and is read as a string again',
    (tag) => {
      const text = edited('image: { repository: r.test/a, tag: 1.4.2 }\nnext: 1', { tag, write: 'tag' })
      expect(text).toBe(`image: { repository: r.test/a, tag: "${tag}" }\nnext: 1`)
      const [document] = documentsOf(text, 'a.yaml')
      expect(document?.value).toMatchObject({ image: { tag } })
    },
  )

  it('is a string with a digest behind it', () => {
    expect(edited('image:\n  repository: r.test/a\n  tag: 1.4\n', { tag: '1.10' })).toBe(
      `image:\n  repository: r.test/a\n  tag: 1.10@${newDigest}\n`,
    )
  })
})

it('case 8: a file with a duplicate key is refused', () => {
  expect(() => edited('image: r.test/a:1\nimage: r.test/a:2')).toThrow('cannot edit a.yaml:2:1')
})

describe('case 9: a template', () => {
  it.each(['image: {{ .Values.image }}', '{{- if .Values.on }}\nimage: r.test/a:1\n{{- end }}'])(
    'without quotes is refused: %s',
    (text) => {
      expect(() => edited(text)).toThrow('cannot edit a.yaml')
    },
  )

  it('in quotes is skipped, and the rest of the file is edited', () => {
    const text = 'image: "{{ .image }}"\ncontainers: [{ image: "r.test/a:1.4.2" }]'
    expect(edited(text, { write: 'tag' })).toBe(text.replace('1.4.2', '1.5.0'))
  })
})

describe('case 10: values in a text', () => {
  const application = (values: string): string =>
    `kind: Application\nspec:\n  source:\n    helm:\n      values: ${values}\n  end: 1\n`

  it.each([
    '|\n        image:\n          repository: r.test/a\n          tag: 1.4.2 # now\n',
    '|2-\n          image:\n            repository: r.test/a\n            tag: 1.4.2',
    '|+\n        image: { repository: r.test/a, tag: 1.4.2 }\n\n',
    '|\n        # first\n\n        image:\n            tag: 1.4.2\n            repository: r.test/a\n',
  ])('are edited in it: %j', (values) => {
    const before = application(values)
    const after = edited(before, { write: 'tag' })
    expect(after).toBe(before.replace('1.4.2', '1.5.0'))
  })

  it('are edited with CRLF', () => {
    const before = application(
      '|\n        image:\n          repository: r.test/a\n          tag: 1.4.2',
    ).replaceAll('\n', '\r\n')
    expect(edited(before, { write: 'tag' })).toBe(before.replace('1.4.2', '1.5.0'))
  })

  it('are edited in a text within a text', () => {
    const before = `kind: ConfigMap
data:
  values.yaml: |
    extraObjects:
      - kind: ConfigMap
        data:
          values.yaml: |
            image: r.test/a:1.4.2
`
    expect(edited(before, { write: 'tag' })).toBe(before.replace('1.4.2', '1.5.0'))
  })

  it('are refused in a folded text', () => {
    expect(() => edited(application('>\n        image: r.test/a:1.4.2\n'))).toThrow('cannot edit a.yaml')
  })
})

it.each([
  ['folded', '>\n  r.test/a:1.4.2\n'],
  ['literal', '|\n  r.test/a:1.4.2\n'],
  ['folded without its last line break', '>-\n  r.test/a:1.4.2\n'],
])('case 11: an image in a %s block is refused with its line', (_, value) => {
  expect(() => edited(`name: x\nimage: ${value}`)).toThrow(/^cannot edit a\.yaml/)
})

it('case 13: write: tag writes no @ for a chart that uses the tag as a label', () => {
  const before = `image: { repository: r.test/a, tag: "1.4.2@${oldDigest}" }\nproxyImage: r.test/b:1@${oldDigest}`
  expect(edited(before, { write: 'tag' })).toBe(
    'image: { repository: r.test/a, tag: "1.5.0" }\nproxyImage: r.test/b:1.5.0',
  )
})

it('case 14: a path selects the tag for a chart that forbids a digest', () => {
  const before = 'web:\n  version: 1.4.2 # only this\n  image: r.test/a:1.4.2\n'
  expect(edited(before, { at: { tag: 'web.version' }, write: 'tag' })).toBe(
    before.replace('1.4.2 #', '1.5.0 #'),
  )
})

it('case 14: a path selects a value of a tfvars file', () => {
  const before = `image = "r.test/a:1"\napi_digest = "${oldDigest}" # of api\n`
  expect(edited(before, { at: { digest: 'api_digest' }, name: 'prod.tfvars' })).toBe(
    before.replace(oldDigest, newDigest),
  )
})

it('case 15: entries of one repository have their own tags, so that one line can be edited', () => {
  const before = 'containers:\n- image: r.test/a:1.4.2\n- image: r.test/a:2.0.0\n'
  expect(edited(before, { of: '1.4.2', write: 'tag' })).toBe(before.replace('1.4.2', '1.5.0'))
})

it('case 16: the spelling of a name does not change', () => {
  const names = [
    'nginx',
    'docker.io/library/nginx',
    'r.test:5000/a',
    'docker://r.test/a',
    'm.test/docker.io/acme/a',
  ]
  const text = (tag: string): string => names.map((name) => `- image: ${name}:${tag}\n`).join('')
  expect(edited(text('1.4.2'))).toBe(text(`1.5.0@${newDigest}`))
})
