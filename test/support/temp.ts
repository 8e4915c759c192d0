import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * Creates an empty folder and returns its real path. For hooks like `beforeAll`, which remove it
 * with `removeFolder`.
 */
export async function makeFolder(prefix = 'dray-test-'): Promise<string> {
  return await realpath(await mkdtemp(join(tmpdir(), prefix)))
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

/** Creates an empty folder that is removed after the test, and returns its real path. */
export async function tempFolder(): Promise<string> {
  const path = await makeFolder()
  onTestFinished(() => removeFolder(path))
  return path
}
