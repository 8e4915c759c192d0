import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anyPublicKey, type PublicKey, signersOf } from '../../src/signing/dsse.ts'
import { verifyAttestation } from '../../src/audit/attestation/verify-attestation.ts'
import { readAttestations } from '../../src/audit/attestation/read-attestations.ts'
import { bundleMediaType, hintOf, parseBundle } from '../../src/signing/sigstore-bundle.ts'
import { loadVerifyKey } from '../../src/signing/signing-keys.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { embedded, newCall, openStores } from '../registry/client/world.ts'
import { newKeys } from '../support/attestations.ts'
import { sha256, types } from '../support/images.ts'

const folder = join(import.meta.dirname, '..', 'fixtures', 'cosign')
const read = (name: string): Promise<Buffer> => readFile(join(folder, name))
const cosignKey = (): Promise<PublicKey> => loadVerifyKey(join(folder, 'cosign.pub'))
const image = digestOf(await read('image-manifest'))

describe('an attestation by cosign', () => {
  it('is verified with its key, with all its content', async () => {
    const judged = verifyAttestation(await read('bundle'), bundleMediaType, image, [await cosignKey()])
    expect(judged).toMatchObject({
      status: 'verified',
      promotion: {
        digest: image,
        reason: 'release 1.4.2',
        run: 'run-7',
        tags: [{ tag: '1.4.2', before: null }],
      },
    })
  })

  it('names its key by the same hint as dray', async () => {
    const { signer } = parseBundle(await read('bundle'), 'the bundle')
    expect(signer).toEqual({ kind: 'key', hint: hintOf(await cosignKey()) })
  })

  it('is foreign to another key, and unchecked without one', async () => {
    const bundle = await read('bundle')
    expect(verifyAttestation(bundle, bundleMediaType, image, [newKeys().verify])).toMatchObject({
      status: 'foreign',
    })
    expect(verifyAttestation(bundle, bundleMediaType, image, [])).toMatchObject({ status: 'unchecked' })
  })

  it.each(['oci-1.1', 'docker-registry-2.8'] as const)(
    'is verified at %s, listed as cosign lists it',
    async (profile) => {
      const { registry, oracle } = await embedded({ profile })
      const bundle = await read('bundle')
      const stored = async (name: string) => {
        const bytes = await read(name)
        const { mediaType } = JSON.parse(bytes.toString()) as { mediaType: string }
        return { bytes, descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength } }
      }
      const attestation = await stored('attestation-manifest')
      const { config, layers } = JSON.parse(attestation.bytes.toString()) as {
        config: { digest: string }
        layers: { digest: string }[]
      }
      await oracle.pushBlob('fix/api', config.digest, Buffer.from('{}'))
      await oracle.pushBlob('fix/api', layers[0]?.digest ?? '', bundle)
      await oracle.putManifest('fix/api', attestation.descriptor.digest, attestation)
      const underTag = await stored('fallback-index')
      expect(underTag.descriptor.mediaType).toBe(types.index)
      if (profile === 'docker-registry-2.8')
        await oracle.putManifest('fix/api', image.replace(':', '-'), underTag)
      const store = openStores().source({ registry, path: 'fix/api' })
      const found = await readAttestations(store, image, [await cosignKey()], newCall())
      expect(found).toMatchObject([
        { status: 'verified', manifest: { digest: attestation.descriptor.digest } },
      ])
    },
  )

  it.each(['p384', 'rsa'])('is verified with a key of kind %s', async (kind) => {
    const { envelope } = parseBundle(await read(`${kind}.bundle`), 'the bundle')
    const key = anyPublicKey((await read(`${kind}.pub`)).toString(), 'the key')
    expect(signersOf(envelope, [newKeys().verify, key])).toEqual([key])
    const payload = Buffer.from(envelope.payload)
    payload[10] = (payload[10] ?? 0) ^ 1
    expect(signersOf({ ...envelope, payload }, [key])).toEqual([undefined])
  })
})
