import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/lib/call.ts'
import { DrayError } from '../../src/lib/errors.ts'
import { type Descriptor, parseDescriptor } from '../../src/oci/descriptor.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import { type Copied, Copier } from '../../src/images/copy.ts'
import type { BlobSource, SourceRepository, TargetRepository } from '../../src/images/ports.ts'
import { type Content, image } from '../support/images.ts'

const copies = 8
const images = Array.from({ length: copies }, (_, i) =>
  image({ label: `app-${i}`, layers: ['shared', `own-${i}`] }),
)
const shared = sharedLayer(images)

/** The digest of the only blob that all images share. */
function sharedLayer(contents: readonly Content[]): string {
  const digests = contents.map(({ blobs }) => [...blobs.keys()])
  const [common] = digests[0]?.filter((digest) => digests.every((all) => all.includes(digest))) ?? []
  if (common === undefined) throw new Error('the images share no blob')
  return common
}

/** One `putBlob` of the shared layer. */
interface Put {
  readonly to: string
  /** the repository to mount it from */
  readonly from: string | undefined
}

type PutBlob = (put: Put, number: number, call: Call) => Promise<'uploaded'>

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Repositories in memory. `putShared` decides how each upload of the shared layer ends, numbered
 * from 1. A put that can be mounted or finds the layer succeeds. `putOther` decides for all other
 * blobs.
 */
function stores(
  putShared: PutBlob,
  putOther: (digest: string, to: string) => Promise<void> = async () => undefined,
) {
  const uploads: Put[] = []
  const mounts: Put[] = []
  let underWay = 0
  let most = 0
  const has = new Set<string>()
  const put = async (
    to: RepositoryName,
    d: Descriptor,
    source: BlobSource,
    call: Call,
  ): Promise<'mounted' | 'uploaded' | 'present'> => {
    const at = `${to.registry}/${to.path}`
    if (d.digest !== shared) {
      await putOther(d.digest, at)
      return 'uploaded'
    }
    const { repository } = source
    const from = repository === undefined ? undefined : `${repository.registry}/${repository.path}`
    if (from !== undefined && has.has(from)) {
      mounts.push({ to: at, from })
      return 'mounted'
    }
    uploads.push({ to: at, from })
    most = Math.max(most, ++underWay)
    try {
      // By now, a put that does not wait for this upload has started its own.
      await settle()
      const result = await putShared({ to: at, from }, uploads.length, call)
      has.add(at)
      return result
    } finally {
      underWay--
    }
  }
  const manifests = new Map(
    images.flatMap((one) => one.manifests).map(({ descriptor, bytes }) => [descriptor.digest, bytes]),
  )
  const source: Pick<SourceRepository, 'repository' | 'manifest'> = {
    repository: { registry: 'staging.example', path: 'staging/api' },
    manifest: async (at) => {
      if (!('mediaType' in at)) throw new Error('read by descriptor alone')
      return { descriptor: at, bytes: manifests.get(at.digest) ?? new Uint8Array() }
    },
  }
  const target = (repository: RepositoryName): TargetRepository => {
    const store: Pick<TargetRepository, 'repository' | 'putBlob' | 'putManifest'> = {
      repository,
      putBlob: (d, from, call) => put(repository, d, from, call),
      putManifest: async () => ({ tagged: [], subjectListed: true }),
    }
    return store as TargetRepository
  }
  return { source: source as SourceRepository, target, uploads, mounts, most: () => most }
}

const toOne = (): RepositoryName => ({ registry: 'prod.example', path: 'prod/all' })
const toEach = (i: number): RepositoryName => ({ registry: 'prod.example', path: `prod/app-${i}` })

type World = ReturnType<typeof stores>

