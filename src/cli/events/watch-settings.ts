import type { LoadedConfig } from '../../config/parse.ts'
import { minEveryMs } from '../../config/watch/check-watch.ts'
import { type ListenAddress, parseListenAddress } from '../../config/watch/listen-address.ts'
import type { WatchConfig } from '../../config/watch/watch-config.ts'
import { watchOf } from '../../config/watch/watch-of.ts'
import { DrayError } from '../../lib/errors.ts'
import { parseDuration } from '../command/duration.ts'

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
  const address = parseListenAddress(text)
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
