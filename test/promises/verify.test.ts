import { describe, expect, it } from 'vitest'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { body, type Content, index, referrer, together } from '../support/images.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const multi = index(['amd64', 'arm64'], { label: 'verified', layers: 2 })
const sbom = referrer(multi)
const signed = together(multi, sbom)
const [amd64 = '', arm64 = ''] = multi.manifests.map((m) => m.descriptor.digest)

function blobsOf(content: Content, digest: string): { config: string; layers: string[] } {
  const { config, layers } = body(content, digest) as Record<'config', { digest: string }> &
    Record<'layers', { digest: string }[]>
  return { config: config.digest, layers: layers.map((layer) => layer.digest) }
}

const losses = [
  { name: 'a layer', blob: blobsOf(multi, amd64).layers[1] },
  { name: 'a config', blob: blobsOf(multi, arm64).config },
  { name: 'a child', manifest: arm64 },
  { name: 'the layer of an SBOM', blob: blobsOf(sbom, sbom.root.digest).layers[0] },
  { name: 'an SBOM', manifest: sbom.root.digest },
] as const

describe('content that is missing at the destination', () => {
  it.each(losses)('$name is restored by --verify, and nothing else is written', async (lost) => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const [prod] = w.prod
    const here = await warmWorkplace(w.config)
    expect(await here.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    if ('blob' in lost) await prod?.oracle.deleteBlob('prod/api', lost.blob ?? '')
    else await prod?.oracle.delete('prod/api', lost.manifest)
    expect(await prod?.oracle.differences('prod/api', signed, '1.4.2')).not.toEqual([])

    prod?.forget()
    const { code, document, stderr } = await here.json(...toProd('api:1.4.2', '--verify'))

    expect(code, stderr).toBe(0)
    expect(document.result).toMatchObject({
      verified: true,
      transferred: { uploaded: 'blob' in lost ? 1 : 0 },
    })
    const uploads = prod?.requests.filter(({ method, kind }) => method === 'PUT' && kind === 'upload')
    expect(uploads).toHaveLength('blob' in lost ? 1 : 0)
    expect(await prod?.oracle.differences('prod/api', signed, '1.4.2')).toEqual([])
  })

  it('is not found without --verify if the tag is up to date: the run reads no blob and writes nothing', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const [prod] = w.prod
    const here = await warmWorkplace(w.config)
    await here.run(...toProd('api:1.4.2'))
    await prod?.oracle.deleteBlob('prod/api', blobsOf(multi, amd64).config)
    prod?.forget()
    const { code, document } = await here.json(...toProd('api:1.4.2'))
    expect(code).toBe(0)
    expect(document.result?.images).toMatchObject([{ status: 'unchanged' }])
    expect(prod?.requests.every(({ method, kind }) => /^(GET|HEAD)$/.test(method) && kind !== 'blob')).toBe(
      true,
    )
  })
})

describe('--verify', () => {
  it('writes nothing if nothing is missing', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const [prod] = w.prod
    const here = await warmWorkplace(w.config)
    await here.run(...toProd('api:1.4.2'))
    prod?.forget()
    const { code, document } = await here.json(...toProd('api:1.4.2', '--verify'))
    expect(code).toBe(0)
    expect(document.result).toMatchObject({ verified: true, images: [{ status: 'unchanged' }] })
    expect(prod?.requests.every(({ method }) => /^(GET|HEAD)$/.test(method))).toBe(true)
  })

  it('fails if the registry accepts a layer and does not serve it', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const layer = blobsOf(multi, amd64).layers[0] ?? ''
    const lost = {
      at: { method: 'GET', path: new RegExp(`/blobs/${layer}$`) },
      times: Infinity,
      injury: { kind: 'answer', status: 404, body: { errors: [{ code: 'BLOB_UNKNOWN' }] } },
    } as const
    await using proxy = await faultyProxy(w.prod[0]?.host ?? '', lost)
    const here = await warmWorkplace(configOf(w.staging.host, [proxy.host]))
    const { code, document } = await here.json(...toProd('api:1.4.2', '--verify'))
    expect(code).toBe(1)
    expect(document.error).toMatchObject({ code: 'corrupt' })
    expect(document.error?.message).toContain('content is missing')
    expect(document.error?.message).toContain(`${proxy.host}/prod/api`)
  })

  it('fails if the source has lost the layer too', async () => {
    const w = await world({ prod: ['oci-1.1'] })
      .has('api:1.4.2', signed)
      .start()
    const here = await warmWorkplace(w.config)
    await here.run(...toProd('api:1.4.2'))
    const layer = blobsOf(multi, amd64).layers[0] ?? ''
    await w.staging.oracle.deleteBlob('staging/api', layer)
    await w.prod[0]?.oracle.deleteBlob('prod/api', layer)
    const { code, stdout } = await here.json(...toProd('api:1.4.2', '--verify'))
    expect(code).toBe(1)
    expect(stdout).toContain(`${w.staging.host}/staging/api@${layer}`)
    expect(await w.prod[0]?.oracle.digest('prod/api', '1.4.2')).toBe(multi.root.digest)
  })
})
