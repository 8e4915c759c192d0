import { rename } from 'node:fs/promises'
import { type Clock, systemClock } from '../clock.ts'
import { systemCode } from '../files/io-error.ts'

/** Windows refuses to replace a file that another program has open, such as a virus scanner. */
const busyCodes: ReadonlySet<string> = new Set(['EPERM', 'EBUSY', 'EACCES'])
const waitMs = 50
const longestWaitMs = 2000

interface ReplaceOptions {
  readonly platform?: NodeJS.Platform
  readonly clock?: Clock
  readonly rename?: (from: string, to: string) => Promise<void>
}

/** Renames a file, and repeats that on Windows for up to 2 s if the new name is in use. */
export async function replaceFile(from: string, to: string, options: ReplaceOptions = {}): Promise<void> {
  const { platform = process.platform, clock = systemClock, rename: move = rename } = options
  const attempts = platform === 'win32' ? longestWaitMs / waitMs : 0
  for (let attempt = 0; ; attempt++) {
    try {
      await move(from, to)
      return
    } catch (cause) {
      if (attempt >= attempts || !busyCodes.has(systemCode(cause) ?? '')) throw cause
      // The wait is short, and an abort in it would leave an unfinished file.
      await clock.sleep(waitMs, new AbortController().signal)
    }
  }
}
