import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { folderStorage } from '../../../src/embedded/storage/folder-storage.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'

/** A folder for one test. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-embedded-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Every storage, for tests of their common promises. */
export const storages: readonly (readonly [string, () => Promise<RegistryStorage>])[] = [
  ['memory', () => Promise.resolve(memoryStorage())],
  ['a folder', async () => folderStorage(await tempFolder())],
]
