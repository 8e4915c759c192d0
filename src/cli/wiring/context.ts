import { randomUUID } from 'node:crypto'
import type { SigningKey } from '../../signing/signing-keys.ts'
import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { CredentialSource } from '../../registry/credential.ts'
import type { FindOptions, GivenCredential } from '../../registry/credentials/find-credentials.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import type { ExecutePorts } from '../../execute/ports.ts'
import type { TagLocks } from '../../execute/tags/tag-locks.ts'
import type { MachineLocks } from '../../lib/files/machine-locks.ts'
import type { FetchStack } from '../../registry/http/stack.ts'
import { layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
import type { Inventories, Inventory } from '../../images/inventory/inventory.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Examination } from './examination.ts'
import type { StackOptions } from './fetch-stack.ts'
import type { Justification } from '../changes/justification.ts'
import type { PruneCache } from '../prune/prune-cache.ts'
import { expectRepositories } from './expect-repositories.ts'
import type { MachineFiles } from './machine-locks.ts'
import type { AllRepositories } from './open-repositories.ts'
import type { Recorder } from './recorder.ts'

export interface ContextOptions {
  /** `--config` */
  readonly configFile: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** the working directory, absolute */
  readonly cwd: string
  /** of dray */
  readonly version: string
  /** the longest wait for a registry, milliseconds; by default five minutes */
  readonly maxWaitMs?: number
  /** the configuration that an earlier part of the process read; by default it is searched for */
  readonly loaded?: LoadedConfig
  /** called with the configuration after it was read */
  readonly onConfig?: (loaded: LoadedConfig) => void
  /** the credentials of the command line */
  readonly given?: GivenCredential
  readonly clock?: Clock
}

interface ExecuteOptions extends Justification {
  readonly auditFile: string | undefined
  /** the plan attests promotions, so the signing key is needed */
  readonly isAttesting: boolean
  /** of a run that has records already; absent: a new run */
  readonly run?: string
}

/**
 * The composition root. It creates each part of a run when a command first needs it, by dynamic
 * import, so that a command loads only what it needs.
 */
export class Context {
  readonly cwd: string
  readonly version: string
  readonly clock: Clock
  /** of the process */
  readonly env: ContextOptions['env']
  /** The run leaves `reservePulls` of each registry for others. Set it before `stores`. */
  keepsReserves = false
  readonly options: ContextOptions
  #config: Promise<LoadedConfig> | undefined
  #stack: Promise<FetchStack> | undefined
  #stores: Promise<AllRepositories> | undefined
  #inventories: Promise<Inventories> | undefined
  #recorder: Promise<Recorder> | undefined
  #machineFiles: Promise<MachineFiles | undefined> | undefined

  constructor(options: ContextOptions) {
    this.cwd = options.cwd
    this.version = options.version
    this.clock = options.clock ?? systemClock
    this.env = options.env
    this.options = options
  }

  /** The configuration, read once. @throws `config`, `not-found`, `usage`, `io`. */
  async config(): Promise<LoadedConfig> {
    this.#config ??= Promise.resolve(this.options.loaded ?? this.#loadConfig())
    return await this.#config
  }

  /** The stores of registries and of layouts (`oci:`). They share what they read. */
  async stores(): Promise<AllRepositories> {
    this.#stores ??= this.#openRepositories()
    return await this.#stores
  }

  /** Forgets reads, credentials and connections, but not the configuration. */
  async renew(): Promise<void> {
    const stack = await this.#stack?.catch(() => undefined)
    this.#stack = undefined
    this.#stores = undefined
    this.#inventories = undefined
    await stack?.close()
  }

  /** Stores without cached reads, to check writes. */
  async uncachedStores(): Promise<Repositories> {
    return await this.#openRepositories()
  }

  /** Announces the repositories of the run, targets first, so that one token covers all of them. */
  async expectRepositories(
    targets: readonly RepositoryName[],
    sources: readonly RepositoryName[],
    access: 'read' | 'write',
  ): Promise<void> {
    if ([...targets, ...sources].every(({ registry }) => registry === layoutRegistry)) return
    expectRepositories(await this.#fetchStack(), targets, sources, access)
  }

  /** The ports for executing a plan. The audit log is that of `auditPath`. */
  async executePorts(
    { auditFile, isAttesting, actor, run: runId = randomUUID(), ...justification }: ExecuteOptions,
    call: Call,
  ): Promise<Omit<ExecutePorts, 'stop' | 'readAt' | 'reviewed'>> {
    const [recorder, { findActor }, stores] = await Promise.all([
      this.#recorderAt(auditFile, call),
      import('./surroundings.ts'),
      this.stores(),
    ])
    await recorder.settleOrphans(runId, () => this.uncachedStores(), call)
    const signingKey = isAttesting ? await this.signingKey() : undefined
    return {
      stores,
      sink: recorder.sink,
      clock: this.clock,
      actor: findActor(this.options.env, actor),
      ...justification,
      ...(signingKey !== undefined && { signingKey }),
      tool: this.version,
      newId: () => randomUUID(),
      runId,
    }
  }

  /**
   * Locks with which the runs of this user on this machine write a tag one after another.
   * Undefined, with a warning, if they can share no folder.
   */
  async tagLocks(call: Call): Promise<TagLocks | undefined> {
    const [files, { config }, { createTagLocks }] = await Promise.all([
      this.#openMachineFiles(call),
      this.config(),
      import('./machine-locks.ts'),
    ])
    return files && createTagLocks(files, config, this.cwd)
  }

  /** All repositories, or all that begin with `prefix`. @throws `unsupported`, `forbidden`. */
  async repositories(registry: string, call: Call, prefix = ''): Promise<readonly string[]> {
    const { listRepositories } = await import('./opening/list-repositories.ts')
    const [inventory, stores] = [await this.inventory(registry), await this.stores()]
    return await listRepositories(inventory, stores, { registry, prefix }, call)
  }

  /**
   * The inventory of a registry by the vendor's API, one for the run. Undefined if dray knows none
   * or dray.yaml switches it off. @throws `config`.
   */
  async inventory(registry: string): Promise<Inventory | undefined> {
    if (registry === layoutRegistry) return undefined
    this.#inventories ??= this.#openInventories()
    return await (await this.#inventories).inventory(registry)
  }

  /** The reads of earlier runs. Undefined, with a warning, if others can write to the folder. */
  async pruneCache(call: Call): Promise<PruneCache | undefined> {
    const { openPruneCache } = await import('../prune/prune-cache.ts')
    return openPruneCache(this.options.env, this.clock, call)
  }

  /** The key of `audit.sign`, or undefined. @throws `config`, `malformed`, `not-found`, `io`. */
  async signingKey(): Promise<SigningKey | undefined> {
    const { sign } = (await this.config()).config.audit
    if (sign === undefined) return undefined
    const { loadPrivateKey } = await import('./private-key.ts')
    return await loadPrivateKey(sign.key, sign.passwordEnv, this.options.env)
  }

  /**
   * The path of the audit log: `flag`, or the one in the configuration, or one in the user's state
   * folder.
   * @param options.create creates the state folder if it is needed and missing
   * @throws `usage` for a path that names no file; `io` if others can write to the state folder.
   */
  async auditPath(flag: string | undefined, options = { create: false }): Promise<string> {
    const named = flag ?? (await this.config()).config.audit.file
    const { findDefaultAuditLog, resolveAuditLog } = await import('./private-folders.ts')
    if (named !== undefined) return resolveAuditLog(named, this.cwd)
    return findDefaultAuditLog(this.options.env, options)
  }

  /** Waits for the webhook. @throws `audit` if delivery is required and failed. */
  async flushAuditLog(call: Call): Promise<void> {
    await (await this.#recorder)?.flush(call)
  }

  async #recorderAt(auditFile: string | undefined, call: Call): Promise<Recorder> {
    this.#recorder ??= this.#openRecorder(auditFile, call)
    return await this.#recorder
  }

  async #openRecorder(auditFile: string | undefined, call: Call): Promise<Recorder> {
    const [{ Recorder: Opened }, path, loaded] = await Promise.all([
      import('./recorder.ts'),
      this.auditPath(auditFile, { create: true }),
      this.config(),
    ])
    return await Opened.open({
      path,
      loaded,
      env: this.options.env,
      clock: this.clock,
      newId: () => randomUUID(),
      tool: this.version,
      notify: call.notify,
    })
  }

  /** Closes all connections, and the audit log. */
  async close(): Promise<void> {
    const recorder = await this.#recorder?.catch(() => undefined)
    await recorder?.close()
    await this.renew()
  }

  async #loadConfig(): Promise<LoadedConfig> {
    const { openConfig } = await import('./opening/open-config.ts')
    const loaded = await openConfig({ ...this.options, now: this.clock.now() })
    this.options.onConfig?.(loaded)
    return loaded
  }

  async #fetchStack(): Promise<FetchStack> {
    this.#stack ??= this.#openStack()
    return await this.#stack
  }

  /** The places to search for credentials. */
  async credentialOptions(): Promise<FindOptions> {
    const { credentialPlaces } = await import('./opening/credential-places.ts')
    return credentialPlaces(this.options.env, this.clock, this.options.given)
  }

  /** A stack with only these credentials, for a login. The caller closes it. */
  async stackFor(credentials: CredentialSource): Promise<FetchStack> {
    return await this.#openStack({ credentials })
  }

  /** The parts that examine registries. They wait and retry less than other runs. */
  async examination(): Promise<Examination> {
    const { createExamination, examinationPace } = await import('./examination.ts')
    this.#stack ??= this.#openStack(examinationPace)
    return createExamination(await this.#stack, this.options.env, this.clock)
  }

  async #openStack(options: Omit<StackOptions, 'userAgent'> = {}): Promise<FetchStack> {
    const [{ openStack }, { config }, find] = await Promise.all([
      import('./fetch-stack.ts'),
      this.config(),
      this.credentialOptions(),
    ])
    const { maxWaitMs } = this.options
    return await openStack(config, find, {
      ...options,
      userAgent: `dray/${this.version}`,
      clock: this.clock,
      ...(maxWaitMs !== undefined && { maxWaitMs }),
    })
  }

  async #openMachineFiles(call: Call): Promise<MachineFiles | undefined> {
    this.#machineFiles ??= import('./machine-locks.ts').then(({ openMachineFiles }) =>
      openMachineFiles(this.options.env, this.clock, call),
    )
    return await this.#machineFiles
  }

  async #openRepositories(): Promise<AllRepositories> {
    const [{ openAllRepositories }, { config }, stack] = await Promise.all([
      import('./open-repositories.ts'),
      this.config(),
      this.#fetchStack(),
    ])
    const locks = async (call: Call): Promise<MachineLocks | undefined> =>
      (await this.#openMachineFiles(call))?.locks
    const { cwd, clock, keepsReserves } = this
    return openAllRepositories({ config, stack, locks, cwd, clock, keepsReserves })
  }
  async #openInventories(): Promise<Inventories> {
    const { openAllInventories } = await import('./opening/open-inventories.ts')
    const [{ config }, stack, stores] = await Promise.all([this.config(), this.#fetchStack(), this.stores()])
    return openAllInventories(config, stack, stores, this.options.env, this.clock)
  }
}
