import type { Call } from '../lib/call.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatAt, formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { Copier, NodeContent } from '../images/copy.ts'
import type { Repositories } from '../images/ports.ts'

/** A manifest that is to stand under a tag. */
export interface TagToPut {
  readonly target: Descriptor
  /** where its bytes are to be had */
  readonly from: RepositoryName
  readonly repository: RepositoryName
  readonly tag: string
}

/** Puts manifests under tags; one that gets several is read once. */
export class TagWriter {
  readonly #stores: Repositories
  readonly #copier: Copier
  readonly #contents = new Map<string, Promise<NodeContent>>()

  constructor(stores: Repositories, copier: Copier) {
    this.#stores = stores
    this.#copier = copier
  }

  /** @throws what the stores throw; `not-found` where neither end has the manifest any more. */
  async put(what: TagToPut, call: Call): Promise<void> {
    const content = await this.#contentOnce(what, call)
    await this.#copier.putManifest(this.#stores.target(what.repository), content, [what.tag], call)
  }

  #contentOnce(what: TagToPut, call: Call): Promise<NodeContent> {
    const key = `${formatRepository(what.from)} ${formatRepository(what.repository)} ${what.target.digest}`
    const known = this.#contents.get(key)
    if (known !== undefined) return known
    const content = this.#content(what, call)
    this.#contents.set(key, content)
    // whoever comes next tries by itself
    content.catch(() => this.#contents.delete(key))
    return content
  }

  /** The bytes come from the source; where it has lost them since, from the target, if they are there by their digest already. */
  async #content({ target, from, repository }: TagToPut, call: Call): Promise<NodeContent> {
    const [source, destination] = [this.#stores.source(from), this.#stores.target(repository)]
    const isOnlyThere =
      (await source.findManifest(target, call)) === undefined &&
      (await destination.findManifest(target, call)) !== undefined
    const store = isOnlyThere ? destination : source
    const { bytes, descriptor } = await store.manifest(target, call)
    const where = formatAt(store.repository, { digest: target.digest })
    return { descriptor, manifest: parseManifest(bytes, descriptor.mediaType, where), bytes }
  }
}
