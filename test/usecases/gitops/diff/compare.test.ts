import { describe, expect, it } from 'vitest'
import type { RunningImage } from '../../../../src/deployments/clusters/running-images.ts'
import type { ErrorInfo } from '../../../../src/lib/errors.ts'
import { type Digest, parseDigest } from '../../../../src/oci/digest.ts'
import { formatAt, formatRepository, parseRepository } from '../../../../src/oci/reference.ts'
import { compareGitOps } from '../../../../src/usecases/gitops/diff/compare.ts'
import type { DesiredImage } from '../../../../src/usecases/gitops/diff/desired-image.ts'
import type {
  ComparedFacts,
  DeclaredEntry,
  DeclaredFacts,
} from '../../../../src/usecases/gitops/diff/facts.ts'
import type { GitOpsDiff } from '../../../../src/usecases/gitops/diff/gitops-diff.ts'
import { ImageOwners, type OtherName } from '../../../../src/usecases/gitops/diff/image-owners.ts'

const digest = (letter: string): Digest => parseDigest(`sha256:${letter.repeat(64)}`)
const [wanted, amd64, arm64, old, config] = [digest('1'), digest('2'), digest('3'), digest('4'), digest('5')]

const desired = (over: Partial<DesiredImage> = {}, name = 'r.test/prod/api'): DesiredImage => ({
  image: 'api',
  repository: parseRepository(name),
  digest: wanted,
  version: '1.4.2',
  platforms: [amd64, arm64],
  ...over,
})

interface Scene {
  readonly desired?: readonly DesiredImage[]
  /** digest or tag by repository */
  readonly declared?: readonly (readonly [
    name: string,
    at: Pick<DeclaredEntry, 'tag' | 'digest' | 'unclear'>,
  ])[]
  readonly running?: readonly (readonly [image: string, imageId: string])[]
  readonly others?: readonly OtherName[]
  readonly facts?: Partial<ComparedFacts>
  /** of the cluster */
  readonly error?: ErrorInfo
  readonly unread?: DeclaredFacts['unread']
}

function compare(scene: Scene): GitOpsDiff {
  const all = scene.desired ?? [desired()]
  const owners = new ImageOwners(all, scene.others ?? [], {
    identify: (repository) => formatRepository(repository),
    isUnmanaged: ({ registry, path }) => registry === 'r.test' && path.startsWith('prod/'),
  })
  const entries = (scene.declared ?? []).flatMap(([name, at], i): readonly DeclaredEntry[] => {
    const owner = owners.ofRepository(parseRepository(name))
    return owner === undefined ? [] : [{ by: `file ${i}`, owner, ...at }]
  })
  const images = (scene.running ?? []).map(([image, imageId], i): RunningImage => ({
    namespace: 'shop',
    workload: { kind: 'Deployment', name: `w${i}` },
    container: 'main',
    image,
    imageId,
    pods: 1,
  }))
  const facts = {
    tags: new Map(),
    configs: new Map(),
    known: new Set<string>(),
    errors: new Map(),
    ...scene.facts,
  }
  const declared = { entries, unread: scene.unread ?? [] }
  const clusters = [{ context: 'prod', images, ...(scene.error !== undefined && { error: scene.error }) }]
  return compareGitOps({ environment: 'prod', desired: all, declared, clusters, facts }, owners)
}

const running = (image: string, imageId: string, over: Omit<Scene, 'running'> = {}): unknown => {
  const [row] = compare({ ...over, running: [[image, imageId]] }).images
  return row?.running.map(({ state }) => state)
}
const declared = (
  at: Pick<DeclaredEntry, 'tag' | 'digest' | 'unclear'>,
  over: Omit<Scene, 'declared'> = {},
) => {
  const [row] = compare({ ...over, declared: [['r.test/prod/api', at]] }).images
  return row?.declared[0]
}

