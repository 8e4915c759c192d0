import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedSubject } from '../evidence.ts'
import type { SubjectFacts } from './judge-subjects.ts'

interface SignedStatement {
  readonly evidence: AttachedEvidence
  readonly signers: readonly VerifiedSigner[]
}

/** Returns the facts of statements that decided: `attestations.NAME` has one for each signer. */
export function statementFacts(
  statements: readonly SignedStatement[],
  { digest }: JudgedSubject,
): SubjectFacts {
  return {
    attestations: statements.flatMap(({ evidence: { content }, signers }) => {
      if (content.kind !== 'statement') return []
      const { predicateType, predicate } = content
      return signers.map(({ signer }) => ({ predicateType, predicate, subject: digest, signer }))
    }),
    signers: statements.flatMap(({ signers }) => signers.map(({ signer }) => signer)),
  }
}
