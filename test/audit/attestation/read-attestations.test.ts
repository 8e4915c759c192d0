import { describe, expect, it } from 'vitest'
import { readAttestations } from '../../../src/audit/attestation/read-attestations.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { embedded, newCall, openStores, scripted } from '../../registry/client/world.ts'
import { attestationContent, claimedAttestation, newKeys, promotionOf } from '../../support/attestations.ts'
import { type Content, image, referrer, together } from '../../support/images.ts'

const keys = newKeys()
const api = image({ label: 'api' })
const other = image({ label: 'other' })
const digest = parseDigest(api.root.digest)
const signed = attestationContent(api, promotionOf(digest), keys.signing)

type Profile = 'oci-1.1' | 'docker-registry-2.8'

async function found(profile: Profile, ...evidence: readonly Content[]) {
  const one = await embedded({ profile })
  await one.push(together(other), 'prod/api')
  await one.push(together(api, ...evidence), 'prod/api', '1.4.2')
  const store = openStores().source({ registry: one.registry, path: 'prod/api' })
  const call = newCall()
  return { ...one, store, call, read: () => readAttestations(store, digest, [keys.verify], call) }
}

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('attestations at %s', (profile) => {
  it('are all found with their status, and other referrers are skipped', async () => {
    const unsigned = attestationContent(api, promotionOf(digest, { run: 'run-8' }))
    const foreign = attestationContent(api, promotionOf(digest), newKeys('ed25519').signing)
    const tampered = claimedAttestation(api, brokenBundle())
    const garbage = claimedAttestation(api, 'garbage')
    const sbom = referrer(api)
    const slsa = referrer(api, {
      artifactType: 'application/vnd.in-toto+json',
      payload: '{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"a","predicate":{}}',
    })
    const { read } = await found(profile, signed, unsigned, foreign, tampered, garbage, sbom, slsa)
    const statuses = new Map((await read()).map((one) => [one.manifest.digest as string, one.status]))
    expect(statuses).toEqual(
      new Map([
        [signed.root.digest, 'verified'],
        [unsigned.root.digest, 'unsigned'],
        [foreign.root.digest, 'foreign'],
        [tampered.root.digest, 'bad'],
        [garbage.root.digest, 'unreadable'],
      ]),
    )
  })

  it('are bad if they were copied from another image', async () => {
    const payload = [
      ...attestationContent(other, promotionOf(other.root.digest), keys.signing).blobs.values(),
    ]
    const { read } = await found(profile, claimedAttestation(api, payload[0] ?? ''))
    expect(await read()).toMatchObject([{ status: 'bad', why: `it describes ${other.root.digest}` }])
  })

  it('are unreadable if they are too large, and their bytes are not read', async () => {
    const huge = claimedAttestation(api, Buffer.alloc(4 * 1024 * 1024 + 1))
    const { read, log } = await found(profile, huge)
    expect(await read()).toMatchObject([{ status: 'unreadable' }])
    expect(log.filter(({ kind }) => kind === 'blob')).toEqual([])
  })

  it('are read up to a total limit', async () => {
    const many = [1, 2, 3, 4, 5].map((n) => claimedAttestation(api, Buffer.alloc(4 * 1024 * 1024, n)))
    const { read, log } = await found(profile, ...many)
    expect((await read()).map(({ status }) => status)).toEqual(many.map(() => 'unreadable'))
    expect(log.filter(({ kind }) => kind === 'blob')).toHaveLength(4)
  })

  it('are unreadable if their blob is missing, and the others are found', async () => {
    const { read, oracle } = await found(profile, signed, attestationContent(api))
    await oracle.deleteBlob('prod/api', [...signed.blobs.keys()][0] ?? '')
    expect(new Set((await read()).map(({ status }) => status))).toEqual(new Set(['unreadable', 'unsigned']))
  })

  it('are an empty list if the image has none or does not exist', async () => {
    const { read } = await found(profile)
    expect(await read()).toEqual([])
    const { registry } = await embedded({ profile })
    const store = openStores().source({ registry, path: 'prod/api' })
    expect(await readAttestations(store, digest, [], newCall())).toEqual([])
  })
})

it('attestations under the fallback tag are found in addition to those of the API', async () => {
  const { read, oracle } = await found('oci-1.1', signed)
  const late = attestationContent(api, promotionOf(digest, { run: 'run-9' }))
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [late.root],
  }
  const bytes = Buffer.from(JSON.stringify(index))
  await oracle.push(
    { ...late, manifests: late.manifests.map(({ bytes: b, descriptor }) => ({ bytes: b, descriptor })) },
    'prod/api',
  )
  const descriptor = { mediaType: index.mediaType, digest: '', size: bytes.byteLength }
  await oracle.putManifest('prod/api', digest.replace(':', '-'), { bytes, descriptor })
  expect(new Set((await read()).map(({ promotion }) => promotion?.run))).toEqual(new Set(['run-7', 'run-9']))
})

it('a listed manifest of another image is no attestation of this one', async () => {
  const { read, oracle } = await found('docker-registry-2.8')
  const others = attestationContent(other, promotionOf(other.root.digest), keys.signing)
  await oracle.push(
    { ...others, manifests: others.manifests.map((m) => ({ ...m, subject: digest })) },
    'prod/api',
  )
  expect(await oracle.referrersByTag('prod/api', digest)).toEqual([others.root.digest])
  expect(await read()).toEqual([])
})

it.each([401, 403, 500])(
  'a status %i for the list of referrers is an error, not an empty history',
  async (status) => {
    const { registry } = await scripted(() => ({ status }))
    const store = openStores().source({ registry, path: 'prod/api' })
    await expect(readAttestations(store, digest, [], newCall())).rejects.toMatchObject({ name: 'DrayError' })
  },
)

/** Changes a letter of the signed payload. */
function brokenBundle(): string {
  const text = Buffer.from([...signed.blobs.values()][0] ?? '').toString()
  const { dsseEnvelope, ...rest } = JSON.parse(text) as { dsseEnvelope: { payload: string } }
  const payload = Buffer.from(dsseEnvelope.payload, 'base64')
    .toString()
    .replace('release 1.4.2', 'release 6.6.6')
  return JSON.stringify({
    ...rest,
    dsseEnvelope: { ...dsseEnvelope, payload: Buffer.from(payload).toString('base64') },
  })
}
