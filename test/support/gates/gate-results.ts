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

/** A gate that passed and one that was overridden, with every field that a result can have. */
export const gateResults: readonly GateResult[] = [
  gateResult({ validUntil: '2026-11-25T10:00:00.000Z', warnings: ['one signature is by an unknown key'] }),
  gateResult({
    name: 'scan',
    kind: 'scan',
    result: 'error',
    effect: 'overridden',
    reason: 'the reports could not be read',
    subjects: [{ digest: digestOf('c'), platform: 'linux/arm64/v8', result: 'error', reason: 'unread' }],
    evidence: [{ digest: digestOf('d'), signer: 'sha256:0', time: '2026-11-24T09:00:00.000Z' }],
    passesAfter: '2026-11-25T10:00:00.000Z',
    override: { reason: 'incident 7' },
    hint: 'Run: dray check api:1.4.2 --to prod',
    error: { code: 'unavailable', message: 'cannot list the referrers', why: 'HTTP 503' },
  }),
]
