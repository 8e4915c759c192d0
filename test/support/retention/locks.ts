import * as fc from 'fast-check'

/** Content that the registry refuses to delete, as an immutable tag or a locked image. */
export interface Lock {
  readonly what: 'manifest' | 'tag'
  /** counts the manifests or tags, modulo their number */
  readonly which: number
  readonly refusal: LockRefusal
}

export interface LockRefusal {
  readonly status: 405 | 409 | 412
  readonly code: string
  readonly message: string
}

const refusals = fc.constantFrom<LockRefusal[]>(
  { status: 412, code: 'PRECONDITION', message: 'configured as immutable' },
  {
    status: 405,
    code: 'REGISTRY_DISALLOWED_OPERATION',
    message: 'the operation is disallowed on a locked manifest',
  },
  { status: 409, code: 'DENIED', message: 'the image is locked' },
)

const lock: fc.Arbitrary<Lock> = fc.record({
  what: fc.constantFrom('manifest' as const, 'manifest' as const, 'tag' as const),
  which: fc.nat({ max: 60 }),
  refusal: refusals,
})

export const locks: fc.Arbitrary<readonly Lock[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Lock[]>([]) },
  { weight: 1, arbitrary: fc.array(lock, { minLength: 1, maxLength: 6 }) },
)
