import { formatCause, toDrayError } from '../../lib/errors.ts'
import { parseStatement } from '../../signing/statement.ts'
import type { SignatureVerdict, VerifyContext } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence } from '../evidence.ts'
import { type AttachedLayer, isPlainStatement } from './attached-layers.ts'
import type { LayerContent } from './read-layers.ts'

/** How problems name the artifact: the results of gates name it before them. */
const name = 'it'

/**
 * Parses a layer and verifies its signatures. A layer that is missing, damaged or unverifiable is
 * evidence without signers. Never throws.
 */
export async function verifyLayer(
  layer: AttachedLayer,
  read: LayerContent,
  context: VerifyContext,
): Promise<AttachedEvidence> {
  const { artifact, attachedTo, layout, predicateType } = layer
  const evidence = { artifact, attachedTo, layout, signers: [], problems: [] }
  const unreadable = (reason: string, more: { readonly isDamaged?: true } = {}): AttachedEvidence => ({
    ...evidence,
    content: { kind: 'unreadable', reason, ...(predicateType !== undefined && { predicateType }), ...more },
  })
  if (layout === 'notation') return unreadable('Notation signatures are not supported yet')
  if (read.reason !== undefined) return unreadable(read.reason, { isDamaged: true })
  try {
    const verdict = await verdictOn(layer, read.bytes, context)
    if (verdict !== undefined) {
      const { content, signers } = verdict
      const problems = verdict.problems.map(withoutName)
      return content === undefined
        ? { ...unreadable(problems.join('; ') || 'it cannot be parsed'), signers, problems }
        : { ...evidence, content, signers, problems }
    }
    if (!isPlainStatement(layer))
      return { ...evidence, content: { kind: 'document', mediaType: layer.type, bytes: read.bytes } }
    const { subjects, predicateType: type, predicate } = parseStatement(read.bytes, name)
    return { ...evidence, content: { kind: 'statement', predicateType: type, digests: subjects, predicate } }
  } catch (error) {
    return unreadable(formatCause(toDrayError(error)))
  }
}

/** `it: not JSON` becomes `not JSON`. */
function withoutName(problem: string): string {
  return problem.startsWith(`${name}: `) ? problem.slice(name.length + 2) : problem
}

/** Undefined for content without a signature of its own. */
async function verdictOn(
  { layout, layer }: AttachedLayer,
  bytes: Uint8Array,
  context: VerifyContext,
): Promise<SignatureVerdict | undefined> {
  const annotations = layer.annotations ?? {}
  switch (layout) {
    case 'bundle': {
      const { verifyBundle } = await import('../../signing/trust/verify-bundle.ts')
      return await verifyBundle(bytes, name, context)
    }
    case 'simpleSigning': {
      const { verifySimpleSigning } = await import('../../signing/trust/verify-simple-signing.ts')
      return await verifySimpleSigning(bytes, annotations, name, context)
    }
    case 'dsse': {
      const { verifyDsseLayer } = await import('../../signing/trust/verify-dsse-layer.ts')
      return await verifyDsseLayer(bytes, annotations, name, context)
    }
    default:
      return undefined
  }
}
