import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'support', 'usage', 'large-repository.ts')
const hasProc = existsSync('/proc/self/status')

it.skipIf(!hasProc)(
  'the sizes of 100,000 manifests, all of them read, take less than 300 MB of memory',
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script])
    const { images, manifests, peak } = JSON.parse(stdout) as Readonly<Record<string, number>>
    expect({ images, manifests }).toEqual({ images: 25_000, manifests: 100_000 })
    // The kernel gives kibibytes.
    expect((peak ?? Infinity) * 1024).toBeLessThan(300_000_000)
  },
  60_000,
)