describe('a container', () => {
  it.each([
    ['of containerd', `r.test/prod/api@${wanted}`],
    ['of dockershim', `docker-pullable://r.test/prod/api@${wanted}`],
    ['with the digest of a platform', `r.test/prod/api@${amd64}`],
    ['with the digest of another platform', `r.test/prod/api@${arm64}`],
    ['with only the digest of the index', wanted],
  ])('is in sync if the node reports the image: %s', (_, imageId) => {
    expect(running('r.test/prod/api:1.4.2', imageId)).toEqual(['in-sync'])
  })

  it('is behind if the node reports another digest, also if the tag is the same', () => {
    expect(running('r.test/prod/api:1.4.2', `r.test/prod/api@${old}`)).toEqual(['running-behind'])
  })

  it('is in sync if the node reports only the config of the image', () => {
    const configs = new Map([[formatAt(parseRepository('r.test/prod/api'), { digest: wanted }), [config]]])
    expect(running('r.test/prod/api:1', `docker://${config}`, { facts: { configs } })).toEqual(['in-sync'])
    expect(running('r.test/prod/api:1', `docker://${old}`, { facts: { configs } })).toEqual([
      'running-behind',
    ])
    // A name with the digest of a config does not exist.
    expect(running('r.test/prod/api:1', `r.test/prod/api@${config}`, { facts: { configs } })).toEqual([
      'running-behind',
    ])
  })

  it('is unknown until a node reports its image', () => {
    const { images, summary } = compare({ running: [['r.test/prod/api:1.4.2', '']] })
    expect(images[0]).toMatchObject({
      state: 'unknown',
      running: [{ state: 'unknown', digest: null, why: 'no node reports the image yet' }],
    })
    expect(summary.unknown).toBe(1)
  })

  it('of another repository is no part of the comparison', () => {
    expect(compare({ running: [['other.test/x:1', `other.test/x@${old}`]] }).images).toMatchObject([
      { image: 'api', state: 'unused', running: [] },
    ])
  })

  it('of the name that the node reports belongs to the image', () => {
    expect(running(`sha256:${'9'.repeat(64)}`, `r.test/prod/api@${old}`)).toEqual(['running-behind'])
  })
})

describe('a container from a mirror', () => {
  it('is in sync if it has the digest under another name', () => {
    expect(running('mirror.test/x/api:1', `mirror.test/x/api@${amd64}`)).toEqual(['in-sync'])
  })

  it('is behind if a target with the same path has its digest', () => {
    const known = new Set([formatAt(parseRepository('r.test/prod/api'), { digest: old })])
    const container = ['mirror.test/prod/api:1', `mirror.test/prod/api@${old}`] as const
    expect(running(...container, { facts: { known } })).toEqual(['running-behind'])
    expect(running(...container)).toEqual([])
  })

  it('is behind under a name that dray.yaml declares', () => {
    const others = [{ image: 'api', repository: parseRepository('mirror.test/x/api') }]
    expect(running('mirror.test/x/api:1', `mirror.test/x/api@${old}`, { others })).toEqual(['running-behind'])
  })
})

describe('a position in a file', () => {
  it('is in sync with the digest of the image, whatever its tag is', () => {
    expect(declared({ digest: wanted, tag: '9.9.9' })).toMatchObject({ state: 'in-sync', isPinned: true })
  })

  it('is behind with another digest, also that of a platform', () => {
    expect(declared({ digest: old, tag: '1.4.2' })?.state).toBe('declared-behind')
    expect(declared({ digest: amd64 })?.state).toBe('declared-behind')
  })

  it('with only a tag is compared by the digest of the tag at the registry', () => {
    const facts = (found: Digest | null): Pick<Scene, 'facts'> => ({
      facts: { tags: new Map([['r.test/prod/api:1.4', found]]) },
    })
    expect(declared({ tag: '1.4' }, facts(wanted))).toMatchObject({
      state: 'in-sync',
      digest: wanted,
      isPinned: false,
    })
    expect(declared({ tag: '1.4' }, facts(old))).toMatchObject({ state: 'declared-behind', digest: old })
    expect(declared({ tag: '1.4' }, facts(null))).toMatchObject({ state: 'declared-behind', digest: null })
  })

  it('with only a tag is unknown if its registry cannot be read, and with a digest compared', () => {
    const info: ErrorInfo = { code: 'network', message: 'no route' }
    const two = [desired(), desired({}, 'eu.test/prod/api')]
    const facts = { errors: new Map([['r.test/prod/api', info]]) }
    const [row] = compare({ desired: two, declared: [['r.test/prod/api', { tag: '1.4.2' }]], facts }).images
    expect(row).toMatchObject({
      state: 'unknown',
      declared: [{ state: 'unknown', why: 'the registry could not be read' }],
      desired: [{ error: info }, { digest: wanted }],
    })
    expect(declared({ digest: wanted }, { facts })).toMatchObject({ state: 'in-sync' })
  })

  it('that dray cannot determine is unknown', () => {
    expect(declared({ unclear: 'it contains a variable' })).toMatchObject({
      state: 'unknown',
      why: 'it contains a variable',
    })
  })
})

