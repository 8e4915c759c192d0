import type { SigningKey } from '../../signing/signing-keys.ts'
import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { CredentialSource } from '../../registry/credential.ts'
import type { FindOptions, GivenCredential } from '../../registry/credentials/find-credentials.ts'
import type { LoadedConfig } from '../../config/load.ts'
import type { ExecutePorts } from '../../execute/execute.ts'
import type { MachineLocks } from '../../lib/files/machine-locks.ts'
import type { FetchStack } from '../../registry/http/stack.ts'
import { layoutRegistry, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import type { Plan } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryLister, Repositories } from '../../images/ports.ts'
import type { Examination } from './examination.ts'
import type { StackOptions } from './fetch-stack.ts'
import type { Grounds } from '../changes/grounds.ts'
import type { PruneCache } from '../prune/prune-cache.ts'
import type { Recorder } from './recorder.ts'

/** What a promotion asks one registry at once: the look for the evidence of one image is five requests, the mounts are as many as it has layers. */
const requestsAtOnce = { read: 5, write: 16 } as const

export interface ContextOptions {
  /** `--config` */
  readonly configFile: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** the working directory, absolute */
  readonly cwd: string
  /** of dray */
  readonly version: string
  /** the longest that a registry may make the run wait, milliseconds; five minutes where it is not given */
  readonly maxWaitMs?: number
  /** gets the name of the configuration file in use, or undefined if there is none, when it was read */
  readonly onConfig?: (name: string | undefined) => void
  /** what the command line says of a user at one registry */
  readonly given?: GivenCredential
}

/**
 * The composition root: puts the parts of a run together when a command first asks for them, by dynamic import, so that a command loads no
 * more than it needs.
 */
export class Context {
  readonly cwd: string
  readonly version: string
  readonly clock: Clock = systemClock
  readonly #options: ContextOptions
  #config: Promise<LoadedConfig> | undefined
  #stack: Promise<FetchStack> | undefined
  #stores: Promise<Repositories & RepositoryLister> | undefined
  #recorder: Promise<Recorder> | undefined
  #locks: Promise<MachineLocks | undefined> | undefined

  constructor(options: ContextOptions) {
    this.cwd = options.cwd
    this.version = options.version
    this.#options = options
  }

  /** The environment of the process. */
  get env(): ContextOptions['env'] {
    return this.#options.env
  }

  /** The configuration in force, read once. @throws `config`, `not-found`, `usage`, `io`. */
  async config(): Promise<LoadedConfig> {
    this.#config ??= this.#loadConfig()
    return await this.#config
  }

  /** The stores of registries and of layouts (`oci:`); they share what the run learns. */
  async stores(): Promise<Repositories & RepositoryLister> {
    this.#stores ??= this.#openStores()
    return await this.#stores
  }

  /** Stores that remember nothing of what was read before: to read back what was written. */
  async uncachedStores(): Promise<Repositories> {
    return await this.#openStores()
  }

  /** Tells which repositories the run will use, so that one token serves for all of it: read or written, those to be written first. */
  async expectRepositories(
    targets: readonly RepositoryName[],
    sources: readonly RepositoryName[],
    access: 'read' | 'write',
  ): Promise<void> {
    const remote = [...targets, ...sources].filter(({ registry }) => registry !== layoutRegistry)
    if (remote.length === 0) return
    const stack = await this.#fetchStack()
    const scopes = [
      ...targets.map((repository) => ({
        repository,
        actions: access === 'write' ? (['pull', 'push'] as const) : (['pull'] as const),
      })),
      ...sources.map((repository) => ({ repository, actions: ['pull'] as const })),
    ]
    for (const registry of new Set(remote.map((repository) => repository.registry))) {
      stack.expectScopes(
        registry,
        scopes.filter(({ repository }) => repository.registry === registry),
      )
      if (targets.length > 0) stack.expectAtOnce(registry, requestsAtOnce[access])
    }
  }

  /** The only image of a layout. @throws `usage` with their names where it has several; `not-found`, `malformed`, `io`. */
  async onlyImageOfLayout(folder: string, call: Call): Promise<TagOrDigest> {
    const { LayoutRepositories } = await import('../../layout/layout-repositories.ts')
    return await new LayoutRepositories(this.cwd, this.clock)
      .source({ registry: layoutRegistry, path: folder })
      .onlyImage(call)
  }

