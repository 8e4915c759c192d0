import { describe, expect, it } from 'vitest'
import { indexOf } from '../../embedded/http.ts'
import { newCall } from '../client/world.ts'
import { ecr, entriesOf, errorOf, operations, outcomesOf } from './ecr-world.ts'

describe('the list of ECR', () => {
  it('has untagged, archived and attached images with times, sizes and types', async () => {
    const world = await ecr({ lockedTags: ['old'] })
    const image = await world.image('team/app', 'a layer', '1.0')
    const untagged = await world.image('team/app', 'another layer')
    const archived = await world.image('team/app', 'third', 'old')
    const signature = await world.image('team/app', 'signature', undefined, {
      artifactType: 'application/vnd.example.signature',
      subject: image.descriptor,
    })
    const index = await world.manifest('team/app', indexOf([image.descriptor]), 'multi')
    const pushedAt = Date.UTC(2026, 5, 1)
    world.records?.set('team/app', { digest: image.digest }, { pushedAt, pulledAt: pushedAt + 5000 })

    const entries = await entriesOf(world.inventory, world.name('team/app'))
    const byDigest = new Map(entries.map((entry) => [entry.digest, entry]))
    expect(byDigest.size).toBe(5)
    expect(byDigest.get(image.digest)).toEqual({
      digest: image.digest,
      tags: [{ name: '1.0' }],
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.oci.image.config.v1+json',
      pushedAt,
      pulledAt: pushedAt + 5000,
      bytes: 9,
      status: 'ACTIVE',
    })
    expect(byDigest.get(untagged.digest)).toMatchObject({ tags: [] })
    // A pull shows late, so that a missing time is not "never".
    expect(byDigest.get(untagged.digest)).not.toHaveProperty('pulledAt')
    expect(byDigest.get(archived.digest)).toMatchObject({
      status: 'ARCHIVED',
      locked: { of: 'delete', text: 'archived' },
    })
    expect(byDigest.get(signature.digest)).toMatchObject({
      artifactType: 'application/vnd.example.signature',
      subject: image.digest,
    })
    // The size of an index is that of its largest child.
    expect(byDigest.get(index.digest)).toMatchObject({ bytes: 9, tags: [{ name: 'multi' }] })
  })

  it('costs one request for 1,000 images', async () => {
    const world = await ecr()
    const config = await world.blob('a', '{}')
    for (let i = 0; i < 1001; i++)
      await world.manifest('a', indexOf([], { annotations: { n: String(i), config } }), `v${i}`)
    world.log.splice(0)
    expect(await entriesOf(world.inventory, world.name('a'))).toHaveLength(1001)
    expect(operations(world.log)).toEqual([200, 200])
  })

  it('names the repositories with a prefix', async () => {
    const world = await ecr({ pageLimit: 1 })
    for (const path of ['team/a', 'team/b', 'other']) await world.image(path, 'x', '1')
    const found = await Array.fromAsync(world.inventory.repositories?.('team/', newCall()) ?? [])
    expect(found).toEqual(['team/a', 'team/b'])
  })

  it('of an unknown repository is not-found', async () => {
    const world = await ecr()
    expect((await errorOf(entriesOf(world.inventory, world.name('missing')))).code).toBe('not-found')
  })

  it('waits while ECR throttles, which it answers with 400', async () => {
    const world = await ecr({ traits: new Set(['rate exceeded']) })
    await world.image('a', 'x', '1')
    const call = newCall()
    expect(await entriesOf(world.inventory, world.name('a'), call)).toHaveLength(1)
    expect(call.events.filter(({ kind }) => kind === 'retry')).toMatchObject([
      { attempt: 1, waitMs: 1000, why: 'ThrottlingException' },
    ])
  })

  it('is unavailable if ECR does not stop throttling', async () => {
    const world = await ecr({ requestsPerHour: 0 })
    expect((await errorOf(entriesOf(world.inventory, world.name('a')))).code).toBe('unavailable')
    expect(operations(world.log)).toHaveLength(8)
  })
})

