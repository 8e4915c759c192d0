import { maxEvidenceSize } from '../../signing/statement.ts'

/** Bytes of all attached artifacts of one image that gates read. */
const maxTotalSize = 128 * 1024 * 1024
/** Attached artifacts of one image that gates read. A layer of cosign's tags counts as one. */
const maxArtifacts = 500

const mebibyte = 1024 * 1024

/** Returns why an attached artifact is too large to be read; undefined if it is not. */
export function whyTooLarge(size: number): string | undefined {
  if (size <= maxEvidenceSize) return undefined
  return `it has ${size} bytes, and the limit is ${maxEvidenceSize / mebibyte} MiB`
}

/** Returns which limit the attached artifacts of an image exceed; undefined if they do not. */
export function exceededLimit(sizes: readonly number[]): string | undefined {
  if (sizes.length > maxArtifacts)
    return `the image has ${sizes.length} attached artifacts that its gates need, and the limit is ${maxArtifacts}`
  const total = sizes.filter((size) => size <= maxEvidenceSize).reduce((sum, size) => sum + size, 0)
  if (total <= maxTotalSize) return undefined
  return `the attached artifacts that the gates need have ${total} bytes, and the limit is ${maxTotalSize / mebibyte} MiB`
}
