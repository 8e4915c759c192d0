import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isInPath } from '../../find-program.ts'
import { checkBlobs } from './check-blobs.ts'
import { checkPublishing } from './check-publishing.ts'
import { checkSettings } from './check-settings.ts'
import { armEmulator, checkEmulated, checkStart } from './check-start.ts'
import { checkUnpacked } from './check-unpacked.ts'
import type { ImageUnderTest } from './programs.ts'

/** The result of the checks of an image. */
export interface ImageVerification {
  /** what holds, as sentences */
  readonly passed: readonly string[]
  /** what was not checked, each with the reason */
  readonly skipped: readonly string[]
}

interface Check {
  readonly promise: string
  readonly programs: readonly string[]
  /** why this machine cannot run it */
  readonly obstacle?: () => string | undefined
  readonly run: (image: ImageUnderTest) => void | Promise<void>
}

/** In order: later checks use what earlier ones unpacked. */
const checks: readonly Check[] = [
  { promise: 'every file in the layout has its digest', programs: [], run: checkBlobs },
  {
    promise: 'skopeo reads the settings of both platforms and keeps the digest in a copy',
    programs: ['skopeo'],
    run: checkSettings,
  },
  { promise: 'umoci unpacks both platforms', programs: ['skopeo', 'umoci'], run: checkUnpacked },
  {
    promise: 'a shell and dray start as the user of the image and as any other, with a read-only root',
    programs: ['skopeo', 'umoci', 'unshare', 'mount', 'chroot'],
    obstacle: whyNoChroot,
    run: checkStart,
  },
  {
    promise: 'a shell and dray start in the image for arm64',
    programs: ['skopeo', 'umoci', 'unshare', 'mount', 'chroot', armEmulator],
    obstacle: whyNoChroot,
    run: checkEmulated,
  },
  {
    promise: 'dray publishes the image with its attached artifacts, and tags it',
    programs: [],
    run: checkPublishing,
  },
]

/**
 * Verifies an image layout with other programs and with dray. Programs that are not installed, and
 * machines that cannot run the image, skip checks. @throws Error for the first check that fails
 */
export async function verifyImage(
  layout: string,
  tag: string,
  program: readonly string[],
): Promise<ImageVerification> {
  const folder = mkdtempSync(join(tmpdir(), 'dray-image-'))
  const image: ImageUnderTest = { layout, tag, folder, program }
  const [passed, skipped]: [string[], string[]] = [[], []]
  try {
    for (const { promise, programs, obstacle, run } of checks) {
      const missing = programs.filter((name) => !isInPath(name))
      const why = missing.length > 0 ? `${missing.join(' and ')} not installed` : obstacle?.()
      if (why !== undefined) {
        skipped.push(`${promise}: ${why}`)
        continue
      }
      try {
        await run(image)
      } catch (cause) {
        throw new Error(`the image does not pass a check: ${promise}`, { cause })
      }
      passed.push(promise)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { passed, skipped }
}

function whyNoChroot(): string | undefined {
  if (process.platform !== 'linux') return `the image does not run on ${process.platform}`
  return process.getuid?.() === 0 ? undefined : 'only root may mount and change the root folder'
}
