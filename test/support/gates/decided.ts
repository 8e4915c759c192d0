import { approvalPredicateType } from '../../../src/audit/attestation/approval-statement.ts'
import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import type { Approver } from '../../../src/gates/gate-trust.ts'
import { type Attached, digest, index, now, statement } from './judged-image.ts'

/** A statement of a person of the group `leads`; `ada#2` is the second key of ada. */
export function decided(
  person: string,
  over: Readonly<Record<string, unknown>> & { readonly age?: number } = {},
  options: Attached = {},
): AttachedEvidence {
  const { age = 0, ...fields } = over
  const predicate = {
    digest: options.to ?? index,
    environment: 'prod',
    decision: 'approve',
    timestamp: new Date(now - age).toISOString(),
    ...fields,
  }
  return statement(approvalPredicateType, predicate, { by: [`leads/${person}`], ...options })
}

/** A person with two keys and an account at GitHub. */
export function approver(person: string, group = 'leads', actors = [`github:${person}`]): Approver {
  const name = `${group}/${person}`
  const keys = [name, `${name}#2`].map((key) => ({
    fingerprint: digest(key),
    file: `${key}.pub`,
    publicKeyPem: '',
    verify: () => false,
  }))
  return { person, signer: { name, keys }, actors }
}
