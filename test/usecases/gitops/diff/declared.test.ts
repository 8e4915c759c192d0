import { describe, expect, it } from 'vitest'
import { type Digest, parseDigest } from '../../../../src/oci/digest.ts'
import { formatRepository, parseRepository } from '../../../../src/oci/reference.ts'
import { type DeclaredFile, findDeclared } from '../../../../src/usecases/gitops/diff/declared.ts'
import type { DeclaredFacts } from '../../../../src/usecases/gitops/diff/facts.ts'
import { ImageOwners } from '../../../../src/usecases/gitops/diff/image-owners.ts'
import { outcomeOf } from '../../../support/error-code.ts'

const wanted: Digest = parseDigest(`sha256:${'1'.repeat(64)}`)
const owners = new ImageOwners(
  [
    {
      image: 'api',
      repository: parseRepository('r.test/prod/api'),
      digest: wanted,
      version: '1.4.2',
      platforms: [],
    },
  ],
  [{ image: 'api', repository: parseRepository('api') }],
  {
    identify: (repository) => formatRepository(repository),
    isUnmanaged: ({ path }) => path === 'prod/worker',
  },
)

const file = (text: string | Uint8Array, over: Partial<DeclaredFile> = {}): DeclaredFile => ({
  file: 'app.yaml',
  bytes: Buffer.from(text),
  owners,
  places: [],
  ...over,
})
const find = (...files: readonly DeclaredFile[]): DeclaredFacts => findDeclared(files, owners)
const shown = ({ entries }: DeclaredFacts): unknown =>
  entries.map(({ owner, tag, digest, unclear }) => ({
    of: owner.kind === 'image' ? owner.image : owner.repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...(unclear !== undefined && { unclear }),
  }))

describe('the declared images', () => {
  it('are those of the environment, with tag and digest as the file has them', () => {
    const text = `kind: Pod
spec:
  containers:
    - image: r.test/prod/api:1.4.1@${wanted}
    - image: r.test/prod/api
    - image: docker.io/library/nginx:1.27
    - image: r.test/prod/worker:2
`
    expect(shown(find(file(text)))).toEqual([
      { of: 'api', tag: '1.4.1', digest: wanted },
      { of: 'api', tag: 'latest' },
      { of: 'r.test/prod/worker', tag: '2' },
    ])
  })

  it('are at positions that dray.yaml names, and not twice', () => {
    const text = `image: { repository: r.test/prod/api, tag: 1.4.1 }\nother: { tag: "3" }\n`
    const places = [{ image: 'api', at: { tag: 'image.tag' } }]
    expect(shown(find(file(text, { places })))).toEqual([{ of: 'api', tag: '1.4.1' }])
    const other = [{ image: 'api', at: { tag: 'other.tag' } }]
    expect(shown(find(file(text, { places: other })))).toEqual([
      { of: 'api', tag: '3' },
      { of: 'api', tag: '1.4.1' },
    ])
  })

  it('at positions of images that are not compared are omitted', () => {
    const places = [{ image: 'web', at: { tag: 'other.tag' } }]
    expect(shown(find(file('other: { tag: "3" }', { places })))).toEqual([])
  })

  it('have the tag that Helm reads from a number', () => {
    const text = 'image: { repository: r.test/prod/api, tag: 1.10 }\n'
    expect(shown(find(file(text)))).toEqual([{ of: 'api', tag: '1.1' }])
  })

  it('have the tag of the kustomization that replaces them', () => {
    const pod = file('kind: Pod\nspec: { containers: [{ image: "api:1" }] }\n')
    const kustomization = file(
      'kind: Kustomization\nimages: [{ name: api, newName: r.test/prod/api, newTag: "2" }]\n',
      { file: 'kustomization.yaml' },
    )
    expect(shown(find(pod, kustomization))).toEqual([{ of: 'api', tag: '2' }])
    expect(shown(find(pod))).toEqual([{ of: 'api', tag: '1' }])
  })

  it('that contain a variable cannot be compared', () => {
    const text = 'services: { api: { image: "r.test/prod/api:${TAG}" } }\n'
    const [entry] = find(file(text, { file: 'compose.yaml' })).entries
    expect(entry?.unclear).toBeTruthy()
  })

  it('without a tag and a digest cannot be compared, except for an image that means latest', () => {
    const text = 'kind: Kustomization\nimages: [{ name: api, newName: r.test/prod/api }]\n'
    expect(shown(find(file(text, { file: 'kustomization.yaml' })))).toEqual([
      { of: 'api', unclear: 'it has no tag and no digest' },
    ])
  })
})

describe('a file that dray cannot parse', () => {
  it('is named if it has the path of a repository', () => {
    const { unread } = find(file('image: {{ .Values.image }}\n# prod/api\n'))
    expect(unread).toMatchObject([{ file: 'app.yaml' }])
  })

  it('is omitted otherwise', () => {
    expect(find(file('image: {{ .Values.image }}\n'))).toEqual({ entries: [], unread: [] })
  })

  it('is named if dray.yaml names a position in it', () => {
    const places = [{ image: 'api', at: { tag: 'image.tag' } }]
    expect(find(file('image: {{ .Values.image }}\n', { places })).unread).toHaveLength(1)
  })
})

it('a position that the file does not have is an error of dray.yaml', () => {
  const places = [{ image: 'api', at: { tag: 'image.tga' } }]
  expect(outcomeOf(() => find(file('image: { tag: "1" }\n', { places })))).toBe('config')
})
