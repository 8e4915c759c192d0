import { describe, expect, it } from 'vitest'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import { shortDigest } from '../../../src/gates/evaluation/judge-subjects.ts'
import { attestationGate } from '../../support/gates/definitions.ts'
import {
  amd64,
  arm64,
  type Attached,
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
  statement,
  unreadable,
} from '../../support/gates/judged-image.ts'

const type = 'https://slsa.dev/provenance/v1'
const gate = attestationGate()

/** A SLSA attestation of a builder that finished some time before now. */
function provenance(builder: string, options: Attached & { readonly age?: number } = {}): AttachedEvidence {
  const { age, ...attached } = options
  const metadata = age === undefined ? {} : { finishedOn: new Date(now - age).toISOString() }
  return statement(type, { runDetails: { builder: { id: builder }, metadata } }, attached)
}

describe('an attestation gate passes', () => {
  it('if its signer made a statement of the type about the digest', () => {
    const made = provenance('acme', { age: hour })
    expect(evaluate(gate, judgedImage([made]))).toMatchObject({
      result: 'pass',
      reason: `build (key ${shortDigest(digest('build'))})`,
      evidence: [{ digest: made.artifact, signer: digest('build'), time: '2026-11-25T11:00:00.000Z' }],
    })
  })

  it('if one of several subjects is the digest', () => {
    expect(evaluate(gate, judgedImage([provenance('acme', { about: [elsewhere, index] })])).result).toBe(
      'pass',
    )
  })

  it('with one match among others, which are warnings by name', () => {
    const foreign = provenance('acme', { by: ['stranger'] })
    const replayed = provenance('acme', { about: [elsewhere] })
    const broken = unreadable('the statement is not JSON', { predicateType: type })
    const found = evaluate(gate, judgedImage([foreign, replayed, broken, provenance('acme')]))
    expect(found.result).toBe('pass')
    expect(found.warnings).toEqual([
      `attestation ${shortDigest(foreign.artifact)} does not count: it is signed by stranger, and the gate accepts build`,
      `attestation ${shortDigest(replayed.artifact)} does not count: it is about another digest, ${shortDigest(elsewhere)}`,
      `attestation ${shortDigest(broken.artifact)} does not match: the statement is not JSON`,
    ])
  })

  it('until the key of its signer expires', () => {
    const trust = gateTrust({ build: now + day })
    expect(evaluate(gate, judgedImage([provenance('acme')]), { trust }).validUntil).toBe(
      new Date(now + day).toISOString(),
    )
  })
})

describe('an attestation gate fails', () => {
  it('without an attestation, with the command that attaches one', () => {
    expect(evaluate(gate, judgedImage())).toMatchObject({
      result: 'fail',
      reason: `no attestation ${type} by build`,
      hint: `Run: cosign attest --key KEY --type ${type} --predicate FILE registry.example.com/staging/api@${index}`,
    })
  })

  it.each([
    ['of another type', statement('https://slsa.dev/provenance/v0.2', {})],
    ['of a longer type', statement(`${type}/x`, {})],
    ['that is a signature', signature()],
    ['of another signer', provenance('acme', { by: ['stranger'] })],
    ['that is not signed', provenance('acme', { by: [] })],
    ['about another digest', provenance('acme', { about: [elsewhere] })],
    ['about no digest', provenance('acme', { about: [] })],
    ['that is attached to a platform', provenance('acme', { to: amd64, about: [index] })],
    ['that is dated in the future', provenance('acme', { age: -6 * 60_000 })],
    ['that cannot be read', unreadable('duplicate key', { predicateType: type })],
  ])('with one %s', (_, one) => {
    expect(evaluate(gate, judgedImage([one])).result).toBe('fail')
  })

  it('with foreign ones, and names them in warnings', () => {
    const foreign = ['a', 'b'].map((name) => provenance('acme', { by: ['stranger'], name }))
    const found = evaluate(gate, judgedImage(foreign))
    expect(found.reason).toBe(`no attestation ${type} by build; 2 that are attached do not count`)
    expect(found.warnings).toHaveLength(2)
  })

  it('with one of buildx for each platform image, and says how to judge those', () => {
    const ofPlatform = provenance('acme', { to: amd64, layout: 'buildx', by: [] })
    const found = evaluate(gate, judgedImage([ofPlatform, signature()]))
    expect(found.result).toBe('fail')
    expect(found.reason).toContain('the gate would pass for linux/amd64')
    expect(found.hint).toBe('Set `appliesTo: platforms` for the gate provenance.')
  })
})

