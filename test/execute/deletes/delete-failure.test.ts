import { describe, expect, it } from 'vitest'
import { consequenceOf, keepersIn } from '../../../src/execute/deletes/delete-failure.ts'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'

const steps = { deleteManifest: manifestStep(), deleteTag: untagStep() }

describe('the consequence of a failed delete', () => {
  it.each<[keyof typeof steps, ErrorCode, number | undefined, boolean, ReturnType<typeof consequenceOf>]>([
    ['deleteManifest', 'refused', 412, false, 'lockIt'],
    ['deleteManifest', 'refused', 403, true, 'lockIt'],
    ['deleteTag', 'refused', 409, false, 'lockIt'],
    ['deleteManifest', 'refused', 404, false, 'lockIt'],
    ['deleteManifest', 'unsupported', 405, false, 'refuseAll'],
    ['deleteTag', 'unsupported', 405, false, 'keepAll'],
    ['deleteManifest', 'forbidden', 403, false, 'refuseAll'],
    ['deleteTag', 'forbidden', 403, false, 'refuseAll'],
    ['deleteManifest', 'unauthorized', 401, false, 'refuseAll'],
    ['deleteManifest', 'unauthorized', 401, true, 'failIt'],
    ['deleteManifest', 'protocol', 400, false, 'refuseAll'],
    ['deleteTag', 'protocol', 400, false, 'refuseAll'],
    ['deleteManifest', 'protocol', 405, false, 'refuseAll'],
    ['deleteManifest', 'protocol', 418, false, 'failIt'],
    ['deleteManifest', 'unavailable', 429, false, 'failIt'],
    ['deleteManifest', 'unavailable', 503, true, 'failIt'],
    ['deleteManifest', 'network', undefined, false, 'failIt'],
  ])('(%s, %s %s, proven: %s) is %s', (kind, code, status, isProven, expected) => {
    expect(consequenceOf(steps[kind], new DrayError(code, 'no', { status }), isProven)).toBe(expected)
  })
})

it('a manifest without tags for which the registry answers 404 is kept, and not locked', () => {
  const error = new DrayError('refused', 'no', { status: 404 })
  expect(consequenceOf(manifestStep({ losesTags: [] }), error, true)).toBe('keepIt')
})

describe('the digests that keep a manifest', () => {
  it('are those of the message of the registry, without the manifest itself', () => {
    const keeper = digestOf('index')
    const why = `Manifest ${deletedDigest} is referenced by image ${keeper}`
    expect(keepersIn(manifestStep(), new DrayError('refused', 'no', { why }))).toEqual([keeper])
    expect(keepersIn(manifestStep(), new DrayError('refused', 'no'))).toEqual([])
  })
})
