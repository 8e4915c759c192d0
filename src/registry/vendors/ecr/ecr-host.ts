/** The parts of an ECR registry's host that choose the API and the account. */
export interface EcrHost {
  /** the AWS account */
  readonly registryId: string
  readonly region: string
  readonly fips: boolean
  /** IPv4 and IPv6 */
  readonly dualstack: boolean
}

/**
 * `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, with `-fips`, `.cn` for China and `.eu` for the European
 * Sovereign Cloud, and `ACCOUNT.dkr-ecr.REGION.on.aws` for dual-stack
 * (github.com/awslabs/amazon-ecr-credential-helper, ecr-login/api/client.go, ecrPattern).
 */
const registryHost =
  /^(?<account>\d{12})\.dkr[.-]ecr(?<fips>-fips)?\.(?<region>[a-z0-9-]+)\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|(?<dual>on\.(?:aws|amazonwebservices\.com\.cn)))$/

/**
 * Hosts of the API: `api.ecr.REGION.amazonaws.com`, `ecr.REGION.api.aws`, and those of VPC
 * endpoints, `vpce-….api.ecr.REGION.vpce.amazonaws.com` (@aws-sdk/client-ecr, endpoint/bdd.js;
 * docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
 */
const apiHost = /(?:^|\.)(?:api\.)?ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.(?:vpce\.|api\.)?(?:amazon)?aws/

/** Parses the host of a registry in its normal form; undefined: it is not a name of ECR. */
export function parseEcrHost(registry: string): EcrHost | undefined {
  const groups = registryHost.exec(registry)?.groups
  const { account, region, fips, dual } = groups ?? {}
  if (account === undefined || region === undefined) return undefined
  return { registryId: account, region, fips: fips !== undefined, dualstack: dual !== undefined }
}

/** Returns the region in the host of an API, if it has one. */
export function regionOfApi(host: string): string | undefined {
  return apiHost.exec(host)?.groups?.['region']
}
