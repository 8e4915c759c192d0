import type { RepositoryName } from '../../oci/reference.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { Capability, Known } from '../../images/ports.ts'

/**
 * How far a lesson reaches: what one repository showed says nothing of its neighbours where the registry
 * proxies several kinds.
 */
const reach: Readonly<Record<Capability, 'registry' | 'repository'>> = {
  referrers: 'repository',
  // a proxy of another registry, or a repository that is read-only, deletes nothing where its neighbours do
  deleteTag: 'repository',
  deleteManifest: 'repository',
  deleteTagged: 'registry',
  freeReads: 'registry',
  mount: 'registry',
  manyTags: 'registry',
  chunks: 'registry',
  uploadRange: 'registry',
}

/** What was learned of registries in this run, over what is known of them beforehand. */
export class Capabilities {
  readonly #learned = new Map<string, 'yes' | 'no'>()
  readonly #beforehand: (registry: string, name: Capability) => Known

  constructor(beforehand: (registry: string, name: Capability) => Known) {
    this.#beforehand = beforehand
  }

  get(repository: RepositoryName, name: Capability): Known {
    return this.#learned.get(keyOf(repository, name)) ?? this.#beforehand(repository.registry, name)
  }

  /** A `yes` stays, be it known beforehand: a later refusal is about one piece of content, not about the ability. */
  learn(repository: RepositoryName, name: Capability, known: 'yes' | 'no'): void {
    if (this.get(repository, name) !== 'yes') this.#learned.set(keyOf(repository, name), known)
  }
}

function keyOf(repository: RepositoryName, name: Capability): string {
  return `${name} ${reach[name] === 'registry' ? repository.registry : formatRepository(repository)}`
}
