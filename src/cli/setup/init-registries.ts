import { emptyConfig } from '../../config/config.ts'
import type { Repositories, RepositoryLister } from '../../images/ports.ts'
import type { FetchStack } from '../../registry/http/stack.ts'
import type { Context } from '../wiring/context.ts'
import { examinationPace } from '../wiring/examination.ts'
import { findUsualRegistry } from './usual-registry.ts'

/**
 * The registries of a configuration that does not exist yet. Requests wait and retry less than in
 * other runs, because a person is waiting. Close it after use.
 */
export class InitRegistries {
  readonly #context: Context
  #stack: Promise<FetchStack> | undefined
  #stores: Promise<Repositories & RepositoryLister> | undefined

  constructor(context: Context) {
    this.#context = context
  }

  /** The registry that a new configuration has by default. */
  async usual(): Promise<string> {
    const { env, home } = await this.#context.credentialOptions()
    return await findUsualRegistry(env, home)
  }

  async stores(): Promise<Repositories & RepositoryLister> {
    this.#stores ??= this.#openStores()
    return await this.#stores
  }

  async close(): Promise<void> {
    const stack = await this.#stack?.catch(() => undefined)
    await stack?.close()
  }

  async #openStores(): Promise<Repositories & RepositoryLister> {
    const { cwd, clock } = this.#context
    const { openAllRepositories } = await import('../wiring/open-repositories.ts')
    this.#stack = this.#openStack()
    const stack = await this.#stack
    return openAllRepositories({ config: emptyConfig, stack, locks: async () => undefined, cwd, clock })
  }

  async #openStack(): Promise<FetchStack> {
    const { clock, version } = this.#context
    const { openStack } = await import('../wiring/fetch-stack.ts')
    const options = { ...examinationPace, userAgent: `dray/${version}`, clock }
    return await openStack(emptyConfig, await this.#context.credentialOptions(), options)
  }
}
