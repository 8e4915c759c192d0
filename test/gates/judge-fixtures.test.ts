import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { GateTrust } from '../../src/gates/gate-trust.ts'
import { loadTrustedSigner } from '../../src/signing/trust/load-signer.ts'
import type { SignerSource } from '../../src/signing/trust/signer.ts'
import {
  fixtureEvidence,
  fixtureIdentity,
  fixtureImage,
  fixturePath,
  fixtureWith,
} from '../support/gates/cosign-fixtures.ts'
import { signatureGate } from '../support/gates/definitions.ts'
import { judging } from '../support/gates/judging.ts'
import { gateTrust } from '../support/gates/trust.ts'
import { together } from '../support/images.ts'

/** The signer `build` of `dray.yaml` with these keys and roots. */
async function trusting(source: Partial<SignerSource>): Promise<GateTrust> {
  const build = await loadTrustedSigner('build', { keys: [], ...source })
  return { ...gateTrust({}), signers: new Map([['build', build]]) }
}

const byKey = (name: string): Promise<GateTrust> => trusting({ keys: [{ file: fixturePath(`${name}.pub`) }] })
const keyless = {
  ...fixtureIdentity,
  claims: { runnerEnvironment: 'github-hosted' },
  trustedRoot: fixturePath('trusted_root.json'),
} as const
const logged = (): Promise<GateTrust> => trusting({ keyless: { ...keyless, transparencyLog: 'required' } })
const stamped = (): Promise<GateTrust> => trusting({ keyless: { ...keyless, transparencyLog: 'none' } })
const places = ['oci-1.1', 'docker-registry-2.8', 'layout'] as const

describe('a signature that cosign made', () => {
  it.each([
    ['key-new', () => byKey('build')],
    ['key-old', () => byKey('build')],
    ['keyless-new', logged],
    ['keyless-old', logged],
    ['p384-new', () => byKey('p384')],
    ['p384-old', () => byKey('p384')],
    ['p521-new', () => byKey('p521')],
    ['p521-old', () => byKey('p521')],
    ['rsa-new', () => byKey('rsa')],
    ['rsa-old', () => byKey('rsa')],
    ['ed25519-new', () => byKey('ed25519')],
    ['ed25519-old', () => byKey('ed25519')],
    ['stamped-new', stamped],
  ])('passes: %s', async (name, trust) => {
    const { judge } = await judging(fixtureWith(`${name}-signed`), {
      trust: await trust(),
      gates: [signatureGate()],
    })
    expect(await judge()).toMatchObject([{ result: 'pass', effect: 'none' }])
  })

  it.each(places)('passes by key and keyless at %s', async (at) => {
    for (const [name, trust] of [
      ['key-old-signed', await byKey('build')],
      ['keyless-new-signed', await logged()],
    ] as const) {
      const { judge } = await judging(fixtureWith(name), { at, trust, gates: [signatureGate()] })
      expect(await judge()).toMatchObject([{ result: 'pass' }])
    }
  })

  it.each(['key-old', 'key-new'])('of only a platform image fails: %s', async (layout) => {
    const { judge } = await judging(fixtureWith(`${layout}-signed-amd64`), {
      trust: await byKey('build'),
      gates: [signatureGate(), signatureGate({ name: 'all', appliesTo: 'all' })],
    })
    expect(await judge()).toMatchObject([{ result: 'fail' }, { result: 'fail' }])
  })

  it.each(['key-old', 'key-new', 'keyless-old', 'keyless-new'])(
    'of the index and its platforms passes a gate for all: %s',
    async (layout) => {
      const trust = await (layout.startsWith('key-') ? byKey('build') : logged())
      const { judge } = await judging(fixtureWith(`${layout}-signed-all`), {
        trust,
        gates: [signatureGate({ appliesTo: 'all' })],
      })
      const [result] = await judge()
      expect(result?.result).toBe('pass')
      expect(result?.subjects.map(({ platform = 'index' }) => platform)).toEqual([
        'index',
        'linux/amd64',
        'linux/arm64',
      ])
    },
  )

  it.each(['key-old', 'key-new', 'keyless-old', 'keyless-new'])(
    'counts its signed annotations: %s',
    async (layout) => {
      const trust = await (layout.startsWith('key-') ? byKey('build') : logged())
      const { judge } = await judging(fixtureWith(`${layout}-annotated`), {
        trust,
        gates: [
          signatureGate({ annotations: { channel: 'release' } }),
          signatureGate({ name: 'other', annotations: { channel: 'nightly' } }),
        ],
      })
      expect(await judge()).toMatchObject([{ result: 'pass' }, { result: 'fail' }])
    },
  )

  it.each(['key-old', 'key-new'])('is not an attestation by the same signer: %s', async (layout) => {
    const { judge } = await judging(fixtureWith(`${layout}-slsaprovenance1`), {
      trust: await byKey('build'),
      gates: [signatureGate()],
    })
    expect(await judge()).toMatchObject([{ result: 'fail' }])
  })

  it('fails for another key and for an unsigned image', async () => {
    const other = await judging(fixtureWith('key-new-signed', 'p384-old-signed'), {
      trust: await byKey('rsa'),
      gates: [signatureGate()],
    })
    expect(await other.judge()).toMatchObject([{ result: 'fail', effect: 'refused' }])
    const unsigned = await judging(fixtureImage(), { trust: await byKey('build'), gates: [signatureGate()] })
    expect(await unsigned.judge()).toMatchObject([{ result: 'fail', effect: 'refused' }])
  })

  it('names the digests that a passing result is based on', async () => {
    const { judge } = await judging(fixtureWith('keyless-new-signed'), {
      trust: await logged(),
      gates: [signatureGate()],
    })
    const [result] = await judge()
    expect(result?.evidence).toMatchObject([
      {
        digest: fixtureEvidence('keyless-new-signed').root.digest,
        signer: `${fixtureIdentity.subject} (${fixtureIdentity.issuer})`,
      },
    ])
  })

  it.each(['oci-1.1', 'docker-registry-2.8'] as const)(
    'is found once if it is in both lists, at %s',
    async (at) => {
      const twice = fixtureEvidence('key-new-signed')
      const [manifest] = twice.manifests
      const subject = manifest?.subject ?? ''
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.oci.image.index.v1+json',
          manifests: [manifest?.descriptor],
        }),
      )
      const tag = subject.replace(':', '-')
      const listed = {
        bytes,
        tag,
        descriptor: {
          mediaType: 'application/vnd.oci.image.index.v1+json',
          digest: `sha256:${hash('sha256', bytes)}`,
          size: bytes.byteLength,
        },
      }
      const list = { root: listed.descriptor, blobs: new Map<string, Uint8Array>(), manifests: [listed] }
      const { gather } = await judging(together(fixtureWith('key-new-signed'), list), {
        at,
        trust: await byKey('build'),
        gates: [signatureGate()],
      })
      expect((await gather()).evidence).toHaveLength(1)
    },
  )
})
