import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '..', '..', '..', 'support', 'retention', 'large-inventory.ts')
const hasProc = existsSync('/proc/self/status')

it.skipIf(!hasProc)(
  'a plan for 100,000 listed manifests takes less than 300 MB of memory (case 37)',
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script])
    const { deletes, tags, peak } = JSON.parse(stdout) as Readonly<Record<string, number>>
    expect({ deletes, tags }).toEqual({ deletes: 20_000, tags: 20_000 })
    // The kernel gives kilobytes.
    expect((peak ?? Infinity) * 1024).toBeLessThan(300_000_000)
  },
  60_000,
)
