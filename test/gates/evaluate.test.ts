import { describe, expect, it } from 'vitest'
import {
  amd64,
  day,
  digest,
  evaluate,
  evaluateAll,
  gateTrust,
  hour,
  index,
  judgedImage,
  now,
  platformImage,
  signature,
  statement,
} from '../support/gates/judged-image.ts'
import { attestationGate, celGate, signatureGate } from '../support/gates/definitions.ts'

const signed = judgedImage([signature()])
const unsigned = judgedImage()

describe('gates that apply', () => {
  it.each([
    ['images selects it', { images: ['a*'] }, 'pass'],
    ['images selects others', { images: ['web', 'b*'] }, 'skipped'],
    ['excludeImages selects it', { excludeImages: ['ap?'] }, 'skipped'],
    ['excludeImages selects others', { excludeImages: ['web'] }, 'pass'],
    ['operations lists it', { operations: ['promote' as const] }, 'pass'],
    ['operations lists others', { operations: ['copy' as const] }, 'skipped'],
  ])('%s: %s', (_, changes, result) => {
    expect(evaluate(signatureGate(changes), signed).result).toBe(result)
  })

  it('a gate that does not apply has no effect and says why', () => {
    const found = evaluate(signatureGate({ operations: ['copy'] }), unsigned)
    expect(found).toMatchObject({ result: 'skipped', effect: 'none', subjects: [], evidence: [] })
    expect(found.reason).toBe('the gate is not about promote: operations')
  })

  it('`rollback` is evaluated only if `operations` lists it', () => {
    const rollback = { operation: 'rollback' } as const
    expect(evaluate(signatureGate(), unsigned, rollback).result).toBe('skipped')
    expect(evaluate(signatureGate({ operations: ['rollback'] }), unsigned, rollback).result).toBe('fail')
  })

  it('`check` evaluates a gate for any operations', () => {
    const onlyCopy = signatureGate({ operations: ['copy'] })
    expect(evaluate(onlyCopy, unsigned, { operation: 'check' }).result).toBe('fail')
    expect(evaluate(signatureGate({ images: ['web'] }), unsigned, { operation: 'check' }).result).toBe(
      'skipped',
    )
  })

  it('a star matches names with slashes', () => {
    expect(evaluate(signatureGate(), { ...unsigned, image: 'team/api' }).result).toBe('fail')
  })
})

describe('all gates are evaluated', () => {
  it('one run reports every failure, in the order of the configuration', () => {
    const gates = [
      signatureGate({ name: 'one' }),
      signatureGate({ name: 'two', signedBy: ['release'] }),
      signatureGate({ name: 'three', images: ['web'] }),
      signatureGate({ name: 'four', signedBy: ['stranger'] }),
    ]
    expect(evaluateAll(gates, signed).map(({ name, result }) => [name, result])).toEqual([
      ['one', 'pass'],
      ['two', 'fail'],
      ['three', 'skipped'],
      ['four', 'fail'],
    ])
  })

  it('gates of two environments with one name are two results', () => {
    const gates = [signatureGate(), signatureGate({ environment: 'dr', signedBy: ['release'] })]
    expect(evaluateAll(gates, signed).map(({ environment, result }) => [environment, result])).toEqual([
      ['prod', 'pass'],
      ['dr', 'fail'],
    ])
  })

  it('a result has the hash of its definition and the time of this machine', () => {
    const found = evaluate(signatureGate(), judgedImage([], { clockDifference: 1000 }))
    expect(found.evaluatedAt).toBe('2026-11-25T12:00:00.000Z')
    expect(found.definition).toBe(gateTrust().definitionHash(signatureGate()))
    expect(found.definition).not.toBe(evaluate(signatureGate({ count: 2 }), unsigned).definition)
  })
})

describe('rules', () => {
  const rule = celGate('attestations.provenance.size() == 1')
  const attested = judgedImage([statement('https://slsa.dev/provenance/v1', {})])

  it('are evaluated after the other gates, with their facts, and their results stay in place', () => {
    const results = evaluateAll([rule, attestationGate()], attested)
    expect(results.map(({ name, result }) => [name, result])).toEqual([
      ['rule', 'pass'],
      ['provenance', 'pass'],
    ])
  })

  it.each([
    ['failed', attestationGate({ signedBy: ['release'] })],
    ['does not apply', attestationGate({ images: ['web'] })],
    ['is of another environment', attestationGate({ environment: 'dr' })],
  ])('have no facts of a gate that %s', (_, gate) => {
    expect(evaluateAll([gate, rule], attested).at(-1)).toMatchObject({ name: 'rule', result: 'fail' })
  })

  it('need no attached artifacts: a limit of those does not fail them', () => {
    expect(evaluate(celGate('image.name == "api"'), { ...attested, limit: 'too many' }).result).toBe('pass')
  })

  it('with `now` depend on time', () => {
    const image = judgedImage([], { clockDifference: 2 * hour })
    expect(evaluate(celGate('now > timestamp("2020-01-01T00:00:00Z")'), image).result).toBe('fail')
    expect(evaluate(celGate('image.name == "api"'), image).result).toBe('pass')
  })
})

