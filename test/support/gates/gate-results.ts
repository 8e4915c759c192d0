import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'

/** A digest of one repeated character. */
export function digestOf(letter: string): Digest {
  return parseDigest(`sha256:${letter.repeat(64)}`)
}

/** A result of a gate that passed, with changes. */
export function gateResult(changes: Partial<GateResult> = {}): GateResult {
  return {
    name: 'signed',
    environment: 'prod',
    kind: 'signature',
    result: 'pass',
    effect: 'none',
    reason: 'signed by build',
    subjects: [{ digest: digestOf('a'), result: 'pass', reason: 'signed by build' }],
    evidence: [{ digest: digestOf('b'), signer: 'sha256:0' }],
    definition: `sha256:${'d'.repeat(64)}`,
    evaluatedAt: '2026-11-24T10:00:00.000Z',
    ...changes,
  }
}
