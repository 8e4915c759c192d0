/** References that are remembered for each registry. It bounds the memory of a run. */
const maxReferences = 10_000

interface Support {
  /** `yes`: a HEAD was answered completely; `no`: GET answered what HEAD did not */
  known: 'yes' | 'no' | 'unknown'
  /** references of manifests that exist, by a GET or a list of tags; only while it is unknown */
  readonly existing: Set<string>
}

/**
 * Which registries answer HEAD of a manifest as they answer GET. Nexus answers 404 to each HEAD,
 * and some proxies refuse the method. One complete answer proves that a registry does.
 */
export class HeadSupport {
  readonly #registries = new Map<string, Support>()

  isUnsupported(registry: string): boolean {
    return this.#registries.get(registry)?.known === 'no'
  }

  /** A HEAD that was answered completely outweighs what fails later. */
  learn(registry: string, known: 'yes' | 'no'): void {
    const support = this.#of(registry)
    if (support.known === 'yes') return
    support.known = known
    support.existing.clear()
  }

  /** Notes that a manifest exists. A later 404 to its HEAD is then confirmed by a GET. */
  noteExisting(registry: string, reference: string): void {
    const { known, existing } = this.#of(registry)
    if (known === 'unknown' && existing.size < maxReferences) existing.add(reference)
  }

  /** Whether a GET has to confirm a 404 to the HEAD of a manifest. */
  isDoubtful(registry: string, reference: string): boolean {
    return this.#registries.get(registry)?.existing.has(reference) ?? false
  }

  #of(registry: string): Support {
    const found = this.#registries.get(registry)
    if (found !== undefined) return found
    const support: Support = { known: 'unknown', existing: new Set() }
    this.#registries.set(registry, support)
    return support
  }
}
