import { describe, expect, it } from 'vitest'
import { renamedNames } from '../../../../src/usecases/gitops/pin/classify-entry.ts'
import { decidePins } from '../../../../src/usecases/gitops/pin/decide-pins.ts'
import type { PinnedFile } from '../../../../src/usecases/gitops/pin/pinned-file.ts'
import { readPinSource } from '../../../../src/usecases/gitops/pin/pin-source.ts'
import { listTagsToPin, type ResolvedTag } from '../../../../src/usecases/gitops/pin/resolve-tags.ts'
import { newDigest, oldDigest } from '../../../support/image-entries.ts'

type Resolved = Readonly<Record<string, ResolvedTag>>

interface Decided {
  readonly pinned: PinnedFile
  /** undefined: the file does not change */
  readonly text: string | undefined
}

/** Decides a file. All tags have the same digest unless `resolved` has another result. */
function decide(
  text: string,
  {
    resolved = {},
    update = false,
    name = 'app.yaml',
  }: { resolved?: Resolved; update?: boolean; name?: string } = {},
): Decided {
  const source = readPinSource({ name, bytes: Buffer.from(text) })
  const options = { update, renamed: renamedNames([source]) }
  const tags = listTagsToPin([source], options).map(
    ({ repository: { registry, path }, tag }) => `${registry}/${path}:${tag}`,
  )
  const results = new Map(tags.map((tag) => [tag, resolved[tag] ?? { digest: newDigest }]))
  const { pinned, bytes } = decidePins(source, results, options)
  return { pinned, text: bytes && Buffer.from(bytes).toString('utf8') }
}

const statuses = ({ pinned }: Decided): readonly string[] =>
  pinned.images.map(({ status, reason }) => (reason === undefined ? status : `${status}: ${reason}`))

describe('a pinned file', () => {
  it.each([
    ['image: r.test/a:1', `image: r.test/a:1@${newDigest}`],
    ['image: { repository: r.test/a, tag: v1 }', `image: { repository: r.test/a, tag: "v1@${newDigest}" }`],
    [
      'image: { repository: r.test/a, tag: v1, digest: "" }',
      `image: { repository: r.test/a, tag: v1, digest: "${newDigest}" }`,
    ],
    ['image: r.test/a\ntag: 7\n', `image: r.test/a\ntag: 7@${newDigest}\n`],
    [
      'images:\n- name: r.test/a\n  newTag: "1"\n',
      `images:\n- name: r.test/a\n  newTag: "1"\n  digest: "${newDigest}"\n`,
    ],
    [
      'a: { image: &i r.test/a:1 }\nb: { image: *i }\n',
      `a: { image: &i r.test/a:1@${newDigest} }\nb: { image: *i }\n`,
    ],
  ])('has the digest in the form of the file: %s', (before, after) => {
    expect(decide(before).text).toBe(after)
  })

  it('is refused if a value that is no image reads the same text', () => {
    const { pinned } = decide('x: &i r.test/a:1\nimage: *i\n')
    expect(pinned).toMatchObject({ status: 'failed', error: { code: 'refused' } })
  })

  it('in tfvars has the digest in its strings', () => {
    const { text } = decide('api_image = "r.test/a:1" # api\n', { name: 'prod.tfvars' })
    expect(text).toBe(`api_image = "r.test/a:1@${newDigest}" # api\n`)
  })

  it('keeps a digest, and with update gets that of its tag', () => {
    const before = `containers: [{ image: "r.test/a:1@${oldDigest}" }, { image: "r.test/b@${oldDigest}" }]`
    expect(statuses(decide(before))).toEqual(['unchanged', 'unchanged'])
    const updated = decide(before, { update: true })
    expect(updated.text).toBe(before.replace(oldDigest, newDigest))
    expect(updated.pinned.images[0]).toMatchObject({ before: oldDigest, digest: newDigest, status: 'pinned' })
    expect(statuses(decide(updated.text ?? '', { update: true }))).toEqual(['unchanged', 'unchanged'])
  })

  it.each([
    ['image: r.test/a', 'it has no tag'],
    ['image: { repository: r.test/a, tag: "" }', 'it has no tag'],
    [
      'image: { repository: r.test/a, tag: 1.10 }',
      'Helm reads the number 1.10 as 1.1; write the tag in quotes',
    ],
    ['image: { tag: v1 }', 'without a repository'],
    ['image: "{{ .Values.image }}"', 'contains a template'],
  ])('skips %s, and does not change', (before, reason) => {
    const decided = decide(before)
    expect(decided.text).toBeUndefined()
    expect(decided.pinned.status).toBe('unchanged')
    expect(statuses(decided)).toEqual([expect.stringContaining(reason)])
  })

  it('skips the name that a kustomization replaces by another', () => {
    const before =
      'images: [{ name: api, newName: r.test/api, newTag: "1" }]\n---\ncontainers: [{ image: api:dev }, { image: r.test/b:1 }]'
    expect(statuses(decide(before))).toEqual([
      'pinned',
      'skipped: a kustomization replaces the name "api"',
      'pinned',
    ])
  })

  it('does not change if one of its images does not exist', () => {
    const before = 'containers: [{ image: r.test/a:1 }, { image: r.test/b:1 }]'
    const decided = decide(before, { resolved: { 'r.test/b:1': { digest: null } } })
    expect(decided.text).toBeUndefined()
    expect(decided.pinned.status).toBe('failed')
    expect(statuses(decided)).toEqual(['notWritten', 'failed'])
    expect(decided.pinned.images[1]?.error).toMatchObject({ code: 'not-found' })
  })

  it('has the reason if a registry fails', () => {
    const error = { code: 'forbidden', message: 'no access' } as const
    const decided = decide('image: r.test/a:1', { resolved: { 'r.test/a:1': { error } } })
    expect(decided.pinned.images[0]?.error).toMatchObject(error)
  })

  it('is a skipped template, or has the reason for which it cannot be edited', () => {
    expect(decide('image: {{ .Values.image }}').pinned).toMatchObject({ status: 'skipped', images: [] })
    expect(decide('a: 1\na: 2').pinned).toMatchObject({ status: 'failed', error: { code: 'refused' } })
    const folded = decide('image: >-\n  r.test/a:1\n')
    expect(folded.pinned.status).toBe('failed')
    expect(folded.pinned.error?.message).toContain('app.yaml:1:8')
  })

  describe('with a registry for all images', () => {
    const before = 'global: { imageRegistry: m.test }\nimage: { registry: r.test, repository: a, tag: v1 }'

    it('has the digest of both registries, or of the only one with the image', () => {
      expect(decide(before).text).toContain(newDigest)
      expect(decide(before, { resolved: { 'r.test/a:v1': { digest: null } } }).text).toContain(newDigest)
    })

    it('does not change if the registries have different images', () => {
      const decided = decide(before, { resolved: { 'm.test/a:v1': { digest: oldDigest } } })
      expect(decided.pinned.images[0]?.error).toMatchObject({ code: 'conflict' })
    })
  })
})

it('each tag is resolved once, under the name of its repository', () => {
  const text = 'containers: [{ image: nginx:1 }, { image: "docker.io/library/nginx:1" }, { image: nginx:2 }]'
  const source = readPinSource({ name: 'a.yaml', bytes: Buffer.from(text) })
  const tags = listTagsToPin([source, source], { update: false, renamed: new Set() })
  expect(tags.map(({ repository, tag }) => `${repository.path}:${tag}`)).toEqual([
    'library/nginx:1',
    'library/nginx:2',
  ])
})
