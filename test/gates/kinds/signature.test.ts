import { describe, expect, it } from 'vitest'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import {
  amd64,
  arm64,
  day,
  digest,
  elsewhere,
  evaluate,
  gateTrust,
  hour,
  index,
  judgedImage,
  now,
  signature,
  singleImage,
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'
import { signatureGate } from '../../support/gates/definitions.ts'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import { layoutRegistry } from '../../../src/oci/reference.ts'

const gate = signatureGate()

describe('a signature gate passes', () => {
  it('if one of its signers signed the digest, and names the signer and the artifact', () => {
    const signed = signature({ by: ['keyless'], signedAt: Date.parse('2026-11-24T10:02:30Z') })
    expect(evaluate(signatureGate({ signedBy: ['keyless'] }), judgedImage([signed]))).toMatchObject({
      result: 'pass',
      effect: 'none',
      reason: 'acme/api release.yml@refs/tags/v1.4.2, logged 2026-11-24 10:02',
      subjects: [{ digest: index, result: 'pass' }],
      evidence: [
        {
          digest: signed.artifact,
          signer:
            'https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2 (https://token.actions.githubusercontent.com)',
          time: '2026-11-24T10:02:30.000Z',
        },
      ],
    })
  })

  it('with the fingerprint of a key, and no key material', () => {
    const { reason, evidence, hint, warnings } = evaluate(gate, judgedImage([signature()]))
    expect(reason).toBe(`build (key ${shortDigest(digest('build'))})`)
    expect(evidence).toEqual([{ digest: signature().artifact, signer: digest('build') }])
    expect({ hint, warnings }).toEqual({ hint: undefined, warnings: undefined })
  })

  it('if any of several alternatives signed', () => {
    const either = signatureGate({ signedBy: ['build', 'release'] })
    expect(evaluate(either, judgedImage([signature({ by: ['release'] })])).result).toBe('pass')
  })

  it('if the signed docker-reference is another repository', () => {
    // The payload of simple signing has no repository after verification: only digests count.
    expect(evaluate(gate, judgedImage([signature({ layout: 'simpleSigning' })])).result).toBe('pass')
  })

  it('with one valid signature among 20 unknown ones, and names those', () => {
    const unknown = Array.from({ length: 20 }, (_, i) =>
      signature({ by: [], name: `${i}`, problems: ['no signer made it'] }),
    )
    const { result, warnings } = evaluate(gate, judgedImage([...unknown, signature()]))
    expect(result).toBe('pass')
    expect(warnings).toEqual(
      unknown.map(({ artifact }) => `signature ${shortDigest(artifact)} does not count: no signer made it`),
    )
  })

  it('until its last key expires', () => {
    const trust = gateTrust({ build: now + hour, 'build#2': now + day })
    const both = judgedImage([signature(), signature({ by: ['build#2'] })])
    expect(evaluate(gate, both, { trust }).validUntil).toBe(new Date(now + day).toISOString())
    expect(evaluate(gate, judgedImage([signature()]), { trust }).validUntil).toBe(
      new Date(now + hour).toISOString(),
    )
    expect(evaluate(gate, both).validUntil).toBeUndefined()
  })
})

describe('a signature gate fails', () => {
  it('for an unsigned image, with the command that signs it', () => {
    expect(evaluate(gate, judgedImage())).toMatchObject({
      result: 'fail',
      effect: 'refused',
      reason: 'no signature by build',
      subjects: [{ digest: index, result: 'fail', reason: 'no signature by build' }],
      evidence: [],
      hint: `Run: cosign sign --key KEY registry.example.com/staging/api@${index}`,
    })
  })

  it.each([
    ['of another signer', signature({ by: ['stranger'] }), 'it is signed by stranger'],
    ['of an unknown key', signature({ by: [], problems: ['the key is unknown'] }), 'the key is unknown'],
    ['without a reason', signature({ by: [] }), 'it is not signed by a known signer'],
    ['about another digest', signature({ about: [elsewhere] }), 'build signed another digest'],
    ['about no digest', signature({ about: [] }), 'build signed another digest'],
    ['that cannot be parsed', unreadable('the payload is not JSON'), 'the payload is not JSON'],
  ])('with a signature %s, and the warning names it', (_, one, why) => {
    const { result, reason, warnings } = evaluate(gate, judgedImage([one]))
    expect(result).toBe('fail')
    expect(reason).toBe('no signature by build; one that is attached does not count')
    expect(warnings).toEqual([
      expect.stringContaining(`signature ${shortDigest(one.artifact)} does not count: ${why}`),
    ])
  })

  it('with a `.sig` of another digest under the tag of this image, which is a warning beside a good one', () => {
    const replayed = signature({ layout: 'simpleSigning', about: [elsewhere] })
    const { result, warnings } = evaluate(gate, judgedImage([replayed, signature()]))
    expect(result).toBe('pass')
    expect(warnings).toEqual([
      `signature ${shortDigest(replayed.artifact)} does not count: build signed another digest, ${shortDigest(elsewhere)}`,
    ])
  })

  it('with a SLSA attestation of the right signer, which is no signature', () => {
    const slsa = statement('https://slsa.dev/provenance/v1', {}, { by: ['build'] })
    expect(evaluate(gate, judgedImage([slsa])).reason).toBe('no signature by build')
  })

  it('with only a Notation signature, which is not supported yet', () => {
    const notation = unreadable('a Notation signature', { by: [], layout: 'notation' })
    const { result, reason, warnings } = evaluate(gate, judgedImage([notation]))
    expect(result).toBe('fail')
    expect(reason).toBe('only a Notation signature, which is not supported yet')
    expect(warnings).toEqual([
      `signature ${shortDigest(notation.artifact)} does not count: Notation is not supported yet`,
    ])
  })

  it('with a key past its expiry, by either clock', () => {
    const trust = gateTrust({ build: now + hour / 2 })
    const signed = judgedImage([signature()])
    expect(evaluate(gate, signed, { trust }).result).toBe('pass')
    const later = evaluate(gate, signed, { trust, now: now + hour / 2 })
    expect(later).toMatchObject({ result: 'fail' })
    expect(later.warnings?.join()).toContain('of build expired on 2026-11-25')
    const ahead = judgedImage([signature()], { clockDifference: hour * 0.75 })
    expect(evaluate(gate, ahead, { trust }).result).toBe('fail')
    const behind = judgedImage([signature()], { clockDifference: -hour * 0.75 })
    expect(evaluate(gate, behind, { trust, now: now + hour / 2 }).result).toBe('fail')
  })

  it('if a second key of the same signer has not expired, only that one counts', () => {
    const trust = gateTrust({ build: now - 1 })
    const signed = judgedImage([signature(), signature({ by: ['build#2'] })])
    expect(evaluate(gate, signed, { trust }).result).toBe('pass')
  })
})

describe('the count of a signature gate', () => {
  const two = signatureGate({ signedBy: ['build', 'release'], count: 2 })

  it('names the signers in the same order, whatever order the registry lists them in', () => {
    const made = [signature({ by: ['release'] }), signature({ by: ['build'] })]
    const reasons = [made, made.toReversed()].map((all) => evaluate(two, judgedImage(all)).reason)
    expect(reasons[0]).toMatch(/^build .*; release /)
    expect(reasons[1]).toBe(reasons[0])
  })

  it('is that of signers: two keys of one signer count once', () => {
    const same = judgedImage([signature(), signature({ by: ['build#2'] })])
    expect(evaluate(two, same)).toMatchObject({ result: 'fail', reason: '1 of 2 signers: build' })
    const different = judgedImage([signature(), signature({ by: ['release'] })])
    expect(evaluate(two, different).result).toBe('pass')
  })

  it('is one for a key that two signers have', () => {
    const [build] = signature().signers
    if (build === undefined) throw new Error('unsigned')
    const shared = { ...signature(), signers: [build, { ...build, signer: 'release' }] }
    expect(evaluate(two, judgedImage([shared])).result).toBe('fail')
  })

  it('needs an identity for each signer', () => {
    const by = (names: readonly string[], key: string) => ({
      ...signature({ name: key }),
      signers: names.flatMap((signer) => signature({ by: [key] }).signers.map((one) => ({ ...one, signer }))),
    })
    const three = signatureGate({ signedBy: ['build', 'release', 'security'], count: 3 })
    const shared = by(['build', 'release', 'security'], 'x')
    const verdict = (...all: readonly AttachedEvidence[]) => evaluate(three, judgedImage(all)).result
    expect(verdict(shared, by(['build'], 'y'), by(['build'], 'z'))).toBe('fail')
    expect(verdict(shared, by(['build'], 'y'), by(['release'], 'z'))).toBe('pass')
    expect(verdict(by(['build', 'release'], 'x'), by(['release', 'security'], 'y'), by(['build'], 'z'))).toBe(
      'pass',
    )
  })

  it('is at least one', () => {
    expect(evaluate(signatureGate({ count: 0 }), judgedImage()).result).toBe('fail')
  })

  it('names the signers in one order, however the registry lists their signatures', () => {
    const signatures = [signature({ by: ['build'] }), signature({ by: ['release'] })]
    const { reason } = evaluate(two, judgedImage(signatures))
    expect(reason).toMatch(/^build .*; release /)
    expect(evaluate(two, judgedImage(signatures.toReversed())).reason).toBe(reason)
  })

  it('ends when one of the signers can no longer be counted', () => {
    const trust = gateTrust({ build: now + hour, release: now + day })
    const both = judgedImage([signature(), signature({ by: ['release'] })])
    expect(evaluate(two, both, { trust }).validUntil).toBe(new Date(now + hour).toISOString())
  })
})

describe('annotations of a signature gate', () => {
  const channel = signatureGate({ annotations: { channel: 'release' } })

  it.each([
    ['the same value', { channel: 'release', other: 'x' }, 'pass', ''],
    ['no value', {}, 'fail', 'it has no signed annotation channel'],
    ['another value', { channel: 'beta' }, 'fail', 'its annotation channel is "beta", not "release"'],
  ])('%s', (_, annotations, result, why) => {
    const found = evaluate(channel, judgedImage([signature({ annotations })]))
    expect(found.result).toBe(result)
    expect(found.reason).toContain(why)
    expect(found.warnings).toBeUndefined()
  })

  it('are part of the command in the hint, quoted for a shell', () => {
    const odd = signatureGate({ signedBy: ['keyless'], annotations: { note: "it's $HOME" } })
    expect(evaluate(odd, judgedImage()).hint).toBe(
      `Run: cosign sign -a 'note=it'\\''s $HOME' registry.example.com/staging/api@${index}`,
    )
  })

  it('an annotation of the prototype is not signed', () => {
    const odd = signatureGate({ annotations: { toString: 'x' } })
    expect(evaluate(odd, judgedImage([signature()])).reason).toContain('no signed annotation toString')
  })
})

describe('the manifests that a signature gate applies to', () => {
  const all = signatureGate({ appliesTo: 'all' })
  const each = [signature(), signature({ to: amd64 }), signature({ to: arm64 })]

  it('only the index is signed: `image` passes, and `all` names the platforms', () => {
    const image = judgedImage([signature()])
    expect(evaluate(gate, image).result).toBe('pass')
    const found = evaluate(all, image)
    expect(found).toMatchObject({
      result: 'fail',
      reason: 'linux/amd64, linux/arm64: no signature by build',
      hint: `Run: cosign sign --key KEY --recursive registry.example.com/staging/api@${index}`,
    })
    expect(found.subjects.map(({ platform, result }) => [platform, result])).toEqual([
      [undefined, 'pass'],
      ['linux/amd64', 'fail'],
      ['linux/arm64', 'fail'],
    ])
  })

  it('only a platform is signed: `image` fails and says so', () => {
    const image = judgedImage([signature({ to: amd64 })])
    expect(evaluate(gate, image)).toMatchObject({
      result: 'fail',
      reason: 'no signature by build; only linux/amd64 is signed',
    })
  })

  it('`all` passes if the index and each platform are signed', () => {
    expect(evaluate(all, judgedImage(each)).result).toBe('pass')
    expect(evaluate(all, judgedImage(each.slice(1))).result).toBe('fail')
    expect(evaluate(all, judgedImage(each.slice(0, 2))).result).toBe('fail')
  })

  it('`platforms` needs no signature on the index', () => {
    const platforms = signatureGate({ appliesTo: 'platforms' })
    expect(evaluate(platforms, judgedImage(each.slice(1))).result).toBe('pass')
    expect(evaluate(platforms, judgedImage(each.slice(0, 2))).reason).toBe(
      'linux/arm64: no signature by build',
    )
  })

  it('a single image is judged once by `all`', () => {
    const image = singleImage([signature({ to: amd64 })])
    expect(evaluate(all, image)).toMatchObject({ result: 'pass', subjects: [{ digest: amd64 }] })
  })

  it('a signature on a nested index does not cover the index that contains it', () => {
    const nested = digest('nested index')
    expect(evaluate(gate, judgedImage([signature({ to: nested })])).result).toBe('fail')
  })

  it('a signature that names the platform does not count at the index', () => {
    expect(evaluate(gate, judgedImage([signature({ about: [amd64] })])).result).toBe('fail')
  })

  it('a SHA-512 digest is compared as a whole', () => {
    const sha512 = `sha512:${'a'.repeat(128)}` as typeof index
    const image = judgedImage([signature({ to: sha512 })], { root: { digest: sha512 } })
    expect(evaluate(gate, image).result).toBe('pass')
    const other = `sha512:${'a'.repeat(127)}b` as typeof index
    const replayed = judgedImage([signature({ to: sha512, about: [other] })], { root: { digest: sha512 } })
    expect(evaluate(gate, replayed).result).toBe('fail')
  })

  it('an artifact without platforms fails a gate about platforms', () => {
    const chart = judgedImage([signature()], { platforms: [] })
    expect(evaluate(signatureGate({ appliesTo: 'platforms' }), chart)).toMatchObject({
      result: 'fail',
      reason: 'the artifact has no platform images',
    })
    expect(evaluate(all, chart).result).toBe('pass')
  })

  it('an image layout gets no command of cosign, which reads registries only', () => {
    const image = judgedImage([], { source: { registry: layoutRegistry, path: '/images' } })
    expect(evaluate(gate, image).hint).toBe(
      'Copy the image to a repository of a registry, attach what is missing there, and copy it from there.',
    )
  })
})