/** Copies one image. */
async function copyImage(
  world: World,
  copier: Copier,
  i: number,
  to: RepositoryName,
  signal = new AbortController().signal,
): Promise<Copied> {
  const root = parseDescriptor(images[i]?.root, 'the root')
  const call: Call = { signal, notify: () => undefined }
  const { transferred } = await copier.copy(world.source, world.target(to), root, { rootBy: 'digest' }, call)
  return transferred
}

/** Copies all images at once. Returns the failures and the successes. */
async function copyAll(world: World, to: (i: number) => RepositoryName, copier = new Copier()) {
  const ended = await Promise.allSettled(images.map((_, i) => copyImage(world, copier, i, to(i))))
  return {
    failures: ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])),
    copied: ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
  }
}

const failures: [string, () => Promise<never>][] = [
  ['the registry refuses it', async () => Promise.reject(new DrayError('forbidden', 'no'))],
  ['the registry is unavailable', async () => Promise.reject(new DrayError('unavailable', '503'))],
  ['the connection breaks', async () => Promise.reject(new DrayError('network', 'reset'))],
  ['it times out', async () => Promise.reject(new DrayError('timeout', 'too slow'))],
  ['its bytes are corrupt', async () => Promise.reject(new DrayError('corrupt', 'other bytes'))],
  ['its source is gone', async () => Promise.reject(new DrayError('not-found', '404'))],
  ['it is aborted', async () => Promise.reject(new DOMException('aborted', 'AbortError'))],
  ['it fails for a bug', async () => Promise.reject(new TypeError('a bug'))],
  [
    'it throws before it is asynchronous',
    () => {
      throw new TypeError('a bug')
    },
  ],
]