describe('attestations of buildx', () => {
  const platforms = attestationGate({ appliesTo: 'platforms' })
  const made = [amd64, arm64].map((to) => provenance('acme', { to, layout: 'buildx', by: [] }))

  it('a signature on their index covers them, and the result depends on it', () => {
    const found = evaluate(platforms, judgedImage([...made, signature()]))
    expect(found.result).toBe('pass')
    expect(found.evidence.map((one) => one.digest)).toEqual([
      made[0]?.artifact,
      signature().artifact,
      made[1]?.artifact,
    ])
  })

  it.each([
    ['no signature', []],
    ['a signature of another signer', [signature({ by: ['stranger'] })]],
    ['a signature for another index', [signature({ about: [elsewhere] })]],
    ['a signature on a platform image', [signature({ to: amd64 })]],
    ['a signature for the index on a platform image', [signature({ to: amd64, about: [index] })]],
    ['an attestation about the index', [provenance('acme')]],
  ])('%s does not cover them', (_, others) => {
    expect(evaluate(platforms, judgedImage([...made, ...others])).result).toBe('fail')
  })

  it('a signature does not cover other attached artifacts', () => {
    const referrers = [amd64, arm64].map((to) => provenance('acme', { to, by: [] }))
    expect(evaluate(platforms, judgedImage([...referrers, signature()])).result).toBe('fail')
  })
})

describe('the expression of an attestation gate', () => {
  const acme = attestationGate({
    expression: 'predicate.runDetails.builder.id.startsWith("https://github.com/acme/")',
  })

  it.each([
    ['is true', 'https://github.com/acme/builder', 'pass', 'build'],
    ['is false', 'https://github.com/acme-evil/builder', 'fail', 'the expression is false'],
  ])('%s', (_, builder, result, reason) => {
    const found = evaluate(acme, judgedImage([provenance(builder)]))
    expect(found.result).toBe(result)
    expect(found.reason).toContain(reason)
    expect(found.warnings).toBeUndefined()
  })

  it('fails for a predicate without the field, and names it', () => {
    const found = evaluate(acme, judgedImage([statement(type, {})]))
    expect(found.result).toBe('fail')
    expect(found.reason).toContain('runDetails')
  })

  it('one match is enough', () => {
    const image = judgedImage([provenance('other'), provenance('https://github.com/acme/x')])
    expect(evaluate(acme, image).result).toBe('pass')
  })

  it('knows the digest and the signer', () => {
    const either = attestationGate({
      signedBy: ['build', 'release'],
      expression: `subject == "${index}" && signer == "release"`,
    })
    expect(evaluate(either, judgedImage([provenance('x', { by: ['build'] })])).result).toBe('fail')
    expect(evaluate(either, judgedImage([provenance('x', { by: ['build', 'release'] })]))).toMatchObject({
      result: 'pass',
      evidence: [{ signer: digest('release') }],
    })
  })

  it('that does not compile fails the gate', () => {
    const found = evaluate(attestationGate({ expression: 'predicate.(' }), judgedImage([provenance('x')]))
    expect(found.result).toBe('fail')
    expect(found.reason).toMatch(/^the gate cannot be evaluated: /)
  })
})

