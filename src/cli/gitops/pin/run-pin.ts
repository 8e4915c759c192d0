import { readEditable, writeEdited } from '../../../deployments/edit/write-edited.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { Hash } from '../../../plan/plan.ts'
import { renamedNames } from '../../../usecases/gitops/pin/classify-entry.ts'
import { type DecidedPins, decidePins } from '../../../usecases/gitops/pin/decide-pins.ts'
import { type PinSource, readPinSource } from '../../../usecases/gitops/pin/pin-source.ts'
import type { PinnedFile, PinResult } from '../../../usecases/gitops/pin/pinned-file.ts'
import { listTagsToPin, resolvePinnedTags } from '../../../usecases/gitops/pin/resolve-tags.ts'
import type { PinPath } from './pin-paths.ts'

/** Files that are read in parallel. */
const filesAtOnce = 8

export interface PinRequest {
  readonly paths: readonly PinPath[]
  /** also move the digests of images that have one */
  readonly update: boolean
  /** write nothing */
  readonly dryRun: boolean
}

export interface PinPorts {
  readonly stores: Repositories
  /** Prepares the credentials of repositories that are read. */
  readonly expect: (repositories: readonly RepositoryName[]) => Promise<void>
}

/** A file that was read; without a hash, it was not. */
interface ReadSource {
  readonly path: PinPath
  readonly source: PinSource
  readonly hash?: Hash
}

/**
 * Writes digests into files: reads all of them, resolves each tag once, and writes each file whose
 * images all have a digest. A file that cannot be read or written is a failed file of the result.
 * @throws `interrupted`, `internal`.
 */
export async function runPin(request: PinRequest, ports: PinPorts, call: Call): Promise<PinResult> {
  const sources = await inParallel(request.paths, filesAtOnce, call, (path) => readSource(path))
  const all = sources.map(({ source }) => source)
  const options = { update: request.update, renamed: renamedNames(all) }
  const tags = listTagsToPin(all, options)
  await ports.expect(tags.map(({ repository }) => repository))
  const resolved = await resolvePinnedTags(tags, ports.stores, call)
  const files: PinnedFile[] = []
  for (const source of sources) {
    call.signal.throwIfAborted()
    const decided = decidePins(source.source, resolved, options)
    files.push(request.dryRun ? decided.pinned : await write(source, decided))
  }
  return { dryRun: request.dryRun, files }
}

async function readSource(path: PinPath): Promise<ReadSource> {
  const { name, root } = path
  try {
    const { bytes, hash } = await readEditable(root, name)
    return { path, source: readPinSource({ name, bytes }), hash }
  } catch (error) {
    if (!isDrayError(error) || error.code === 'internal') throw error
    const file = { name, bytes: new Uint8Array() }
    return { path, source: { file, entries: [], skipped: [], error: toErrorInfo(error) } }
  }
}

async function write(
  { path: { name, root }, hash }: ReadSource,
  { pinned, bytes }: DecidedPins,
): Promise<PinnedFile> {
  if (bytes === undefined || hash === undefined) return pinned
  try {
    await writeEdited({ root, path: name, expected: hash, bytes })
    return pinned
  } catch (error) {
    if (!isDrayError(error) || error.code === 'internal') throw error
    const images = pinned.images.map((image) =>
      image.status === 'pinned' ? { ...image, status: 'notWritten' as const } : image,
    )
    return { ...pinned, status: 'failed', images, error: toErrorInfo(error) }
  }
}
