import { describe, expect, it, onTestFinished } from 'vitest'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const multi = index(['amd64', 'arm64'], { label: 'evidence', layers: 1 })
const [amd64] = multi.manifests
const sbom = referrer(multi, { payload: 'sbom', annotations: { made: 'by the build' } })
const ofSbom = referrer(sbom, { artifactType: 'application/vnd.example.signature', payload: 'of the sbom' })
const ofChild = referrer(amd64?.descriptor ?? multi, {
  artifactType: 'application/vnd.example.signature',
  payload: 'of a child',
})
const signed = together(multi, sbom, ofSbom, ofChild)

interface Entry {
  readonly digest: string
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

async function fallbackEntries(oracle: Oracle, repository: string, subject: Content): Promise<Entry[]> {
  const found = await oracle.manifest(repository, subject.root.digest.replace(':', '-'))
  return (JSON.parse(found?.bytes.toString() ?? '{"manifests":[]}') as { manifests: Entry[] }).manifests
}

describe('a signature of a child and one of an SBOM', () => {
  describe.each([
    { name: 'registry like docker-registry', open: startEmbedded, available: true },
    {
      name: `real docker-registry${dockerRegistry.note}`,
      open: startReal,
      available: dockerRegistry.available,
    },
  ])('that go to a $name by the fallback tag', ({ open, available }) => {
    it.skipIf(!available)('are merged with existing entries', async () => {
      const w = await world().has('api:1.4.2', signed).start()
      const prod = await open()
      const oracle = new Oracle(prod)
      const existing = newScan()
      await oracle.push(together(multi, existing), 'prod/api')
      const here = await warmWorkplace(configOf(w.staging.host, [prod]))

      const ended = await here.run(...toProd('api:1.4.2'))
      expect(ended.code, ended.stderr).toBe(0)

      expect(await oracle.differences('prod/api', signed, '1.4.2')).toEqual([])
      const entries = await fallbackEntries(oracle, 'prod/api', multi)
      const byDigest = new Map(entries.map((entry) => [entry.digest, entry]))
      expect([...byDigest.keys()].sort()).toEqual([existing.root.digest, sbom.root.digest].sort())
      expect(byDigest.get(existing.root.digest)).toMatchObject({ annotations: { scanned: 'yesterday' } })
      expect(byDigest.get(sbom.root.digest)).toMatchObject({
        artifactType: 'application/spdx+json',
        annotations: { made: 'by the build' },
      })
      const again = await here.json(...toProd('api:1.4.2'))
      expect(again.document.result?.images).toMatchObject([{ status: 'unchanged' }])
      expect(await fallbackEntries(oracle, 'prod/api', multi)).toEqual(entries)
    })
  })
})

/** A referrer whose entry in the fallback index has an annotation that its manifest lacks. */
function newScan(): Content {
  const made = referrer(multi, { payload: 'a scan that someone made at the destination' })
  const manifests = made.manifests.map((m) => ({
    ...m,
    descriptor: { ...m.descriptor, annotations: { scanned: 'yesterday' } },
  }))
  return { ...made, manifests }
}

async function startEmbedded(): Promise<string> {
  return (await world({ staging: 'docker-registry-2.8' }).start()).staging.host
}

async function startReal(): Promise<string> {
  const registry = await startDockerRegistry()
  onTestFinished(() => registry.stop())
  return registry.host
}

describe('a failed request for referrers', () => {
  const old = image({ label: 'old' })

  it.each([
    { side: 'source', status: 403, code: 'forbidden' },
    { side: 'source', status: 500, code: 'unavailable' },
    { side: 'destination', status: 403, code: 'forbidden' },
    { side: 'destination', status: 500, code: 'unavailable' },
  ] as const)(
    'is an error and never counts as an empty list ($side, $status)',
    async ({ side, status, code }) => {
      const w = await world({ prod: ['oci-1.1'] })
        .has('api:stable', signed)
        .start()
      const [prod] = w.prod
      await prod?.oracle.push(old, 'prod/api', 'stable')
      const before = prod?.requests.length
      const injury = {
        kind: 'answer',
        status,
        headers: { 'retry-after': '0' },
        body: { errors: [] },
      } as const
      const fault = { at: { path: /\/referrers\// }, times: Infinity, injury }
      await using proxy = await faultyProxy(side === 'source' ? w.staging.host : (prod?.host ?? ''), fault)
      const here = await warmWorkplace(
        side === 'source' ? configOf(proxy.host, [prod?.host ?? '']) : configOf(w.staging.host, [proxy.host]),
      )

      const { code: exit, document } = await here.json(...toProd('api:stable'))

      expect(exit).toBe(1)
      expect(document.error).toMatchObject({ code })
      expect(JSON.stringify(document.error)).toContain(proxy.host)
      const writes = prod?.requests
        .slice(before)
        .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
      expect(writes).toEqual([])
      expect(await prod?.oracle.digest('prod/api', 'stable')).toBe(old.root.digest)
    },
  )
})

describe('a wrong 404 in the discovery of evidence', () => {
  const wrong = { kind: 'answer', status: 404, body: { errors: [{ code: 'NOT_FOUND' }] } } as const
  const cosigned = together(signed, cosignSignature(multi))
  const tag = cosigned.manifests.at(-1)?.tag ?? ''

  it.each([
    { of: 'the index', subject: multi.root.digest },
    { of: 'a child', subject: amd64?.descriptor.digest ?? '' },
    { of: 'an SBOM', subject: sbom.root.digest },
  ])('for the referrers of $of loses no evidence', async ({ subject }) => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const fault = { at: { path: new RegExp(`/referrers/${subject}`) }, injury: wrong }
    await using proxy = await faultyProxy(w.staging.host, fault)
    const here = await warmWorkplace(configOf(proxy.host, [w.prod[0]?.host ?? '']))
    expect(await here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    expect(await w.prod[0]?.oracle.differences('prod/api', signed, '1.4.2')).toEqual([])
  })

  it('for a listed cosign tag is an error, unless missing evidence is allowed', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', cosigned)
      .start()
    const fault = {
      at: { method: 'GET', path: new RegExp(`/manifests/${tag}$`) },
      times: Infinity,
      injury: wrong,
    }
    await using proxy = await faultyProxy(w.staging.host, fault)
    const here = await warmWorkplace(configOf(proxy.host, [w.prod[0]?.host ?? '']))
    const { code, document } = await here.json(...toProd('api:1.4.2'))
    expect(code).toBe(1)
    expect(document.error).toMatchObject({ code: 'not-found', subject: multi.root.digest })
    expect(document.error?.message).toContain(`${proxy.host}/staging/api:${tag}`)
    expect(await w.prod[0]?.oracle.digest('prod/api', '1.4.2')).toBeUndefined()

    const allowed = await here.json(...toProd('api:1.4.2', '--allow-missing-evidence'))
    expect(allowed.code).toBe(0)
    expect(JSON.stringify(allowed.document.warnings)).toContain(tag)
  })
})
