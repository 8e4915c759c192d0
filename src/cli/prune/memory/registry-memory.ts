import { isRecord, parseJson } from '../../../oci/json.ts'
import { makeFolder, writeFileAtomic } from '../../../lib/files/atomic.ts'
import { readFileBounded } from '../../../lib/files/read.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { StepId } from '../../../plan/plan.ts'
import type { DeleteOutcome } from '../../../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'

const schema = 'dray.prune-memory/1'
const maxFileSize = 16 * 1024 ** 2

/** The content of the file. */
interface RememberedRefusals {
  /** by repository, the keys of the items that the registry refused to delete */
  readonly locked: ReadonlyMap<string, ReadonlySet<string>>
  /** registries that deleted an image together with a tag of it */
  readonly neverUntag: ReadonlySet<string>
}

const nothing: RememberedRefusals = { locked: new Map(), neverUntag: new Set() }

/**
 * The refusals of registries in earlier prunes, beside the audit log. Locked items come last in the
 * next run. If the file is lost or cannot be read, only that order is lost, and a registry that
 * deletes images with their tags is recognised again at its first tag.
 */
export class RegistryMemory {
  readonly #folder: string
  readonly #known: RememberedRefusals
  readonly #locked = new Map<string, ReadonlySet<string>>()
  readonly #neverUntag = new Set<string>()

  private constructor(folder: string, known: RememberedRefusals) {
    this.#folder = folder
    this.#known = known
  }

  /** @param log path of the audit log */
  static async read(log: string): Promise<RegistryMemory> {
    const folder = `${log}.prunes`
    return new RegistryMemory(folder, await readFile(pathIn(folder)))
  }

  /** Whether the registry refused to delete this item in the last run that attempted it. */
  isLocked(step: DeleteStep): boolean {
    return this.#known.locked.get(formatRepository(step.repository))?.has(keyOf(step)) ?? false
  }

  /** Registries at which dray deletes no single tags. */
  get neverUntag(): ReadonlySet<string> {
    return this.#known.neverUntag
  }

  /**
   * Notes the outcomes of a repository. Locked items that were not attempted again remain noted. An
   * item whose refusal ended the deletes of its kind comes last too: others may show that the
   * registry keeps only this one.
   * @param outcomes in the order in which they ended
   */
  note({ repository, steps }: RepositoryPlan, outcomes: readonly DeleteOutcome[]): void {
    const byStep = new Map(outcomes.map((outcome) => [outcome.step, outcome]))
    const sent = firstRefused(steps, outcomes)
    const locked = steps.filter((step) => {
      const result = byStep.get(step.id)?.result
      if (result === 'locked' || sent.has(step.id)) return true
      return result !== 'done' && result !== 'unchanged' && this.isLocked(step)
    })
    this.#locked.set(formatRepository(repository), new Set(locked.map(keyOf)))
    const isLost = ({ result, losesTags }: DeleteOutcome): boolean =>
      result === 'done' && losesTags !== undefined
    if (outcomes.some(isLost)) this.#neverUntag.add(repository.registry)
  }

  /** Notes that registries deleted an image together with a tag of it. */
  noteLosses(registries: Iterable<string>): void {
    for (const registry of registries) this.#neverUntag.add(registry)
  }

  /** Writes what was noted, if the file does not have it. @throws `io` */
  async save(): Promise<void> {
    if (!this.#hasChanged()) return
    const path = pathIn(this.#folder)
    // Another run may have written it since.
    const now = await readFile(path)
    const locked = [...new Map([...now.locked, ...this.#locked])].filter(([, keys]) => keys.size > 0)
    const content = {
      schema,
      locked: Object.fromEntries(locked.map(([name, keys]) => [name, [...keys]])),
      neverUntag: [...new Set([...now.neverUntag, ...this.#neverUntag])],
    }
    await makeFolder(this.#folder, 0o700)
    await writeFileAtomic(path, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  }

  #hasChanged(): boolean {
    const hasNewRegistry = [...this.#neverUntag].some((one) => !this.#known.neverUntag.has(one))
    return (
      hasNewRegistry ||
      [...this.#locked].some(([name, keys]) => {
        const before = this.#known.locked.get(name) ?? new Set()
        return keys.size !== before.size || [...keys].some((key) => !before.has(key))
      })
    )
  }
}

/** Of each kind, the step whose refusal was for all of them. */
function firstRefused(steps: readonly DeleteStep[], outcomes: readonly DeleteOutcome[]): ReadonlySet<StepId> {
  const refused = outcomes.filter(({ result }) => result === 'refused').map(({ step }) => step)
  const kinds = new Map(steps.map(({ id, kind }) => [id, kind]))
  return new Set([...Map.groupBy(refused, (id) => kinds.get(id)).values()].flatMap(([first]) => first ?? []))
}

/** Not `.json`: the plans of interrupted runs are in the same folder. */
function pathIn(folder: string): string {
  return `${folder}/registries`
}

function keyOf(step: DeleteStep): string {
  return step.kind === 'deleteTag' ? `:${step.tag}` : step.target.digest
}

async function readFile(path: string): Promise<RememberedRefusals> {
  try {
    const bytes = await readFileBounded(path, maxFileSize, { followLinks: false })
    return bytes === undefined ? nothing : parse(parseJson(bytes, path))
  } catch {
    return nothing
  }
}

function parse(content: unknown): RememberedRefusals {
  if (!isRecord(content) || content['schema'] !== schema) return nothing
  const { locked, neverUntag } = content
  return {
    locked: new Map(
      Object.entries(isRecord(locked) ? locked : {}).map(([name, keys]) => [name, new Set(textsOf(keys))]),
    ),
    neverUntag: new Set(textsOf(neverUntag)),
  }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
