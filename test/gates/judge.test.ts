import { describe, expect, it } from 'vitest'
import { readCurrentTags } from '../../src/gates/gathering/current-tags.ts'
import { readImage } from '../../src/gates/gathering/read-evidence.ts'
import { judge } from '../../src/gates/judge.ts'
import type { Repositories } from '../../src/images/ports.ts'
import { SharedTagList } from '../../src/images/tags/shared-tag-list.ts'
import { DrayError } from '../../src/lib/errors.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import { newCall } from '../registry/client/world.ts'
import { attestation, signature } from '../support/gates/attached.ts'
import { changedReads } from '../support/gates/changed-reads.ts'
import { attestationGate, scanGate, signatureGate, soakGate } from '../support/gates/definitions.ts'
import { promotion } from '../support/gates/attached-statements.ts'
import { judging } from '../support/gates/judging.ts'
import { newSigner } from '../support/gates/test-signer.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { index, together } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'

const build = newSigner()
const trust = gateTrust({ build })
const slsa = 'https://slsa.dev/provenance/v1'
const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
const signed = together(api, signature(api, build))

describe('judging an image', () => {
  it('returns a result for each gate in the order of the request', async () => {
    const gates = [
      signatureGate({ name: 'second' }),
      signatureGate({ name: 'first', signedBy: ['nobody'] }),
      signatureGate({ name: 'elsewhere', images: ['web'] }),
    ]
    const judged = await judging(signed, { trust, gates })
    expect(await judged.judge()).toMatchObject([
      { name: 'second', result: 'pass', effect: 'none' },
      { name: 'first', result: 'fail', effect: 'refused' },
      { name: 'elsewhere', result: 'skipped', effect: 'none' },
    ])
  })

  it('reads nothing if no gate applies to the operation', async () => {
    const judged = await judging(signed, { trust, gates: [signatureGate()], operation: 'rollback' })
    expect(await judged.judge()).toMatchObject([{ result: 'skipped' }])
    expect(judged.requests()).toEqual([])
  })

  it('evaluates every gate for a check, whatever its operations', async () => {
    const gates = [signatureGate({ operations: ['rollback'] })]
    const judged = await judging(signed, { trust, gates, operation: 'check' })
    expect(await judged.judge()).toMatchObject([{ result: 'pass' }])
  })

  it('verifies signatures with the name of the image in each environment', async () => {
    const { request, ports, call } = await judging(signed, { trust, gates: [] })
    const gates = [
      { gate: signatureGate({ images: ['api'] }), image: 'api' },
      { gate: signatureGate({ environment: 'eu', images: ['api'] }), image: 'backend' },
    ]
    expect(await judge({ ...request, gates }, ports, call)).toMatchObject([
      { result: 'pass' },
      { environment: 'eu', result: 'skipped' },
    ])
  })

  it('ends with the reason of the signal', async () => {
    const { request, ports } = await judging(signed, { trust, gates: [signatureGate()] })
    const stop = new AbortController()
    stop.abort(new DrayError('interrupted', 'stopped'))
    await expect(judge(request, ports, newCall(stop.signal))).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('a read that fails', () => {
  const failing = (at: number) => (stores: Repositories) =>
    changedReads(stores, at, { kind: 'fail', code: 'unavailable' }).stores

  it('is an error of every gate, with what follows from it', async () => {
    const gates = [
      signatureGate({ name: 'enforced' }),
      signatureGate({ name: 'warned', mode: 'warn' }),
      signatureGate({ name: 'overridden' }),
      signatureGate({ name: 'never', override: 'never' }),
      signatureGate({ name: 'skipped', operations: [] }),
    ]
    const overrides = new Map([
      ['overridden', 'incident 7'],
      ['never', 'incident 7'],
    ])
    const judged = await judging(signed, { trust, gates, overrides, wrap: failing(0) })
    const error = { code: 'unavailable', message: 'this read fails' }
    expect(await judged.judge()).toMatchObject([
      { result: 'error', effect: 'refused', reason: 'this read fails', error },
      { result: 'error', effect: 'warned', error },
      { result: 'error', effect: 'overridden', override: { reason: 'incident 7' }, error },
      { result: 'error', effect: 'refused', error },
      { result: 'skipped', effect: 'none' },
    ])
  })
})

describe('the current-version tag of another environment', () => {
  const gates = [signatureGate(), soakGate({ requireCurrent: true })]

  it('is read once for each of its targets', async () => {
    const { request, ports, call, requests } = await judging(signed, { trust, gates })
    const { repository } = request.from
    const currentTagOf = () => [
      { repository, tag: 'current' },
      { repository, tag: 'other' },
    ]
    requests()
    await judge(request, { ...ports, currentTagOf }, call)
    expect(requests().filter((one) => one.startsWith('HEAD manifest'))).toHaveLength(2)
  })

  it('is an error only of the gate that needs it if it cannot be read', async () => {
    const { request, ports, call } = await judging(signed, { trust, gates })
    const elsewhere: RepositoryName = { registry: 'registry.test', path: 'staging/api' }
    const stores: Repositories = {
      ...ports.stores,
      source: (name) => {
        const store = ports.stores.source(
          name.registry === elsewhere.registry ? request.from.repository : name,
        )
        const refuse = () => Promise.reject(new DrayError('forbidden', 'no pull permission'))
        return name.registry === elsewhere.registry ? { ...store, resolve: refuse } : store
      },
    }
    const currentTagOf = () => [{ repository: elsewhere, tag: 'current' }]
    expect(await judge(request, { ...ports, stores, currentTagOf }, call)).toMatchObject([
      { name: 'signed', result: 'pass' },
      { name: 'soak', result: 'error', effect: 'refused', error: { code: 'forbidden' } },
    ])
  })

  it('is not on the image if it is at one target only, or configured nowhere', async () => {
    const { request, ports, call } = await judging(signed, { trust, gates })
    const { repository } = request.from
    const oracle = new Oracle(repository.registry)
    await oracle.push(signed, 'eu/api', 'current')
    const eu = { repository: { ...repository, path: 'eu/api' }, tag: 'current' }
    const isCurrent = async (tags: readonly (typeof eu)[]) => {
      const read = { stores: ports.stores, currentTagOf: () => tags }
      const { isCurrentIn } = await readCurrentTags(
        [gates[1] ?? signatureGate()],
        'api',
        request.root.digest,
        read,
        call,
      )
      return isCurrentIn.get('staging')
    }
    expect(await isCurrent([eu])).toBe(true)
    expect(await isCurrent([eu, { repository, tag: 'current' }])).toBe(false)
    expect(await isCurrent([])).toBe(false)
  })
})

it('fails what depends on the time if the clocks of the registry and this machine differ by two hours', async () => {
  const time = new Date(Date.now() - 48 * 3_600_000).toISOString()
  const attached = together(signed, promotion(api, build, { time }))
  const gates = [signatureGate(), soakGate()]
  const withClock = (hours: number) => (stores: Repositories) => ({
    ...stores,
    source: (name: RepositoryName) => ({
      ...stores.source(name),
      clockDifference: () => hours * 3_600_000,
    }),
  })
  const results = async (hours: number): Promise<readonly string[]> => {
    const wrap = withClock(hours)
    const environmentsOf = () => ['staging']
    const judged = await judging(attached, { trust, gates, wrap, environmentsOf })
    return (await judged.judge()).map(({ result }) => result)
  }
  expect(await results(0)).toEqual(['pass', 'pass'])
  expect(await results(2)).toEqual(['pass', 'fail'])
  expect(await results(-2)).toEqual(['pass', 'fail'])
})

describe('the requests of judging', () => {
  const four = index(['amd64', 'arm64', 'arm/v7', 'ppc64le'], { label: 'api', layers: 1 })
  const attached = together(
    four,
    signature(four, build),
    signature(four, build, { as: 'old' }),
    ...[1, 2, 3, 4].map((number) => attestation(four, slsa, { number }, build)),
  )
  const gates = [signatureGate(), attestationGate()]

  it('are one GET for each attached artifact, beside the image and the lists', async () => {
    const judged = await judging(attached, { trust, gates })
    await judged.judge()
    const requests = Object.entries(Object.groupBy(judged.requests(), (request) => request))
    const counts = Object.fromEntries(requests.map(([request, same = []]) => [request, same.length]))
    expect(counts).toEqual({
      // the index, its platform images, and the attached artifacts
      'GET manifest 200': 1 + 4 + 6,
      'GET blob 200': 6,
      // the index, its platform images, the attached artifacts
      'GET referrers 200': 1 + 4 + 6,
      'GET tags 200': 1,
    })
  })

  it('for the attached artifacts are sent in one wave', async () => {
    let begun = 0
    const all = Promise.withResolvers<void>()
    const wrap = (stores: Repositories): Repositories => ({
      ...stores,
      source: (name) => {
        const store = stores.source(name)
        return {
          ...store,
          blob: async (d, offset, call) => {
            begun += 1
            if (begun === 6) all.resolve()
            await all.promise
            return await store.blob(d, offset, call)
          },
        }
      },
    })
    const judged = await judging(attached, { trust, gates, wrap })
    expect(await judged.judge()).toMatchObject([{ result: 'pass' }, {}])
    expect(begun).toBe(6)
  })

  it('are no others if the run has read the image, and none for the same image at another target', async () => {
    const { request, ports, call, requests } = await judging(attached, { trust, gates })
    const store = ports.stores.source(request.from.repository)
    const read = await readImage(request, store, new SharedTagList(store, call), call)
    requests()
    await judge({ ...request, read }, ports, call)
    expect(requests()).toEqual(Array.from({ length: 6 }, () => 'GET blob 200'))
    await judge({ ...request, read }, ports, call)
    expect(requests()).toEqual([])
  })

  it('are none for configs unless a rule uses labels', async () => {
    const judged = await judging(attached, { trust, gates: [scanGate()] })
    await judged.judge()
    expect(judged.requests()).not.toContain('GET blob 200')
  })
})
