import { type OpenHold, readOpenHolds } from '../../../audit/holds/open-holds.ts'
import { noMoves, readTagMoves, type RepositoryMoves } from '../../../audit/moves/tag-moves.ts'
import { RegistryNames } from '../../../config/registry-names.ts'
import { isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Call } from '../../../lib/call.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { PublicKey } from '../../../signing/dsse.ts'
import type { HistorySources } from '../../../usecases/prune/records/history.ts'
import type { Context } from '../../wiring/context.ts'
import { FirstSightings } from './first-sightings.ts'

/**
 * The records about the repositories of a run. The audit log is read once for all of them,
 * when the first one needs it.
 */
export class RetentionHistory {
  readonly #path: string
  readonly #names: RegistryNames
  readonly #identities: ReadonlySet<string>
  readonly #sightings: FirstSightings
  readonly #context: Context
  #holds: Promise<ReadonlyMap<string, readonly OpenHold[]>> | undefined
  #moves: Promise<ReadonlyMap<string, RepositoryMoves>> | undefined
  #keys: Promise<readonly PublicKey[] | undefined> | undefined

  private constructor(path: string, names: RegistryNames, identities: ReadonlySet<string>, context: Context) {
    this.#path = path
    this.#names = names
    this.#identities = identities
    this.#context = context
    this.#sightings = new FirstSightings(path, context.clock)
  }

  static async open(
    auditFile: string | undefined,
    repositories: readonly RepositoryName[],
    context: Context,
  ): Promise<RetentionHistory> {
    const names = new RegistryNames((await context.config()).config.registries)
    const identities = new Set(repositories.map((one) => names.identity(one)))
    return new RetentionHistory(await context.auditPath(auditFile), names, identities, context)
  }

  /** The records of one repository. */
  sources(repository: RepositoryName): HistorySources {
    const identify = (one: RepositoryName): string => this.#names.identity(one)
    const identity = identify(repository)
    return {
      identify,
      openHolds: async (call) => (await this.#readHolds(call)).get(identity) ?? [],
      moves: async (call) => (await this.#readMoves(call)).get(identity) ?? noMoves,
      keys: (call) => (this.#keys ??= this.#loadKeys(call)),
      remember: (found, call) => this.#sightings.remember(identity, found, call),
      watchedSince: (now, call) => this.#sightings.watchedSince(identity, repository, now, call),
    }
  }

  /** @throws `audit`, for each repository. */
  #readHolds({ signal }: Call): Promise<ReadonlyMap<string, readonly OpenHold[]>> {
    this.#holds ??= readOpenHolds(this.#path, {
      identify: (one) => this.#names.identity(one),
      now: this.#context.clock.now(),
      signal,
    })
    return this.#holds
  }

  /** @throws `audit`, for each repository that needs the log. */
  #readMoves({ signal }: Call): Promise<ReadonlyMap<string, RepositoryMoves>> {
    this.#moves ??= readTagMoves(this.#path, {
      identities: this.#identities,
      identify: (one) => this.#names.identity(one),
      signal,
    })
    return this.#moves
  }

  /**
   * The public half of the key of `audit.sign`. Without the private key, no attestation can be
   * verified: then none of them nominates a superseded digest.
   */
  async #loadKeys({ notify }: Call): Promise<readonly PublicKey[] | undefined> {
    try {
      const key = await this.#context.signingKey()
      if (key === undefined) return undefined
      const { publicHalf } = await import('../../../signing/signing-keys.ts')
      return [publicHalf(key)]
    } catch (error) {
      if (!isDrayError(error)) throw error
      const { message } = toErrorInfo(error)
      notify({
        kind: 'warning',
        text: `cannot verify attestations of promotions: ${message}. Rules of the kind superseded use the audit log alone.`,
      })
      return []
    }
  }
}
