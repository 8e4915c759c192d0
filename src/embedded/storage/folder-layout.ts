import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { makeFolder, newTempName, writeFileAtomic } from '../../lib/files/atomic.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { changeTimeOf, listNames, readSmall, remove } from './folder-files.ts'
import { byText } from './sorted-names.ts'
import { algorithmOf, type Digest, encodedOf, isDigest } from '../../oci/digest.ts'

/** Unreferenced content and unfinished uploads are removed at this age, in case they are in use. */
const sweepAgeMs = 24 * 60 * 60 * 1000

/** The folders of a repository. Each repository has one of them, and most have the first. */
const repositoryFolders = ['_blobs', '_manifests', '_tags', '_referrers'] as const

/** The content of `dray-registry.json`. */
const format = '{"schema":"dray.registry/1"}\n'

/**
 * The files of a registry in a folder:
 *
 *     dray-registry.json                           marks the folder and its format
 *     content/<algorithm>/<hex>                    the bytes of a blob or manifest
 *     uploads/<id>                                 unfinished
 *     repositories/<path>/_blobs/<algorithm>/<hex>      empty: the repository has the blob
 *     repositories/<path>/_manifests/<algorithm>/<hex>  JSON: a `ManifestRecord`
 *     repositories/<path>/_referrers/<algorithm>/<hex>/<algorithm>-<hex>  empty: subject/referrer
 *     repositories/<path>/_tags/<tag>              the digest
 *
 * A component of a path never begins with `_`, so the names do not collide. A file system that
 * ignores case cannot hold two tags that differ only in case.
 */
export class FolderLayout {
  readonly folder: string
  readonly uploads: string

  constructor(folder: string) {
    this.folder = folder
    this.uploads = join(folder, 'uploads')
  }

  get formatFile(): string {
    return join(this.folder, 'dray-registry.json')
  }

  get contents(): string {
    return join(this.folder, 'content')
  }

  upload(id: string): string {
    return join(this.uploads, id)
  }

  content(digest: Digest): string {
    return join(this.contents, algorithmOf(digest), encodedOf(digest))
  }

  repository(repository: string): string {
    return join(this.folder, 'repositories', ...repository.split('/'))
  }

  blobLink(repository: string, digest: Digest): string {
    return join(this.repository(repository), '_blobs', algorithmOf(digest), encodedOf(digest))
  }

  manifestRecord(repository: string, digest: Digest): string {
    return join(this.repository(repository), '_manifests', algorithmOf(digest), encodedOf(digest))
  }

  referrerLink(repository: string, subject: Digest, referrer: Digest): string {
    return join(this.#referrers(repository, subject), `${algorithmOf(referrer)}-${encodedOf(referrer)}`)
  }

  tagFolder(repository: string): string {
    return join(this.repository(repository), '_tags')
  }

  tag(repository: string, tag: string): string {
    return join(this.tagFolder(repository), tag)
  }

  manifests(repository: string): Promise<readonly Digest[]> {
    return digestsIn(join(this.repository(repository), '_manifests'))
  }

  blobs(repository: string): Promise<readonly Digest[]> {
    return digestsIn(join(this.repository(repository), '_blobs'))
  }

  /** The referrers of a subject after `last`, in ASCII order. */
  async referrers(repository: string, subject: Digest, last: string | undefined): Promise<readonly Digest[]> {
    const names = await listNames(this.#referrers(repository, subject))
    const digests = names.map((name) => name.replace('-', ':')).filter(isDigest)
    return (last === undefined ? digests : digests.filter((digest) => digest > last)).sort(byText)
  }

  async hasRepository(repository: string): Promise<boolean> {
    for (const name of repositoryFolders) {
      if ((await changeTimeOf(join(this.repository(repository), name))) !== undefined) return true
    }
    return false
  }

  /**
   * The repositories after `last`, in ASCII order. Reads only the folders of those that it yields,
   * and the folders above.
   */
  async *repositories(last = ''): AsyncGenerator<string, void> {
    yield* this.#repositoriesBelow('', last)
  }

  /** A key is a repository, or with `/` at its end, all repositories below that. */
  async *#repositoriesBelow(parent: string, last: string): AsyncGenerator<string, void> {
    const names = await listNames(this.repository(parent))
    const keys = names
      .flatMap((name) => (/^[a-z0-9]/.test(name) ? [`${parent}${name}`, `${parent}${name}/`] : []))
      .filter((key) => key > last || (key.endsWith('/') && last.startsWith(key)))
    for (const key of keys.sort(byText)) {
      if (key.endsWith('/')) yield* this.#repositoriesBelow(key, last)
      else if (await this.hasRepository(key)) yield key
    }
  }

  #referrers(repository: string, subject: Digest): string {
    return join(this.repository(repository), '_referrers', algorithmOf(subject), encodedOf(subject))
  }
}