describe('deletes at ECR', () => {
  it('take an image with all its tags', async () => {
    const world = await ecr()
    const { digest } = await world.image('a', 'x', '1')
    await world.call('PUT', '/v2/a/manifests/2', {
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body: (await world.call('GET', '/v2/a/manifests/1')).body,
    })
    expect(await outcomesOf(world.inventory, world.name('a'), [{ kind: 'manifest', digest }])).toEqual([
      'removed',
    ])
    expect((await world.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: [] })
  })

  it('leave the last tag, because its image would be gone too', async () => {
    const world = await ecr()
    const { digest } = await world.image('a', 'x', '1')
    const body = (await world.call('GET', '/v2/a/manifests/1')).body
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    await world.call('PUT', '/v2/a/manifests/2', { headers, body })
    const batch = ['1', '2', 'gone'].map((tag) => ({ kind: 'tag', tag, digest }) as const)
    expect(await outcomesOf(world.inventory, world.name('a'), batch)).toEqual([
      'removed',
      'protected: it is the last tag of the image, and Amazon ECR deletes an image with its last tag',
      'absent',
    ])
    expect((await world.call('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['2'] })
  })

  it('of a tag whose image is gone are absent, and the others go on', async () => {
    const world = await ecr()
    const { digest } = await world.image('a', 'x', '1')
    const body = (await world.call('GET', '/v2/a/manifests/1')).body
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    await world.call('PUT', '/v2/a/manifests/2', { headers, body })
    const missing = `sha256:${'0'.repeat(64)}` as const
    const batch = [
      { kind: 'tag', tag: 'x', digest: missing as typeof digest },
      { kind: 'tag', tag: '2', digest },
    ] as const
    expect(await outcomesOf(world.inventory, world.name('a'), batch)).toEqual(['absent', 'removed'])
  })

  it('report each failure in an answer of 200', async () => {
    const world = await ecr()
    const child = await world.image('a', 'x')
    await world.manifest('a', indexOf([child.descriptor]), 'index')
    const other = await world.image('a', 'y')
    const missing = `sha256:${'0'.repeat(64)}` as typeof other.digest
    const batch = [child.digest, missing, other.digest].map(
      (digest) => ({ kind: 'manifest', digest }) as const,
    )
    const [first, ...others] = await outcomesOf(world.inventory, world.name('a'), batch)
    expect(first).toMatch(/^protected: Requested image referenced by manifest list: \[sha256:/)
    expect(others).toEqual(['absent', 'removed'])
  })

  it('take an index and its child in one batch, whatever the order in which ECR deletes', async () => {
    for (const traits of [new Set<string>(), new Set(['unordered batches'])]) {
      const world = await ecr({ traits })
      // The child comes first in the order of digests.
      let child = await world.image('a', 'x')
      let index = await world.manifest('a', indexOf([child.descriptor]), 'index')
      for (let i = 0; index.digest < child.digest; i++) {
        child = await world.image('a', `x${i}`)
        index = await world.manifest('a', indexOf([child.descriptor]), 'index')
      }
      world.log.splice(0)
      const batch = [index.digest, child.digest].map((digest) => ({ kind: 'manifest', digest }) as const)
      expect(await outcomesOf(world.inventory, world.name('a'), batch)).toEqual(['removed', 'removed'])
      expect(operations(world.log)).toHaveLength(traits.size + 1)
    }
  })

  it('have at most 100 images in a batch', async () => {
    const world = await ecr()
    const digests: Awaited<ReturnType<typeof world.image>>['digest'][] = []
    for (let i = 0; i < 101; i++) digests.push((await world.manifest('a', indexOf([], { n: i }))).digest)
    expect(world.inventory.deletes).toMatchObject({ manifests: 100, tags: 100 })
    const batch = digests.map((digest) => ({ kind: 'manifest', digest }) as const)
    const refused = await outcomesOf(world.inventory, world.name('a'), batch)
    expect(new Set(refused).size).toBe(1)
    expect(refused[0]).toContain('failed: DrayError: cannot delete images of')
    world.log.splice(0)
    const accepted = await outcomesOf(world.inventory, world.name('a'), batch.slice(0, 100))
    expect([...new Set(accepted), operations(world.log)]).toEqual(['removed', [200]])
  })

  it('are checked before each attempt, also after a throttled one', async () => {
    const world = await ecr({ traits: new Set(['rate exceeded']) })
    const { digest } = await world.image('a', 'x', '1')
    let checks = 0
    const check = async (): Promise<void> => {
      checks++
      if (checks === 2) throw new Error('the tag moved')
    }
    let isChecked = false
    const beforeAttempt = (): Promise<void> | undefined => {
      isChecked = !isChecked
      return isChecked ? check() : undefined
    }
    const outcomes = await Array.fromAsync(
      world.inventory.remove?.(world.name('a'), [{ kind: 'manifest', digest }], newCall(), beforeAttempt) ??
        [],
    )
    expect(outcomes).toMatchObject([{ result: 'failed' }])
    expect((await world.call('GET', '/v2/a/manifests/1')).status).toBe(200)
  })
})