  /** What a plan is carried out with. The record goes to `auditFile`, else where the configuration says, else among the user's state. */
  async executePorts(
    plan: Plan | PrunePlan,
    { auditFile, actor, ...grounds }: Grounds & { readonly auditFile: string | undefined },
    call: Call,
  ): Promise<Omit<ExecutePorts, 'stop' | 'plannedJustNow' | 'reviewed'>> {
    const [recorder, { currentActor }, stores] = await Promise.all([
      this.#recorderAt(auditFile, call),
      import('./surroundings.ts'),
      this.stores(),
    ])
    const newId = (): string => crypto.randomUUID()
    const runId = newId()
    await recorder.settleOrphans(runId, await this.uncachedStores(), call)
    const signingKey = isAttesting(plan) ? await this.signingKey() : undefined
    return {
      stores,
      sink: recorder.sink,
      clock: this.clock,
      actor: currentActor(this.#options.env, actor),
      ...grounds,
      ...(signingKey !== undefined && { signingKey }),
      tool: this.version,
      newId,
      runId,
    }
  }

  /** The paths of all repositories of a registry. @throws `unsupported`, `forbidden` where it does not tell them, with what to do instead. */
  async repositories(registry: string, call: Call): Promise<readonly string[]> {
    return await Array.fromAsync((await this.stores()).repositories(registry, call))
  }

  /** What earlier runs on this machine have read. Undefined, with a warning, if others can write to the folder. */
  async pruneCache(call: Call): Promise<PruneCache | undefined> {
    const { openPruneCache } = await import('../prune/prune-cache.ts')
    return openPruneCache(this.#options.env, this.clock, call)
  }

  /** Loads what carries a plan out while the registries are being asked: what a run needs next is there when they have answered. */
  async loadAhead(): Promise<void> {
    // not before the first requests are under way
    await new Promise((done) => setImmediate(done))
    await Promise.all([
      import('../../execute/execute.ts'),
      import('./recorder.ts'),
      import('./surroundings.ts'),
    ])
  }

  /** The key of `audit.sign`; undefined where none is configured. @throws `config`, `malformed`, `not-found`, `io`; never with a word of the key. */
  async signingKey(): Promise<SigningKey | undefined> {
    const { sign } = (await this.config()).config.audit
    if (sign === undefined) return undefined
    const { loadSigningKey } = await import('../../signing/signing-keys.ts')
    return await loadSigningKey(
      sign.key,
      sign.passwordEnv === undefined ? undefined : this.#options.env[sign.passwordEnv],
    )
  }

  /**
   * Where the audit log is: `said`, or what the configuration names, or in the user's state folder.
   * @param options.create makes the state folder if it is needed and missing
   * @throws `usage` for a path that names no file; `io` if others can write to the state folder.
   */
  async auditPath(said: string | undefined, options = { create: false }): Promise<string> {
    const named = said ?? (await this.config()).config.audit.file
    const { defaultAuditLog, namedAuditLog } = await import('./private-places.ts')
    if (named !== undefined) return namedAuditLog(named, this.cwd)
    return defaultAuditLog(this.#options.env, options)
  }

  /** Waits for what the record still has to tell others. @throws `audit` where it has to be told and was not. */
  async flushRecord(call: Call): Promise<void> {
    await (await this.#recorder)?.flush(call)
  }

  async #recorderAt(auditFile: string | undefined, call: Call): Promise<Recorder> {
    this.#recorder ??= this.#openRecorder(auditFile, call)
    return await this.#recorder
  }

  async #openRecorder(auditFile: string | undefined, call: Call): Promise<Recorder> {
    const [{ Recorder: Opened }, path, { config }] = await Promise.all([
      import('./recorder.ts'),
      this.auditPath(auditFile, { create: true }),
      this.config(),
    ])
    return await Opened.open({
      path,
      webhook: config.audit.webhook,
      env: this.#options.env,
      clock: this.clock,
      newId: () => crypto.randomUUID(),
      tool: this.version,
      notify: call.notify,
    })
  }

  /** Closes all connections, and the audit log. */
  async close(): Promise<void> {
    const recorder = await this.#recorder?.catch(() => undefined)
    await recorder?.close()
    const stack = await this.#stack?.catch(() => undefined)
    await stack?.close()
  }

  async #loadConfig(): Promise<LoadedConfig> {
    const [{ loadConfig }, { homeFolder }, { trustedOwners }] = await Promise.all([
      import('../../config/load.ts'),
      import('../../lib/files/user-folders.ts'),
      import('../../lib/files/ownership.ts'),
    ])
    const { env, configFile: file = env['DRAY_CONFIG'], onConfig } = this.#options
    const loaded = await loadConfig({
      cwd: this.cwd,
      home: homeFolder(env),
      owners: trustedOwners(env),
      ...(file !== undefined && { file }),
    })
    onConfig?.(loaded.name)
    return loaded
  }

  async #fetchStack(): Promise<FetchStack> {
    this.#stack ??= this.#openStack()
    return await this.#stack
  }

