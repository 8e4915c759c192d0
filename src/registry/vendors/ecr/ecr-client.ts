import {
  BatchDeleteImageCommand,
  type BatchDeleteImageCommandInput,
  type BatchDeleteImageCommandOutput,
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  type DescribeImagesCommandOutput,
  DescribeRepositoriesCommand,
  type DescribeRepositoriesCommandInput,
  type DescribeRepositoriesCommandOutput,
  ECRClient,
} from '@aws-sdk/client-ecr'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import type { Call } from '../../../lib/call.ts'
import { type DrayError, isDrayError } from '../../../lib/errors.ts'
import { isLoopback } from '../../../oci/registry-host.ts'
import type { VendorApi } from '../vendor-api.ts'
import { type EcrHost, parseEcrHost, regionOfApi } from './ecr-host.ts'
import {
  type EcrPurpose,
  isExpired,
  isSignatureRefused,
  isThrottled,
  missingCredentials,
  noRegion,
  toEcrError,
} from './ecr-errors.ts'
import { type RequestContext, SdkRequestHandler } from './request-handler.ts'

/** Attempts of a request that is throttled, which takes two minutes. */
const maxAttempts = 8
const firstWaitMs = 1_000
const longestWaitMs = 30_000

interface SdkSendOptions {
  readonly abortSignal: AbortSignal
  readonly of: RequestContext
}

/** Loads the AWS SDK with the first call. */
export type OpenEcr = () => Promise<EcrOperations>

/**
 * The operations of ECR that dray uses, with the AWS SDK and its credential chain
 * (docs/decisions/aws-sdk.md).
 */
export class EcrOperations {
  readonly #api: VendorApi
  readonly #host: EcrHost | undefined
  readonly #handler: SdkRequestHandler
  #client: ECRClient | undefined
  /** one error for all repositories, because the chain can take seconds */
  #missing: DrayError | undefined

  constructor(api: VendorApi) {
    this.#api = api
    this.#host = parseEcrHost(api.registry)
    this.#handler = new SdkRequestHandler(api)
  }

  async describeImages(
    input: DescribeImagesCommandInput,
    purpose: EcrPurpose,
    call: Call,
  ): Promise<DescribeImagesCommandOutput> {
    const own = { registryId: this.#host?.registryId, ...input }
    return this.#send(
      (client, options) => client.send(new DescribeImagesCommand(own), options),
      purpose,
      call,
    )
  }

  async describeRepositories(
    input: DescribeRepositoriesCommandInput,
    purpose: EcrPurpose,
    call: Call,
  ): Promise<DescribeRepositoriesCommandOutput> {
    const own = { registryId: this.#host?.registryId, ...input }
    return this.#send(
      (client, options) => client.send(new DescribeRepositoriesCommand(own), options),
      purpose,
      call,
    )
  }

  async batchDeleteImage(
    input: BatchDeleteImageCommandInput,
    purpose: EcrPurpose,
    call: Call,
  ): Promise<BatchDeleteImageCommandOutput> {
    const own = { registryId: this.#host?.registryId, ...input }
    return this.#send(
      (client, options) => client.send(new BatchDeleteImageCommand(own), options),
      purpose,
      call,
    )
  }

  /**
   * Repeats what only the SDK can see: throttling, which ECR answers with 400, and a signature or
   * session that became too old while the request waited. The HTTP stack repeats all else.
   */
  async #send<T>(
    send: (client: ECRClient, options: SdkSendOptions) => Promise<T>,
    purpose: EcrPurpose,
    call: Call,
  ): Promise<T> {
    this.#handler.use(call)
    if (this.#missing !== undefined) throw this.#missing
    let isRenewed = false
    for (let attempt = 1; ; attempt++) {
      try {
        this.#client ??= await this.#open(isRenewed, call)
        const of = { call, beforeAttempt: purpose.beforeAttempt }
        return await send(this.#client, { abortSignal: call.signal, of })
      } catch (error) {
        call.signal.throwIfAborted()
        if (isThrottled(error) && attempt < maxAttempts) {
          await this.#wait(attempt, call)
        } else if (!isRenewed && (isExpired(error) || isSignatureRefused(error))) {
          isRenewed = true
          if (isExpired(error)) this.#client = undefined
        } else {
          throw toEcrError(error, purpose)
        }
      }
    }
  }

  async #wait(attempt: number, call: Call): Promise<void> {
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1))
    const { host } = this.#api.base
    call.notify({ kind: 'retry', method: 'POST', url: host, attempt, waitMs, why: 'ThrottlingException' })
    await this.#api.clock.sleep(waitMs, call.signal)
  }

  /** STS and others refuse with errors of their own, which are none of ECR. */
  #withoutCredentials(error: unknown): never {
    if (isDrayError(error)) throw error
    throw (this.#missing ??= missingCredentials(this.#api, error))
  }

  /** @param ignoreCache reads the files of the AWS configuration again */
  async #open(ignoreCache: boolean, call: Call): Promise<ECRClient> {
    const requestHandler = this.#handler
    const chain = defaultProvider({
      ignoreCache,
      // Otherwise the requests of SSO would use connections of the SDK.
      clientConfig: { requestHandler, maxAttempts: 1 },
      logger: warningsOf(call),
    })
    const { base, registry } = this.#api
    // A registry on this machine is an imitation with the API at its own port.
    const isConfigured = base.host !== registry || isLoopback(base.hostname)
    const region =
      this.#host?.region ?? regionOfApi(base.host) ?? (isLoopback(base.hostname) ? 'us-east-1' : undefined)
    const client = new ECRClient({
      requestHandler,
      // The stack retries, and so does `#send`.
      maxAttempts: 1,
      // `auto` would ask the metadata service of the machine for its region.
      defaultsMode: 'standard',
      ...(region !== undefined && { region }),
      ...(isConfigured && { endpoint: base.href }),
      // Otherwise AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT decide.
      ...(!isConfigured && this.#host?.fips === true && { useFipsEndpoint: true }),
      ...(!isConfigured && this.#host?.dualstack === true && { useDualstackEndpoint: true }),
      credentials: async (properties) => {
        const found = await chain(properties).catch((error: unknown) => this.#withoutCredentials(error))
        this.#api.keepSecret(found.secretAccessKey)
        if (found.sessionToken !== undefined) this.#api.keepSecret(found.sessionToken)
        return found
      },
    })
    if (region === undefined)
      await client.config.region().catch((cause: unknown) => noRegion(registry, cause))
    return client
  }
}

/** The SDK would print its warnings. */
function warningsOf({ notify }: Call) {
  const ignore = (): void => undefined
  const warn = (text: string): void => notify({ kind: 'warning', text, from: 'AWS SDK' })
  return { trace: ignore, debug: ignore, info: ignore, warn, error: ignore }
}
