import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { type ProfileName, profiles } from '../../../src/embedded/profiles.ts'
import { createExaminer } from '../../../src/registry/examine/examiner.ts'
import { dockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts'
import { faultyProxy } from '../../support/faulty-proxy.ts'
import { image } from '../../support/images.ts'
import { Oracle } from '../../support/oracle.ts'
import { embedded, newCall, openStack } from './world.ts'

/** Gives the registry time to notice a broken connection. */
const clock: Clock = { now: () => Date.now(), sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) }
const examinerAt = () => createExaminer({ ...openStack(clock), maxAttempts: 2 })
const names = Object.keys(profiles) as ProfileName[]

/** These profiles answer like their registries, so the results are known or cannot be seen. */
const known = (can: boolean): 'yes' | 'no' => (can ? 'yes' : 'no')

describe.each(names)('a registry like %s', (profile) => {
  const can = profiles[profile]

  it('is checked with GET and HEAD only, including its lists', async () => {
    const one = await embedded({ profile })
    await one.push(image(), 'team/api', '1.4.2')
    const facts = await examinerAt().check(one.registry, 'team/api', newCall())
    expect(new Set(one.log.map(({ method }) => method))).toEqual(new Set(['GET', 'HEAD']))
    expect(one.log.length).toBeLessThanOrEqual(9)
    expect(facts.api).toHaveProperty('value')
    expect(facts.repository?.tags).toEqual({ value: 1 })
    expect(facts.abilities.referrers?.known).toBe(known(can.referrers))
    expect(facts.abilities.catalog?.known).toBe(known(can.catalog))
    expect(facts.abilities.range?.known).toBe('yes')
  })

  it('is examined by writing, and keeps its content', async () => {
    const one = await embedded({ profile })
    await one.push(image(), 'team/api', '1.4.2')
    const before = await one.oracle.tags('team/api')
    const { abilities, failure, left } = await examinerAt().probeWrites(
      { registry: one.registry, path: 'team/api' },
      newCall(),
    )
    expect(failure).toBeUndefined()
    expect(abilities.referrers?.known).toBe(known(can.referrers))
    expect(abilities.manyTags?.known).toBe(known(can.manyTags))
    expect(abilities.mount?.known).toBe(known(can.mount))
    expect(abilities.chunks?.known).toBe('yes')
    expect(abilities.uploadRange?.known).toBe(
      known(can.brokenUpload === 'kept' && can.uploadState !== 'checked'),
    )
    expect(await one.oracle.complaints('team/api', '1.4.2')).toEqual([])
    const kept = left.filter((name) => !name.includes(':'))
    expect(await one.oracle.tags('team/api')).toEqual([...before, ...kept].sort())
  })
})

describe('an examination by writing', () => {
  it('leaves nothing at a registry that deletes', async () => {
    const one = await embedded()
    const { left } = await examinerAt().probeWrites({ registry: one.registry, path: 'scratch' }, newCall())
    expect(left).toEqual([])
    expect(await one.oracle.tags('scratch')).toEqual([])
    const opened = one.log.filter(({ method, status }) => method === 'POST' && status === 202).length
    const ended = one.log.filter(({ method, kind, status }) =>
      kind === 'upload'
        ? (method === 'PUT' && status === 201) || (method === 'DELETE' && status === 204)
        : false,
    ).length
    expect(ended).toBe(opened)
  })

  it('deletes what it wrote if it is interrupted', async () => {
    const stop = new AbortController()
    const one = await embedded({
      onRequest: ({ method, kind }) => {
        if (method === 'PUT' && kind === 'manifest') stop.abort(new Error('interrupted'))
      },
    })
    await expect(
      examinerAt().probeWrites({ registry: one.registry, path: 'scratch' }, newCall(stop.signal)),
    ).rejects.toThrow('interrupted')
    expect(await one.oracle.tags('scratch')).toEqual([])
  })

  it.skipIf(!dockerRegistry.available)(`works for docker-registry${dockerRegistry.note}`, async () => {
    const registry = await startDockerRegistry()
    try {
      const { abilities, left } = await examinerAt().probeWrites(
        { registry: registry.host, path: 'scratch' },
        newCall(),
      )
      expect(
        Object.fromEntries(Object.entries(abilities).map(([name, fact]) => [name, fact?.known])),
      ).toEqual({
        mount: 'yes',
        chunks: 'yes',
        uploadRange: 'no',
        manyTags: 'no',
        referrers: 'no',
        deleteTag: 'no',
        deleteManifest: 'yes',
      })
      expect(left).toEqual([])
      expect(await new Oracle(registry.url).tags('scratch')).toEqual([])
    } finally {
      await registry.stop()
    }
  })
})

describe('the referrers API', () => {
  it('is missing if OCI-Subject is answered and the referrer is not listed', async () => {
    const one = await embedded({ profile: 'docker-registry-2.8' })
    await using proxy = await faultyProxy(one.registry, {
      at: { method: 'PUT', path: /manifests\/sha256/ },
      times: Infinity,
      injury: { kind: 'headers', set: { 'oci-subject': `sha256:${'1'.repeat(64)}` } },
    })
    const { abilities } = await examinerAt().probeWrites({ registry: proxy.host, path: 'a' }, newCall())
    expect(abilities.referrers).toMatchObject({ known: 'no', detail: expect.stringContaining('OCI-Subject') })
  })

  it('is unknown if the registry only says that it does not have the digest', async () => {
    const one = await embedded({ profile: 'quay' })
    await one.push(image(), 'team/api', '1.4.2')
    await using proxy = await faultyProxy(one.registry, {
      at: { path: /referrers/ },
      times: Infinity,
      injury: { kind: 'answer', status: 400, body: { errors: [{ code: 'MANIFEST_INVALID' }] } },
    })
    const { abilities } = await examinerAt().check(proxy.host, 'team/api', newCall())
    expect(abilities.referrers).toMatchObject({ known: 'unknown' })
  })
})
