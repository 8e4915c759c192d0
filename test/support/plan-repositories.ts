import type { Digest } from '../../src/oci/digest.ts'
import { type Content, image, index, referrer, together } from './images.ts'
import { type Workplace, warmWorkplace } from './workplace.ts'
import type { WatchedRegistry } from './world.ts'

export const multi = index(['amd64', 'arm64'], { label: '1.4.2', layers: 1 })
const sbom = referrer(multi)
export const release = together(multi, sbom)
export const ofDev = image({ label: 'dev' })
export const [old, newest, unrelated] = ['1.4.0', '1.5.0', 'unrelated'].map((label) => image({ label })) as [
  Content,
  Content,
  Content,
]
export const digestOf = (content: Content): Digest => content.root.digest as Digest

/** Creates repositories of dev, staging and prod for tests that edit plans. */
export class PlanRepositories {
  readonly registry: WatchedRegistry
  #images = 0

  constructor(registry: WatchedRegistry) {
    this.registry = registry
  }

  nextImage(): string {
    return `api${++this.#images}`
  }

  configOf(name: string, prod: object = {}): string {
    const at = (path: string): object => ({ registry: this.registry.host, path: `${path}/{image}` })
    return JSON.stringify({
      version: 1,
      environments: {
        dev: at('dev'),
        staging: { ...at('staging'), promoteFrom: ['dev'] },
        prod: {
          ...at('prod'),
          promoteFrom: ['staging'],
          attest: true,
          tags: { semver: ['exact', 'minor', 'major', 'latest'], immutable: ['release-*'] },
          ...prod,
        },
      },
      images: { [name]: {} },
    })
  }

  async fill(name: string): Promise<void> {
    const { oracle } = this.registry
    await oracle.push(ofDev, `dev/${name}`, '1.4.2')
    await oracle.push(release, `staging/${name}`, '1.4.2')
    await oracle.push(unrelated, `staging/${name}`, 'unrelated')
    await oracle.push(old, `prod/${name}`, '1.4.0', '1.4', 'release-1')
    await oracle.push(newest, `prod/${name}`, '1.5.0', '1.5', '1', 'latest')
  }

  /** A folder with a `dray.yaml` for a new image. */
  async place(name: string, prod?: object): Promise<Workplace> {
    await this.fill(name)
    return await warmWorkplace(this.configOf(name, prod))
  }

  /** Every tag of an image in prod, with its digest. */
  async prodOf(name: string): Promise<unknown> {
    const { oracle } = this.registry
    const tags = (await oracle.tags(`prod/${name}`)).toSorted()
    return await Promise.all(tags.map(async (tag) => [tag, await oracle.digest(`prod/${name}`, tag)]))
  }
}
