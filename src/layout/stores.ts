import type { Clock } from '../lib/clock.ts'
import { layoutRegistry, type RepositoryName } from '../oci/reference.ts'
import type { Repositories } from '../images/ports.ts'
import { LayoutFolder } from './folder.ts'
import { LayoutStore } from './layout-store.ts'

/** Opens image layouts by `{ registry: 'oci:', path: FOLDER }`; the same name gives the same store. */
export class LayoutStores implements Repositories {
  readonly #cwd: string
  readonly #clock: Clock
  readonly #open = new Map<string, LayoutStore>()

  /** @param cwd what relative folders are relative to */
  constructor(cwd: string, clock: Clock) {
    this.#cwd = cwd
    this.#clock = clock
  }

  source(name: RepositoryName): LayoutStore {
    return this.target(name)
  }

  target(name: RepositoryName): LayoutStore {
    const open = this.#open.get(name.path)
    if (open !== undefined) return open
    const folder = new LayoutFolder(name.path, this.#cwd, this.#clock)
    const store = new LayoutStore({ registry: layoutRegistry, path: name.path }, folder)
    this.#open.set(name.path, store)
    return store
  }
}
