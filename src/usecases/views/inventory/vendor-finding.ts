import type { ErrorInfo } from '../../../lib/errors.ts'

/** Checks of the vendor's list. */
export type VendorCheck =
  | 'vendorList'
  | 'vendorTags'
  | 'vendorDigests'
  | 'vendorUntagged'
  | 'vendorPushes'
  | 'vendorPulls'
  | 'vendorContent'
  | 'vendorLocks'
  | 'vendorToken'

/** The vendor's API of a registry, as configuration and answers show it. */
export interface VendorFacts {
  readonly registry: string
  /** by `kind` in dray.yaml or by the host; an error if the settings are wrong */
  readonly vendor?: { readonly kind: string; readonly name: string } | { readonly error: ErrorInfo }
  /** dray.yaml has `kind: none` */
  readonly isOff: boolean
  /** the vendor that the challenge shows */
  readonly suggested?: { readonly kind: string; readonly name: string }
  readonly token: 'present' | 'absent' | 'signed'
  /** what a token needs, and where a person creates it */
  readonly needs?: { readonly permissions: string; readonly create: string }
}

interface VendorFinding {
  readonly check: 'vendor'
  readonly state: 'ok' | 'note' | 'problem'
  readonly saw: string
  readonly hint?: string
}

/** Returns the finding about the vendor's API; none if there is no sign of a vendor. Pure. */
export function vendorFinding(facts: VendorFacts): VendorFinding | undefined {
  const { registry, vendor, isOff, suggested, token, needs } = facts
  const check = 'vendor'
  if (isOff) return { check, state: 'note', saw: 'switched off by kind: none in dray.yaml' }
  if (vendor === undefined) {
    if (suggested === undefined) return undefined
    const { kind, name } = suggested
    const hint = `Name it in dray.yaml, so that dray can use its API: registries: { "${registry}": { kind: ${kind} } }`
    return { check, state: 'note', saw: `the challenge is that of ${name}`, hint }
  }
  if ('error' in vendor) {
    const { message, hint } = vendor.error
    return { check, state: 'problem', saw: message, ...(hint !== undefined && { hint }) }
  }
  const what = `${vendor.name} (kind ${vendor.kind})`
  if (token === 'signed') return { check, state: 'ok', saw: `${what}, with the AWS credential chain` }
  if (token === 'present') return { check, state: 'ok', saw: `${what}, with a token for its API` }
  const hint = `Create a token: ${needs?.create ?? ''}. It needs ${needs?.permissions ?? ''}. Name its variable in registries.${registry}.tokenEnv of dray.yaml.`
  return { check, state: 'note', saw: `${what}: dray has no token for its API`, hint }
}
