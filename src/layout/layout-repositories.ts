import type { Call } from '../lib/call.ts'
import type { Clock } from '../lib/clock.ts'
import { layoutRegistry, type RepositoryName, type TagOrDigest } from '../oci/reference.ts'
import type { Repositories, TargetRepository } from '../images/ports.ts'
import { LayoutFolder } from './folder.ts'
import type { Layout } from './layout.ts'
import { findOnlyImage } from './only-image.ts'
import { layoutReader } from './reader.ts'
import { LayoutRelations } from './relations.ts'
import { layoutWriter } from './writer.ts'

export interface LayoutRepository extends TargetRepository {
  /** See `findOnlyImage`. */
  onlyImage(call: Call): Promise<TagOrDigest>
}

/**
 * Opens image layouts by `{ registry: 'oci:', path: FOLDER }`. The same name gives the same object.
 */
export class LayoutRepositories implements Repositories {
  readonly #cwd: string
  readonly #clock: Clock
  readonly #opened = new Map<string, LayoutRepository>()

  /** @param cwd the base of relative folders */
  constructor(cwd: string, clock: Clock) {
    this.#cwd = cwd
    this.#clock = clock
  }

  source(name: RepositoryName): LayoutRepository {
    return this.target(name)
  }

  target({ path }: RepositoryName): LayoutRepository {
    const opened = this.#opened.get(path)
    if (opened !== undefined) return opened
    const folder = new LayoutFolder(path, this.#cwd, this.#clock)
    const relations = new LayoutRelations(folder)
    const layout: Layout = { repository: { registry: layoutRegistry, path }, folder, relations }
    const repository: LayoutRepository = {
      ...layoutReader(layout),
      ...layoutWriter(layout),
      onlyImage: (call) => findOnlyImage(layout, call),
    }
    this.#opened.set(path, repository)
    return repository
  }
}
