import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { type BeforeAttempt, waitForAttempt } from '../lib/freshness.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatAt } from '../oci/reference.ts'
import { KeyedQueue } from '../images/parallel.ts'
import type {
  BlobWriter,
  Deleter,
  FallbackTagWriter,
  ManifestWriter,
  PutManifestResult,
} from '../images/ports.ts'
import { removeBlob, writeBlob, writeSmallBlob } from './blobs.ts'
import {
  type IndexEntry,
  isBareEntryOf,
  type LayoutIndex,
  onlyEntries,
  withEntry,
  withTag,
} from './index-file.ts'
import { findDescriptor, type Layout, wrongSizeError } from './layout.ts'

type ChangeIndex = (
  change: (index: LayoutIndex) => Promise<LayoutIndex>,
  call: Call,
  afterwards?: () => Promise<void>,
) => Promise<void>

/** The ports that write an image layout. The first write creates the layout. */
export function layoutWriter(layout: Layout): ManifestWriter & BlobWriter & FallbackTagWriter & Deleter {
  const { repository, folder } = layout
  // Only one change of this process at a time waits for the lock of the folder.
  const queue = new KeyedQueue()
  const changesAfter =
    (beforeAttempt: BeforeAttempt | undefined): ChangeIndex =>
    (change, call, afterwards) => {
      // The wait for the lock can be long, so the check comes after it.
      const checked = async (index: LayoutIndex): Promise<LayoutIndex> => {
        if (beforeAttempt !== undefined) await waitForAttempt(beforeAttempt)
        return await change(index)
      }
      return queue.run('', () => folder.changeIndex(checked, call.signal, afterwards))
    }
  return {
    repository,
    putBlob: async (d, from, call) => {
      await folder.create(call.signal)
      return await writeBlob(folder, d, from, call, (bytes) => {
        call.notify({ kind: 'bytes', repository, digest: d.digest, bytes })
      })
    },
    putManifest: (d, bytes, tags, call, before) =>
      putManifest(layout, { d, bytes, tags }, changesAfter(before), call),
    putSparseIndex: (d, bytes, call) =>
      putManifest(layout, { d, bytes, tags: [] }, changesAfter(undefined), call),
    // The index of the layout is the list of referrers.
    addToFallbackTag: () =>
      Promise.resolve({
        result: 'unchanged',
        missing: [],
        seen: new Map(),
        index: undefined,
        readAt: 0,
        writeMs: 0,
      }),
    confirmFallbackTag: () => Promise.resolve([]),
    removeFromFallbackTag: () => Promise.resolve('unchanged'),
    deleteManifest: (digest, call, before) => deleteManifest(layout, digest, changesAfter(before), call),
    deleteTag: (tag, call, before) => deleteTag(layout, tag, changesAfter(before), call),
  }
}

async function putManifest(
  layout: Layout,
  {
    d,
    bytes,
    tags,
  }: { readonly d: Descriptor; readonly bytes: Uint8Array; readonly tags: readonly string[] },
  changeIndex: ChangeIndex,
  call: Call,
): Promise<PutManifestResult> {
  checkBytes(layout, d, bytes)
  const { subject } = parseManifest(bytes, d.mediaType, formatAt(layout.repository, d))
  await layout.folder.create(call.signal)
  await changeIndex(async (index) => {
    // Under the lock, no other process can delete the file before it has its entry.
    await writeSmallBlob(layout.folder, d.digest, bytes)
    const tagged = tags.reduce((changed, tag) => withTag(changed, tag, d), index)
    // A referrer needs its own entry. Any other manifest needs one only if no index lists it.
    const needsEntry = subject !== undefined || !(await isReachable(layout, tagged, d.digest))
    return await withoutChildren(layout, needsEntry ? withEntry(tagged, d) : tagged, d)
  }, call)
  return { tagged: tags, subjectListed: true }
}

/**
 * Removes every entry of a manifest and its file. Its blobs stay on disk; `umoci gc` deletes them.
 * @throws `refused` if a listed index contains it.
 */
async function deleteManifest(
  layout: Layout,
  digest: Digest,
  changeIndex: ChangeIndex,
  call: Call,
): Promise<'deleted' | 'absent'> {
  const { folder } = layout
  if ((await folder.readIndex()) === undefined) return 'absent'
  let exists = false
  const removeEntries = async (index: LayoutIndex): Promise<LayoutIndex> => {
    exists = (await findDescriptor(layout, index, { digest })) !== undefined
    const rest = onlyEntries(index, (entry) => entry.descriptor.digest !== digest)
    if (await isReachable(layout, rest, digest)) {
      throw new DrayError('refused', `${digest} is part of an index in ${folder.name}`, {
        subject: digest,
        hint: 'Delete the index first.',
      })
    }
    return rest
  }
  // A crash between the two leaves a valid index and one unused file.
  await changeIndex(removeEntries, call, async () => {
    if (exists) await removeBlob(folder, digest)
  })
  return exists ? 'deleted' : 'absent'
}

/** Removes the entries of the tag. The manifest and its content stay on disk. */
async function deleteTag(
  { folder }: Layout,
  tag: string,
  changeIndex: ChangeIndex,
  call: Call,
): Promise<'deleted' | 'absent'> {
  if ((await folder.readIndex()) === undefined) return 'absent'
  let result: 'deleted' | 'absent' = 'absent'
  await changeIndex((index) => {
    const rest = onlyEntries(index, (entry) => entry.name !== tag)
    if (rest !== index) result = 'deleted'
    return Promise.resolve(rest)
  }, call)
  return result
}

async function isReachable({ relations }: Layout, index: LayoutIndex, digest: Digest): Promise<boolean> {
  const roots = index.entries.map((entry) => entry.descriptor).filter((d) => d.digest !== digest)
  return (await relations.descendants(roots)).has(digest)
}

/**
 * Removes the bare entries of the parent's children. Children are written first and get an entry.
 * With their parent in the index, that entry only makes `oci:FOLDER` ambiguous for other tools.
 */
async function withoutChildren(
  { relations }: Layout,
  index: LayoutIndex,
  parent: Descriptor,
): Promise<LayoutIndex> {
  const descendants = await relations.descendants([parent])
  if (descendants.size === 0) return index
  const dropped = new Set<IndexEntry>()
  for (const entry of index.entries) {
    const { digest } = entry.descriptor
    if (!descendants.has(digest) || !isBareEntryOf(entry, digest)) continue
    if (!(await relations.isReferrer(entry.descriptor))) dropped.add(entry)
  }
  return onlyEntries(index, (entry) => !dropped.has(entry))
}

function checkBytes(layout: Layout, d: Descriptor, bytes: Uint8Array): void {
  if (bytes.byteLength !== d.size) throw wrongSizeError(layout, d, bytes.byteLength)
  const actual = digestOf(bytes, algorithmOf(d.digest))
  if (actual === d.digest) return
  throw new DrayError(
    'corrupt',
    `the manifest for ${formatAt(layout.repository, d)} has the digest ${actual}`,
    {
      subject: d.digest,
    },
  )
}
