import { buildxWith } from './gates/buildx-statements.ts'
import type { Content } from './images.ts'

const predicates = ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2'] as const

/** An index of buildx with an SBOM and a provenance for each platform image. */
export function buildxIndex(platforms: readonly string[]): Content {
  return buildxWith(platforms, () => predicates.map((predicateType) => ({ predicateType, predicate: {} })))
}
