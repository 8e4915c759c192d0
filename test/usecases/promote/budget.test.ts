import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifact, cosignSignature, image, index, referrer, together } from '../../support/images.ts'
import { bench, promote, repository } from '../../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/ppc64le']
const isManifestRead = (entry: AccessEntry) =>
  entry.kind === 'manifest' && (entry.method === 'GET' || entry.method === 'HEAD')
const isWrite = (entry: AccessEntry) => entry.method !== 'GET' && entry.method !== 'HEAD'
const format = (requests: readonly AccessEntry[]) =>
  requests.map((r) => `${r.status} ${r.method} ${r.path}`).join('\n')

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)(
  'requests of a promotion within one registry like %s',
  (profile) => {
    let registry: WatchedRegistry
    beforeAll(async () => {
      registry = await watchedRegistry(profile)
    })
    afterAll(() => registry[Symbol.asyncDispose]())

    const from = () => repository(registry, 'staging/api')
    const to = (name: string) => [repository(registry, `prod/${name}`)]

    it.each([1, 12, 30])(
      'are at most N+10 for %i layers, or N+5 without evidence, and transfer no blob',
      async (layers) => {
        await registry.oracle.push(image({ layers }), `staging/n${layers}`, '1.4.2')
        for (const [evidence, budget] of [
          [true, layers + 10],
          [false, layers + 5],
        ] as const) {
          await using run = await bench()
          registry.forget()
          const options = { evidence }
          const done = await promote(run, {
            from: repository(registry, `staging/n${layers}`),
            to: to(`n${layers}-${String(evidence)}`),
            options,
          })
          const { requests } = registry
          expect(requests.length, format(requests)).toBeLessThanOrEqual(budget)
          expect(done.placements).toMatchObject([
            { status: 'promoted', transferred: { mounted: layers + 1, uploaded: 0 } },
          ])
          const blobBytes = requests
            .filter((r) => r.kind === 'blob' || r.kind === 'upload')
            .map((r) => r.requestBytes)
          expect(blobBytes.reduce((a, b) => a + b, 0)).toBe(0)
          expect(await registry.oracle.complaints(`prod/n${layers}-${String(evidence)}`, '1.4.2')).toEqual([])
        }
      },
    )

    it('are two for manifests besides those for evidence, and no write, if the tag is up to date', async () => {
      await registry.oracle.push(image({ layers: 3 }), 'staging/api', '1.4.2')
      await using run = await bench()
      await promote(run, { from: from(), to: to('again') })
      await using second = await bench()
      registry.forget()
      const done = await promote(second, { from: from(), to: to('again'), options: { evidence: false } })
      expect(registry.requests.filter(isWrite)).toEqual([])
      expect(registry.requests.filter(isManifestRead)).toHaveLength(2)
      expect(registry.requests).toHaveLength(2)
      expect(done.placements).toMatchObject([{ status: 'unchanged' }])

      await using third = await bench()
      registry.forget()
      await promote(third, { from: from(), to: to('again') })
      expect(registry.requests.length, format(registry.requests)).toBeLessThanOrEqual(7)
      expect(registry.requests.filter(isWrite)).toEqual([])
    })

    it('are at most 85 for 4 platforms of 8 layers with 3 referrers', async () => {
      const api = index(platforms, { layers: 8 })
      const evidence = ['sbom', 'provenance', 'scan'].map((payload) => referrer(api, { payload }))
      await registry.oracle.push(together(api, ...evidence), 'staging/multi', '1.4.2')
      await using run = await bench()
      registry.forget()
      const done = await promote(run, { from: repository(registry, 'staging/multi'), to: to('multi') })
      expect(registry.requests.length, format(registry.requests)).toBeLessThanOrEqual(85)
      expect(done.placements).toMatchObject([{ status: 'promoted', evidenceCopied: 3 }])
      expect(await registry.oracle.complaints('prod/multi', '1.4.2')).toEqual([])
      expect(await registry.oracle.referrers('prod/multi', api.root.digest)).toHaveLength(3)

      await using second = await bench()
      registry.forget()
      const again = await promote(second, { from: repository(registry, 'staging/multi'), to: to('multi') })
      expect(registry.requests.filter(isWrite)).toEqual([])
      expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    })

    it('copy a signature of a child, of an SBOM, a cosign tag, and an artifact that is not an image', async () => {
      const api = index(platforms.slice(0, 2), { layers: 2 })
      const [, child] = api.manifests
      const sbom = referrer(api, { payload: 'sbom' })
      const all = together(
        api,
        sbom,
        referrer(sbom, { payload: 'signature of the sbom' }),
        ...(child === undefined ? [] : [referrer(child.descriptor, { payload: 'signature of a child' })]),
        cosignSignature(api),
      )
      await registry.oracle.push(all, 'staging/signed', '1.4.2')
      await using run = await bench()
      const done = await promote(run, { from: repository(registry, 'staging/signed'), to: to('signed') })
      expect(done.placements).toMatchObject([{ status: 'promoted', evidenceCopied: 4 }])
      const { oracle } = registry
      expect(await oracle.referrers('prod/signed', api.root.digest)).toEqual(
        await oracle.referrers('staging/signed', api.root.digest),
      )
      expect(await oracle.referrers('prod/signed', sbom.root.digest)).toHaveLength(1)
      expect(await oracle.referrers('prod/signed', child?.descriptor.digest ?? '')).toHaveLength(1)
      const tag = api.root.digest.replace(':', '-').concat('.sig')
      expect(await oracle.digest('prod/signed', tag)).toBe(await oracle.digest('staging/signed', tag))

      await oracle.push(artifact('helm'), 'staging/chart', '1.4.2')
      const chart = await promote(run, { from: repository(registry, 'staging/chart'), to: to('chart') })
      expect(chart.placements).toMatchObject([{ status: 'promoted' }])
      expect(await oracle.complaints('prod/chart', '1.4.2')).toEqual([])
    })
  },
)

it('a batch lists the tags of its source once, and copies artifacts under tags with a prefix', async () => {
  await using registry = await watchedRegistry({ profile: 'oci-1.1', abilities: { pageLimit: 5 } })
  const images = [1, 2, 3, 4].map((layers) => image({ layers, label: 'of a batch' }))
  const signed = images.map((one) =>
    together(one, cosignSignature(one), cosignSignature(one, { suffix: 'att', prefix: 'cve-' })),
  )
  const [from, to] = [repository(registry, 'staging/batch'), [repository(registry, 'prod/batch')]]
  for (const [i, one] of signed.entries())
    await registry.oracle.push(one, from.path, `1.${i}.0`, `build-${i}`, `main-${i}`)
  await using run = await bench()
  registry.forget()
  const done = await promote(run, ...images.map((_, i) => ({ from, at: { tag: `1.${i}.0` }, to })))
  const pages = registry.requests.filter(({ path }) => path.includes(`${from.path}/tags/list`))
  expect(pages).toHaveLength(Math.ceil((images.length * 5) / 5))
  expect(done.placements.map(({ evidenceCopied }) => evidenceCopied)).toEqual([2, 2, 2, 2])
  for (const [i, one] of signed.entries())
    expect(await registry.oracle.differences('prod/batch', one, `1.${i}.0`)).toEqual([])
})