/**
 * Creates the folder, and removes what crashes and deletes left. @throws `refused`, `unsupported`,
 * `io`.
 */
export async function prepareFolder(layout: FolderLayout, clock: Clock): Promise<void> {
  await makeFolder(layout.folder)
  const content = await readSmall(layout.formatFile, 1024)
  if (content === undefined) {
    if ((await readdir(layout.folder)).length > 0) {
      throw new DrayError('refused', `${layout.folder} is not empty and is not the folder of a registry`, {
        subject: layout.folder,
        hint: 'Name an empty or a new folder.',
      })
    }
    await writeFileAtomic(layout.formatFile, format)
  } else if (Buffer.from(content).toString() !== format) {
    throw new DrayError(
      'unsupported',
      `${layout.formatFile} has a format that this version of dray does not support`,
      {
        subject: layout.formatFile,
      },
    )
  }
  await makeFolder(layout.uploads)
  await sweep(layout, clock.now() - sweepAgeMs)
  await checkWritable(layout)
}

/** @throws `io` if nothing can be stored: the folder is read-only, or the disk is full. */
async function checkWritable(layout: FolderLayout): Promise<void> {
  const probe = layout.upload(newTempName())
  try {
    await writeFile(probe, format, { flag: 'wx' })
  } catch (cause) {
    throw ioError(cause, `cannot store content in ${layout.folder}`, layout.folder)
  } finally {
    await rm(probe, { force: true }).catch(() => undefined)
  }
}

async function sweep(layout: FolderLayout, before: number): Promise<void> {
  const named = new Set<string>()
  for await (const repository of layout.repositories()) {
    for (const digest of await layout.blobs(repository)) named.add(digest)
    for (const digest of await layout.manifests(repository)) named.add(digest)
  }
  const unnamed = (await digestsIn(layout.contents)).filter((digest) => !named.has(digest))
  for (const digest of unnamed) await removeIfOld(layout.content(digest), before)
  await removeOldUploads(layout, before, new Set())
}

/** Removes unfinished uploads that did not change since `before`, except those that are open. */
export async function removeOldUploads(
  layout: FolderLayout,
  before: number,
  open: ReadonlySet<string>,
): Promise<void> {
  for (const id of await listNames(layout.uploads)) {
    if (!open.has(id)) await removeIfOld(layout.upload(id), before)
  }
}

/** A request may finish or remove the file meanwhile. */
async function removeIfOld(path: string, before: number): Promise<void> {
  const changedAt = await changeTimeOf(path)
  if (changedAt !== undefined && changedAt < before) await remove(path)
}

/** The digests of the files `<algorithm>/<hex>` in a folder. */
async function digestsIn(folder: string): Promise<readonly Digest[]> {
  const found: Digest[] = []
  for (const algorithm of ['sha256', 'sha512']) {
    for (const name of await listNames(join(folder, algorithm))) {
      const digest = `${algorithm}:${name}`
      if (isDigest(digest)) found.push(digest)
    }
  }
  return found
}
