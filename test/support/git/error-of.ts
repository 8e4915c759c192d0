import { expect } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'

/** Returns the error of work that fails. */
export async function errorOf(work: Promise<unknown>): Promise<DrayError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}
