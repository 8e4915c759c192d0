import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName, sameRepository } from '../../oci/reference.ts'
import type { DeleteManifestStep, DeleteStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { Reach } from '../../images/graph/reach.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Repositories } from '../../images/ports.ts'

/** What a delete took from another client that needed it by then. */
export interface Loss {
  readonly step: DeleteStep
  readonly error: ErrorInfo
}

export interface DeletedContent {
  readonly manifests: ReadonlyMap<Digest, DeleteManifestStep>
  /** tags that were deleted alone */
  readonly tags: ReadonlyMap<string, DeleteTagStep>
}

export interface LossPorts {
  readonly repository: RepositoryName
  readonly reader: RepositoryReader
  readonly stores: Pick<Repositories, 'source'>
  /** what this run deleted */
  readonly deleted: DeletedContent
}

/**
 * Looks after the last delete for what came between a check and a delete: a tag that another run
 * put on a deleted digest and that is gone with it, and a tag whose image lacks a deleted manifest.
 * @param puts what other runs put into the repository
 * @param newTags tags that were listed after the last delete for the first time
 * @throws what the stores throw
 */
export async function findLosses(
  puts: readonly RecordedPut[],
  newTags: readonly string[],
  ports: LossPorts,
  call: Call,
): Promise<readonly Loss[]> {
  const { reader, deleted } = ports
  const putByTag = new Map(puts.flatMap((put) => (put.tag === undefined ? [] : [[put.tag, put] as const])))
  const tags = [...new Set([...putByTag.keys(), ...newTags])]
  if (tags.length === 0) return []
  const reading = reader.begin()
  await reading.addTags(tags, call)
  const reach = new Reach(reading.graph)
  const losses: Loss[] = []
  for (const [tag, digest] of reading.graph.tags) {
    const put = putByTag.get(tag)
    if (digest === null) {
      const step = put && (deleted.manifests.get(put.digest) ?? deleted.tags.get(tag))
      if (step !== undefined && put !== undefined)
        losses.push({ step, error: await lostTag(tag, put, ports, call) })
      continue
    }
    const missing = [...reach.all([digest])].filter((below) => deleted.manifests.has(below))
    for (const below of await findAbsent(missing, reader, call)) {
      const step = deleted.manifests.get(below)
      if (step !== undefined)
        losses.push({ step, error: await incompleteImage(tag, below, put, ports, call) })
    }
  }
  return losses
}

/** Describes kept tags that are gone although no record says why. */
export function describeGone(repository: RepositoryName, tags: readonly string[]): string {
  const more = tags.length > 5 ? ` and ${tags.length - 5} more` : ''
  const names = `${tags.slice(0, 5).join(', ')}${more}`
  return `${formatRepository(repository)}: kept tags are gone, and this run did not delete them alone: ${names}. A tag that somebody moved to an image just before its delete is deleted with the image.`
}

/** Content that was deleted may have been pushed again. */
async function findAbsent(
  digests: readonly Digest[],
  { store }: RepositoryReader,
  call: Call,
): Promise<readonly Digest[]> {
  const found: Digest[] = []
  for (const digest of digests) if ((await store.resolve({ digest }, call)) === undefined) found.push(digest)
  return found
}

async function lostTag(tag: string, put: RecordedPut, ports: LossPorts, call: Call): Promise<ErrorInfo> {
  const subject = formatAt(ports.repository, { tag })
  const isManifest = ports.deleted.manifests.has(put.digest)
  const what = `this run deleted ${isManifest ? put.digest : 'the tag'}`
  return toErrorInfo(
    new DrayError('conflict', `${subject} is gone: ${what}`, {
      subject,
      why: `by the audit log, the run ${put.run} (${put.operation} by ${put.user}) put the tag on ${isManifest ? 'it' : put.digest} meanwhile`,
      hint: await restoring(tag, put, ports, call),
    }),
  )
}

async function incompleteImage(
  tag: string,
  digest: Digest,
  put: RecordedPut | undefined,
  ports: LossPorts,
  call: Call,
): Promise<ErrorInfo> {
  const subject = formatAt(ports.repository, { tag })
  const by = put === undefined ? 'somebody' : `the run ${put.run} (${put.operation} by ${put.user})`
  return toErrorInfo(
    new DrayError('conflict', `${subject} lacks ${digest}, which this run deleted`, {
      subject,
      why: `${by} put the tag there meanwhile`,
      hint: put === undefined ? 'Push that image again.' : await restoring(tag, put, ports, call),
    }),
  )
}

/** How to restore what a run put there, if its source still has it. */
async function restoring(
  tag: string,
  { from, digest, operation }: RecordedPut,
  { repository, stores }: LossPorts,
  call: Call,
): Promise<string> {
  const again = 'Push that image again from where it was built.'
  if (from === undefined || sameRepository(from, repository)) return again
  const source = formatAt(from, { digest })
  try {
    if ((await stores.source(from).resolve({ digest }, call)) === undefined)
      return `${again} ${source} is gone too.`
  } catch {
    call.signal.throwIfAborted()
    return `${again} Whether ${source} is still there is unknown.`
  }
  const command = operation === 'promote' ? 'promote' : 'copy'
  const words = [source, formatAt(repository, { tag })].map(quoteWord)
  return `Restore it: dray ${command} ${words.join(' ')}`
}

/** For a shell: the folder of a layout can have any character. */
function quoteWord(word: string): string {
  return /^[\w./:@=+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
