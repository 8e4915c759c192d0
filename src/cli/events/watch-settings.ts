import type { LoadedConfig } from '../../config/parse.ts'
import { parseAddress } from '../../config/watch/check-watch.ts'
import type { ListenAddress, WatchConfig } from '../../config/watch/watch-config.ts'
import { watchOf } from '../../config/watch/watch-of.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseDuration } from '../command/duration.ts'

/** Milliseconds. A check sends requests for each rule and image. */
const minEveryMs = 60_000

interface SettingFlags {
  readonly listen?: string | undefined
  readonly every?: string | undefined
}

/**
 * The section `watch`, with the values of flags in place of its own.
 * @throws `usage` without a section and for a wrong flag; `config`.
 */
export function watchSettings(loaded: LoadedConfig, flags: SettingFlags, now: number): WatchConfig {
  const watch = watchOf(loaded, now)
  if (watch === undefined) {
    throw new DrayError('usage', 'there are no rules to watch', {
      why: loaded.name === undefined ? 'no dray.yaml was found' : `${loaded.name} has no section \`watch\``,
      hint: 'Add `watch` with `sources` and `rules` to dray.yaml.',
    })
  }
  return {
    ...watch,
    ...(flags.listen !== undefined && { listen: listenFlag(flags.listen) }),
    ...(flags.every !== undefined && { everyMs: everyFlag(flags.every) }),
  }
}

function listenFlag(text: string): ListenAddress {
  const isAddress = /^(?:[0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/.test(text)
  const address = isAddress ? parseAddress(text) : undefined
  if (address !== undefined) return address
  throw new DrayError('usage', `--listen ${JSON.stringify(text)} is not an address and a port`, {
    hint: 'Pass an address and a port: --listen 127.0.0.1:8730.',
  })
}

function everyFlag(text: string): number {
  const ms = parseDuration(text, '--every')
  if (ms >= minEveryMs) return ms
  throw new DrayError('usage', `--every ${text} is too short`, { hint: 'Pass at least 1m.' })
}
