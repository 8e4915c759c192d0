import { describe, expect, it } from 'vitest'
import { attestationArtifact } from '../../../src/audit/attestation/attestation-artifact.ts'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import type { ProfileName } from '../../../src/embedded/profiles.ts'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { embedded, newCall, openStores } from '../../registry/client/world.ts'
import { attachAndList, newKeys, promotionOf } from '../../support/attestations.ts'
import { image, referrer, sha256, together } from '../../support/images.ts'

const keys = newKeys('ed25519')
const api = image({ label: 'api' })
const subject = parseDescriptor(api.root, 'the image')
const promotion = promotionOf(api.root.digest)

interface ManifestBody {
  readonly artifactType: string
  readonly config: { readonly mediaType: string; readonly digest: string }
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[]
  readonly subject: unknown
  readonly annotations: Readonly<Record<string, string>>
}

const bodyOf = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as ManifestBody

async function start(profile: ProfileName) {
  const one = await embedded({ profile })
  await one.push(api, 'prod/api', '1.4.2')
  const open = () => openStores().target({ registry: one.registry, path: 'prod/api' })
  return { ...one, open, writes: () => one.log.filter(isWrite).length }
}

const isWrite = ({ method }: AccessEntry): boolean => method !== 'GET' && method !== 'HEAD'

describe('the manifest of an attestation', () => {
  it('is a sigstore bundle as cosign writes it if it is signed', () => {
    const { manifest, blob } = attestationArtifact({ promotion, subject, key: keys.signing })
    const type = 'application/vnd.dev.sigstore.bundle.v0.3+json'
    expect(bodyOf(manifest.bytes)).toMatchObject({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: type,
      layers: [{ mediaType: type, digest: sha256(blob.bytes), size: blob.bytes.byteLength }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'urn:dray:promotion:v1',
        'org.opencontainers.image.created': promotion.time,
        'dray.promotion.plan': promotion.plan,
      },
    })
    expect(manifest.descriptor.digest).toBe(sha256(manifest.bytes))
  })

  it('contains the plain statement if it is not signed', () => {
    const { manifest, blob } = attestationArtifact({ promotion, subject })
    expect(bodyOf(manifest.bytes)).toMatchObject({
      artifactType: 'application/vnd.in-toto+json',
      layers: [{ mediaType: 'application/vnd.in-toto+json' }],
      annotations: { 'in-toto.io/predicate-type': 'urn:dray:promotion:v1' },
    })
    expect(JSON.parse(Buffer.from(blob.bytes).toString())).toHaveProperty('predicate.digest', subject.digest)
  })

  it('has one blob, which is also its config', () => {
    const { config, layers } = bodyOf(attestationArtifact({ promotion, subject }).manifest.bytes)
    expect(layers).toEqual([config])
  })

  it('is the same bytes for the same values', () => {
    const make = () => attestationArtifact({ promotion, subject, key: keys.signing })
    expect(make()).toEqual(make())
  })

  it('cannot refer to another image than its statement', () => {
    const other = { ...subject, digest: digestOf('other') }
    expect(() => attestationArtifact({ promotion, subject: other })).toThrow(
      expect.objectContaining({ code: 'internal' }),
    )
  })
})

const profiles = ['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const

describe.each(profiles)('an attestation that is attached at %s', (profile) => {
  it('is complete and listed as a referrer, within nine requests', async () => {
    const { oracle, log, open } = await start(profile)
    const { result, manifest } = await attachAndList(
      open(),
      { promotion, subject, key: keys.signing },
      newCall(),
    )
    expect(result).toBe('attached')
    expect(log.length).toBeLessThanOrEqual(9)
    expect(await oracle.referrers('prod/api', subject.digest)).toEqual([manifest.digest])
    expect(await oracle.complaints('prod/api', manifest.digest)).toEqual([])
  })

  it('is not written again for the same plan at another time', async () => {
    const { open, clear, writes, log } = await start(profile)
    const first = await attachAndList(open(), { promotion, subject, key: keys.signing }, newCall())
    clear()
    const later = { ...promotion, time: '2026-03-04T06:00:00.000Z' }
    const again = await attachAndList(open(), { promotion: later, subject, key: keys.signing }, newCall())
    expect(again).toMatchObject({ result: 'unchanged', manifest: { digest: first.manifest.digest } })
    expect(writes()).toBe(0)
    expect(log.length).toBeLessThanOrEqual(3)
  })

  it('is written for another plan, another destination, other tags and another key', async () => {
    const { oracle, open } = await start(profile)
    const others = [
      { plan: digestOf('another plan') },
      { to: { environment: 'prod', repository: parseRepository('registry.test/elsewhere/api') } },
      { tags: [{ tag: '1.4', before: null }] },
    ]
    for (const over of [{}, ...others])
      await attachAndList(open(), { promotion: { ...promotion, ...over }, subject }, newCall())
    await attachAndList(open(), { promotion, subject, key: keys.signing }, newCall())
    await attachAndList(open(), { promotion, subject, key: newKeys().signing }, newCall())
    expect(await oracle.referrers('prod/api', subject.digest)).toHaveLength(6)
  })

  it('keeps the other referrers in the list', async () => {
    const { oracle, open } = await start(profile)
    const sbom = referrer(api)
    await oracle.push(together(api, sbom), 'prod/api')
    const { manifest } = await attachAndList(open(), { promotion, subject }, newCall())
    const listed = await oracle.referrers('prod/api', subject.digest)
    expect([...listed].sort()).toEqual([sbom.root.digest, manifest.digest].sort())
  })
})

it('an attestation that is listed but deleted is written again', async () => {
  const { oracle, open } = await start('docker-registry-2.8')
  const { manifest } = await attachAndList(open(), { promotion, subject }, newCall())
  await oracle.delete('prod/api', manifest.digest)
  const again = await attachAndList(open(), { promotion, subject }, newCall())
  expect(again.result).toBe('attached')
  expect(await oracle.complaints('prod/api', manifest.digest)).toEqual([])
})
