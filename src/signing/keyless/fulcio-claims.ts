/** The arc of Fulcio's certificate extensions. */
const arc = '1.3.6.1.4.1.57264.1'

/**
 * Fulcio's certificate extensions by name (fulcio, docs/oid-info.md). The names are those that
 * `gh attestation verify --format json` shows.
 */
export const fulcioClaims = {
  githubWorkflowTrigger: `${arc}.2`,
  githubWorkflowSHA: `${arc}.3`,
  githubWorkflowName: `${arc}.4`,
  githubWorkflowRepository: `${arc}.5`,
  githubWorkflowRef: `${arc}.6`,
  buildSignerURI: `${arc}.9`,
  buildSignerDigest: `${arc}.10`,
  runnerEnvironment: `${arc}.11`,
  sourceRepositoryURI: `${arc}.12`,
  sourceRepositoryDigest: `${arc}.13`,
  sourceRepositoryRef: `${arc}.14`,
  sourceRepositoryIdentifier: `${arc}.15`,
  sourceRepositoryOwnerURI: `${arc}.16`,
  sourceRepositoryOwnerIdentifier: `${arc}.17`,
  buildConfigURI: `${arc}.18`,
  buildConfigDigest: `${arc}.19`,
  buildTrigger: `${arc}.20`,
  runInvocationURI: `${arc}.21`,
  sourceRepositoryVisibilityAtSigning: `${arc}.22`,
  deploymentEnvironment: `${arc}.23`,
  tokenSubject: `${arc}.24`,
} as const

export type ClaimName = keyof typeof fulcioClaims

export const issuerExtensions = { raw: `${arc}.1`, encoded: `${arc}.8` } as const
/** The type of a user name in the subject. */
export const userNameType = `${arc}.7`

/** The values of the first extensions are plain text, those of the others are encoded as DER. */
export const plainTextExtensions: ReadonlySet<string> = new Set([
  issuerExtensions.raw,
  fulcioClaims.githubWorkflowTrigger,
  fulcioClaims.githubWorkflowSHA,
  fulcioClaims.githubWorkflowName,
  fulcioClaims.githubWorkflowRepository,
  fulcioClaims.githubWorkflowRef,
])

export function isClaimName(name: string): name is ClaimName {
  return Object.hasOwn(fulcioClaims, name)
}
