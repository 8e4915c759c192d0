import { basename, dirname, join, resolve } from 'node:path'
import { BundleRepositories, type BundledImage } from '../../../layout/bundle/bundle-repositories.ts'
import { DrayError } from '../../../lib/errors.ts'
import { joinFirst } from '../../../lib/join-first.ts'
import { writeFileAtomic } from '../../../lib/files/atomic.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import type { BundleContent, BundleDocument } from '../../../plan/bundle/bundle-document.ts'
import { formatNeed } from '../../../plan/bundle/receipt.ts'
import { checkSequence } from '../../../usecases/bundle/apply/check-sequence.ts'
import { findMissing } from '../../../usecases/bundle/apply/find-missing.ts'
import { nextReceipt } from '../../../usecases/bundle/apply/next-receipt.ts'
import { carryOut } from '../../changes/carry-out.ts'
import type { ChangePorts } from '../../changes/operation.ts'
import type { Context } from '../../wiring/context.ts'
import { growHeapSlowly, keepHeapSmall } from '../../wiring/small-heap.ts'
import { type OpenedBundle, openBundle } from '../read-bundle.ts'
import { checkSignature, keysOf } from '../verify-bundle.ts'
import type { ApplyBundleFlags } from './apply-flags.ts'
import { openBundleInput, storeContents } from './bundle-input.ts'
import { bundleOperation } from './bundle-operation.ts'
import { type BundleDestination, bundleDestination } from './destination.ts'
import { type BundleToPlan, planBundle } from './plan-bundle.ts'
import { auditHeadOf, readBase, writeReceipt } from './receipt-files.ts'

/**
 * Applies a bundle. Before anything is written, dray checks the document, the signature, the base,
 * the expected content and then all content of the bundle.
 * @param file `-` for stdin
 * @throws `corrupt`, `malformed`, `refused`, `conflict`; what the pipeline throws.
 */
export async function applyBundle(file: string, flags: ApplyBundleFlags, ports: ChangePorts): Promise<void> {
  const { context, reading: call } = ports
  if (file === '-' && !flags.yes && !flags['dry-run']) {
    throw new DrayError('usage', 'a bundle from stdin requires --yes', {
      why: 'stdin cannot be the bundle and the answer to a question',
      hint: 'Pass --yes, or save the bundle to a file and apply that.',
    })
  }
  keepHeapSmall()
  growHeapSlowly()
  const { config } = await context.config()
  const destination = bundleDestination(flags.to, config, context.cwd)
  const input = await openBundleInput(file, () => process.stdin)
  try {
    const opened = await openBundle(input.bytes, input.name, call)
    try {
      const checked = await checkBundle(opened, input.name, destination, flags, ports)
      const storage = await storeContents(input, opened, context.env, call)
      try {
        const placesOf = await placesOfExpected(opened.document, destination, context)
        const images = opened.document.roots.map(imageOf)
        const stores = await context.stores()
        stores.openBundle(new BundleRepositories({ images, content: storage.content, placesOf }))
        await carryOutBundle(file, checked, flags, ports)
      } finally {
        await storage.close()
      }
    } finally {
      await opened.close()
    }
  } finally {
    await input.close()
  }
}

/** The checks before the content, in the order of their costs. @throws `refused`; `malformed`. */
async function checkBundle(
  opened: OpenedBundle,
  name: string,
  destination: BundleDestination,
  flags: ApplyBundleFlags,
  { context, reading: call, terminal }: ChangePorts,
): Promise<BundleToPlan> {
  const { document } = opened
  const keyFiles = flags.key ?? []
  const requiring = await requiresSignature(document, destination, context)
  const keys = await keysOf(keyFiles, context)
  if (requiring !== undefined && keys.length === 0) throw noKeys(name, requiring)
  const isRequired = requiring !== undefined || keyFiles.length > 0
  const { signature } = checkSignature(opened, keys, isRequired, name)
  if (signature === 'signed') {
    terminal.warn('the signature was not verified, because no key is known; pass the public key with --key')
  }
  const trust = { keyFiles, warn: (text: string) => terminal.warn(text) }
  const before = await readBase(flags.base, destination.name, trust, context)
  checkSequence(document, before, destination.name, flags['allow-older'])
  if (document.base !== undefined && before === undefined) {
    terminal.warn(
      `there is no receipt of ${destination.name} here; dray checks the content that the bundle expects, but not the order of bundles`,
    )
  }
  if (document.deletes.length > 0 && !flags.delete) {
    const names = joinFirst(document.deletes.map(({ repository, tag }) => `${repository}:${tag}`))
    terminal.warn(
      `dray keeps tags that the rules of the bundle no longer select: ${names}. To delete them, pass --delete.`,
    )
  }
  await checkExpected(document, destination, flags, context, call)
  return { document, destination, before, isVerified: signature === 'verified' }
}