describe('an image', () => {
  it('has the gravest state of its files and containers', () => {
    const { images, summary } = compare({
      declared: [['r.test/prod/api', { digest: old }]],
      running: [['r.test/prod/api', `r.test/prod/api@${old}`]],
    })
    expect(images[0]?.state).toBe('declared-behind')
    expect(images[0]?.running[0]?.state).toBe('running-behind')
    expect(summary).toMatchObject({ 'declared-behind': 1, 'running-behind': 0, 'in-sync': 0 })
  })

  it('that dray.yaml does not list is unmanaged, in files and clusters', () => {
    const { images } = compare({
      declared: [['r.test/prod/worker', { tag: '1' }]],
      running: [['r.test/prod/cron:1', `r.test/prod/cron@${old}`]],
    })
    expect(images.map(({ image, state }) => [image, state])).toEqual([
      ['api', 'unused'],
      ['r.test/prod/worker', 'unmanaged'],
      ['r.test/prod/cron', 'unmanaged'],
    ])
  })

  it('that is not deployed is unmanaged if something names it', () => {
    const scene = { desired: [desired({ digest: null, platforms: [] })] }
    expect(compare(scene).images[0]?.state).toBe('unused')
    expect(running('r.test/prod/api', `r.test/prod/api@${old}`, scene)).toEqual(['unmanaged'])
    expect(declared({ tag: '1' }, scene)?.state).toBe('unmanaged')
  })

  it('that is found nowhere is unknown if a cluster or a file could not be read', () => {
    const error: ErrorInfo = { code: 'unavailable', message: 'no such context' }
    const unread = [{ file: 'deploy.yaml', why: 'it is not YAML' }]
    const states = [{ error }, { unread }, {}].map((scene) => compare(scene).images[0]?.state)
    expect(states).toEqual(['unknown', 'unknown', 'unused'])
  })

  it('of a registry that cannot be read is unknown', () => {
    const error: ErrorInfo = { code: 'unavailable', message: 'no answer' }
    const scene = { desired: [desired({ digest: null, platforms: [], error })] }
    expect(compare(scene).images[0]?.state).toBe('unknown')
    expect(running('r.test/prod/api', `r.test/prod/api@${old}`, scene)).toEqual(['unknown'])
  })
})

describe('several targets', () => {
  const two = [desired({}, 'eu.test/prod/api'), desired({ digest: old, platforms: [] }, 'us.test/prod/api')]

  it('are compared by the name of the target', () => {
    expect(running('eu.test/prod/api', `eu.test/prod/api@${wanted}`, { desired: two })).toEqual(['in-sync'])
    expect(running('us.test/prod/api', `us.test/prod/api@${wanted}`, { desired: two })).toEqual([
      'running-behind',
    ])
    expect(running('us.test/prod/api', `us.test/prod/api@${old}`, { desired: two })).toEqual(['in-sync'])
  })

  it('are compared together under another name', () => {
    const others = [{ image: 'api', repository: parseRepository('mirror.test/api') }]
    expect(running('mirror.test/api', `mirror.test/api@${old}`, { desired: two, others })).toEqual([
      'in-sync',
    ])
    expect(running('mirror.test/api', `mirror.test/api@${config}`, { desired: two, others })).toEqual([
      'running-behind',
    ])
  })

  it('are compared without those that cannot be read', () => {
    const error: ErrorInfo = { code: 'unavailable', message: 'no answer' }
    const some = [
      desired({}, 'eu.test/prod/api'),
      desired({ digest: null, platforms: [], error }, 'us.test/prod/api'),
    ]
    const { images } = compare({
      desired: some,
      running: [['eu.test/prod/api', `eu.test/prod/api@${wanted}`]],
    })
    expect(images[0]).toMatchObject({ state: 'unknown', running: [{ state: 'in-sync' }] })
  })
})