  /** Everything that looks for credentials: where they may be. */
  async credentialOptions(): Promise<FindOptions> {
    const { homeFolder } = await import('../../lib/files/user-folders.ts')
    const uid = process.getuid?.()
    const { env, given } = this.#options
    return {
      env,
      home: homeFolder(env) ?? '/',
      clock: this.clock,
      ...(uid !== undefined && { uid }),
      ...(given !== undefined && { given }),
    }
  }

  /** The way to registries with these credentials and no others, for one login; to be closed by the caller. */
  async stackFor(credentials: CredentialSource): Promise<FetchStack> {
    return await this.#openStack({ credentials })
  }

  /** What tells of registries. It waits and tries less than other runs do. */
  async examination(): Promise<Examination> {
    const { createExamination, examinationPace } = await import('./examination.ts')
    this.#stack ??= this.#openStack(examinationPace)
    return createExamination(await this.#stack, this.#options.env, this.clock)
  }

  async #openStack(options: Omit<StackOptions, 'userAgent'> = {}): Promise<FetchStack> {
    const [{ openStack }, { config }, find] = await Promise.all([
      import('./fetch-stack.ts'),
      this.config(),
      this.credentialOptions(),
    ])
    const { maxWaitMs } = this.#options
    return await openStack(config, find, {
      ...options,
      userAgent: `dray/${this.version}`,
      clock: this.clock,
      ...(maxWaitMs !== undefined && { maxWaitMs }),
    })
  }

  async #machineLocks(call: Call): Promise<MachineLocks | undefined> {
    this.#locks ??= import('./machine-locks.ts').then(({ openMachineLocks }) =>
      openMachineLocks(this.#options.env, this.clock, call),
    )
    return await this.#locks
  }

  async #openStores(): Promise<Repositories & RepositoryLister> {
    const [{ openRepositories }, { LayoutRepositories }, { RegistryNames }, { config }, stack] =
      await Promise.all([
        import('../../registry/open-repositories.ts'),
        import('../../layout/layout-repositories.ts'),
        import('../../config/registry-names.ts'),
        this.config(),
        this.#fetchStack(),
      ])
    const names = new RegistryNames(config.registries)
    const registries = openRepositories({
      fetch: stack.fetch,
      origin: (registry) => stack.origin(registry),
      clock: this.clock,
      random: Math.random,
      takeRetry: (registry) => stack.takeRetry(registry),
      exclusively: async (name, call, work) => {
        const locks = await this.#machineLocks(call)
        return locks === undefined ? await work() : await locks.run(names.lockName(name), call.signal, work)
      },
      secrets: stack.secrets,
    })
    const layouts = new LayoutRepositories(this.cwd, this.clock)
    const storesOf = ({ registry }: RepositoryName): Repositories =>
      registry === layoutRegistry ? layouts : registries
    return {
      source: (name) => storesOf(name).source(name),
      target: (name) => storesOf(name).target(name),
      repositories: (registry, call) => registries.repositories(registry, call),
    }
  }
}

function isAttesting(plan: Plan | PrunePlan): boolean {
  return plan.operation !== 'prune' && plan.steps.some((step) => step.kind === 'attest')
}
