import type { Call } from '../call.ts'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { InUseConfig, ProtectionConfig } from '../config/retention-config.ts'
import type { InUseSource } from '../inuse/sources.ts'
import { defaultTag, formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { InUseSource as PlannedSource } from '../plan/prune-plan.ts'
import type { UsedImage } from '../prune/policy.ts'
import type { Context } from './context.ts'

/** The name of what `--in-use` says, among the protections. */
const listName = '--in-use'

/** All that something runs, by what says so. */
export class ImagesInUse {
  readonly sources: readonly PlannedSource[]
  readonly #byRepository: ReadonlyMap<string, readonly UsedImage[]>

  constructor(sources: readonly PlannedSource[], byRepository: ReadonlyMap<string, readonly UsedImage[]>) {
    this.sources = sources
    this.#byRepository = byRepository
  }

  /** Those of a repository: of lists, and of the protections that are named; of all where none are. */
  in(repository: RepositoryName, protections?: ReadonlySet<string>): readonly UsedImage[] {
    const all = this.#byRepository.get(formatRepository(repository)) ?? []
    return all.filter(
      ({ protection }) => protections === undefined || protection === listName || protections.has(protection),
    )
  }
}

/** Asks what runs: the protections by use of a policy, and lists that were given by hand. */
export class InUseReader {
  readonly #protections: readonly ProtectionConfig[]
  readonly #lists: readonly InUseSource[]
  readonly #context: Context

  /** @param lists files, or `-` for standard input, which is read once however often it is asked for */
  constructor(protections: readonly ProtectionConfig[], lists: readonly string[], context: Context) {
    this.#protections = protections
    this.#lists = lists.map((list) => ({ kind: 'list', ...listInput(list, context) }))
    this.#context = context
  }

  /** @throws what the sources throw: what cannot be read, or is empty where it should not be, is never taken for nothing. */
  async read(call: Call): Promise<ImagesInUse> {
    const asked = [
      ...this.#protections.flatMap((one) =>
        one.kind === 'inUse' ? [{ name: one.name, sources: sourcesOf(one.inUse) }] : [],
      ),
      ...(this.#lists.length > 0 ? [{ name: listName, sources: this.#lists }] : []),
    ]
    if (asked.length === 0) return new ImagesInUse([], new Map())
    const { imagesInUse } = await import('../inuse/sources.ts')
    const ports = { env: this.#context.env, clock: this.#context.clock }
    const told: PlannedSource[] = []
    const used = new Map<string, UsedImage[]>()
    for (const { name, sources } of asked) {
      const found = await imagesInUse(sources, ports, call)
      told.push(...found.sources)
      for (const { reference, by } of found.images) {
        const { registry, path, tag, digest } = reference
        const at = digest === undefined ? { tag: tag ?? defaultTag } : { digest }
        const repository = formatRepository({ registry, path })
        used.set(repository, [...(used.get(repository) ?? []), { at, by, protection: name }])
      }
    }
    return new ImagesInUse(told, used)
  }
}

function sourcesOf({ files, kubectl }: InUseConfig): readonly InUseSource[] {
  return [
    ...(files === undefined ? [] : [{ kind: 'files' as const, ...files }]),
    ...(kubectl === undefined ? [] : [{ kind: 'kubectl' as const, contexts: kubectl.contexts }]),
  ]
}

function listInput(
  list: string,
  context: Context,
): { readonly name: string; readonly read: (call: Call) => AsyncIterable<Uint8Array> } {
  if (list !== '-') {
    const path = resolve(context.cwd, list)
    return { name: list, read: ({ signal }) => createReadStream(path, { signal }) }
  }
  let kept: Promise<readonly Uint8Array[]> | undefined
  return {
    name: 'standard input',
    read: async function* () {
      kept ??= Array.fromAsync(process.stdin as AsyncIterable<Uint8Array>)
      yield* await kept
    },
  }
}
