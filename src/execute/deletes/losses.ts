import type { RecordedPut } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { quoteWord } from '../../lib/quote-word.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName, sameRepository } from '../../oci/reference.ts'
import type { DeleteManifestStep, DeleteStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import { Reach } from '../../images/graph/reach.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { Repositories } from '../../images/ports.ts'

/** A tag or manifest that a delete removed although another client needed it by then. */
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
  /** reads what other runs put there, also before it is there */
  readonly readPuts: (
    puts: readonly RecordedPut[],
    call: Call,
  ) => Promise<{ readonly graph: RepositoryGraph }>
}

export interface LostImagePorts extends Pick<LossPorts, 'stores'> {
  /** the newest record of the run that put a digest into the repository */
  readonly findPut: ((digest: Digest) => Promise<RecordedPut | undefined>) | undefined
}

/**
 * Finds, after the last delete, the losses of other clients between a check and a delete: a tag
 * that another run moved to a deleted digest and that was deleted with it, and a tag whose image
 * lacks a deleted manifest.
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
  const { deleted } = ports
  const putByTag = new Map(puts.flatMap((put) => (put.tag === undefined ? [] : [[put.tag, put] as const])))
  const tags = [...new Set([...putByTag.keys(), ...newTags])]
  if (tags.length === 0) return []
  const reading = ports.reader.begin()
  await reading.addTags(tags, call)
  const reach = new Reach(reading.graph)
  const losses: Loss[] = []
  for (const [tag, digest] of reading.graph.tags) {
    const put = putByTag.get(tag)
    if (digest !== null) {
      losses.push(...(await findIncomplete({ tag, put, digest }, reach, ports, call)))
      continue
    }
    if (put === undefined) continue
    const step = deleted.manifests.get(put.digest) ?? deleted.tags.get(tag)
    if (step !== undefined) losses.push({ step, error: await lostTag(tag, put, ports, call) })
    else {
      // its run has not written the tag yet, and may have checked the content before its delete
      const { graph } = await ports.readPuts([put], call)
      losses.push(...(await findIncomplete({ tag, put, digest: put.digest }, new Reach(graph), ports, call)))
    }
  }
  return losses
}

interface ImageUnderTag {
  readonly tag: string
  /** by another run, if an audit record shows it */
  readonly put: RecordedPut | undefined
  readonly digest: Digest
}

/**
 * Finds what an image lacks because this run deleted it, and no other client has pushed it again.
 */
async function findIncomplete(
  { tag, put, digest }: ImageUnderTag,
  reach: Reach,
  ports: LossPorts,
  call: Call,
): Promise<readonly Loss[]> {
  const losses: Loss[] = []
  for (const below of reach.all([digest])) {
    const step = ports.deleted.manifests.get(below)
    if (step === undefined) continue
    if ((await ports.reader.store.resolve({ digest: below }, call)) !== undefined) continue
    losses.push({ step, error: await incompleteImage({ tag, put, digest }, below, ports, call) })
  }
  return losses
}

/** Describes kept tags that are missing although no audit record gives the reason. */
export function describeGone(repository: RepositoryName, tags: readonly string[]): string {
  return `${formatRepository(repository)}: kept tags are missing, and this run did not delete them by name: ${joinFirst(tags)}. If a tag moves to an image just before its delete, the registry deletes the tag with the image.`
}

async function lostTag(tag: string, put: RecordedPut, ports: LossPorts, call: Call): Promise<ErrorInfo> {
  const subject = formatAt(ports.repository, { tag })
  const isManifest = ports.deleted.manifests.has(put.digest)
  const cause = `this run deleted ${isManifest ? put.digest : 'the tag'}`
  return toErrorInfo(
    new DrayError('conflict', `${subject} is missing: ${cause}`, {
      subject,
      why: `according to the audit log, the run ${put.run} (${put.operation} by ${put.user}) moved the tag to ${isManifest ? 'it' : put.digest} during this run`,
      hint: await describeRestore(tag, put, ports, call),
    }),
  )
}

async function incompleteImage(
  { tag, put, digest }: ImageUnderTag,
  missing: Digest,
  ports: LossPorts,
  call: Call,
): Promise<ErrorInfo> {
  const subject = formatAt(ports.repository, { tag })
  const why =
    put === undefined
      ? 'another client wrote the tag during this run'
      : `according to the audit log, the run ${put.run} (${put.operation} by ${put.user}) wrote the tag during this run`
  return toErrorInfo(
    new DrayError('conflict', `${subject} (${digest}) lacks ${missing}, which this run deleted`, {
      subject,
      why,
      hint: put === undefined ? 'Push the image again.' : await describeRestore(tag, put, ports, call),
    }),
  )
}

/** The fix that restores an image that another run wrote, if its source still has it. */
async function describeRestore(
  tag: string,
  { from, digest, operation }: RecordedPut,
  { repository, stores }: Pick<LossPorts, 'repository' | 'stores'>,
  call: Call,
): Promise<string> {
  const again = 'Push the image again from its build.'
  if (from === undefined || sameRepository(from, repository)) return again
  const source = formatAt(from, { digest })
  try {
    if ((await stores.source(from).resolve({ digest }, call)) === undefined)
      return `${again} Its source ${source} does not exist any more.`
  } catch {
    call.signal.throwIfAborted()
    return `${again} dray could not read its source ${source}.`
  }
  const command = operation === 'promote' ? 'promote' : 'copy'
  const args = [source, formatAt(repository, { tag })].map(quoteWord)
  return `Restore the image: dray ${command} ${args.join(' ')}`
}

/**
 * The fix for an image that the registry deleted with its tag. Its record may name another
 * repository that still has it.
 */
export async function describeLost(
  { repository, digest, tag }: DeleteTagStep,
  losesTags: readonly string[],
  { stores, findPut }: LostImagePorts,
  call: Call,
): Promise<string> {
  const kept = losesTags.find((one) => one !== tag) ?? tag
  const put = await findPut?.(digest).catch(() => undefined)
  if (put !== undefined) return await describeRestore(kept, put, { repository, stores }, call)
  const to = formatAt(repository, { tag: kept })
  return `Push the image again from its build, or copy it from a repository that has it: dray copy REPO@${digest} ${to}`
}