describe('the count of an attestation gate', () => {
  const two = attestationGate({ signedBy: ['build', 'release'], count: 2 })

  it('is that of signers for which the expression is true', () => {
    const image = judgedImage([provenance('x'), provenance('x', { by: ['build#2'] })])
    expect(evaluate(two, image)).toMatchObject({ result: 'fail', reason: '1 of 2 signers: build' })
    const both = judgedImage([provenance('x'), provenance('x', { by: ['release'] })])
    expect(evaluate(two, both).result).toBe('pass')
    expect(evaluate({ ...two, expression: 'signer == "build"' }, both).result).toBe('fail')
  })

  it('is at least one', () => {
    expect(evaluate(attestationGate({ count: 0 }), judgedImage()).result).toBe('fail')
  })
})

describe('with newestOnly, the newest attestation decides', () => {
  const newest = attestationGate({
    newestOnly: true,
    expression: 'predicate.runDetails.builder.id == "acme"',
  })
  const judge = (...all: AttachedEvidence[]) => evaluate(newest, judgedImage(all))

  it.each([
    ['good after bad', provenance('bad', { age: 2 * hour }), provenance('acme', { age: hour }), 'pass'],
    ['bad after good', provenance('acme', { age: 2 * hour }), provenance('bad', { age: hour }), 'fail'],
    ['both at once', provenance('acme', { age: hour }), provenance('bad', { age: hour }), 'fail'],
    ['a bad one without a time', provenance('acme', { age: hour }), provenance('bad'), 'fail'],
    [
      'an old bad one that is not signed',
      provenance('acme', { age: hour }),
      provenance('bad', { by: [] }),
      'pass',
    ],
    ['a bad one of the future', provenance('acme', { age: hour }), provenance('bad', { age: -day }), 'pass'],
  ])('%s: %s', (_, one, other, result) => {
    expect(judge(one, other).result).toBe(result)
    expect(judge(other, one).result).toBe(result)
  })

  it('without it, one match is enough', () => {
    const image = judgedImage([provenance('acme', { age: 2 * hour }), provenance('bad', { age: hour })])
    expect(evaluate({ ...newest, newestOnly: false }, image).result).toBe('pass')
  })

  it('an attestation of the signer that cannot be read may be the newest', () => {
    const broken = unreadable('duplicate key')
    expect(judge(provenance('acme', { age: hour }), broken)).toMatchObject({
      result: 'fail',
      reason: `the newest attestation, ${shortDigest(broken.artifact)}, does not match: duplicate key`,
    })
    const damaged = unreadable('not found', { by: [], isDamaged: true })
    expect(judge(provenance('acme', { age: hour }), damaged).result).toBe('fail')
    const foreign = unreadable('duplicate key', { by: ['stranger'] })
    expect(judge(provenance('acme', { age: hour }), foreign).result).toBe('pass')
  })

  it('the verified time of a signature is the latest that the predicate can claim', () => {
    const early = { signedAt: now - 3 * hour }
    expect(judge(provenance('acme', early), provenance('bad', { age: 2 * hour })).result).toBe('fail')
    const claimed = provenance('acme', { age: hour, ...early })
    expect(judge(claimed, provenance('bad', { age: 2 * hour })).result).toBe('fail')
  })

  it('with a count, the newest of each signer decides', () => {
    const two = { ...newest, signedBy: ['build', 'release'], count: 2 }
    const ofRelease = (builder: string, age: number) => provenance(builder, { by: ['release'], age })
    const good = [provenance('acme', { age: hour }), ofRelease('acme', 2 * hour)]
    expect(evaluate(two, judgedImage(good)).result).toBe('pass')
    const withdrawn = [...good, ofRelease('bad', hour / 2)]
    expect(evaluate(two, judgedImage(withdrawn)).result).toBe('fail')
    const damaged = [...good, unreadable('not found', { by: [], isDamaged: true })]
    expect(evaluate(two, judgedImage(damaged)).result).toBe('fail')
  })
})