/** The environment that requires a signature; undefined: none does. */
async function requiresSignature(
  { roots, deletes }: BundleDocument,
  { repositoriesAt, environmentOf }: BundleDestination,
  context: Context,
): Promise<string | undefined> {
  const { config } = await context.config()
  const paths = new Set([...roots, ...deletes].map(({ repository }) => repository))
  const environments = new Set([...paths].flatMap((path) => repositoriesAt(path).map(environmentOf)))
  return [...environments].find((name) =>
    config.environments.get(name ?? '')?.require?.some((one) => one.name === 'signed'),
  )
}

function noKeys(name: string, environment: string): DrayError {
  return new DrayError('refused', `cannot verify the signature of the bundle ${name}`, {
    subject: name,
    why: `environments.${environment}.require in dray.yaml requires signed bundles, and no key is known`,
    hint: 'Pass the public key with --key, or list it under signers in dray.yaml.',
  })
}

/** If content is missing, dray writes only the file of `--need`. @throws `refused`. */
async function checkExpected(
  document: BundleDocument,
  { name, repositoriesAt }: BundleDestination,
  flags: ApplyBundleFlags,
  context: Context,
  call: Call,
): Promise<void> {
  if (document.expects.length === 0) return
  const stores = await context.stores()
  const storesAt = (path: string) => repositoriesAt(path).map((one) => stores.source(one))
  const missing = await findMissing(document, storesAt, call)
  if (missing.length === 0) return
  const { id, sequence } = document
  const file = resolve(context.cwd, flags.need ?? join(dirname(flags.receipt ?? ''), 'need.json'))
  await writeFileAtomic(file, formatNeed({ schema: 'dray.need/1', bundle: { id, sequence }, missing }))
  const [first] = missing
  throw new DrayError('refused', `${name} lacks content that bundle ${sequence} expects`, {
    subject: first === undefined ? name : `${first.repository}@${first.digest}`,
    why: `${missing.length} of ${document.expects.length} manifests and blobs are missing; dray wrote them to ${file}`,
    hint: `Create bundle ${sequence} again with the same rules and --since, and pass --need ${basename(file)} to dray bundle create. Nothing was changed.`,
  })
}

/** Returns where the content that the bundle expects is. */
async function placesOfExpected(
  { expects }: BundleDocument,
  { repositoriesAt }: BundleDestination,
  context: Context,
): Promise<(digest: Digest) => readonly SourceRepository[]> {
  const stores = await context.stores()
  const expected = new Map<Digest, BundleContent>(expects.map((one) => [one.digest, one]))
  return (digest) => {
    const content = expected.get(digest)
    return content === undefined ? [] : repositoriesAt(content.repository).map((one) => stores.source(one))
  }
}

function imageOf({ source, root, tags, attached }: BundleDocument['roots'][number]): BundledImage {
  return {
    source,
    root,
    tags: attached?.tag === undefined ? tags : [attached.tag],
    ...(attached?.via === 'subject' && { subject: attached.subject }),
  }
}

async function carryOutBundle(
  file: string,
  checked: BundleToPlan,
  flags: ApplyBundleFlags,
  ports: ChangePorts,
): Promise<void> {
  const { context, reading } = ports
  const { document, before, destination } = checked
  const { change, deletedBy } = await planBundle(checked, flags, context, reading)
  const receiptFile = flags.receipt ?? (file === '-' ? 'bundle.receipt.json' : `${file}.receipt.json`)
  const operation = bundleOperation({
    bundle: { id: document.id, sequence: document.sequence },
    receiptFile,
    writeReceipt: async (auditLog, steps) => {
      const auditHead = await auditHeadOf(auditLog)
      const deleted = flags.delete ? deletedBy?.(steps) : undefined
      const facts = { before, destination: destination.name, auditHead, deleted }
      const receipt = nextReceipt(document, facts)
      await writeReceipt(resolve(context.cwd, receiptFile), receipt, context)
      return receipt
    },
  })
  await carryOut(operation, change, ports)
}
