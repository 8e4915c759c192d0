import type { RepositoryName } from '../../oci/reference.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { Capability, Known } from '../../images/ports.ts'

/**
 * Whether a capability belongs to the registry or to one repository of it. A registry that proxies
 * others has repositories of several kinds.
 */
const reach: Readonly<Record<Capability, 'registry' | 'repository'>> = {
  referrers: 'repository',
  // A proxy of another registry, or a read-only repository, deletes nothing, and its neighbours
  // may.
  deleteTag: 'repository',
  deleteManifest: 'repository',
  deleteTagged: 'registry',
  keepsUntagged: 'registry',
  freeReads: 'registry',
  mount: 'registry',
  manyTags: 'registry',
  chunks: 'registry',
  uploadRange: 'registry',
  sparseIndexes: 'registry',
}

/** The capabilities of registries: what this run learned, over what is known of them beforehand. */
export class LearnedCapabilities {
  readonly #learned = new Map<string, 'yes' | 'no'>()
  readonly #beforehand: (registry: string, name: Capability) => Known

  constructor(beforehand: (registry: string, name: Capability) => Known) {
    this.#beforehand = beforehand
  }

  get(repository: RepositoryName, name: Capability): Known {
    return this.#learned.get(keyOf(repository, name)) ?? this.#beforehand(repository.registry, name)
  }

  /** Whether an answer in this run has shown the capability, not only what is known beforehand. */
  isProven(repository: RepositoryName, name: Capability): boolean {
    return this.#learned.get(keyOf(repository, name)) === 'yes'
  }

  /** A `yes` stays, also one from the table: a later refusal is about one blob or manifest. */
  learn(repository: RepositoryName, name: Capability, known: 'yes' | 'no'): void {
    if (known === 'yes' || this.get(repository, name) !== 'yes')
      this.#learned.set(keyOf(repository, name), known)
  }
}

function keyOf(repository: RepositoryName, name: Capability): string {
  return `${name} ${reach[name] === 'registry' ? repository.registry : formatRepository(repository)}`
}
