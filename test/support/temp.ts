import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes an empty folder and gives its real path; the caller removes it with `removeFolder`. For hooks such as `beforeAll`. */
export async function makeFolder(prefix = 'dray-test-'): Promise<string> {
  return await realpath(await mkdtemp(join(tmpdir(), prefix)))
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

/** Makes an empty folder that is gone after the running test, and gives its real path. */
export async function tempFolder(): Promise<string> {
  const path = await makeFolder()
  onTestFinished(() => removeFolder(path))
  return path
}
