import { expect } from 'vitest'
import { DrayError } from '../../src/lib/errors.ts'
import { documentsOf } from '../../src/deployments/references/documents.ts'
import { mergeImages } from '../../src/deployments/references/found-images.ts'
import { findReferences } from '../../src/deployments/references/references-in.ts'
import { resolveImages } from '../../src/deployments/inuse/used-images.ts'
import { formatReference } from '../../src/oci/reference.ts'

export const oneDigest = `sha256:${'1'.repeat(64)}`
export const otherDigest = `sha256:${'2'.repeat(64)}`

/** The images in a file, and the position of each. */
export function images(text: string, name = 'file.yaml'): Record<string, string> {
  const findings = [...documentsOf(text, name)].map(({ value, where }) => findReferences(value, where))
  const used = resolveImages(mergeImages(findings))
  return Object.fromEntries(used.map(({ reference, by }) => [formatReference(reference), by]))
}

/** The error of an invalid file. */
export function errorIn(text: string): DrayError {
  try {
    images(text)
  } catch (error) {
    expect(error).toBeInstanceOf(DrayError)
    return error as DrayError
  }
  throw new Error('the file is valid')
}