describe.each([
  ['one repository', toOne],
  ['a repository each', toEach],
])('a layer that eight images share, to %s', (_, to) => {
  it('is uploaded once', async () => {
    const world = stores(async () => 'uploaded')
    const { failures: failed, copied } = await copyAll(world, to)
    expect(failed).toEqual([])
    expect(copied).toHaveLength(copies)
    expect(world.uploads).toHaveLength(1)
  })

  it.each(failures)('is uploaded by one other image if %s', async (_name, fail) => {
    const world = stores((_put, number) => (number === 1 ? fail() : Promise.resolve('uploaded')))
    const { failures: failed, copied } = await copyAll(world, to)
    expect(failed).toHaveLength(1)
    expect(copied).toHaveLength(copies - 1)
    expect(world.uploads).toHaveLength(2)
    expect(world.most()).toBe(1)
    expect(world.mounts.map(({ from }) => from)).toEqual(world.mounts.map(() => world.uploads[1]?.to))
    expect(world.mounts).toHaveLength(to === toEach ? copies - 2 : 0)
    expect(copied.filter(({ mounted }) => mounted > 0)).toHaveLength(world.mounts.length)
  })

  it.each([2, 3, 7])('is uploaded one at a time while the first %i uploads fail', async (count) => {
    const world = stores(async (_put, number) => {
      if (number <= count) throw new DrayError('forbidden', `failure ${number}`)
      return 'uploaded'
    })
    const { failures: failed, copied } = await copyAll(world, to)
    expect(failed).toHaveLength(count)
    expect(copied).toHaveLength(copies - count)
    expect(world.uploads).toHaveLength(count + 1)
    expect(world.most()).toBe(1)
  })

  it('fails for each image by its own error if every upload fails', async () => {
    const world = stores((_put, number) => Promise.reject(new DrayError('forbidden', `failure ${number}`)))
    const { failures: failed } = await copyAll(world, to)
    const messages = failed.map((error) => (error as Error).message)
    expect(messages).toEqual(images.map((_image, i) => `failure ${i + 1}`))
    expect(world.most()).toBe(1)
  })

  it('is uploaded again by a later copy, and reused by the copies after it', async () => {
    const world = stores(async (_put, number) => {
      if (number === 1) throw new DrayError('forbidden', 'no')
      return 'uploaded'
    })
    const copier = new Copier()
    await expect(copyImage(world, copier, 0, to(0))).rejects.toMatchObject({ code: 'forbidden' })
    const later = await copyImage(world, copier, 1, to(1))
    expect(later).toMatchObject({ uploaded: 3 })
    await copyImage(world, copier, 2, to(2))
    expect(world.uploads).toHaveLength(2)
  })

  it('is uploaded by one other image if another blob of the first image fails', async () => {
    const own = [...(images[0]?.blobs ?? [])].map(([digest]) => digest).find((digest) => digest !== shared)
    const world = stores(
      async (_put, number, call) => {
        if (number > 1) return 'uploaded'
        // The upload of the first image is aborted with it.
        while (!call.signal.aborted) await settle()
        throw call.signal.reason
      },
      async (digest) => {
        if (digest === own) throw new DrayError('forbidden', 'another blob')
      },
    )
    const { failures: failed, copied } = await copyAll(world, to)
    expect(failed).toMatchObject([{ message: 'another blob' }])
    expect(copied).toHaveLength(copies - 1)
    expect(world.uploads).toHaveLength(2)
    expect(world.most()).toBe(1)
  })

  it('is not uploaded for an image that is aborted while it waits, which ends at once', async () => {
    const end = Promise.withResolvers<'uploaded'>()
    const world = stores((_put, number) => (number === 1 ? end.promise : Promise.resolve('uploaded')))
    const copier = new Copier()
    const stop = new AbortController()
    const first = copyImage(world, copier, 0, to(0))
    await settle()
    const second = copyImage(world, copier, 1, to(1), stop.signal)
    const third = copyImage(world, copier, 2, to(2))
    await settle()
    stop.abort(new DrayError('interrupted', 'stopped'))
    await expect(second).rejects.toMatchObject({ message: 'stopped' })
    end.reject(new DrayError('network', 'reset'))
    await expect(first).rejects.toMatchObject({ code: 'network' })
    expect(await third).toMatchObject({ uploaded: 3 })
    expect(world.uploads.map((put) => put.to)).toEqual(
      [to(0), to(2)].map(({ registry, path }) => `${registry}/${path}`),
    )
  })

  it('is uploaded by none of the others if the whole run is aborted', async () => {
    const stop = new AbortController()
    const world = stores(async (_put, _number, call) => {
      while (!call.signal.aborted) await settle()
      throw call.signal.reason
    })
    const copier = new Copier()
    const all = Promise.allSettled(images.map((_image, i) => copyImage(world, copier, i, to(i), stop.signal)))
    while (world.uploads.length === 0) await settle()
    stop.abort(new DrayError('interrupted', 'stopped'))
    const reasons = (await all).map((one) =>
      one.status === 'rejected' ? (one.reason as unknown) : undefined,
    )
    expect(reasons).toMatchObject(images.map(() => ({ message: 'stopped' })))
    expect(world.uploads).toHaveLength(1)
  })
})

describe('a layer that eight images share, to two registries', () => {
  it('fails at one of them and is uploaded once to the other', async () => {
    const world = stores(async ({ to }) => {
      const isFirst = world.uploads.filter((put) => put.to.startsWith('eu.example')).length === 1
      if (to.startsWith('eu.example') && isFirst) throw new DrayError('forbidden', 'no')
      return 'uploaded'
    })
    const copier = new Copier()
    const targets = images.flatMap((_image, i) =>
      ['eu.example', 'us.example'].map((registry) => ({ i, registry, path: `prod/app-${i}` })),
    )
    const ended = await Promise.allSettled(targets.map(({ i, ...to }) => copyImage(world, copier, i, to)))
    expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    const uploadsTo = (registry: string) => world.uploads.filter((put) => put.to.startsWith(registry)).length
    expect([uploadsTo('eu.example'), uploadsTo('us.example')]).toEqual([2, 1])
    expect(world.mounts).toHaveLength(2 * copies - 3)
  })
})