describe('effects', () => {
  const overrides = { signed: 'OPS-1: incident' }

  it.each([
    ['a failure refuses', {}, {}, 'fail', 'refused'],
    ['mode warn warns', { mode: 'warn' as const }, {}, 'fail', 'warned'],
    ['an override is on record', {}, overrides, 'fail', 'overridden'],
    ['`never` forbids the override', { override: 'never' as const }, overrides, 'fail', 'refused'],
    ['mode warn needs no override', { mode: 'warn' as const }, overrides, 'fail', 'warned'],
    ['the override of another gate has no effect', {}, { other: 'x' }, 'fail', 'refused'],
  ])('%s', (_, changes, options, result, effect) => {
    expect(evaluate(signatureGate(changes), unsigned, { overrides: options })).toMatchObject({
      result,
      effect,
    })
  })

  it('an override does not hide the result and has its reason', () => {
    const found = evaluate(signatureGate(), unsigned, { overrides })
    expect(found.reason).toBe('no signature by build')
    expect(found.override).toEqual({ reason: 'OPS-1: incident' })
    expect(evaluate(signatureGate({ override: 'never' }), unsigned, { overrides }).override).toBeUndefined()
  })

  it('a gate that passes stays a pass if it is overridden', () => {
    expect(evaluate(signatureGate(), signed, { overrides })).toMatchObject({ result: 'pass', effect: 'none' })
  })
})

describe('gates fail closed', () => {
  it('beyond a limit of the image, every gate that needs attached artifacts fails and names it', () => {
    const limit = 'the image has more than 500 attached artifacts'
    const found = evaluate(signatureGate({ appliesTo: 'all' }), judgedImage([signature()], { limit }))
    expect(found).toMatchObject({ result: 'fail', effect: 'refused', reason: limit })
    expect(found.subjects.map(({ result, reason }) => [result, reason])).toEqual(
      Array.from({ length: 3 }, () => ['fail', limit]),
    )
  })

  it('an exception of a kind is a failure with its message', () => {
    const content = { kind: 'signature', digests: [index], annotations: null as never } as const
    const broken = judgedImage([{ ...signature(), content }])
    const found = evaluate(signatureGate({ annotations: { channel: 'release' } }), broken)
    expect(found).toMatchObject({ result: 'fail', effect: 'refused' })
    expect(found.reason).toMatch(/^the gate cannot be evaluated: /)
  })

  it('an unknown kind is a failure', () => {
    const gate = { ...signatureGate(), kind: 'moon' } as unknown as ReturnType<typeof signatureGate>
    expect(evaluate(gate, signed)).toMatchObject({ result: 'fail', effect: 'refused' })
  })

  it('a long reason is cut', () => {
    const found = evaluate(signatureGate(), judgedImage([], { limit: 'x'.repeat(5000) }))
    expect(found.reason.length).toBe(1001)
  })
})

describe('clocks', () => {
  const trust = gateTrust({ build: now + 30 * day })

  it.each([
    ['an hour ahead', hour, 'pass'],
    ['an hour behind', -hour, 'pass'],
    ['more than an hour ahead', hour + 1, 'fail'],
    ['more than an hour behind', -hour - 1, 'fail'],
    ['unknown by a broken Date', Number.NaN, 'fail'],
  ])('a pass that ends by time, with the clock of the registry %s: %s', (_, clockDifference, result) => {
    const image = judgedImage([signature()], { clockDifference })
    expect(evaluate(signatureGate(), image, { trust }).result).toBe(result)
  })

  it('a failure names both clocks', () => {
    const image = judgedImage([signature()], { clockDifference: 2 * hour })
    const { reason, hint } = evaluate(signatureGate(), image, { trust })
    expect(reason).toBe('the clock of this machine is 2 h behind that of registry.example.com')
    expect(hint).toBe('Set the clock of this machine.')
  })

  it('a signature without an end does not depend on time', () => {
    const image = judgedImage([signature()], { clockDifference: 48 * hour })
    expect(evaluate(signatureGate(), image).result).toBe('pass')
  })
})

describe('platform images', () => {
  it('the entries of buildx for attestations are no platforms', () => {
    const image = judgedImage([signature({ to: amd64 })], {
      platforms: [platformImage('linux/amd64'), { digest: digest('buildx'), platform: 'unknown/unknown' }],
    })
    const found = evaluate(signatureGate({ appliesTo: 'platforms' }), image)
    expect(found).toMatchObject({ result: 'pass', subjects: [{ platform: 'linux/amd64' }] })
  })
})
